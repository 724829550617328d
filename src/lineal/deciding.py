"""Take a decision of a person: see that it may be taken, put it on record, and move the alias that waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lineal import settings
from lineal.errors import DecisionError
from lineal.people import Person
from lineal.questions import decisions as question
from lineal.questions.decisions import Decided
from lineal.questions.recalls import handle_of
from lineal.signing import SigningKey
from lineal.store import graph
from lineal.store.decisions import NoteKind
from lineal.store.log import Store
from lineal.store.recalls import AliasMove
from lineal.subjects import Subject
from lineal.tracing.deciding import Recorded, Statement, record


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody has just decided or noted.

    Attributes:
        decided: the decision, as it is on record.
        recorded: what came of it.
        stays: why the alias that waited for it stays where it is; None where it moved or none waited.
        holds: the aliases that the model holds now.
    """

    decided: Decided
    recorded: Recorded
    stays: str | None
    holds: tuple[str, ...] = ()


def say(
    store: Store,
    subject: Subject,
    action: str,
    reason: str,
    person: Person,
    key: SigningKey | None = None,
    *,
    control: str | None = None,
    until: date | None = None,
    evidence: str | None = None,
    kind: NoteKind | None = None,
    closes: str | None = None,
) -> Said:
    """Put a decision or note on record, and move the alias that waits for it.

    Args:
        store: the lineage store, the one that is set.
        subject: what it is about.
        action: approve, reject, waive, withdraw or note.
        reason: why; of a note its text.
        person: who says so.
        key: theirs, to sign with.
        control: what is waived, or whose waiver is withdrawn.
        until: the last day on which it counts.
        evidence: how the digest begins of what they looked at.
        kind: of a note, what it tells of.
        closes: of a note, how the id begins of the run that recorded the incident which it closes.

    Raises:
        DecisionError: it may not be said so.
        PolicyError: which controls there are cannot be read.
        SubjectError: nothing of that name is on record.
        StoreError: it cannot be recorded; then no alias has moved.
    """
    about = question.about(store, subject)
    question.require_allowed(about, action, person.name, control, until, evidence)
    if control is not None:
        control = question.control_meant(about, action, control, _controls(store, about, action))
    closed = question.incident(store, about, closes) if closes is not None else None
    moving = question.alias_move(store, about) if action == "approve" else None
    move = moving if isinstance(moving, AliasMove) else None
    if move is not None and about.model is not None:
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
        kind=kind,
        closes=closed.decision.run_id if closed is not None else None,
    )
    # Lineage never stops work elsewhere; here to record is the work.
    with settings.strictly():
        done = record(statement, person, key, handle_of(store, row) if row else None, move)
    now = question.about(store, Subject.parse(about.subject) if about.model is not None else subject)
    found = next(each for each in question.decided(store, now) if each.decision.run_id == done.run_id)
    holds = now.model.aliases if now.model is not None else ()
    return Said(found, done, moving if isinstance(moving, str) else None, holds)


def _controls(store: Store, about: question.About, action: str) -> list[str]:
    """The controls that may be waived, or whose waiver may be withdrawn: policies change, their waivers stay."""
    if action == "withdraw":
        return question.waived(store, about)
    # It loads all that an audit takes.
    from lineal.questions.audit.policy import control_names

    return control_names()
