"""Export: write a model's evidence pack, and put on record that it was handed out."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from lineal import settings, signing
from lineal.datasets.dataset import Column, Dataset
from lineal.datasets.newfile import require_free
from lineal.errors import PackError
from lineal.models.model import Model
from lineal.packs import contents, manifest, pages, zipped
from lineal.packs.envelope import MANIFEST, MEDIA_TYPE, seal
from lineal.packs.interface import Document
from lineal.packs.manifest import Entry, Manifest, Missing
from lineal.packs.zipped import Piece, measured
from lineal.questions.audit import Policy
from lineal.questions.dossier import Dossier, dossier
from lineal.signing import SigningKey
from lineal.store import checkpoints
from lineal.store.log import Store
from lineal.subjects import Subject
from lineal.tracing.decorator import current_run, traced

# A pack is a table of files: these are the manifest's columns.
_COLUMNS = tuple(Column(each, "int64" if each == "size" else "string") for each in Entry.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Exported:
    """A pack that was written.

    Attributes:
        subject: the model version.
        path: of the pack.
        sha256: of the pack.
        size: in bytes.
        files: how many its manifest lists.
        with_data: whether data rows are.
        missing: what it goes without.
        key: id of the key that it is signed with.
        public_key: the file of the public key, for those who verify it; None where it lies in the pack alone.
        run_id: the run that put on record that it was handed out.
    """

    subject: str
    path: str
    sha256: str
    size: int
    files: int
    with_data: bool
    missing: tuple[Missing, ...]
    key: str
    public_key: str | None
    run_id: str


def export(
    store: Store,
    subject: Subject,
    to: Path,
    *,
    with_data: bool = False,
    force: bool = False,
    policies: Sequence[Policy] | None = None,
    now: datetime | None = None,
) -> Exported:
    """Write the evidence pack of a model.

    The same record at the same time gives the same bytes.

    Args:
        store: the lineage store, the one that is set.
        subject: `model:NAME@VERSION_OR_ALIAS`.
        to: the file to write, `*.zip`.
        with_data: put the data's rows in as well.
        force: replace a file that is there.
        policies: to hold the model to; all that there are where it is left out.
        now: the time that it is made for.

    Raises:
        StorageError: the file is there already, or cannot be written.
        SubjectError: unknown or ambiguous.
        SigningError: there is no key to sign with, and none can be made.
        StoreError: the store cannot be read or written.
    """
    require_free(to, force=force, endings=(".zip",))
    key = signing.key_for("log")
    checkpoints.make(store)
    known = dossier(store, subject, policies, now=now or datetime.now(UTC))
    model = known.facts.model
    name, uri = f"models/{model.name}", f"models:/{model.name}/{model.number}"
    handle = Model(name, model.digest, uri, model.namespace, number=model.number)

    def written() -> Exported:
        run = current_run()
        made = _write(store, known, key, to, with_data=with_data, force=force, run_id=str(run.ref.id))
        run.pack(
            {
                "subject": made.subject,
                "digest": model.digest,
                "sha256": made.sha256,
                "size": made.size,
                "files": made.files,
                "withData": made.with_data,
                "key": made.key,
                "missing": [each.what for each in made.missing],
            }
        )
        run.output(Dataset(to.absolute(), sha256=made.sha256, size=made.size, columns=_COLUMNS))
        return made

    @traced
    def export(model: Model) -> Exported:
        """Hand out a model's evidence."""
        return written()

    # What leaves the house and is not on record would be the gap that the pack is to close.
    with settings.strictly():
        return export(handle)


def _write(
    store: Store, known: Dossier, key: SigningKey, to: Path, *, with_data: bool, force: bool, run_id: str
) -> Exported:
    with tempfile.TemporaryDirectory(prefix="lineal-export-") as folder:
        found = contents.gather(store, known, key, Path(folder), with_data=with_data)
        _require_distinct(found.pieces)
        entries = _entries(found.pieces)
        found.pieces += pages.documents(known, entries, found.missing, key.public, with_data=with_data)
        whole = Manifest(
            subject=known.subject,
            digest=known.facts.model.digest,
            made_at=known.gathered_at.isoformat(timespec="seconds"),
            made_by=f"lineal {version('lineal')}",
            key=key.public.id,
            with_data=with_data,
            files=_entries(found.pieces),
            missing=tuple(found.missing),
        )
        text = whole.to_bytes()
        says = "Every file of the pack with its SHA-256"
        found.pieces.append(Document(manifest.PATH, text, "application/json", says))
        says = "The signature of the manifest"
        found.pieces.append(Document(manifest.SIGNATURE, seal(text, MANIFEST, key), MEDIA_TYPE, says))
        zipped.write(found.pieces, to, force=force)
    public = signing.path_of("log").with_suffix(".pub")
    with to.open("rb") as opened:
        hashed = hashlib.file_digest(opened, "sha256").hexdigest()
        size = opened.tell()
    return Exported(
        subject=known.subject,
        path=str(to),
        sha256=hashed,
        size=size,
        files=len(whole.files),
        with_data=with_data,
        missing=whole.missing,
        key=key.public.id,
        public_key=str(public) if public.exists() else None,
        run_id=run_id,
    )


def _entries(pieces: Sequence[Piece]) -> tuple[Entry, ...]:
    found = []
    for piece in sorted(pieces, key=lambda piece: piece.path):
        hashed, size = measured(piece)
        found.append(Entry(piece.path, hashed, size, piece.media_type, piece.says))
    return tuple(found)


def _require_distinct(pieces: Sequence[Piece]) -> None:
    twice = [path for path, count in Counter(piece.path.casefold() for piece in pieces).items() if count > 1]
    if twice:
        raise PackError(f"two documents of the pack are both named {twice[0]}; report this, it is a fault of Lineal")
