"""Checks of what people decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from lineal import people
from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import Decision, Facts
from lineal.questions.audit.findings import Found, counted, found

# What ends an approval that was given before.
_ENDING = ("reject", "withdraw")
_RULES = "the rules of pipeline"


@check("approved-by-another")
def approved_by_another(facts: Facts) -> Found:
    """Someone who did not start the training approved it, with a reason, and that still counts."""
    author = str(facts.environment.get("user") or "")
    command = f"lineal history {facts.called}"
    # What is withdrawn by the name of a control is its waiver.
    verdicts = [
        each
        for each in facts.decisions
        if each.action in ("approve", *_ENDING) and not each.control and not by_rules(each)
    ]
    if not verdicts:
        return found("open", "nobody approved it", runs=[facts.fit], command=command)
    # What bears another's signature is nobody's word.
    heard = [each for each in verdicts if each.standing != "not counted"]
    newest = (heard or verdicts)[-1]
    runs = [each.run_id for each in verdicts]
    said = f"{newest.by} on {newest.at[:10]}: {newest.reason}"
    numbers = {"approvals": sum(each.action == "approve" for each in heard), "signed": int(newest.signed)}
    if not heard:
        why = f"the word of {newest.by} does not count: {newest.why}"
        return found("fail", why, runs=runs, command=command, numbers=numbers)
    if newest.action in _ENDING:
        words = "rejected" if newest.action == "reject" else "withdrawn"
        return found("fail", f"it was {words} by {said}", runs=runs, command=command, numbers=numbers)
    if ended(newest, facts.now):
        return found(
            "fail", f"the approval by {newest.by} ended on {newest.until}", runs=runs, command=command, numbers=numbers
        )
    if not author:
        return found(
            "open",
            f"approved by {said}; who started the training is not on record",
            runs=runs,
            command=command,
            numbers=numbers,
        )
    if people.same(newest.by, author):
        return found(
            "fail",
            f"{newest.by} approved what {author} trained, which is the same person",
            runs=runs,
            command=command,
            numbers=numbers,
        )
    if not newest.counts:
        why = f"the approval by {newest.by} is {newest.standing}: {newest.why}"
        return found("fail", why, runs=runs, command=command, numbers=numbers)
    stale = [recall for recall in facts.recalls if recall.decided_at > newest.at]
    if stale:
        why = f"{stale[0].subject} was recalled since: {stale[0].reason}"
        return found(
            "fail", f"approved by {said}; but {why}", runs=[*runs, stale[0].run_id], command=command, numbers=numbers
        )
    if not newest.reason.strip():
        return found("fail", f"{newest.by} approved it and gave no reason", runs=runs, command=command, numbers=numbers)
    return found("pass", f"approved by {said}; {author} trained it", runs=runs, command=command, numbers=numbers)


@check("withdrawal-tried")
def withdrawal_tried(facts: Facts, *, days: int = 365) -> Found:
    """A person withdrew it, or moved its alias away, within so many days: the way to stop it is known to work.

    Args:
        facts: about the model.
        days: how long ago at the most.
    """
    command = f"lineal history {facts.called}"
    taken = [
        each
        for each in facts.decisions
        if by_person(each) and (_moved_away(each, facts) or (each.action == "withdraw" and not each.control))
    ]
    if not taken:
        return found("open", "nobody has withdrawn it, or moved an alias away from it, so far", command=command)
    age = (facts.now - datetime.fromisoformat(taken[-1].at)).total_seconds() / 86_400
    said = f"{taken[-1].by} did on {taken[-1].at[:10]}: {taken[-1].reason}"
    numbers = {"days": round(age, 2), "times": len(taken)}
    runs = [each.run_id for each in taken]
    if age > days:
        return found(
            "fail", f"{said}, longer ago than {counted(days, 'day')}", runs=runs, command=command, numbers=numbers
        )
    return found("pass", said, runs=runs, command=command, numbers=numbers)


def _moved_away(decision: Decision, facts: Facts) -> bool:
    return decision.action == "move-alias" and decision.values.get("previous") == facts.model.number


@check("predictions-reviewed")
def predictions_reviewed(facts: Facts) -> Found:
    """Where predictions alone decide on persons, a person reviewed each batch of them."""
    said = facts.declared.get("legal_effect")
    if said is None:
        return found("open", "[declared] legal_effect is not in its pipeline file", runs=[facts.fit])
    if str(said).casefold() != "true":
        return found("n/a", "[declared] legal_effect says that they have none", runs=[facts.fit])
    if not facts.scorings:
        return found("open", "it has predicted nothing so far")
    reviewed = {
        each.on: each
        for each in facts.notes
        # Who looked at one prediction has not reviewed its batch.
        if each.kind == "review" and each.counts and not each.subject.startswith("prediction:")
    }
    missing = [
        (run, table) for run in facts.scorings for table in run.outputs if table.version and table.key not in reviewed
    ]
    numbers = {"batches": len(facts.scorings), "reviewed": len(facts.scorings) - len(missing)}
    if missing:
        table = missing[0][1]
        return found(
            "fail",
            f"nobody reviewed {counted(len(missing), 'batch', 'batches')} of predictions: "
            f"lineal note {table.subject} WHAT --kind review",
            runs=[each for each, _ in missing],
            datasets=[each for _, each in missing],
            numbers=numbers,
        )
    newest = max(reviewed.values(), key=lambda each: each.at)
    batches = counted(len(facts.scorings), "batch", "batches")
    return found(
        "pass",
        f"{batches} of predictions, each reviewed; {newest.by}: {newest.reason}",
        runs=[*facts.scorings, newest.run_id],
        datasets=[table for run in facts.scorings for table in run.outputs],
        numbers=numbers,
    )


@check("incidents-closed")
def incidents_closed(facts: Facts, *, days: int = 15) -> Found:
    """Each incident that was noted has an owner, and was closed within so many days by saying what was done.

    Args:
        facts: about the model.
        days: how long it may be open.
    """
    told = [each for each in facts.notes if each.kind == "incident" and each.counts]
    if not told:
        return found("n/a", "no incident is on record")
    owner = facts.asked["owner"].value if "owner" in facts.asked else ""
    closed = {each.closes: each for each in facts.notes if each.closes and each.counts}
    still = [each for each in told if each.run_id not in closed]
    numbers: dict[str, int | float | str] = {"incidents": len(told), "open": len(still)}
    runs = [each.run_id for each in told]
    if not owner:
        return found(
            "fail", f"{counted(len(told), 'incident')}, and nobody is stated as the owner", runs=runs, numbers=numbers
        )
    if still:
        oldest = still[0]
        age = (facts.now - datetime.fromisoformat(oldest.at)).total_seconds() / 86_400
        return found(
            "fail" if age > days else "open",
            f"not closed for {age:.1f} days: {oldest.reason} ({oldest.by}); "
            f"lineal note {oldest.subject} WHAT --closes {oldest.run_id}",
            runs=[each.run_id for each in still],
            numbers={**numbers, "days": round(age, 2)},
        )
    late = [each for each in told if _days(each, closed[each.run_id]) > days]
    if late:
        return found(
            "fail",
            f"closed only after {_days(late[0], closed[late[0].run_id]):.1f} days: {late[0].reason}",
            runs=[each.run_id for each in late],
            numbers=numbers,
        )
    newest = closed[told[-1].run_id]
    return found(
        "pass",
        f"{counted(len(told), 'incident')} of {owner}, each closed; {newest.by}: {newest.reason}",
        runs=[*runs, newest.run_id],
        numbers=numbers,
    )


def _days(first: Decision, last: Decision) -> float:
    return (datetime.fromisoformat(last.at) - datetime.fromisoformat(first.at)).total_seconds() / 86_400


def ended(decision: Decision, now: datetime) -> bool:
    """Whether a decision counts no more, as its date is over."""
    if decision.until is None:
        return False
    try:
        until = datetime.fromisoformat(decision.until)
    except ValueError:
        return True  # a date that is none binds nobody
    if len(decision.until) <= 10:
        until = until.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return (until if until.tzinfo else until.replace(tzinfo=UTC)) < now


def waiver(decisions: Iterable[Decision], control: str, now: datetime) -> Decision | None:
    """The waiver of a control that stands: the newest, not ended and not withdrawn since."""
    standing: Decision | None = None
    for each in decisions:
        if each.action == "waive" and each.control == control and each.counts:
            standing = each
        elif each.action == "withdraw" and each.control in (None, control) and by_person(each):
            standing = None
    return standing if standing is not None and not ended(standing, now) else None


def by_rules(decision: Decision) -> bool:
    """Whether a pipeline decided, and no person."""
    return not decision.by or decision.by.startswith(_RULES)


def by_person(decision: Decision) -> bool:
    """Whether it can be taken for a person's own word, whatever has become of it since."""
    return not by_rules(decision) and decision.standing != "not counted"
