"""Who may decide what, and which alias an approval moves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from difflib import get_close_matches

from lineal import people
from lineal.errors import DecisionError
from lineal.questions import lookup
from lineal.questions.decisions.evidence import About, about, asked
from lineal.questions.decisions.standing import Decided, approval, decided
from lineal.questions.lookup import ModelRow
from lineal.store import graph
from lineal.store.log import Store
from lineal.store.recalls import AliasMove
from lineal.store.runs import find_run


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


def waits(store: Store, model: ModelRow) -> bool:
    """Whether a registered version waits for an approval, so that it is not to hold an alias yet."""
    run = find_run(store, model.run_id)
    bodies = graph.bodies(store, [run.last_seq]) if run is not None else {}
    facets = [(json.loads(body).get("run") or {}).get("facets") or {} for body in bodies.values()]
    if not any(asked(each, model.number) for each in facets):
        return False
    return approval(store, about(store, lookup.subject_of(store, model))) is None


def incident(store: Store, about: About, closes: str) -> Decided:
    """The incident on a subject that a note closes.

    Args:
        store: the lineage store.
        about: the subject.
        closes: how the id begins of the run that recorded it.

    Raises:
        DecisionError: there is none, or more than one.
    """
    subject = about.subject
    told = [each for each in decided(store, about) if each.decision.kind == "incident"]
    found = [each for each in told if each.decision.run_id.startswith(closes.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        raise DecisionError(
            f"{subject}: {closes[:40]!r} begins {len(found)} incidents; write more of it", subject=subject
        )
    there = f"there is {told[0].decision.run_id}" if told else "none is on record"
    raise DecisionError(f"{subject}: {closes[:40]!r} is no incident of it; {there}", subject=subject)


def control_meant(about: About, action: str, control: str, known: Iterable[str]) -> str:
    """The whole name of the control that a person means: `POLICY.CONTROL`, or `CONTROL` where only one policy has it.

    Args:
        about: the subject.
        action: waive or withdraw.
        control: as it was given.
        known: those that there are.

    Raises:
        DecisionError: there is none, or more than one.
    """
    names = {name: [name] for name in known}
    if control in names:
        return control
    for name in [*names]:
        names.setdefault(name.rpartition(".")[2], []).append(name)
    found = names.get(control, [])
    if len(found) == 1:
        return found[0]
    if found:
        said = f"{control} is a control of several policies; write {' or '.join(found)}"
    else:
        near = get_close_matches(control, names, n=1)
        hint = f"did you mean {' or '.join(names[near[0]])}?" if near else "see `lineal audit`"
        said = f"there is no control {control[:40]!r} to {action}; {hint}"
    raise DecisionError(f"{about.subject}: {said}", subject=about.subject)


def waived(store: Store, about: About) -> list[str]:
    """The controls of a subject that a person has waived, whether that counts or not."""
    said = [each.decision for each in decided(store, about)]
    return [each.control for each in said if each.action == "waive" and each.control is not None]


def is_rejected(store: Store, model: ModelRow) -> bool:
    """Whether a person has rejected a registered version, and nobody has thought better of it."""
    found = decided(store, about(store, lookup.subject_of(store, model)))
    return any(each.decision.action == "reject" and each.counts for each in found)
