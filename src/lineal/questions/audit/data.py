"""Checks of data: where it came from, how it was checked and prepared, and how old it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import Facts, Run, Step
from lineal.questions.audit.findings import Found, counted, found, some


@check("data-origin")
def data_origin(facts: Facts) -> Found:
    """Every source of the model is known by its place and its content, and a recorded run read it."""
    sources = list(facts.sources())
    if not sources:
        return found("open", "nothing is on record of what it was made of")
    readers = {step.table.key: _reader(facts, step) for step in sources}
    unread = [step for step in sources if readers[step.table.key] is None]
    unknown = [step for step in sources if not step.table.version and not _kept_query(readers[step.table.key])]
    datasets = [step.table for step in sources]
    if unread:
        names = some(step.table.name for step in unread)
        return found("open", f"no run on record read {names}", datasets=datasets, numbers={"sources": len(sources)})
    if unknown:
        return found(
            "fail",
            f"the content of {some(step.table.name for step in unknown)} was not recorded, so nobody can tell which "
            "data that was",
            runs=readers.values(),
            datasets=datasets,
            numbers={"sources": len(sources), "without_hash": len(unknown)},
        )
    said = f"{counted(len(sources), 'source')}, known by place and content hash: "
    return found(
        "pass",
        said + some(_called(step) for step in sources),
        runs=readers.values(),
        datasets=datasets,
        command=f"lineal trace {facts.subject}",
        numbers={"sources": len(sources)},
    )


def _reader(facts: Facts, step: Step) -> Run | None:
    readers = facts.readers(step.table.key)
    return next(iter(readers), None)


def _kept_query(run: Run | None) -> bool:
    """Whether a run kept what a query gave: a database has no content hash, what was read of it has."""
    return run is not None and "sql" in run.job_facets and all(table.version for table in run.outputs)


def _called(step: Step) -> str:
    name = step.table.name.rpartition("/")[2] or step.table.name
    return f"{name}@{step.table.version[:12]}" if step.table.version else name


@check("quality-checks", wants=["before"])
def quality_checks(facts: Facts, *, at_least: int = 1) -> Found:
    """The data was held to checks before the model was fitted, all held, and none was dropped since the last version.

    Args:
        facts: about the model.
        at_least: the fewest checks.
    """
    asserted = [
        (run, table, each)
        for run in facts.runs
        for table in run.inputs
        for each in (table.facets.get("dataQualityAssertions") or {}).get("assertions") or ()
        if table.key in facts.steps
    ]
    if facts.fit is None:
        return found("open", "the run that fitted it is not on record")
    if not asserted:
        return found("open", "no check of the data that it was made of is on record", runs=[facts.fit])
    runs = [run for run, _, _ in asserted]
    tables = [table for _, table, _ in asserted]
    failed = [
        _said(each) for _, _, each in asserted if not each.get("success", True) and each.get("severity") != "warn"
    ]
    late = [run for run in runs if run.ended_at is None or not _before(run, facts.fit)]
    dropped = _dropped(facts)
    numbers = {"checks": len(asserted), "failed": len(failed)}
    said = counted(len(asserted), "check")
    if failed:
        return found("fail", f"{some(failed)} did not hold", runs=runs, datasets=tables, numbers=numbers)
    if late:
        return found(
            "fail",
            f"{said} ran only after the fit had begun",
            runs=[*runs, facts.fit],
            datasets=tables,
            numbers=numbers,
        )
    if dropped:
        before = facts.before.number if facts.before else ""
        return found(
            "fail",
            f"version {before} was held to {some(dropped)}, and this one is not",
            runs=runs,
            datasets=tables,
            command=f"lineal diff {facts.called}@{before} {facts.subject}",
            numbers=numbers,
        )
    if len(asserted) < at_least:
        return found("fail", f"{said}, and {at_least} are asked for", runs=runs, datasets=tables, numbers=numbers)
    return found("pass", f"{said} held before the fit began", runs=runs, datasets=tables, numbers=numbers)


def _said(assertion: Mapping[str, object]) -> str:
    column = assertion.get("column")
    return f"{assertion.get('assertion')} of {column}" if column else str(assertion.get("assertion"))


def _before(run: Run, fit: Run) -> bool:
    return bool(run.ended_at and fit.started_at and run.ended_at <= fit.started_at)


def _dropped(facts: Facts) -> list[str]:
    now = _clauses({key: entry.value for key, entry in facts.asked.items()})
    return [clause for clause in _clauses(facts.before_asked) if clause not in now]


def _clauses(parameters: Mapping[str, str]) -> list[str]:
    """What a pipeline file's checks ask for: kind and column, not the bound, which may be another in each version."""
    found: dict[str, dict[str, str]] = {}
    for key, value in parameters.items():
        parts = key.split(".")
        if parts[0] == "checks" and len(parts) == 3:
            found.setdefault(parts[1], {})[parts[2]] = value
    return [
        f"{kind} of {check['column']}" if "column" in check else kind
        for check in found.values()
        for kind in check
        if kind != "column"
    ]


@check("preparation-recorded")
def preparation_recorded(facts: Facts) -> Found:
    """Each step from the sources to the model is a recorded run of known code, without a gap."""
    makers = facts.makers()
    if not makers or facts.fit is None:
        return found("open", "the run that fitted it is not on record", runs=makers.values())
    # What stands in the namespace of our jobs somebody here made.
    tables = [step for step in facts.sources() if step.table.kind == "TABLE"]
    gaps = [step for step in tables if step.table.namespace == facts.fit.namespace]
    runs = list(makers.values())
    if gaps:
        names = some(f"{step.table.name}@{step.table.version[:12]}" for step in gaps)
        return found("fail", f"no run on record made {names}", runs=runs, datasets=[step.table for step in gaps])
    failed = [run for run in runs if run.state != "COMPLETE"]
    if failed:
        return found("fail", f"{some(run.job for run in failed)} did not complete", runs=failed)
    nameless = [run for run in runs if not (run.job_facets.get("sourceCodeLocation") or {}).get("version")]
    if nameless:
        return found(
            "open", f"the commit of the code of {some(run.job for run in nameless)} is not known", runs=nameless
        )
    numbers = {"steps": len(runs), "versions": len(facts.steps)}
    unmapped = [run.job for run in runs if any("columnLineage" not in table.facets for table in run.outputs)]
    tail = f"; by which columns is not told of {some(unmapped)}" if unmapped else ", with the columns of each"
    jobs = some((run.job for run in runs), most=6)
    return found("pass", f"{jobs}: no gap, each at a known commit{tail}", runs=runs, numbers=numbers)


@check("data-age")
def data_age(facts: Facts, *, days: int) -> Found:
    """The data was read no longer ago than so many days.

    Args:
        facts: about the model.
        days: the most.
    """
    reads = [run for step in facts.sources() if (run := _reader(facts, step)) is not None and run.started_at]
    if not reads:
        return found("open", "when its data was read is not on record")
    oldest = min(reads, key=lambda run: run.started_at or "")
    age = (facts.now - datetime.fromisoformat(oldest.started_at or "")).total_seconds() / 86_400
    verdict = "pass" if age <= days else "fail"
    more = "no more" if age <= days else "more"
    return found(
        verdict,  # type: ignore[arg-type]  # one of the two above
        f"its oldest data was read {age:.1f} days ago, {more} than {days}",
        runs=[oldest],
        numbers={"days": round(age, 2), "limit": days},
    )


@check("gaps-noted")
def gaps_noted(facts: Facts) -> Found:
    """How much is missing in each column is on record, and a person noted the gaps of this data.

    A version is known by its content, so a note on it is about this data and no other, whenever it was written.
    """
    told = [
        (run, table, table.facets["dataQualityMetrics"])
        for run in facts.runs
        for table in run.inputs
        if table.key in facts.steps and (table.facets.get("dataQualityMetrics") or {}).get("columnMetrics")
    ]
    if not told:
        return found("open", "how much is missing in its data is not on record")
    run, table, measured = told[-1]
    rows = int(measured.get("rowCount") or 0)
    missing = {
        name: int(each.get("nullCount") or 0)
        for name, each in measured["columnMetrics"].items()
        if isinstance(each, Mapping) and each.get("nullCount")
    }
    # Not what is noted on a batch that it predicted.
    about = [each for each in facts.notes if each.on is None or each.on in facts.steps]
    noted = [each for each in about if each.kind == "data-gap" and each.counts]
    numbers: dict[str, int | float | str] = {
        "columns": len(measured["columnMetrics"]),
        "with_missing": len(missing),
        "rows": rows,
        "notes": len(noted),
    }
    worst = sorted(missing.items(), key=lambda pair: -pair[1])
    said = f"missing: {some(f'{name} in {count:,} of {rows:,} rows' for name, count in worst)}"
    said = said if missing else f"no value is missing in {counted(len(measured['columnMetrics']), 'column')}"
    if noted:
        newest = noted[-1]
        return found(
            "pass",
            f"{said}; {newest.by} noted: {newest.reason}",
            runs=[run, newest.run_id],
            datasets=[table],
            numbers=numbers,
        )
    verdict, tail = ("fail", "nobody noted it as a gap") if missing else ("open", "nobody noted what else it lacks")
    return found(
        verdict,  # type: ignore[arg-type]  # one of the two above
        f"{said}, and {tail}: lineal note {table.subject} WHAT --kind data-gap",
        runs=[run],
        datasets=[table],
        numbers=numbers,
    )
