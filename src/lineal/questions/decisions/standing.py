"""Which decisions stand, and why the others do not."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from lineal import people
from lineal.errors import SubjectError
from lineal.people import KnownKey
from lineal.questions.decisions.evidence import NOTED, About, about, about_traced
from lineal.questions.trace import Trace
from lineal.questions.trace import trace as trace_subject
from lineal.store import decisions
from lineal.store.decisions import Decision, digest_of
from lineal.store.log import Store
from lineal.subjects import Subject

if TYPE_CHECKING:
    from lineal.questions.prediction import Prediction
    from lineal.questions.verify.findings import Verification

Standing = Literal["stands", "stale", "ended", "withdrawn", "overruled", "not counted"]


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision on record, and what has become of it.

    Attributes:
        decision: it.
        standing: whether it counts now; a note always stands.
        why: in what it does not count, a short sentence; empty where it does.
        own: whether who decided had started what the decision is about.
        signed: whether it is signed by a key that is known here as that person's.
    """

    decision: Decision
    standing: Standing
    why: str
    own: bool
    signed: bool

    @property
    def counts(self) -> bool:
        """Whether it counts now."""
        return self.standing == "stands"


def decided(
    store: Store, about: About, *, at: datetime | None = None, broken: Sequence[str] = ()
) -> tuple[Decided, ...]:
    """Find the decisions and notes on a subject, newest first, each with whether it counts.

    Args:
        store: the lineage store.
        about: the subject.
        at: the time to ask for; now where it is left out.
        broken: what a verification found wrong with what the subject rests on, a phrase each.
    """
    found = _on(store, about)
    return _judged(found, about, people.known_keys() if found else [], at or datetime.now(UTC), broken)


def added(store: Store, found: Trace, *, whole: bool = True, at: datetime | None = None) -> Trace:
    """Add the decisions and notes on something that was traced to its trace.

    Args:
        store: the lineage store.
        found: the trace.
        whole: whether it goes all the way back; evidence is told of nothing less.
        at: the time to ask for; now where it is left out.
    """
    what = about_traced(store, found if whole else trace_subject(store, Subject.parse(found.subject)))
    return replace(found, decisions=decided(store, what, at=at), evidence=what.evidence or None)


def shaken_by(store: Store, found: Verification) -> Verification:
    """Add to a verification of one subject the decisions on it that no longer count, for what was found."""
    # What could not be looked at, or is of a key that is not believed, says nothing of what it is.
    broken = [
        f"{each.what}: {each.detail}"
        for each in found.findings
        if each.family in ("log", "datasets", "models") and each.problem in ("changed", "missing", "inserted")
    ]
    if found.subject is None or not broken:
        return found
    what = about(store, Subject.parse(found.subject))
    now, then = decided(store, what, broken=broken), decided(store, what)
    return replace(
        found, shaken=tuple(new for new, old in zip(now, then, strict=True) if old.counts and not new.counts)
    )


def approval(store: Store, about: About, *, at: datetime | None = None) -> Decided | None:
    """The newest approval that counts, of somebody else than who started what it is about; None where there is none."""
    return next(
        (
            each
            for each in decided(store, about, at=at)
            if each.decision.action == "approve" and each.counts and not each.own
        ),
        None,
    )


def listed(store: Store, limit: int = 20, *, at: datetime | None = None) -> list[Decided]:
    """All decisions and notes, newest first, each with whether it counts."""
    newest = decisions.read(store, limit=limit)
    keys = people.known_keys() if newest else []
    when = at or datetime.now(UTC)
    # A subject that was written without its tracking server can be another model on each.
    judged: dict[tuple[str, str], dict[str, Decided]] = {}
    for each in newest:
        named = each.namespace, each.subject
        if named not in judged:
            try:
                what = about(store, _named(each))
            except SubjectError as problem:
                judged[named] = {each.run_id: Decided(each, "stale", problem.message, False, False)}
                continue
            there = _judged(_on(store, what), what, keys, when, ())
            judged[named] = {one.decision.run_id: one for one in there}
    return [
        judged[each.namespace, each.subject].get(each.run_id)
        or Decided(each, "stale", "what is there now is another version", False, False)
        for each in newest
    ]


def with_notes(store: Store, found: Prediction) -> Prediction:
    """Add the notes on a prediction to it."""
    return replace(found, decisions=decided(store, about(store, Subject.parse(found.subject))))


def on_predictions(store: Store, keys: Collection[str]) -> dict[str, list[Decided]]:
    """The notes on single predictions of some tables, given by their keys: by subject, newest first."""
    found: dict[str, list[Decided]] = {}
    for key in decisions.noted_versions(store, keys):
        for each in noted(store, key):
            if _of_prediction(each.decision.subject):
                found.setdefault(each.decision.subject, []).append(each)
    return found


def noted(store: Store, version: str) -> tuple[Decided, ...]:
    """The notes on a version, by its key, newest first: each stands, or does not count for its signature.

    Whose notes they are is told; not whether who wrote one had started what it is about.
    """
    found = [each for each in decisions.read(store, version=version) if each.action == "note"]
    keys = people.known_keys() if found else []
    judged = []
    for each in found:
        wrong, signed = wrong_signature(each, keys)
        judged.append(Decided(each, "not counted" if wrong else "stands", wrong or "", False, signed))
    return tuple(judged)


def _on(store: Store, about: About) -> list[Decision]:
    # A file or table is its content, under whatever name somebody has decided on it; a prediction is one row of it.
    by_content = about.version is not None and not _of_prediction(about.subject)
    if about.model is not None:
        # Two versions of a model may be one and the same content; its name may have been written in another way.
        found = decisions.read(store, version=about.version)
        return [each for each in found if each.number == about.model.number and not _of_prediction(each.subject)]
    found = decisions.read(store, version=about.version, subject=None if by_content else about.subject)
    return [each for each in found if not _of_prediction(each.subject)] if by_content else found


def _named(decision: Decision) -> Subject:
    """What a decision is on; by the tracking server's name for a model, as another may have one of its name since."""
    if decision.number is not None and not _of_prediction(decision.subject):
        return Subject("model", f"{decision.namespace}/{decision.name}", str(decision.number))
    return Subject.parse(decision.subject, allowed=NOTED)


def _of_prediction(subject: str) -> bool:
    return subject.startswith("prediction:")


def _judged(
    found: Sequence[Decision], about: About, keys: Sequence[KnownKey], at: datetime, broken: Sequence[str]
) -> tuple[Decided, ...]:
    """Each decision with whether it counts: what was decided later is held against what was decided before."""
    overruled: Decision | None = None
    withdrawn: dict[str | None, Decision] = {}
    judged = []
    for each in found:
        wrong, signed = wrong_signature(each, keys)
        own = people.same(about.author, each.by)
        standing: Standing = "stands"
        why = ""
        taken_back = withdrawn.get(None) or withdrawn.get(each.control)
        if wrong:
            standing, why = "not counted", wrong
        elif each.action in ("approve", "reject", "waive") and taken_back is not None:
            standing, why = "withdrawn", f"withdrawn by {taken_back.by} on {taken_back.at[:10]}: {taken_back.reason}"
        elif each.action in ("approve", "reject") and overruled is not None:
            past = "approved" if overruled.action == "approve" else "rejected"
            standing, why = "overruled", f"{past} by {overruled.by} on {overruled.at[:10]}: {overruled.reason}"
        elif each.until is not None and at.astimezone(UTC).date().isoformat() > each.until:
            standing, why = "ended", f"it ended on {each.until}"
        elif each.action in ("approve", "waive") and (changed := _changed(each, about, broken)):
            standing, why = "stale", changed
        judged.append(Decided(each, standing, why, own, signed))
        if not wrong and each.action == "withdraw":
            withdrawn.setdefault(each.control, each)
        elif not wrong and each.action in ("approve", "reject"):
            overruled = overruled or each
    return tuple(judged)


def _changed(decision: Decision, about: About, broken: Sequence[str]) -> str | None:
    """What of a decision's evidence is no longer so."""
    if digest_of(decision.looked_at) != decision.evidence:
        return "its evidence is not what its digest says"
    if decision.evidence != about.evidence:
        parts = sorted({*decision.looked_at, *about.looked_at})
        other = [part for part in parts if decision.looked_at.get(part) != about.looked_at.get(part)]
        return f"what it rested on has changed: {', '.join(other)}"
    for recall in about.recalls:
        return f"{recall.subject} is recalled since {recall.decided_at[:10]}: {recall.reason}"
    return f"it did not hold when it was verified: {broken[0]}" if broken else None


def wrong_signature(decision: Decision, keys: Sequence[KnownKey]) -> tuple[str | None, bool]:
    """Say why a decision cannot be taken for that person's, if so, and whether it is signed by their key."""
    theirs = {known.key.id: known.key for known in keys if people.same(known.name, decision.by)}
    if decision.key is None:
        if decision.signature is not None:
            return "its signature names no key", False
        unsigned = f"{decision.by} signs with a key that is known here, and this is not signed"
        return (unsigned, False) if theirs else (None, False)
    if decision.key in theirs:
        try:
            value = base64.b64decode(decision.signature or "", validate=True)
        except (binascii.Error, ValueError):
            value = b""
        fits = theirs[decision.key].verifies(value, decision.signed)
        return (None, True) if fits else (f"its signature by the key {decision.key[:12]} does not fit", False)
    owner = next((known.name for known in keys if known.key.id == decision.key), None)
    if owner is not None:
        return f"it is signed with the key of {owner}, not of {decision.by}", False
    return f"it is signed with the key {decision.key[:12]}, which is not trusted here: lineal key trust FILE", False
