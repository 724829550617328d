"""The pages of a pack that a person reads first: what is in it, and how to check it without Lineal."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from lineal.packs.interface import Document
from lineal.packs.manifest import Entry, Missing
from lineal.questions.audit import SAID, VERDICTS, Result
from lineal.questions.dossier import Dossier
from lineal.redaction import harmless
from lineal.reports.terminal import figure
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
        "dossier": dossier,
        "model": dossier.facts.model,
        "entries": entries,
        "missing": missing,
        "key": key,
        "with_data": with_data,
        "version": version("lineal"),
        "audit": dossier.audit.models[0],
        "results": _ordered(dossier.audit.models[0].results),
        "said": SAID,
        "pictures": [
            (path.rpartition("/")[2], base64.b64encode(content).decode())
            for path, content in sorted(dossier.files.items())
            if path.endswith(".png")
        ],
    }
    readme = _rendered("README.md.jinja", told)
    says = "What is in the pack, and how to check it with tools of your own"
    yield Document(README, readme.encode(), "text/markdown", says)
    index = _rendered("index.html.jinja", told)
    yield Document(
        INDEX, index.encode(), "text/html", "The pack at a glance, to be opened in a browser; needs no network"
    )
    sums = "".join(f"{entry.sha256}  {entry.path}\n" for entry in entries)
    yield Document(SUMS, sums.encode(), "text/plain", "SHA-256 of every file but the pages, for `sha256sum -c`")


def _ordered(results: Sequence[Result]) -> list[Result]:
    order = {verdict: place for place, verdict in enumerate(VERDICTS)}
    return sorted(results, key=lambda each: (order[each.verdict], each.policy, each.control))


def _rendered(template: str, told: dict[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=PackageLoader("lineal.packs"),
        autoescape=select_autoescape(("html.jinja",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # What is on record is text: nothing in it turns the direction of writing or rings a bell.
        finalize=lambda value: harmless(value) if type(value) is str else value,
    )
    made.filters |= {"figure": figure, "bytes": _bytes, "moment": _moment, "address": quote}
    return made.get_template(template).render(told)


def _bytes(size: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000  # type: ignore[assignment]
    return f"{size:,.1f} GB"


def _moment(time: str | datetime | None) -> str:
    if time is None:
        return "-"
    found = datetime.fromisoformat(time) if isinstance(time, str) else time
    return f"{found:%Y-%m-%d %H:%M} UTC"
