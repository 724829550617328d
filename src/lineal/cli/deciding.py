"""What `lineal note` and `lineal decide` share: see that it may be said, and put it on record."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING

from lineal.errors import DecisionError
from lineal.store.log import Store
from lineal.subjects import Subject

if TYPE_CHECKING:
    from lineal.reports.decision import Said

MOST = 10_000


def text_of(given: str | None, subject: str, option: str) -> str:
    """What a person says: what was given, or standard input for `-`.

    Raises:
        DecisionError: it is empty, or too long.
    """
    text = (sys.stdin.read(MOST + 1) if given == "-" else given or "").strip()
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
) -> Said:
    """Put a decision or note on record.

    Raises:
        DecisionError: it may not be said so.
        SubjectError: nothing of that name is on record.
    """
    from lineal import people, settings
    from lineal.questions import decisions as question
    from lineal.questions.recalls import handle_of
    from lineal.reports.decision import Said
    from lineal.store import graph
    from lineal.store.recalls import AliasMove
    from lineal.tracing.deciding import Statement, record

    asked = Subject.parse(subject, allowed=question.KINDS)
    store = Store(create=False)
    about = question.about(store, asked)
    me = people.myself()
    question.require_allowed(about, action, me.name, control, until, evidence)
    key = people.key_of(me.name)
    moving = question.alias_move(store, about) if action == "approve" else None
    if isinstance(moving, AliasMove) and about.model is not None:
        from lineal.questions.verify import check_model

        wrong = check_model(about.model)
        if wrong is not None:
            raise DecisionError(
                f"{about.subject}: it cannot be approved as it is: {wrong.detail}", subject=about.subject
            )
    row = graph.versions(store, [about.version]).get(about.version) if about.version else None
    statement = Statement(
        action=action,
        subject=about.subject,
        namespace=about.namespace,
        name=about.name,
        reason=reason,
        looked_at=about.looked_at,
        content=about.content if about.version else None,
        number=about.model.number if about.model else None,
        control=control,
        until=until,
    )
    thing = handle_of(store, row) if row else None
    with settings.strictly():
        done = record(statement, me, key, thing, moving if isinstance(moving, AliasMove) else None)
    now = question.about(store, asked) if about.model is None else question.about(store, Subject.parse(about.subject))
    found = next(each for each in question.decided(store, now) if each.decision.run_id == done.run_id)
    return Said(found, done, moving if isinstance(moving, str) else None, str(people.key_file(me.name)))


def day(text: str | None, subject: str) -> date | None:
    """Read the day that a decision is to count until.

    Raises:
        DecisionError: it is none.
    """
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise DecisionError(f"{subject}: --until {text!r} is no day; write it as 2026-12-31", subject=subject) from None
