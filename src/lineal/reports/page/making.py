"""Put a page together: templates filled with what was gathered, and the policy that keeps the page to itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from lineal.models import units
from lineal.models.intervals import DRAWS
from lineal.questions.audit import SAID
from lineal.questions.dossier import Account, Dossier
from lineal.reports import decision as decisions
from lineal.reports.page import charts, drawing, grouped, told, view, words
from lineal.reports.page.pedigree import Pedigree, pedigree
from lineal.reports.terminal import size, span

# Of what a page shows of one kind, before it says how many more there are.
_MOST_COLUMNS = 15
_MOST_IN_FIGURES = 200
_MOST_DECISIONS = 100
_MOST_PACKAGES = 600


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that lies beside the page.

    Attributes:
        path: from the page, with `/` between folders; the page links there.
        sentence: what it is, and who needs it.
        size: in bytes, where that is of interest.
    """

    path: str
    sentence: str
    size: int | None = None

    @property
    def link(self) -> str:
        """The path as a link that leads nowhere but there."""
        return "./" + quote(self.path.lstrip("/"))


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page's user, after those on the subjects.

    Attributes:
        id: its anchor; ASCII letters and `-`.
        title: its heading, and its place in the list of contents.
        paragraphs: of text.
        commands: to be typed, each with a sentence.
    """

    id: str
    title: str
    paragraphs: tuple[str, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """One subject, with what the templates need of it."""

    about: Dossier | Account
    prefix: str
    pedigree: Pedigree
    across: Markup = field(repr=False)
    down: Markup = field(repr=False)
    base: Path | None = None

    @property
    def is_model(self) -> bool:
        return isinstance(self.about, Dossier)


def page(
    subjects: Sequence[Dossier | Account],
    *,
    title: str | None = None,
    files: Sequence[Enclosed] = (),
    sections: Sequence[Section] = (),
    base: Path | None = None,
) -> str:
    """Write a page about some subjects.

    Args:
        subjects: what was gathered of each; several models are compared at the top.
        title: of the page; the subject's name where it is left out.
        files: that lie beside the page, to be listed and linked.
        sections: to follow those on the subjects.
        base: the project's folder; files below it are named from there.

    Returns:
        The page, as HTML.

    Raises:
        ValueError: there is no subject.
    """
    if not subjects:
        raise ValueError("a page is about something: give at least one subject")
    parts = [_part(about, f"s{place}-" if len(subjects) > 1 else "", base) for place, about in enumerate(subjects, 1)]
    models = [each for each in subjects if isinstance(each, Dossier)]
    # What is on record has no part in it: sizes, and prefixes of ours.
    style = _text("style.css") + "".join(drawing.least(part.across, f"{part.prefix}step-") for part in parts)
    written: str = _template().render(
        title=title or _title(subjects),
        parts=parts,
        models=models,
        compared=view.compared(models) if len(models) > 1 else [],
        same_rows=len({view.held_out_versions(each) for each in models}) == 1,
        files=files,
        sections=sections,
        gathered=max(each.gathered_at for each in subjects).isoformat(),
        lineal=version("lineal"),
        style=Markup(style),  # noqa: S704 - our own
        policy=_policy(style),
    )
    return written


def _part(about: Dossier | Account, prefix: str, base: Path | None) -> _Part:
    found = pedigree(about.trace, view.namer(base))
    ids = f"{prefix}step-"
    return _Part(about, prefix, found, drawing.across(found, ids), drawing.down(found, ids), base)


def _title(subjects: Sequence[Dossier | Account]) -> str:
    names = [
        f"{each.facts.model.name}, version {each.facts.model.number}"
        if isinstance(each, Dossier)
        else words.short(each.subject, 80)
        for each in subjects
    ]
    if len(names) == 1:
        return names[0]
    what = "models" if all(isinstance(each, Dossier) for each in subjects) else "subjects"
    return f"{len(names)} {what}: {'; '.join(names[:4])}{' …' if len(names) > 4 else ''}"


def _policy(style: str) -> str:
    """Nothing is fetched and nothing runs: pictures stand in the page, and its one style sheet is known by its hash."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        finalize=words.plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "cut": words.cut,
        "short": words.short,
        "day": words.day,
        "moment": words.moment,
        "figure": words.figure,
        "picture": _data_uri,
        "size": size,
    }
    made.globals |= {
        "view": view,
        "grouped": grouped,
        "told": told,
        "units": units,
        "charts": charts,
        "counted": words.counted,
        "span": span,
        "decided": decisions.words,
        "SAID": SAID,
        "DRAWS": DRAWS,
        "MOST_COLUMNS": _MOST_COLUMNS,
        "MOST_IN_FIGURES": _MOST_IN_FIGURES,
        "MOST_DECISIONS": _MOST_DECISIONS,
        "MOST_PACKAGES": _MOST_PACKAGES,
    }
    return made.get_template("page.html")


_FOLDER = Path(__file__).parent / "templates"


@cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _data_uri(data: bytes) -> str:
    return Markup("data:image/png;base64,%s") % base64.b64encode(data).decode()
