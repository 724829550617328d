"""Checks of operation: what happens with the model where it is used."""

from __future__ import annotations

from datetime import datetime

from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import Facts, Run, Table
from lineal.questions.audit.findings import Found, counted, found, some
from lineal.questions.audit.human import by_person

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
        if each.action in _BY_PEOPLE and by_person(each) and each.at >= (run.ended_at or "")
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


@check("inputs-valid")
def inputs_valid(facts: Facts, *, outside_max: float = 0.05) -> Found:
    """Each batch has the columns that it learnt from, of their kinds, and hardly any value outside of what it learnt.

    Args:
        facts: about the model.
        outside_max: the largest share of a column's values that may lie outside of what was learnt.
    """
    if not facts.scorings:
        return found("open", "it has predicted nothing so far")
    learnt = _kinds(next((step.table for step in facts.steps.values() if step.table.columns), None))
    if not learnt:
        return found("open", "the columns that it takes are not on record", runs=facts.scorings)
    compared = {run.root_id: run.facets["lineal_drift"] for run in facts.drifts}
    shares: dict[str, float] = {}
    for run in facts.scorings:
        for table in run.tables_read:
            there = _kinds(table)
            wrong = [
                f"{name} is {there.get(name, 'missing')}, learnt as {kind}"
                for name, kind in learnt.items()
                if there.get(name) != kind
            ]
            if wrong:
                return found("fail", some(wrong), runs=[run], datasets=[table], numbers={"columns": len(wrong)})
        for each in (compared.get(run.root_id) or {}).get("columns") or ():
            if isinstance(each.get("unseen"), (int, float)):
                name = str(each.get("column"))
                shares[name] = max(shares.get(name, 0.0), float(each["unseen"]))
    silent = [run for run in facts.scorings if run.root_id not in compared]
    outside = sorted(((share, name) for name, share in shares.items() if share > outside_max), reverse=True)
    most = max(shares.values(), default=0.0)
    numbers = {"batches": len(facts.scorings), "columns": len(learnt), "largest_share_outside": round(most, 4)}
    if outside:
        said = some(f"{share:.1%} of {name} lie outside of what was learnt" for share, name in outside)
        return found("fail", said, runs=facts.scorings, numbers=numbers)
    if silent:
        many = counted(len(silent), "batch", "batches")
        return found("open", f"what of {many} lies outside of what was learnt is not on record", runs=silent)
    return found(
        "pass",
        f"{counted(len(facts.scorings), 'batch', 'batches')} with the {counted(len(learnt), 'column')} that it learnt "
        f"from; at most {most:.1%} of a column lie outside of what was learnt",
        runs=facts.scorings,
        datasets=[table for run in facts.scorings for table in run.tables_read],
        numbers=numbers,
    )


def _kinds(table: Table | None) -> dict[str, str]:
    """What each column holds, by its type: a number is one whether whole or not."""
    fields = ((table.facets.get("schema") or {}).get("fields") or ()) if table is not None else ()
    return {
        str(each["name"]): _kind(str(each.get("type", "")))
        for each in fields
        # What a model predicts is told by the kind of problem.
        if "name" in each and each.get("type") not in ("binary", "multiclass", "regression")
    }


def _kind(said: str) -> str:
    if said.startswith(("int", "uint", "double", "float", "decimal")):
        return "a number"
    if said.startswith("bool"):
        return "true or false"
    return "a date" if said.startswith(("date", "timestamp")) else "text"


def _traceable(run: Run) -> bool:
    said = run.facets.get("lineal_prediction") or {}
    return bool(said.get("idPrefix") and run.tables_read and all(table.version for table in run.tables_read))


def _age(run: Run, facts: Facts) -> float:
    return (facts.now - datetime.fromisoformat(run.ended_at or run.started_at or "")).total_seconds() / 86_400
