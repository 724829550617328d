"""Search: runs, decisions, notes and descriptions by the words in them, best first."""

from __future__ import annotations

import json
import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lineal.errors import SubjectError
from lineal.store import fulltext, graph, tables
from lineal.store.facts import Told, clean, place_of, told_by
from lineal.store.log import Store

_BEFORE, _LENGTH = 60, 200
# A word longer than this is cut where it must be: it is no word of a language.
_LONGEST_WORD = 60
_MOST_MATCHES = 4
# What stands in what a hit is called by, and need not be shown again.
_CALLED = ("job", "name", "action", "alias", "control", "by")


@dataclass(frozen=True, slots=True)
class Match:
    """One thing that has some of the words.

    Attributes:
        what: `error`, `parameter` or `metric` of a run, `reason` or `text` of a decision, `description`.
        excerpt: the part of it with the most of the words, cut between words only.
    """

    what: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that has the words.

    Attributes:
        kind: `run`, `job`, `decision`, `note` or `description`.
        subject: what to ask about; of a job its newest run.
        called: the names of a run, its job's first; of a job, dataset or model its name.
        state: how a run ended.
        action: of a decision, and the alias or control that it is about.
        by: who decided or noted.
        matches: where the words stand in it, those with the most of them first; nothing where only its names have them.
        more: how many more of its parts have all of them.
        snippet: the part of the whole text with the most of the words.
        command: shows more of it.
    """

    kind: str
    subject: str
    at: str
    called: tuple[str, ...]
    state: str | None
    action: tuple[str, ...]
    by: str | None
    matches: tuple[Match, ...]
    more: int
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
    shown = rows[:limit]
    newest = _newest_runs(store, (row.subject for row in shown if row.kind == "job"))
    bodies = graph.bodies(store, (place_of(row.id)[0] for row in shown))
    hits = []
    for row in shown:
        seq, place = place_of(row.id)
        event = json.loads(bodies[seq])
        subject = newest.get(row.subject, row.subject) if row.kind == "job" else row.subject
        hits.append(_hit(subject, row.at, event, told_by(event)[place], words))
    return Hits(words, tuple(hits), more=len(rows) > limit)


def _hit(subject: str, at: str, event: Mapping[str, Any], told: Told, words: tuple[str, ...]) -> Hit:
    parts = [(what, clean(text)) for what, text in told.parts]
    said = dict(reversed(parts))
    decides = told.kind in ("decision", "note")
    always = "reason" if decides else "description" if told.kind != "run" else None
    matches, more = _matches([each for each in parts if each[0] not in _CALLED], words, always=always)
    return Hit(
        kind=told.kind,
        subject=subject,
        at=at,
        called=tuple(text for what, text in parts if what in ("job", "name") and not decides),
        state=event.get("eventType") if told.kind == "run" else None,
        action=tuple(said[key] for key in ("action", "alias", "control") if key in said),
        by=said.get("by"),
        matches=matches,
        more=more,
        snippet=snippet(told.text, words),
        command=shlex.join(("lineal", "trace", subject)),
    )


def _matches(
    parts: Sequence[tuple[str, str]], words: tuple[str, ...], *, always: str | None
) -> tuple[tuple[Match, ...], int]:
    """The parts that have all words, or one that no part before has; and how many more there are of the former.

    Args:
        parts: what each is, and what it says; those that a hit is called by are none of them.
        words: that are searched for.
        always: what is shown though it may have none, before all else.
    """
    ranked = []
    for what, text in parts:
        found = {place for _, _, place in places(text, words)}
        if found or what == always:
            whole = {_plain(word) for word in fulltext.words_of(text)}.intersection(map(_plain, words))
            ranked.append((what == always, len(found), len(whole), found, what, text))
    ranked.sort(key=lambda each: each[:3], reverse=True)
    kept, shown = [], set[int]()
    for first, count, _, found, what, text in ranked:
        if first or count == len(words) or found - shown:
            kept.append((what, text))
            shown |= found
    return tuple(Match(what, snippet(text, words)) for what, text in kept[:_MOST_MATCHES]), len(kept[_MOST_MATCHES:])


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


def places(text: str, words: Sequence[str]) -> list[tuple[int, int, int]]:
    """Where words stand in a text, as the full text finds them: start, end, and the place of the word.

    Letters count without accents and case; the last word may be only begun.
    """
    flat = _plain(text)
    found = []
    for place, word in enumerate(words):
        end = "" if place == len(words) - 1 else r"(?![^\W_])"
        pattern = rf"(?<![^\W_]){re.escape(_plain(word))}{end}"
        found += [(each.start(), each.end(), place) for each in re.finditer(pattern, flat)]
    return sorted(found)


def _plain(text: str) -> str:
    """A text without accents and case, each letter in its place."""
    if text.isascii():
        return text.lower()
    return "".join((unicodedata.normalize("NFD", letter)[0].lower() or letter)[0] for letter in text)


def _densest(found: Sequence[tuple[int, int, int]]) -> int:
    """Where the first of the most different words lies that have room beside each other; 0 where there is none."""
    most, best, last = 0, 0, 0
    held: Counter[int] = Counter()
    for start, _, word in found:
        while last < len(found) and found[last][1] <= start + _LENGTH - _BEFORE:
            held[found[last][2]] += 1
            last += 1
        if len(held) > most:
            most, best = len(held), start
        held[word] -= 1
        if held[word] <= 0:
            del held[word]
    return best


def snippet(text: str, words: tuple[str, ...]) -> str:
    """The part of a text with the most of the words, on one line, cut between words."""
    flat = " ".join(text.split())
    if len(flat) <= _LENGTH:
        return flat
    found = places(flat, words)

    best = _densest(found)
    start = max(0, best - _BEFORE)
    if start:
        # To where a word begins, but not beyond what was found.
        space = flat.find(" ", start - 1, best)
        start = space + 1 if 0 <= space <= start + _LONGEST_WORD else start
    end = start + _LENGTH
    if end < len(flat):
        space = flat.rfind(" ", end - _LONGEST_WORD, end + 1)
        end = space if space > best else end
    return f"{'… ' if start else ''}{flat[start:end]}{' …' if end < len(flat) else ''}"
