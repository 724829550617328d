"""Checks of the held-out rows: that they stand apart, and that nothing which made the model has seen them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import Facts, Step
from lineal.questions.audit.findings import Found, counted, found, some

# By these names the split says what it found of the rows on both sides.
SPLIT_TESTS = ("rows in both parts", "ids in both parts", "held-out rows that repeat a training row")


@check("split-disjoint")
def split_disjoint(facts: Facts, *, duplicates_max: float = 0.02) -> Found:
    """No row, and no id, stands on both sides of the split, and few held-out rows repeat a training row.

    Args:
        facts: about the model.
        duplicates_max: the largest share of held-out rows that may repeat a training row value for value.
    """
    told = [run for run in facts.runs if run.state == "COMPLETE" and any(t.get("type") == "split" for t in run.tests)]
    if not told:
        return found("open", "no run on record compared the training rows with the held-out rows")
    run = told[-1]
    rows = {table.key: table.rows for table in run.outputs if table.key in {each.key for each in facts.held_out}}
    counts = {str(test["name"]): _count(test.get("actual")) for test in run.tests if test.get("type") == "split"}
    both, ids, repeated = (counts.get(name) for name in SPLIT_TESTS)
    numbers: dict[str, int | float | str] = {name.replace(" ", "_"): n for name, n in counts.items() if n is not None}
    numbers |= {
        "split_method": run.parameters.get("split.method", ""),
        "split_seed": run.parameters.get("split.seed", ""),
    }
    held = sum(count or 0 for count in rows.values())
    if both or ids:
        what = counted(both, "row") if both else counted(ids or 0, "id")
        return found(
            "fail",
            f"{what} in both the training and the held-out rows",
            runs=[run],
            datasets=run.outputs,
            numbers=numbers,
        )
    if both is None:
        return found("open", "the split did not say how many rows stand on both sides", runs=[run])
    if repeated and held and repeated / held > duplicates_max:
        return found(
            "fail",
            f"{repeated:,} of {held:,} held-out rows repeat a training row value for value, "
            f"more than {duplicates_max:.1%}",
            runs=[run],
            datasets=run.outputs,
            numbers=numbers,
        )
    method, seed = numbers["split_method"], numbers["split_seed"]
    also = "" if ids is None else ", and no id"
    return found(
        "pass",
        f"no row{also} stands on both sides of the {method} split of seed {seed}; "
        f"{repeated or 0} of {held:,} held-out rows repeat a training row",
        runs=[run],
        datasets=run.outputs,
        numbers=numbers,
    )


def _count(text: object) -> int | None:
    said = str(text).partition(" ")[0]
    return int(said) if said.isdecimal() else None


@check("held-out-untouched")
def held_out_untouched(facts: Facts, *, evaluations_max: int | None = None) -> Found:
    """Nothing that the model was fitted to has the held-out rows in it.

    The way back from the model must come to a split's other side before it comes to the held-out rows, or to anything
    that they were taken from.

    Args:
        facts: about the model.
        evaluations_max: how many runs may have read the held-out rows before a person must judge.
    """
    if not facts.evaluations or not facts.held_out:
        return found("open", "no evaluation of it is on record")
    above = frozenset().union(*facts.held_out_from.values())
    held = {table.key for table in facts.held_out}
    contents = {table.version for table in facts.held_out if table.version}
    leak = _leak(facts, held, contents, above)
    runs = [*facts.evaluations, *([facts.fit] if facts.fit else [])]
    times = max(facts.judged_on.values(), default=0)
    if leak is not None:
        what = "the held-out rows" if leak.table.version in contents else "what the held-out rows were taken from"
        return found(
            "fail",
            f"it was fitted to {leak.table.name}@{leak.table.version[:12]}, which is {what}",
            runs=runs,
            datasets=[leak.table, *facts.held_out],
        )
    if facts.fit is None or not facts.fit.tables_read:
        return found("open", "what it was fitted to is not on record", runs=runs, datasets=facts.held_out)
    sentence = f"no run on its way from the sources read {some(table.name for table in facts.held_out)}"
    read = f"{counted(times, 'root run')} so far read those rows"
    if evaluations_max is not None and times > evaluations_max:
        return found(
            "review",
            f"{sentence}; but {read}, more than {evaluations_max}: choices may rest on them by now",
            runs=runs,
            datasets=facts.held_out,
            numbers={"evaluations": times},
        )
    return found("pass", f"{sentence}; {read}", runs=runs, datasets=facts.held_out, numbers={"evaluations": times})


def _leak(facts: Facts, held: set[str], contents: set[str], above: frozenset[str]) -> Step | None:
    waiting, met = list(facts.steps[facts.top].made_of) if facts.top in facts.steps else [], set[str]()
    while waiting:
        key = waiting.pop(0)
        step = facts.steps.get(key)
        if step is None or key in met:
            continue
        met.add(key)
        if key in held or key in above or (step.table.version and step.table.version in contents):
            return step
        # The other side of a split: what it came from is common, and that is no leak.
        beside = {table.key for table in step.run.outputs} - {key} if step.run else set()
        if not beside & (held | above):
            waiting += step.made_of
    return None


@check("target-leakage")
def target_leakage(facts: Facts, *, score_max: float = 0.99) -> Found:
    """No column alone tells the target, is it under another name, or is named as it is; recorded when it was fitted.

    Args:
        facts: about the model.
        score_max: the score from which on a column is taken for a leak: ROC AUC, or R² of a regression.
    """
    if facts.fit is None:
        return found("open", "the run that fitted it is not on record")
    said = facts.fit.facets.get("lineal_leakage") or {}
    columns = said.get("columns") or ()
    if not columns:
        return found("open", "the fit did not say what each column alone tells of the target", runs=[facts.fit])
    measure = str(said.get("measure"))
    leaks = [_tells(each, measure) for each in columns if _leaks(each, score_max)]
    looked, left = int(said.get("looked") or len(columns)), int(said.get("leftOut") or 0)
    best = next((each for each in columns if isinstance(each.get("score"), (int, float))), None)
    numbers: dict[str, int | float | str] = {"columns": looked, "leaks": len(leaks), "limit": score_max}
    if best is not None:
        numbers |= {"highest": round(float(best["score"]), 4), "highest_column": str(best["column"])}
    if leaks:
        return found("fail", some(leaks), runs=[facts.fit], datasets=facts.fit.tables_read, numbers=numbers)
    if left:
        more = f"no column of the {looked} that were looked at tells the target alone, and {left} were not"
        return found("open", more, runs=[facts.fit], datasets=facts.fit.tables_read, numbers=numbers)
    most = f"; the most tells {best['column']} ({measure} {float(best['score']):.3g})" if best else ""
    return found(
        "pass",
        f"none of {counted(looked, 'column')} alone tells the target{most}",
        runs=[facts.fit],
        datasets=facts.fit.tables_read,
        numbers=numbers,
    )


def _leaks(column: Mapping[str, Any], limit: float) -> bool:
    score = column.get("score")
    return bool(column.get("equal") or column.get("named") or (isinstance(score, (int, float)) and score >= limit))


def _tells(column: Mapping[str, Any], measure: str) -> str:
    name = column.get("column")
    if column.get("equal"):
        return f"{name} is the target in every row"
    if column.get("named"):
        return f"{name} is named as the target is"
    return f"{name} alone tells the target ({measure} {float(column['score']):.4g})"
