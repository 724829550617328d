"""Checks of data: where it came from, how it was split, checked and prepared, and whether it may still be used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import Facts, Run, Step
from lineal.questions.audit.findings import Found, counted, found, some

# By these names the split says what it found of the rows on both sides.
SPLIT_TESTS = ("rows in both parts", "ids in both parts", "held-out rows that repeat a training row")


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
            command=f"lineal diff model:{facts.model.name}@{before} {facts.subject}",
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


@check("recalls-handled")
def recalls_handled(facts: Facts) -> Found:
    """Nothing that it was made of is recalled; or the model is out of use since it is."""
    if not facts.steps:
        return found("open", "nothing is on record of what it was made of")
    if not facts.recalls:
        count = len(facts.steps)
        return found(
            "pass",
            f"no recall stands against the {count} versions that it was made of",
            command=f"lineal trace {facts.subject}",
            numbers={"versions": count},
        )
    since = min(recall.decided_at for recall in facts.recalls)
    said = some(f"{recall.subject} ({recall.reason})" for recall in facts.recalls)
    runs: list[Run | str | None] = [recall.run_id for recall in facts.recalls]
    subjects = [recall.subject for recall in facts.recalls]
    used = [run for run in facts.scorings if (run.started_at or "") > since]
    command = f"lineal impact {subjects[0]}"
    if facts.model.aliases:
        holds = ", ".join(f"@{alias}" for alias in facts.model.aliases)
        return found("fail", f"recalled: {said}; and it holds {holds}", runs=runs, datasets=subjects, command=command)
    if used:
        return found(
            "fail",
            f"recalled: {said}; and it predicted {counted(len(used), 'batch', 'batches')} since",
            runs=[*runs, *used],
            datasets=subjects,
            command=command,
            numbers={"predictions_since": len(used)},
        )
    return found(
        "pass",
        f"recalled: {said}; since then it holds no alias and predicted nothing",
        runs=runs,
        datasets=subjects,
        command=command,
    )


@check("special-columns")
def special_columns(facts: Facts) -> Found:
    """No column that is declared a special category of personal data is among what the model learns from."""
    declared = facts.declared.get("special")
    if declared is None:
        return found("open", "[declared] special is not in its pipeline file: list the columns, or an empty list")
    if not declared:
        return found("n/a", "[declared] special says that there are none", runs=[facts.fit])
    taken = _learnt_from(facts)
    if not taken:
        return found("open", "the columns that it learns from are not on record")
    used = [name for name in declared if name in taken]
    if used:
        return found(
            "fail",
            f"it learns from {some(used)}",
            runs=[facts.fit],
            numbers={"special": len(declared), "used": len(used)},
        )
    return found(
        "pass",
        f"it learns from none of {some(declared)}",
        runs=[facts.fit],
        numbers={"special": len(declared), "used": 0},
    )


def _learnt_from(facts: Facts) -> set[str]:
    """The model's own columns, and those of the tables that these come from."""
    top = next((step.table for step in facts.steps.values() if step.table.kind == "MODEL" and step.table.columns), None)
    if top is None:
        return set()
    taken, wanted = (
        set[str](),
        {
            (step.table.namespace, step.table.name, name)
            for step in facts.steps.values()
            if step.table.kind == "MODEL"
            for name in step.table.columns
        },
    )
    lineage = {
        (step.table.namespace, step.table.name): (step.table.facets.get("columnLineage") or {}).get("fields") or {}
        for step in facts.steps.values()
    }
    waiting, met = list(wanted), set(wanted)
    while waiting:
        namespace, name, column = waiting.pop()
        taken.add(column)
        for origin in (lineage.get((namespace, name), {}).get(column) or {}).get("inputFields") or ():
            place = (str(origin.get("namespace")), str(origin.get("name")), str(origin.get("field")))
            if place not in met:
                met.add(place)
                waiting.append(place)
    return taken


@check("personal-data")
def personal_data(facts: Facts) -> Found:
    """Where there is personal data, its purpose and how long it is kept are declared."""
    declared = facts.declared.get("personal")
    if declared is None:
        return found("open", "[declared] personal is not in its pipeline file: list the columns, or an empty list")
    if not declared:
        return found("n/a", "[declared] personal says that there is none", runs=[facts.fit])
    missing = [key for key in ("intended_purpose", "retention") if not facts.declared.get(key)]
    columns = counted(len(declared), "column")
    if missing:
        return found(
            "fail",
            f"{columns} of personal data, and no {' and no '.join(missing)}",
            runs=[facts.fit],
            numbers={"columns": len(declared)},
        )
    kept, purpose = facts.declared["retention"], facts.declared["intended_purpose"]
    return found(
        "pass",
        f"{columns} of personal data, kept {kept}, to this purpose: {purpose}",
        runs=[facts.fit],
        numbers={"columns": len(declared)},
    )
