"""What `lineal note` and `lineal decide` share: see that it may be said, and put it on record."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING

from lineal.errors import DecisionError
from lineal.store.log import Store
from lineal.subjects import Subject

if TYPE_CHECKING:
    from lineal.deciding import Said
    from lineal.store.decisions import NoteKind

MOST = 10_000


def text_of(given: str | None, subject: str, option: str) -> str:
    """What a person says: what was given, or standard input for `-`.

    Raises:
        DecisionError: it is empty, too long, or no text.
    """
    try:
        text = (sys.stdin.read(MOST + 1) if given == "-" else given or "").strip()
        text.encode()  # bytes that are no text come as halves of surrogate pairs where the locale lets them through
    except UnicodeError:
        raise DecisionError(f"{subject}: {option} is not UTF-8 text; write it in UTF-8", subject=subject) from None
    if not text:
        raise DecisionError(
            f"{subject}: {option} is empty; say it in a sentence, for whoever reads it", subject=subject
        )
    if len(text) > MOST:
        raise DecisionError(
            f"{subject}: {option} has {len(text):,} characters, and may have {MOST:,}; put the rest in a file, and "
            "say where it is",
            subject=subject,
        )
    return text


def say(
    subject: str,
    action: str,
    reason: str,
    *,
    control: str | None = None,
    until: date | None = None,
    evidence: str | None = None,
    kind: NoteKind | None = None,
    closes: str | None = None,
) -> Said:
    """Put a decision or note of whoever is at the terminal on record.

    Raises:
        DecisionError: it may not be said so.
        SubjectError: nothing of that name is on record.
    """
    from lineal import people
    from lineal.deciding import say as said
    from lineal.questions.decisions import KINDS, NOTED

    if action == "note" and subject.startswith("record:"):
        raise DecisionError(
            f"{subject}: a note stays in the log for good, and the id of a record, which may be a person's, stands in "
            "the data alone; note it on prediction:ID, which `lineal impact` of the record names, or on its dataset, "
            "without the id",
            subject=subject,
        )
    asked = Subject.parse(subject, allowed=NOTED if action == "note" else KINDS)
    store, me = Store(create=False), people.myself()
    return said(
        store,
        asked,
        action,
        reason,
        me,
        people.key_of(me.name),
        control=control,
        until=until,
        evidence=evidence,
        kind=kind,
        closes=closes,
    )


def day(text: str | None, subject: str) -> date | None:
    """Read the day that a decision is to count until.

    Raises:
        DecisionError: it is none.
    """
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise DecisionError(f"{subject}: --until {text!r} is no day; write it as 2026-12-31", subject=subject) from None
