"""Checks of the model: what it was to be judged by, and what the judgement came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineal.models.groups.interface import expected_gap
from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import NO_JUDGEMENT, Asked, Facts, Run, listed
from lineal.questions.audit.findings import Found, counted, found, some

_GATES = "evaluate.gates."


@check("gates-first")
def gates_first(facts: Facts) -> Found:
    """The metrics and thresholds were on record before the evaluation began, are those it was held to, and all held."""
    gates = [(run, test) for run in facts.evaluations for test in run.tests if test.get("type") == "gate"]
    if not facts.evaluations:
        return found("open", "no evaluation of it is on record")
    prior = _prior(facts)
    if not gates:
        verdict = "fail" if prior else "open"
        said = "it was not held to the thresholds that were set" if prior else "no threshold was set"
        return found(verdict, said, runs=facts.evaluations)  # type: ignore[arg-type]
    runs = list({run.id: run for run, _ in gates}.values())
    named = [str(test.get("expected") or test.get("name")) for _, test in gates]
    numbers = {str(test.get("name")).replace(" ", "_"): str(test.get("actual", "")) for _, test in gates}
    failed = [str(test.get("description") or test.get("name")) for _, test in gates if test.get("status") == "fail"]
    if failed:
        return found("fail", f"{some(failed)}, and it was registered all the same", runs=runs, numbers=numbers)
    if not prior:
        return found(
            "open", f"it held {some(named)}, and when that was set is not on record", runs=runs, numbers=numbers
        )
    begun = min(run.begun_seq for run in runs)
    others = [each for each in named if each not in prior]
    unheld = [each for each in prior if each not in named]
    late = [each for each in named if each in prior and prior[each].seq > begun]
    carriers = {run.id: run for run in facts.runs}
    if others:
        return found("fail", f"it was held to {some(others)}, and {some(prior)} was set", runs=runs, numbers=numbers)
    if unheld:
        return found("fail", f"it was not held to {some(unheld)}, which was set", runs=runs, numbers=numbers)
    after = [each for each in late if (run := carriers.get(prior[each].run_id)) is not None and run.begun_seq > begun]
    if after:
        by = [prior[each].run_id for each in after]
        return found(
            "fail", f"{some(after)} was set after the evaluation had begun", runs=[*runs, *by], numbers=numbers
        )
    if late:
        return found(
            "open", f"whether {some(late)} was set before the evaluation is not on record", runs=runs, numbers=numbers
        )
    by = [prior[each].run_id for each in named]
    return found(
        "pass", f"{some(named)}: set before the evaluation began, and held", runs=[*runs, *by], numbers=numbers
    )


def _prior(facts: Facts) -> dict[str, Asked]:
    """The gates among the parameters, as the evaluation words them, each with the last of its parts to be known."""
    parts: dict[str, dict[str, Asked]] = {}
    for key, entry in facts.asked.items():
        if key.startswith(_GATES):
            number, _, name = key.removeprefix(_GATES).partition(".")
            parts.setdefault(number, {})[name] = entry
    found: dict[str, Asked] = {}
    for each in parts.values():
        bounds = [
            f"{sign} {_figure(each[name].value)}" for sign, name in ((">=", "min"), ("<=", "max")) if name in each
        ]
        if "metric" in each and "max_gap" in each:
            found |= _gaps(each, facts.asked.get("evaluate.groups"))
        if "metric" in each and bounds:
            found[f"{each['metric'].value} {' and '.join(bounds)}"] = max(each.values(), key=lambda entry: entry.seq)
    return found


def _gaps(gate: Mapping[str, Asked], groups: Asked | None) -> dict[str, Asked]:
    """A gate on a gap, as the evaluation words it: for the columns that it names, or for each that there is."""
    parts = [*gate.values(), *([groups] if groups and "by" not in gate else [])]
    last = max(parts, key=lambda entry: entry.seq)
    columns = (
        [listed(gate["by"].value)] if "by" in gate else [(each,) for each in listed(groups.value if groups else "")]
    )
    left_out = listed(gate["leave_out"].value) if "leave_out" in gate else ()
    try:
        limit = float(gate["max_gap"].value)
    except ValueError:
        return {}
    return {expected_gap(gate["metric"].value, by, limit, left_out): last for by in columns}


def _figure(text: str) -> str:
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


@check("metrics-recorded")
def metrics_recorded(facts: Facts, *, metrics: list[str] | None = None) -> Found:
    """The metrics on held-out rows are on record, all that were asked for among them.

    Args:
        facts: about the model.
        metrics: those that must be there, beside the ones that the pipeline file names.
    """
    if not facts.evaluations:
        return found("open", "no evaluation of it is on record")
    figures = {
        str(each["name"]): float(each["value"])
        for run in facts.evaluations
        for each in run.metrics
        if each.get("of") not in NO_JUDGEMENT and isinstance(each.get("value"), (int, float))
    }
    entry = facts.asked.get("evaluate.metrics")
    asked = [*(metrics or ()), *_names(entry.value if entry else "")]
    missing = [name for name in dict.fromkeys(asked) if name not in figures]
    rows = sum(table.rows or 0 for table in facts.held_out)
    if missing:
        return found(
            "fail",
            f"{some(missing)} was asked for and is not among what was found",
            runs=facts.evaluations,
            numbers=figures,
        )
    if not figures:
        return found("open", "no figure of its evaluation is on record", runs=facts.evaluations)
    said = some((f"{name} {value:.4g}" for name, value in figures.items()), most=5)
    return found(
        "pass", f"{said}, on {rows:,} held-out rows", runs=facts.evaluations, datasets=facts.held_out, numbers=figures
    )


def _names(text: str) -> list[str]:
    return [each.strip(" '\"[]()") for each in text.split(",") if each.strip(" '\"[]()")]


@check("metric-spread")
def metric_spread(facts: Facts, *, spread_max: float | None = None) -> Found:
    """How far the headline metric varies, over folds or repeats, is on record.

    Args:
        facts: about the model.
        spread_max: the largest standard deviation that it may have.
    """
    runs: list[Run] = [*([facts.fit] if facts.fit else []), *facts.evaluations]
    spreads = {
        str(each["name"]): float(each["spread"])
        for run in runs
        for each in run.metrics
        if isinstance(each.get("spread"), (int, float))
    }
    telling = [run for run in runs if any(isinstance(each.get("spread"), (int, float)) for each in run.metrics)]
    if not spreads:
        return found("open", "no spread of any metric is on record", runs=runs)
    said = some((f"{name} ± {value:.2g}" for name, value in spreads.items()), most=5)
    wide = [name for name, value in spreads.items() if spread_max is not None and value > spread_max]
    if wide:
        more = f"the spread of {some(wide)} is above {spread_max:g}"
        return found("fail", f"{said}: {more}", runs=telling, numbers=spreads)
    return found("pass", f"{said} over {counted(len(spreads), 'metric')}", runs=telling, numbers=spreads)


@check("robustness-tested")
def robustness_tested(facts: Facts) -> Found:
    """Tests against errors, faults and inconsistent input are on record, and the newest all passed.

    A run that reads the model says them as tests of the kind `robustness`; no pipeline runs them by itself.
    """
    if not facts.tested:
        return found("open", "no test of its robustness is on record")
    newest = facts.tested[0]
    tests = [each for each in newest.tests if each.get("type") == "robustness"]
    failed = [_outcome(each) for each in tests if each.get("status") == "fail"]
    passed = [_outcome(each) for each in tests if each.get("status") == "pass"]
    numbers = {"tests": len(tests), "failed": len(failed)}
    if failed:
        return found("fail", some(failed), runs=[newest], datasets=newest.tables_read, numbers=numbers)
    if not passed:
        return found("open", "its tests decided nothing", runs=[newest], numbers=numbers)
    return found("pass", some(passed), runs=[newest], datasets=newest.tables_read, numbers=numbers)


def _outcome(test: Mapping[str, Any]) -> str:
    figures = [str(test[key]) for key in ("actual", "expected") if test.get(key) is not None]
    return f"{test.get('name')} ({', expected '.join(figures)})" if figures else str(test.get("name"))
