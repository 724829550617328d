"""The pages of a pack that a person reads first: what is in it, and how to check it without Lineal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lineal import settings
from lineal.packs.formats.markdown import inline
from lineal.packs.interface import Document
from lineal.packs.manifest import Entry, Missing
from lineal.questions.dossier import Dossier
from lineal.reports.terminal import moment, size
from lineal.signing import PublicKey

README, INDEX, SUMS = "README.md", "index.html", "SHA256SUMS"


def documents(
    dossier: Dossier, entries: Sequence[Entry], missing: Sequence[Missing], key: PublicKey, *, with_data: bool
) -> Iterator[Document]:
    """Give the pages on a pack's files.

    Args:
        dossier: of the model.
        entries: all files beside these pages, by path.
        missing: what the pack goes without.
        key: that the pack is signed with.
        with_data: whether data rows are in it.
    """
    told: dict[str, Any] = {
        "subject": dossier.subject,
        "made_at": moment(dossier.gathered_at.isoformat()),
        "entries": entries,
        "missing": missing,
        "key": key,
        "version": version("lineal"),
    }
    says = "What is in the pack, and how to check it with tools of your own"
    yield Document(README, _rendered("README.md.jinja", told).encode(), "text/markdown", says)
    says = "The pack at a glance, to be opened in a browser; needs no network"
    yield Document(INDEX, _index(dossier, entries, missing, key, with_data=with_data).encode(), "text/html", says)
    sums = "".join(f"{entry.sha256}  {entry.path}\n" for entry in entries)
    yield Document(SUMS, sums.encode(), "text/plain", "SHA-256 of every file but the pages, for `sha256sum -c`")


def _index(
    dossier: Dossier, entries: Sequence[Entry], missing: Sequence[Missing], key: PublicKey, *, with_data: bool
) -> str:
    """The report's page on the model, with what lies beside it and how to check that."""
    from lineal.reports.page import Enclosed, Section, page

    rows = "The rows of the data are in it." if with_data else "No row of the data is in it."
    check = Section(
        "pack",
        "How to check this pack",
        (
            "This page is part of an evidence pack, made to be checked by whoever receives it. manifest.json lists "
            f"every file with its SHA-256, and is signed with the key {key.id}. Ask who sent the pack for that key by "
            f"another way than the pack itself: anyone can make one. {rows}",
        ),
        (
            ("lineal verify PACK.zip --public-key log.pub", "checks every file, signature and proof, on any machine"),
            ("sha256sum -c SHA256SUMS", "compares the files alone"),
            ("README.md", "has two short scripts that check signatures and proofs without Lineal"),
        ),
    )
    sentences = [f"{each.what}: {each.why}" for each in missing] or [
        "Nothing: all that can be in a pack is in this one."
    ]
    gone = Section("missing", "What the pack goes without", tuple(sentences))
    files = [Enclosed(entry.path, entry.says, entry.size) for entry in entries]
    files.append(Enclosed(README, "What is in the pack, and how to check it with tools of your own"))
    title = f"Evidence on {dossier.facts.model.name}, version {dossier.facts.model.number}"
    return page([dossier], title=title, files=files, sections=(check, gone), base=settings.project_of(Path.cwd()))


def _rendered(template: str, told: dict[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("lineal.packs"),
        autoescape=False,  # noqa: S701 - it is Markdown
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # What is on record is text, and never acts.
        finalize=lambda value: inline(value) if type(value) is str else value,
    )
    made.filters |= {"size": size, "address": quote}
    return made.get_template(template).render(told)
