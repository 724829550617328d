"""Search: runs, decisions, notes and descriptions by the words in them, best first."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from lineal.errors import SubjectError
from lineal.store import fulltext, tables
from lineal.store.log import Store

_BEFORE, _LENGTH = 60, 200


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that has the words.

    Attributes:
        kind: `run`, `job`, `decision`, `note` or `description`.
        subject: what to ask about; of a job its newest run.
        snippet: the part of the text with the most of the words.
        command: shows more of it.
    """

    kind: str
    subject: str
    at: str
    snippet: str
    command: str


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found for some words; `more` says that the limit cut it off."""

    words: tuple[str, ...]
    hits: tuple[Hit, ...]
    more: bool


def search(store: Store, text: str, limit: int = 20) -> Hits:
    """Find the texts that have all words, the last of them perhaps only begun.

    Args:
        store: the lineage store.
        text: words; quotes and operators are plain text.
        limit: at most so many.

    Raises:
        SubjectError: there is no word in the text.
    """
    words = fulltext.words_of(text)
    if not words:
        raise SubjectError(
            f"{text!r} has no word to search for; write letters or digits, such as `lineal search depth`"
        )
    rows = store.read(fulltext.select_matching(store.engine.dialect.name, words, limit + 1))
    newest = _newest_runs(store, (row.subject for row in rows[:limit] if row.kind == "job"))
    subjects = [newest.get(row.subject, row.subject) for row in rows[:limit]]
    hits = tuple(
        Hit(row.kind, subject, row.at, snippet(row.text, words), shlex.join(("lineal", "trace", subject)))
        for row, subject in zip(rows, subjects, strict=False)
    )
    return Hits(words, hits, more=len(rows) > limit)


def _newest_runs(store: Store, subjects: Iterable[str]) -> dict[str, str]:
    """For each run, the newest run of its job; as subjects."""
    known = [subject.removeprefix("run:") for subject in subjects]
    if not known:
        return {}
    first, other = tables.runs.c, tables.runs.alias()
    newest = (
        sa.select(other.c.run_id).where(other.c.job == first.job).order_by(other.c.first_seq.desc()).limit(1)
    ).scalar_subquery()
    found = store.read(sa.select(first.run_id, newest.label("newest")).where(first.run_id.in_(known)))
    return {f"run:{row.run_id}": f"run:{row.newest}" for row in found}


def snippet(text: str, words: tuple[str, ...]) -> str:
    """The part of a text where the words lie, on one line."""
    flat = " ".join(text.split())
    found = re.search("|".join(re.escape(word) for word in words), flat, re.IGNORECASE)
    start = max(0, found.start() - _BEFORE) if found else 0
    if len(flat) <= _LENGTH:
        start = 0
    end = start + _LENGTH
    return f"{'…' if start else ''}{flat[start:end]}{'…' if end < len(flat) else ''}"
