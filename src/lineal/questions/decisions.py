"""Decisions of people: what one is about and rests on, which stand, and why the others do not."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

from lineal import people
from lineal.errors import DecisionError, SubjectError
from lineal.people import KnownKey
from lineal.questions import lookup
from lineal.questions.lookup import ModelRow
from lineal.questions.trace import Node, Trace
from lineal.questions.trace import trace as trace_subject
from lineal.questions.verify.findings import Verification
from lineal.store import decisions, graph
from lineal.store.decisions import Decision, canonical, digest_of
from lineal.store.log import Store
from lineal.store.recalls import AliasMove, Recall
from lineal.store.runs import find_run
from lineal.subjects import Kind, Subject

# What can be decided on.
KINDS: tuple[Kind, ...] = ("model", "dataset", "file", "run")
Standing = Literal["stands", "stale", "ended", "withdrawn", "overruled", "not counted"]
# More dataset versions than these are known by their hash alone.
_MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class Pending:
    """An alias that waits for an approval.

    Attributes:
        alias: that the version is to hold.
        previous: who held it when the version was judged.
        compared: whether the version had to beat that holder.
        reason: why it is to have it.
        asked_at: when the approval was asked for.
    """

    alias: str
    previous: int | None
    compared: bool
    reason: str
    asked_at: str


@dataclass(frozen=True, slots=True)
class About:
    """What a decision is about, as it stands now.

    Attributes:
        subject: as it was asked, the version filled in.
        namespace: of that in lineage.
        name: of that in lineage; of a registered model as MLflow has it.
        version: key of the version that it is; None for a run.
        content: the model's digest or the version's content hash; of a run its id.
        looked_at: what a decision on it rests on; empty where nothing tells it from the next of its name.
        evidence: SHA-256 of that.
        author: who started what made it, where on record.
        model: the registered version, for a model.
        pending: the alias that waits for another person's approval, if one does.
        recalls: that stand against it.
    """

    subject: str
    namespace: str
    name: str
    version: str | None
    content: str
    looked_at: Mapping[str, Any]
    evidence: str
    author: str | None
    model: ModelRow | None = None
    pending: Pending | None = None
    recalls: tuple[Recall, ...] = ()


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


def about(store: Store, subject: Subject) -> About:
    """Find what a decision on a subject is about, and what it rests on.

    Raises:
        SubjectError: unknown or ambiguous.
    """
    return about_traced(store, trace_subject(store, subject))


def about_traced(store: Store, found: Trace) -> About:
    """What a decision on something that was traced is about."""
    author = (found.flow.facets.get("lineal_environment") or {}).get("user") if found.flow else None
    author = str(author) if author else None
    node, model = found.node, found.model
    if model is not None:
        looked_at = {
            "model": {"name": model.name, "version": model.number, "digest": model.digest},
            "data": _data(node),
            **_results(found),
        }
        return About(
            subject=found.subject,
            namespace=model.namespace,
            name=model.name,
            version=model.version,
            content=model.digest,
            looked_at=looked_at,
            evidence=digest_of(looked_at),
            author=author,
            model=model,
            pending=_pending(found, model),
            recalls=found.recalls,
        )
    if found.subject.startswith("run:"):
        run_id = found.subject.removeprefix("run:")
        run = next(run for run in found.runs if run.run_id == run_id)
        looked_at = {
            "run": {"id": run_id, "job": f"{run.namespace}/{run.job}", "state": run.state},
            "inputs": _listed(_named(run.inputs)),
            "outputs": _listed(_named(run.outputs)),
            **_results(found),
        }
        return About(
            found.subject, run.namespace, run.job, None, run_id, looked_at, digest_of(looked_at), author, recalls=()
        )
    if node is None:
        raise SubjectError(f"{found.subject}: nothing is on record of it; see `lineal list`", subject=found.subject)
    looked_at = {"dataset": {"name": f"{node.namespace}/{node.name}", "version": node.version}} if node.version else {}
    return About(
        subject=found.subject,
        namespace=node.namespace,
        name=node.name,
        version=graph.version_key(node.namespace, node.name, node.version),
        content=node.version,
        looked_at=looked_at,
        evidence=digest_of(looked_at) if looked_at else "",
        author=author,
        recalls=found.recalls,
    )


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


def waits(store: Store, model: ModelRow) -> bool:
    """Whether a registered version waits for an approval, so that it is not to hold an alias yet."""
    run = find_run(store, model.run_id)
    bodies = graph.bodies(store, [run.last_seq]) if run is not None else {}
    facets = [(json.loads(body).get("run") or {}).get("facets") or {} for body in bodies.values()]
    if not any(_asked(each, model.number) for each in facets):
        return False
    return approval(store, about(store, Subject("model", model.name, str(model.number)))) is None


def listed(store: Store, limit: int = 20, *, at: datetime | None = None) -> list[Decided]:
    """All decisions and notes, newest first, each with whether it counts."""
    newest = decisions.read(store, limit=limit)
    keys = people.known_keys() if newest else []
    when = at or datetime.now(UTC)
    judged: dict[str, dict[str, Decided]] = {}
    for each in newest:
        if each.subject not in judged:
            try:
                what = about(store, Subject.parse(each.subject, allowed=KINDS))
            except SubjectError as problem:
                judged[each.subject] = {each.run_id: Decided(each, "stale", problem.message, False, False)}
                continue
            there = _judged(_on(store, what), what, keys, when, ())
            judged[each.subject] = {one.decision.run_id: one for one in there}
    return [
        judged[each.subject].get(each.run_id)
        or Decided(each, "stale", "what is there now is another version", False, False)
        for each in newest
    ]


def require_allowed(
    about: About, action: str, by: str, control: str | None, until: date | None, evidence: str | None
) -> None:
    """See that somebody may decide so.

    Args:
        about: what is decided on.
        action: approve, reject, waive, withdraw or note.
        by: who decides.
        control: what is to be waived.
        until: the last day on which the decision is to count.
        evidence: how the digest begins of what was looked at, where that is to be what is on record still.

    Raises:
        DecisionError: they may not; the message says why.
    """
    subject = about.subject

    def refuse(why: str) -> DecisionError:
        return DecisionError(f"{subject}: {why}", subject=subject)

    if action != "note" and not about.evidence:
        raise refuse(
            "its producer gave no version, so nobody could tell what was decided on; decide on what was made of it"
        )
    if action == "waive" and until is None:
        raise refuse(f"a waiver ends on a day; give --until DATE for {control}")
    if until is not None and action not in ("approve", "waive"):
        raise refuse(f"--until is for approve and waive; leave it out to {action}")
    if until is not None and until < datetime.now(UTC).date():
        raise refuse(f"--until {until.isoformat()} is over already; give a day to come")
    if evidence is not None and (len(evidence) < 8 or not about.evidence.startswith(evidence.lower())):
        raise refuse(
            f"what you looked at ({evidence[:12]}) is not what is on record now ({about.evidence[:12]}); "
            f"look again: lineal trace {subject}"
        )
    if action == "approve" and about.recalls:
        recall = about.recalls[0]
        raise refuse(
            f"it rests on {recall.subject}, which is recalled since {recall.decided_at[:10]}: {recall.reason}; "
            "nothing that is recalled can be approved"
        )
    if action == "approve" and about.pending is not None:
        if about.author is None:
            raise refuse("who started its training is not on record, so nobody can be told to be another person")
        if people.same(about.author, by):
            raise refuse(
                f"its training was started by {about.author}, and its pipeline asks for another person's approval; "
                "let somebody else decide"
            )


def alias_move(store: Store, about: About) -> AliasMove | str | None:
    """The alias that an approval moves: the move, or a sentence why it stays; None where none waits.

    Args:
        store: the lineage store.
        about: what is approved.
    """
    pending, model = about.pending, about.model
    if pending is None or model is None or pending.alias in model.aliases:
        return None
    holder = next(
        (
            move.number
            for move in lookup.holding(store, model.name)
            if move.alias == pending.alias and move.namespace == model.namespace
        ),
        None,
    )
    if holder != pending.previous and (pending.compared or (holder or 0) > model.number):
        where = f"went to version {holder}" if holder else "was taken away"
        return (
            f"@{pending.alias} {where} since version {model.number} was judged, and stays there; "
            "train again to compare with it"
        )
    return AliasMove(model.namespace, model.name, pending.alias, holder or 0, model.number, model.digest)


def _on(store: Store, about: About) -> list[Decision]:
    # A file or table is its content, under whatever name somebody has decided on it.
    by_content = about.model is None and about.version is not None
    return decisions.read(store, version=about.version, subject=None if by_content else about.subject)


def _judged(
    found: Sequence[Decision], about: About, keys: Sequence[KnownKey], at: datetime, broken: Sequence[str]
) -> tuple[Decided, ...]:
    """Each decision with whether it counts: what was decided later is held against what was decided before."""
    overruled: Decision | None = None
    withdrawn: dict[str | None, Decision] = {}
    judged = []
    for each in found:
        wrong, signed = _wrong_signature(each, keys)
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


def _wrong_signature(decision: Decision, keys: Sequence[KnownKey]) -> tuple[str | None, bool]:
    """Why a decision cannot be taken for that person's, and whether it is signed by their key."""
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


def _pending(found: Trace, model: ModelRow) -> Pending | None:
    """The approval that was asked for when a version was registered."""
    for run in found.runs:
        if run.run_id == model.run_id:
            said = _asked(run.facets, model.number)
            if said is not None:
                return Pending(
                    str(said.get("alias")), said.get("previous"), bool(said.get("compared")), str(said.get("reason")),
                    run.ended_at or model.registered_at,
                )  # fmt: skip
    return None


def _asked(facets: Mapping[str, Any], number: int) -> Mapping[str, Any] | None:
    for said in (facets.get("lineal_decision") or {}).get("decisions") or ():
        if said.get("action") == "ask-approval" and said.get("number") == number:
            found: Mapping[str, Any] = said
            return found
    return None


def _data(node: Node | None) -> Any:
    """The dataset versions below a model."""
    names: set[str] = set()
    met: set[int] = set()
    waiting = list(node.inputs) if node else []
    while waiting:
        each = waiting.pop()
        if id(each) in met:
            continue
        met.add(id(each))
        waiting += each.inputs
        if each.kind != "MODEL":
            names.add(f"{each.namespace}/{each.name}@{each.version}")
    return _listed(names)


def _listed(names: Iterable[str]) -> Any:
    named = sorted(names)
    if len(named) <= _MOST_NAMED:
        return named
    return {"count": len(named), "sha256": digest_of({"names": named})}


def _named(datasets: Iterable[Mapping[str, Any]]) -> set[str]:
    return {
        f"{each['namespace']}/{each['name']}@"
        f"{((each.get('facets') or {}).get('version') or {}).get('datasetVersion', '')}"
        for each in datasets
    }


def _results(found: Trace) -> dict[str, Any]:
    """The digests of the metrics and gates of the flow that made something, and how many there are."""
    root = found.flow.run_id if found.flow else None
    metrics: list[Any] = []
    gates: list[Any] = []
    for run in found.runs:
        parent = run.facets.get("parent") or {}
        of = ((parent.get("root") or {}).get("run") or {}).get("runId", run.run_id)
        if root is None or of == root:
            metrics += (run.facets.get("lineal_metrics") or {}).get("metrics") or ()
            gates += (run.facets.get("test") or {}).get("tests") or ()
    named = (("metrics", metrics), ("gates", gates))
    return {
        what: {"count": len(listed), "sha256": digest_of({what: sorted(listed, key=canonical)})}
        for what, listed in named
    }
