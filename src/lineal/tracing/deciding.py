"""Put what a person decides or notes on record, signed where they have a key, and move the alias that waits for it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from lineal.datasets.dataset import Dataset
from lineal.models.model import Model
from lineal.people import Person
from lineal.redaction import harmless
from lineal.signing import SigningKey
from lineal.store.decisions import digest_of, message_of
from lineal.store.recalls import AliasMove, Done
from lineal.tracing.clean import Verbatim, clean, verbatim
from lineal.tracing.decorator import current_run, traced
from lineal.tracing.recalling import move_aliases, moved_facet


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person says of a subject.

    Attributes:
        action: approve, reject, waive, withdraw or note.
        subject: what it is about, the version filled in.
        namespace: of that in lineage.
        name: of that in lineage; of a registered model as MLflow has it.
        reason: why; of a note its text.
        looked_at: what it rests on.
        content: the version's content hash, of a run nothing.
        number: of a registered model, whose digest `content` then is.
        control: what is waived.
        until: the last day on which it counts.
        kind: of a note, what it tells of.
        closes: of a note, the run that recorded the incident which it closes.
    """

    action: str
    subject: str
    namespace: str
    name: str
    reason: str
    looked_at: Mapping[str, Any]
    content: str | None = None
    number: int | None = None
    control: str | None = None
    until: date | None = None
    kind: str | None = None
    closes: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of a decision.

    Attributes:
        run_id: the run that recorded it.
        evidence: SHA-256 of what it rests on.
        key: id of the key that it is signed with; None where it is not signed.
        done: what became of the alias that waited for it.
    """

    run_id: str
    evidence: str
    key: str | None
    done: Done


def record(
    said: Statement,
    person: Person,
    key: SigningKey | None,
    thing: Dataset | Model | None = None,
    move: AliasMove | None = None,
) -> Recorded:
    """Record what a person decides or notes, and move the alias that their approval was awaited for.

    Args:
        said: what they say.
        person: who.
        key: theirs, if they have one.
        thing: a handle on what it is about; None for a run.
        move: of an alias.
    """

    def told(thing: Dataset | Model | None) -> Recorded:
        run = current_run()
        run_id = str(run.ref.id)
        decision = _facet(said, person)
        signature = None
        if key is not None:
            value = base64.b64encode(key.sign(message_of(decision, run_id))).decode()
            signature = {"key": key.public.id, "value": value}
        done = Done(run_id, (), (), ())
        if move is not None:
            done = move_aliases([move], run_id)
        moved = [moved_facet(each, f"approved by {person.name}: {said.reason}") for each in done.moved]
        run.decisions([decision | ({"signature": signature} if signature else {}), *moved], by=person.name)
        return Recorded(run_id, decision["evidence"]["sha256"], key.public.id if key else None, done)

    @traced
    def note(thing: Dataset | Model | None) -> Recorded:
        """Note something about a subject."""
        return told(thing)

    @traced
    def decide(thing: Dataset | Model | None) -> Recorded:
        """Decide on a subject."""
        return told(thing)

    return (note if said.action == "note" else decide)(thing)


def _facet(said: Statement, person: Person) -> dict[str, Any]:
    """A decision as its facet has it: what it will be in the log, as that is what is signed."""
    looked_at = clean(verbatim(said.looked_at))
    made: dict[str, Any] = clean(
        {
            "action": said.action,
            "subject": Verbatim(said.subject),
            "namespace": Verbatim(said.namespace),
            "name": Verbatim(said.name),
            "number": said.number,
            "digest" if said.number is not None else "version": said.content,
            "control": said.control,
            "reason": harmless(said.reason).strip(),
            "until": said.until,
            "kind": said.kind,
            "closes": said.closes,
            "by": person.name,
            "email": person.email,
            "at": datetime.now(UTC),
            "evidence": {"sha256": digest_of(looked_at) if looked_at else "", "of": verbatim(looked_at)},
        }
    )
    return made
