"""Gather the facts about a model from the store: by indexes, in time that grows with the model's own record."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from lineal import people
from lineal.people import KnownKey
from lineal.questions import lookup
from lineal.questions.audit.around import consumers, notes, packs
from lineal.questions.audit.asked import asked_of, declared_in, parameters_in
from lineal.questions.audit.facts import NO_JUDGEMENT, Decision, Facts, Run, Step, Table
from lineal.questions.audit.proof import sealed, signature
from lineal.questions.decisions import Decided, about_traced, decided, wrong_signature
from lineal.questions.lookup import ModelRow
from lineal.questions.trace import Node, Trace, made_of, origins, trace
from lineal.store import graph, producers, tables
from lineal.store.decisions import ACTIONS, decision_of
from lineal.store.log import Store
from lineal.store.runs import RunRow, read_runs, select_runs

# Of each job that read the model, so many of the newest runs; and among so many runs they are looked for.
_NEWEST, _LOOKED_AT = 50, 5_000
# What is decided about a model without reading it is recorded by these jobs.
_DECIDING = ("decide", "note")
# The kind of test by which a run says how robust a model is.
ROBUSTNESS = "robustness"


def gather(store: Store, model: ModelRow, *, wants: Collection[str] = (), now: datetime | None = None) -> Facts:
    """Gather what the record says of a registered model.

    Args:
        store: the lineage store.
        model: the version.
        wants: what costs more than a look into the store: `before`, `sealed`, `signature`, `consumers`, `packs`.
        now: the time that is asked for.
    """
    subject = lookup.subject_of(store, model)
    answer = trace(store, subject)
    rows = _rows(store, (run.run_id for run in answer.runs))
    runs = _told_apart(store, _runs(answer, rows))
    readers, cut = _readers(store, model, runs)
    readers = _told_apart(store, readers)
    steps = _steps(answer.node, runs)
    top = next(iter(steps), model.version)
    fit = _fit(steps, top)
    # What it was compared with, such as a champion, was made in flows that made nothing of it.
    roots = {step.run.root_id for step in steps.values() if step.run is not None}
    roots |= {rows[model.run_id].root_id} if model.run_id in rows else set()
    runs = {run.id: run for run in runs.values() if run.root_id in roots}
    everything = {**runs, **readers}
    evaluations = _evaluations(everything.values(), model, fit, _made_by(store, model) - roots)
    held_out = tuple({table.key: table for run in evaluations for table in run.tables_read}.values())
    asked = asked_of(store, fit, cut)
    within = _within(fit or runs.get(model.run_id), runs)
    newest = sorted(everything.values(), key=lambda run: -run.begun_seq)
    before, before_asked, changed = _before(store, model) if "before" in wants else (None, {}, None)
    moment = now or datetime.now(UTC)
    judged = {each.decision.run_id: each for each in decided(store, about_traced(store, answer), at=moment)}
    decisions = _decisions(everything.values(), _deciding(store, everything), model, judged)
    scorings = tuple(run for run in newest if run.state == "COMPLETE" and _scored(run, model))
    drifts = tuple(run for run in newest if run.state == "COMPLETE" and "lineal_drift" in run.facets)
    own = [*runs.values(), *evaluations, *scorings, *drifts]
    tested = tuple(run for run in newest if run.state == "COMPLETE" and _tested(run, model))
    noted = notes(store, decisions, steps.values(), scorings)
    handed_out = packs(newest, model) if "packs" in wants else ()
    told = {run.id for run in (*own, *tested)}
    told |= {each.run_id for each in (*decisions, *noted)}
    told |= {each.run_id for each in answer.recalls} | {each.run_id for each in handed_out}
    return Facts(
        subject=str(subject),
        model=model,
        now=moment,
        steps=steps,
        top=top,
        runs=tuple(sorted(runs.values(), key=lambda run: run.begun_seq)),
        fit=fit,
        evaluations=evaluations,
        held_out=held_out,
        held_out_from={table.key: _above(store, table, evaluations) for table in held_out},
        judged_on={table.key: _roots(store, table) for table in held_out},
        scorings=scorings,
        drifts=drifts,
        decisions=decisions,
        recalls=answer.recalls,
        asked=asked,
        declared=declared_in(asked),
        environment=_facet(within[-1], "lineal_environment") if within else {},
        materials={key: value for run in reversed(within) for key, value in _facet(run, "lineal_materials").items()},
        before=before,
        before_asked=before_asked,
        changed=changed,
        sealed=sealed(store, told) if "sealed" in wants else None,
        signature=signature(model, _facet(fit, "lineal_mlflow")) if "signature" in wants else None,
        notes=noted,
        consumers=consumers(store, steps.values(), own) if "consumers" in wants else (),
        tested=tested,
        packs=handed_out,
        cut=tuple(cut),
    )


def _within(run: Run | None, runs: Mapping[str, Run]) -> list[Run]:
    """A run and those around it in its process, the nearest first: the outermost says what they all ran in."""
    found: list[Run] = []
    while run is not None and run not in found:
        found.append(run)
        run = None if "lineal_environment" in run.facets else runs.get(run.parent_id or "")
    return found


def _rows(store: Store, ids: Iterable[str]) -> dict[str, RunRow]:
    known = list(ids)
    found: dict[str, RunRow] = {}
    for start in range(0, len(known), 500):
        query = select_runs().where(tables.runs.c.run_id.in_(known[start : start + 500]))
        found |= {row.run_id: row for row in read_runs(store, query)}
    return found


def _runs(answer: Trace, rows: Mapping[str, RunRow]) -> dict[str, Run]:
    return {
        detail.run_id: _run(rows[detail.run_id], detail.facets, detail.job_facets, detail.inputs, detail.outputs)
        for detail in answer.runs
        if detail.run_id in rows
    }


def _told_apart(store: Store, runs: dict[str, Run]) -> dict[str, Run]:
    """The runs, with which of their tables share a name with those of other namespaces."""
    names = {table.name for run in runs.values() for table in (*run.inputs, *run.outputs)}
    shared = lookup.shared(store, tables.datasets, names)

    def named(several: Iterable[Table]) -> tuple[Table, ...]:
        return tuple(replace(table, shared=table.name in shared) for table in several)

    return {run.id: replace(run, inputs=named(run.inputs), outputs=named(run.outputs)) for run in runs.values()}


def _run(
    row: RunRow,
    facets: Mapping[str, Any],
    job_facets: Mapping[str, Any],
    inputs: Iterable[Mapping[str, Any]],
    outputs: Iterable[Mapping[str, Any]],
) -> Run:
    return Run(
        id=row.run_id,
        namespace=row.namespace,
        job=row.job,
        state=row.state,
        started_at=row.started_at,
        ended_at=row.ended_at,
        root_id=row.root_id,
        parent_id=row.parent_id,
        begun_seq=row.first_seq,
        last_seq=row.last_seq,
        facets=facets,
        job_facets=job_facets,
        inputs=tuple(map(_table, inputs)),
        outputs=tuple(map(_table, outputs)),
        parameters=parameters_in(facets),
    )


def _run_of(row: RunRow, body: str) -> Run:
    event = json.loads(body)
    facets = (event.get("run") or {}).get("facets") or {}
    job_facets = (event.get("job") or {}).get("facets") or {}
    return _run(row, facets, job_facets, event.get("inputs") or (), event.get("outputs") or ())


def _table(dataset: Mapping[str, Any]) -> Table:
    facets = dataset.get("facets") or {}
    whole = {**facets, **(dataset.get("inputFacets") or {}), **(dataset.get("outputFacets") or {})}
    version = str((facets.get("version") or {}).get("datasetVersion", ""))
    statistics = whole.get("outputStatistics") or whole.get("inputStatistics") or {}
    return Table(
        key=graph.version_key(dataset["namespace"], dataset["name"], version),
        namespace=dataset["namespace"],
        name=dataset["name"],
        version=version,
        kind=(facets.get("datasetType") or {}).get("datasetType", ""),
        columns=tuple(each["name"] for each in (facets.get("schema") or {}).get("fields") or () if "name" in each),
        rows=statistics.get("rowCount"),
        facets=whole,
    )


def _facet(run: Run | None, name: str) -> Mapping[str, Any]:
    found = run.facets.get(name) if run else None
    return {key: value for key, value in (found or {}).items() if not key.startswith("_")}


def _steps(top: Node | None, runs: Mapping[str, Run]) -> dict[str, Step]:
    """The way back, without what only decided on it."""
    told: dict[str, Table] = {}
    for run in runs.values():
        for table in (*run.inputs, *run.outputs):
            known = told.get(table.key)
            told[table.key] = table if known is None or len(table.facets) > len(known.facets) else known
    steps: dict[str, Step] = {}
    waiting = [top] if top is not None else []
    while waiting:
        node = waiting.pop(0)
        key = _key(node)
        if key in steps:
            continue
        sources = made_of(node.version, node.inputs)
        table = told.get(key) or Table(key, node.namespace, node.name, node.version, node.kind, rows=node.rows)
        steps[key] = Step(table, runs.get(node.run_id or ""), tuple(map(_key, sources)))
        waiting += sources
    return steps


def _key(node: Node) -> str:
    return graph.version_key(node.namespace, node.name, node.version)


def _fit(steps: Mapping[str, Step], top: str) -> Run | None:
    """The run that made the model of something else than the model itself."""
    step = steps.get(top)
    while step is not None:
        same = [key for key in step.made_of if key in steps and steps[key].table.kind == "MODEL"]
        below = next((steps[key] for key in same if steps[key].table.version == step.table.version), None)
        if below is None or below is step:
            return step.run if step.table.kind == "MODEL" else None
        step = below
    return None


def _readers(store: Store, model: ModelRow, known: Mapping[str, Run]) -> tuple[dict[str, Run], list[str]]:
    """The newest runs of each job that read the model, under any name that it has."""
    versions, edges, runs = tables.versions.c, tables.edges.c, tables.runs.c
    same = sa.select(versions.key).where(versions.version == model.digest, versions.kind == "MODEL")
    query = (
        select_runs()
        .join(tables.edges, edges.run_id == runs.run_id)
        .where(edges.version.in_(same), edges.role == "i")
        .order_by(runs.first_seq.desc())
        .limit(_LOOKED_AT)
    )
    rows = {row.run_id: row for row in read_runs(store, query)}
    of_job: dict[tuple[str, str], list[RunRow]] = defaultdict(list)
    for row in rows.values():
        of_job[row.namespace, row.job].append(row)
    cut = [
        f"of {len(each)} runs of {job[1]} that read the model, the newest {_NEWEST} were looked at"
        for job, each in of_job.items()
        if len(each) > _NEWEST
    ]
    new = [row for each in of_job.values() for row in each[:_NEWEST] if row.run_id not in known]
    return _read(store, new), cut


def _read(store: Store, rows: Sequence[RunRow]) -> dict[str, Run]:
    bodies = graph.bodies(store, (row.last_seq for row in rows))
    # An event that was deleted is told of by `log-kept`.
    return {row.run_id: _run_of(row, bodies[row.last_seq]) for row in rows if row.last_seq in bodies}


def _made_by(store: Store, model: ModelRow) -> set[str]:
    """The root runs that made, or registered, a model of the same digest."""
    versions, edges, runs = tables.versions.c, tables.edges.c, tables.runs.c
    same = sa.select(versions.key).where(versions.version == model.digest, versions.kind == "MODEL")
    query = (
        sa.select(sa.distinct(runs.root_id))
        .join(tables.edges, edges.run_id == runs.run_id)
        .where(edges.version.in_(same), edges.role == "o")
    )
    return {str(row[0]) for row in store.read(query)}


def _evaluations(runs: Iterable[Run], model: ModelRow, fit: Run | None, elsewhere: Collection[str]) -> tuple[Run, ...]:
    """The runs that judged the model; how another flow judged what it had made alike is that flow's own affair."""
    found = []
    for run in runs:
        if run.root_id in elsewhere:
            continue
        models = {table.version for table in run.inputs if table.kind == "MODEL"}
        judged = any(each.get("of") not in NO_JUDGEMENT for each in run.metrics)
        judged |= any(each.get("type") == "gate" for each in run.tests)
        # Who judges a challenger reads the champion as well.
        own = models == {model.digest} or (fit is not None and run.root_id == fit.root_id and model.digest in models)
        if run.state == "COMPLETE" and judged and own and run.tables_read:
            found.append(run)
    return tuple(sorted(found, key=lambda run: run.begun_seq))


def _above(store: Store, table: Table, evaluations: Iterable[Run]) -> frozenset[str]:
    """Keys of all that a table was made of."""
    row = graph.versions(store, [table.key]).get(table.key)
    readers = _rows(store, (run.id for run in evaluations if any(each.key == table.key for each in run.inputs)))
    if row is None or not readers:
        return frozenset()
    made = producers.last_producer(store, table.key, next(iter(readers.values())))
    return frozenset(origins(store, row, made)) - {table.key}


def _roots(store: Store, table: Table) -> int:
    edges, runs = tables.edges.c, tables.runs.c
    query = (
        sa.select(sa.func.count(sa.distinct(runs.root_id)))
        .select_from(tables.edges.join(tables.runs, runs.run_id == edges.run_id))
        .where(edges.version == table.key, edges.role == "i", runs.state == "COMPLETE")
    )
    return int(store.read(query)[0][0])


def _scored(run: Run, model: ModelRow) -> bool:
    said = run.facets.get("lineal_prediction") or {}
    return said.get("model") == model.name and said.get("version") == model.number


def _tested(run: Run, model: ModelRow) -> bool:
    read = any(table.kind == "MODEL" and table.version == model.digest for table in run.inputs)
    return read and any(each.get("type") == ROBUSTNESS for each in run.tests)


def _deciding(store: Store, known: Mapping[str, Run]) -> list[Run]:
    jobs, runs = tables.jobs.c, tables.runs.c
    within = (jobs.name.like(f"%.{job}") for job in _DECIDING)
    named = sa.select(jobs.key).where(sa.or_(jobs.name.in_(_DECIDING), *within))
    query = select_runs().where(runs.job.in_(named)).order_by(runs.first_seq.desc()).limit(_LOOKED_AT)
    rows = [row for row in read_runs(store, query) if row.run_id not in known]
    return list(_read(store, rows).values())


def _decisions(
    runs: Iterable[Run], more: Iterable[Run], model: ModelRow, judged: Mapping[str, Decided]
) -> tuple[Decision, ...]:
    told = sorted((run for run in (*runs, *more) if run.state == "COMPLETE"), key=lambda run: run.begun_seq)
    facets = [(run, run.facets.get("lineal_decision") or {}) for run in told]
    found = [
        (values, facet, run)
        for run, facet in facets
        for values in facet.get("decisions") or ()
        if _about(values, model)
    ]
    keys = people.known_keys() if found else []
    return tuple(_decision(values, facet, run, judged.get(run.id), keys) for values, facet, run in found)


def _decision(
    values: Mapping[str, Any], facet: Mapping[str, Any], run: Run, judged: Decided | None, keys: Sequence[KnownKey]
) -> Decision:
    action, by = str(values.get("action", "")), str(values.get("by") or facet.get("by") or "")
    standing, why, signed = (judged.standing, judged.why, judged.signed) if judged else (None, "", False)
    if judged is None and action in ACTIONS:
        # It says nothing of what it rests on; whose word it is is asked of it all the same.
        wrong, signed = wrong_signature(replace(decision_of(values, run.id, ""), by=by), keys)
        standing, why = ("not counted", wrong) if wrong else (None, "")
    return Decision(
        action=action,
        by=by,
        at=run.ended_at or run.started_at or "",
        reason=str(values.get("reason") or values.get("text") or ""),
        until=str(values["until"]) if values.get("until") else None,
        control=str(values["control"]) if values.get("control") else None,
        run_id=run.id,
        values=values,
        standing=standing,
        why=why,
        signed=signed,
        subject=str(values.get("subject") or ""),
        kind=str(values["kind"]) if values.get("kind") else None,
        closes=str(values["closes"]) if values.get("closes") else None,
    )


def _about(values: Mapping[str, Any], model: ModelRow) -> bool:
    if (values.get("namespace") or model.namespace) != model.namespace:
        # Another tracking server's, which has a model of its name.
        return False
    names = (model.name, f"{model.namespace}/{model.name}")
    subjects = [f"model:{name}{of}" for name in names for of in (f"@{model.number}", f"@{model.digest}", "")]
    if values.get("subject") in subjects:
        return True
    if values.get("name") not in (model.name, f"models/{model.name}"):
        return False
    numbers = (values.get("number"), values.get("previous"))
    return model.number in numbers or model.digest in (values.get("digest"), values.get("version"))


def _before(store: Store, model: ModelRow) -> tuple[ModelRow | None, Mapping[str, str], tuple[str, ...] | None]:
    columns = tables.models.c
    earlier = (columns.namespace == model.namespace) & (columns.number < model.number)
    found = lookup.models(store, model.name, earlier, limit=1)
    if not found:
        return None, {}, None
    # They load what compares rows.
    from lineal.questions.diff.record import read_record, scope_of
    from lineal.questions.history import changes

    answer = trace(store, lookup.subject_of(store, found[0]))
    steps = _steps(answer.node, _runs(answer, _rows(store, (run.run_id for run in answer.runs))))
    if _fit(steps, next(iter(steps), "")) is None:
        # What was made of nothing on record cannot be told to be the same as something else.
        return found[0], {}, None
    left, right = (scope_of(store, run_id) for run_id in (found[0].run_id, model.run_id))
    if left is None or right is None:
        return found[0], {}, None
    one, two = read_record(store, left), read_record(store, right)
    return found[0], one.asked, changes(one, two)
