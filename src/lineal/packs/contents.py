"""All that goes into a pack, but the pages and the manifest, which are made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

from lineal import people, signing
from lineal.datasets.cache import Cache
from lineal.errors import LinealError
from lineal.packs import attestations, events
from lineal.packs import model as modelled
from lineal.packs.formats.said import data_path
from lineal.packs.interface import Document
from lineal.packs.manifest import Missing
from lineal.packs.zipped import KeptFile, Piece, measured
from lineal.questions.audit import Audit
from lineal.questions.dossier import Dossier
from lineal.questions.materials import Materials, bytes_of
from lineal.redaction import redact_urls
from lineal.reports.oscal import assessment_results
from lineal.reports.sarif import sarif
from lineal.reports.terminal import to_json
from lineal.signing import PublicKey, SigningKey
from lineal.store.checkpoints.checkpoint import Checkpoint
from lineal.store.log import Store

LOG_KEY, MODEL_KEY = "keys/log.pub", "keys/models.pub"


@dataclass(frozen=True, slots=True)
class _Format:
    """A module of `formats`.

    Attributes:
        module: its name.
        title: of the format, for a reader who finds it missing.
        encloses: whether it speaks of the pack's other files, and is to be given those that are there.
    """

    module: str
    title: str
    encloses: bool = False


# In the order of the work: what encloses others comes after them.
FORMATS = (
    _Format("croissant", "Croissant of the dataset versions"),
    _Format("prov", "W3C PROV"),
    _Format("card", "the model card"),
    _Format("cyclonedx", "the CycloneDX bill of materials", encloses=True),
    _Format("crate", "the RO-Crate", encloses=True),
)
_PLOTS = {
    "confusion_matrix": "Which classes the model takes for which, on the rows held out",
    "roc_curve": "True against false positives at each threshold, on the rows held out",
    "precision_recall_curve": "Precision against recall at each threshold, on the rows held out",
    "feature_importance": "What the model's predictions rest on",
}


@dataclass(slots=True)
class Contents:
    """What a pack holds, as it is gathered.

    Attributes:
        pieces: its files.
        missing: what it goes without.
    """

    pieces: list[Piece] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)


def gather(store: Store, dossier: Dossier, key: SigningKey, folder: Path, *, with_data: bool) -> Contents:
    """Gather what goes into a pack.

    Args:
        store: the lineage store.
        dossier: of the model.
        key: of the log, to sign with.
        folder: an empty one, for what must be brought from a server; it must outlive what is gathered.
        with_data: whether data rows go in.

    Raises:
        SigningError, StorageError: there is no key for what is signed, and none can be made.
        StoreError: the log is not what was signed.
    """
    made = Contents([], [Missing("a part of the record", sentence) for sentence in dossier.missing])
    made.missing += [Missing("a part of the events", sentence) for sentence in dossier.facts.cut]
    made.pieces += events.documents(store, dossier, made.missing)
    made.pieces += modelled.pieces(dossier, folder, made.missing, with_data=with_data)
    policies = list(_policies(dossier.audit))
    made.pieces += policies
    files = {piece.path: measured(piece)[0] for piece in made.pieces if piece.path.startswith(f"{modelled.FOLDER}/")}
    files.pop(f"{modelled.FOLDER}/model.sig", None)  # that says it of the others
    about = attestations.About(files, {piece.path: measured(piece)[0] for piece in policies})
    made.pieces += attestations.documents(dossier, about, key)
    made.pieces += _audit(dossier)
    made.pieces += _code(dossier, made.missing)
    made.pieces += _files(dossier)
    made.pieces += _keys(made, key)
    made.pieces += _people(dossier)
    if with_data:
        made.pieces += _data(dossier, made.missing)
    else:
        made.missing.append(Missing("data rows", "they were not asked for; give --with-data to have them"))
    for each in FORMATS:
        made.pieces += _written(each, dossier, made)
    return made


def _written(form: _Format, dossier: Dossier, made: Contents) -> list[Document]:
    """The documents of a format, all of them or none."""
    writer = import_module(f"lineal.packs.formats.{form.module}").documents
    try:
        return list(writer(dossier, tuple(made.pieces)) if form.encloses else writer(dossier))
    except LinealError as problem:
        made.missing.append(Missing(form.title, problem.message))
        return []


def _policies(audit: Audit) -> Iterator[Document]:
    for policy in {policy.id: policy for model in audit.models for policy in model.policies}.values():
        path = attestations.policy_path(policy.id)
        says = f"The policy {policy.id} as the model was held to it: {policy.title}"
        yield Document(path, Path(policy.file).read_bytes(), "application/toml", says)


def _audit(dossier: Dossier) -> Iterator[Document]:
    audit = dossier.audit
    yield _json(
        "audit/audit.json", audit, "What the record supports, contradicts and does not show, control by control"
    )
    yield _json(
        "audit/oscal.json",
        assessment_results(audit),
        "The audit as OSCAL assessment results, for governance tools",
    )
    made = sarif(audit)
    told = [result for model in audit.models for result in model.results]
    for entry, result in zip(made["runs"][0]["results"], told, strict=True):
        place = entry["locations"][0]["physicalLocation"]["artifactLocation"]
        place["uri"] = attestations.policy_path(result.policy)
    yield _json("audit/audit.sarif", made, "The audit as SARIF, for code hosts and CI", "application/sarif+json")


def _json(path: str, value: Any, says: str, media_type: str = "application/json") -> Document:
    text = json.dumps(json.loads(to_json(value)), indent=1, ensure_ascii=False)
    return Document(path, f"{text}\n".encode(), media_type, says)


def _code(dossier: Dossier, missing: list[Missing]) -> Iterator[Document]:
    made = dossier.materials
    if made is None:
        return
    name = PurePosixPath(made.file).name
    yield Document(
        f"code/{name}",
        redact_urls(made.text).encode(),
        "application/toml",
        "The pipeline file that the model was made by",
    )
    says = {"packages.txt": "Every Python package that was installed when the model was trained"}
    for file in made.files.values():
        if file.name == "uncommitted.diff":
            why = "code stays with its owner; the provenance has its SHA-256"
            missing.append(Missing("the changes of code that no commit holds", why))
        elif file.name != "leaves.csv":
            yield from _kept(made, file.name, says.get(file.name, "The project's lock file"), missing)


def _kept(made: Materials, name: str, says: str, missing: list[Missing]) -> Iterator[Document]:
    try:
        content = bytes_of(made, name)
    except LinealError as problem:
        missing.append(Missing(f"code/{name}", problem.message))
        return
    if content is not None:
        yield Document(f"code/{name}", content, "text/plain", says)


def _files(dossier: Dossier) -> Iterator[Document]:
    for path, content in sorted(dossier.files.items()):
        place = PurePosixPath(path)
        if place.suffix == ".png":
            says = _PLOTS.get(place.stem, place.stem.replace("_", " ").capitalize())
            yield Document(f"pictures/{place.name}", content, "image/png", says)
        elif place.name == "importances.csv":
            says = "What the model's predictions rest on, feature by feature, led back to the source's columns"
            yield Document(f"tables/{place.name}", content, "text/csv", says)


def _keys(made: Contents, key: SigningKey) -> Iterator[Document]:
    """The public keys of all that is signed here, as far as they are known on this machine."""
    pem = "application/x-pem-file"
    yield Document(
        LOG_KEY, key.public.pem, pem, "The public key that this pack's manifest and statements are signed with"
    )
    log, models = signing.trusted("log"), signing.trusted("models")
    for id_ in sorted(_checkpoint_keys(made) - {key.public.id}):
        if id_ in log:
            yield Document(
                _other(log[id_], "log"), log[id_].pem, pem, "A public key that the log was signed with before"
            )
        else:
            made.missing.append(Missing(f"the public key {id_[:12]} of the log's checkpoints", "it is not known here"))
    for path, where in ((f"{modelled.FOLDER}/model.sig", MODEL_KEY), (modelled.FIRST_SIGNATURE, "")):
        signer = _signer_of(made, path)
        if signer in models:
            place = where or _other(models[signer], "models")
            if not any(piece.path == place for piece in made.pieces) and (where or not _same(made, signer)):
                yield Document(place, models[signer].pem, pem, f"The public key that {path} is signed with")
        elif signer is not None:
            made.missing.append(Missing(f"the public key {signer[:12]} of {path}", "it is not known here"))


def _people(dossier: Dossier) -> Iterator[Document]:
    """The public keys of those who signed a decision on the model."""
    signed = {str((each.values.get("signature") or {}).get("key")) for each in dossier.facts.decisions}
    for known in people.known_keys():
        if known.key.id in signed:
            says = f"The public key that {known.name} signed decisions on the model with"
            yield Document(_other(known.key, "person"), known.key.pem, "application/x-pem-file", says)


def _other(key: PublicKey, kind: str) -> str:
    return f"keys/{kind}-{key.id[:12]}.pub"


def _same(made: Contents, signer: str) -> bool:
    return _signer_of(made, f"{modelled.FOLDER}/model.sig") == signer


def _checkpoint_keys(made: Contents) -> set[str]:
    (proofs,) = (piece for piece in made.pieces if piece.path == events.PROOFS)
    assert isinstance(proofs, Document)  # noqa: S101 - events makes it
    return {Checkpoint.of(each).key for each in json.loads(proofs.content)["checkpoints"]}


def _signer_of(made: Contents, path: str) -> str | None:
    """The id of the key that a signature of the model names."""
    found = next((piece for piece in made.pieces if piece.path == path), None)
    if not isinstance(found, Document):
        return None
    try:
        return str(json.loads(found.content)["verificationMaterial"]["publicKey"]["hint"])
    except (ValueError, KeyError, TypeError):
        return None


def _data(dossier: Dossier, missing: list[Missing]) -> Iterator[KeptFile]:
    cache = Cache()
    for table in dossier.tables:
        if table.kind != "TABLE" or not table.version:
            why = "of a source only its hash is kept; the snapshot made from it has the rows"
            missing.append(Missing(f"the rows of {table.name}", why))
            continue
        try:
            file = cache.get(table.version, thorough=True)
        except LinealError as problem:
            missing.append(Missing(f"the rows of {table.name}", problem.message))
            continue
        rows = f", {table.rows:,} rows" if table.rows is not None else ""
        yield KeptFile(data_path(table), file, "application/vnd.apache.parquet", f"The rows of {table.subject}{rows}")
