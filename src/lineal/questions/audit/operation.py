"""Checks of operation: what happens with the model where it is used."""

from __future__ import annotations

from datetime import datetime

from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import Facts, Run
from lineal.questions.audit.findings import Found, counted, found, some

_BY_PEOPLE = ("note", "approve", "reject", "waive", "withdraw")


@check("drift-checked")
def drift_checked(facts: Facts, *, days: int = 30) -> Found:
    """A batch was compared with the training rows within so many days, and drift that was found has a decision.

    Args:
        facts: about the model.
        days: how long ago at the most.
    """
    if not facts.model.aliases:
        return found("n/a", "it holds no alias, so that nobody is to use it")
    if not facts.drifts:
        return found("open", "no batch was compared with its training rows so far")
    newest = facts.drifts[0]
    age = _age(newest, facts)
    numbers: dict[str, int | float | str] = {"days": round(age, 2), "comparisons": len(facts.drifts)}
    if age > days:
        return found(
            "fail",
            f"the newest comparison is {age:.1f} days old, and the limit is {days}",
            runs=[newest],
            numbers=numbers,
        )
    drifted = [run for run in facts.drifts if (run.facets.get("lineal_drift") or {}).get("drifted")]
    heard = {
        run.id
        for run in drifted
        for each in facts.decisions
        if each.action in _BY_PEOPLE and each.at >= (run.ended_at or "")
    }
    unheard = [run for run in drifted if run.id not in heard]
    numbers["drifted"] = len(drifted)
    if unheard:
        columns = some(
            str(each.get("column"))
            for each in unheard[0].facets["lineal_drift"].get("columns") or ()
            if each.get("over")
        )
        return found(
            "fail", f"drift in {columns}, and nobody decided or noted anything since", runs=unheard, numbers=numbers
        )
    said = (
        "none had drifted" if not drifted else f"drift in {counted(len(drifted), 'of them', 'of them')} was decided on"
    )
    return found(
        "pass",
        f"{counted(len(facts.drifts), 'comparison')}, the newest {age:.1f} days ago; {said}",
        runs=facts.drifts,
        numbers=numbers,
    )


@check("predictions-traceable")
def predictions_traceable(facts: Facts) -> Found:
    """Each batch that it predicted says by which version, of which rows, and with which ids."""
    if not facts.scorings:
        return found("open", "it has predicted nothing so far")
    bad = [run for run in facts.scorings if not _traceable(run)]
    numbers = {"batches": len(facts.scorings), "untraceable": len(bad)}
    if bad:
        return found(
            "fail", f"{counted(len(bad), 'batch', 'batches')} cannot be led back to its rows", runs=bad, numbers=numbers
        )
    rows = sum(int((run.facets["lineal_prediction"]).get("rows") or 0) for run in facts.scorings)
    tables = [table for run in facts.scorings for table in run.outputs]
    return found(
        "pass",
        f"{counted(len(facts.scorings), 'batch', 'batches')} of {rows:,} predictions, each with version, rows and ids",
        runs=facts.scorings,
        datasets=tables,
        command="lineal list predictions",
        numbers={"predictions": rows, **numbers},
    )


def _traceable(run: Run) -> bool:
    said = run.facets.get("lineal_prediction") or {}
    return bool(said.get("idPrefix") and run.tables_read and all(table.version for table in run.tables_read))


def _age(run: Run, facts: Facts) -> float:
    return (facts.now - datetime.fromisoformat(run.ended_at or run.started_at or "")).total_seconds() / 86_400
