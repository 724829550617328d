"""List what there is: pipelines, datasets, models, runs, predictions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from lineal.errors import PipelineFileError
from lineal.questions.descent import is_content
from lineal.questions.lookup import ModelRow, models
from lineal.questions.recalls import bad_below_model
from lineal.store import graph, recalls, tables
from lineal.store.log import Store
from lineal.store.recalls import Recall
from lineal.store.runs import RunRow, read_runs, select_runs

__all__ = [
    "DatasetItem",
    "ModelRow",
    "PipelineItem",
    "PredictionItem",
    "RunItem",
    "datasets",
    "models",
    "pipelines",
    "predictions",
    "recalled",
    "runs",
]


@dataclass(frozen=True, slots=True)
class PipelineItem:
    """A pipeline file; `problem` says why one cannot be used."""

    file: str
    name: str | None
    target: str | None = None
    estimator: str | None = None
    description: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetItem:
    """A dataset: its newest version, how many there are, and why the newest is recalled, if it is."""

    namespace: str
    name: str
    version: str
    kind: str
    versions: int
    recalled: str | None = None


@dataclass(frozen=True, slots=True)
class RunItem:
    """A run with none above it on record: a flow's, or a traced call's of its own."""

    run_id: str
    namespace: str
    job: str
    pipeline: str | None
    state: str
    started_at: str | None
    ended_at: str | None
    name: str | None
    deployment: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class PredictionItem:
    """A batch of predictions: which model made it, when, and how it differed from the training rows.

    Attributes:
        name: of the table of predictions.
        version: of the table.
        rows: how many.
        model: the registered model's name.
        number: its version.
        alias: that it was asked for by.
        predicted_at: when the scoring run ended.
        run_id: the scoring run.
        id_prefix: what the predictions' ids begin with.
    """

    name: str
    version: str
    rows: int | None
    model: str
    number: int
    alias: str | None
    predicted_at: str | None
    run_id: str
    id_prefix: str


def pipelines(project: Path, store: Store | None) -> list[PipelineItem]:
    """The pipeline files of a project, by name, then those of others that are on record.

    Args:
        project: its folder; a file in it counts that has a source and a model, in `pipelines/` every one.
        store: the lineage store; None where nothing is recorded yet.
    """
    files = [*(project / "pipelines").glob("*.toml"), *filter(_has_pipeline, project.glob("*.toml"))]
    found = [_pipeline_item(file) for file in sorted(files, key=lambda file: file.name)]
    known = {item.name or item.file for item in found}
    recorded = _recorded_pipelines(store) if store else []
    return found + [item for item in recorded if not {item.name, item.file} & known]


def _has_pipeline(file: Path) -> bool:
    import tomllib

    try:
        text = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False
    return isinstance(text.get("source"), dict) and isinstance(text.get("model"), dict)


def _pipeline_item(file: Path) -> PipelineItem:
    from lineal.pipeline import load

    try:
        pipeline = load(file)
    except PipelineFileError as problem:
        return PipelineItem(str(file), None, problem=str(problem))
    return PipelineItem(
        str(file), pipeline.name, pipeline.source.target, pipeline.model.estimator, pipeline.description
    )


def _recorded_pipelines(store: Store) -> list[PipelineItem]:
    """The pipelines that runs on record ran, by name, each as its file is now, or else as it was run last."""
    edges, versions, names, runs = tables.edges.c, tables.versions.c, tables.datasets.c, tables.runs.c
    root = tables.runs.alias()
    query = (
        sa.select(names.name, sa.func.max(root.c.last_seq).label("seq"))
        .join(tables.versions, versions.dataset == names.key)
        .join(tables.edges, edges.version == versions.key)
        .join(tables.runs, runs.run_id == edges.run_id)
        .join(root, root.c.run_id == runs.root_id)
        .where(edges.role == "o", names.name.endswith(".snapshot"), root.c.ended_at.is_not(None))
        .group_by(names.name)
        .order_by(names.name)
    )
    rows = store.read(query)
    bodies = graph.bodies(store, (row.seq for row in rows))
    found = []
    for row in rows:
        facets = (json.loads(bodies[row.seq]).get("run") or {}).get("facets") or {}
        listed = (facets.get("executionParameters") or {}).get("parameters") or ()
        asked = {each.get("key"): each.get("value") for each in listed}
        file = asked.get("pipeline.file")
        if file and Path(file).is_file():
            found.append(_pipeline_item(Path(file)))
        elif file:
            name = str(row.name).removesuffix(".snapshot")
            target, estimator = asked.get("source.target"), asked.get("model.estimator")
            found.append(PipelineItem(file, name, target, estimator, problem="on record only: the file is gone"))
    return found


def datasets(store: Store, limit: int | None = None) -> list[DatasetItem]:
    """Datasets that are no models, the one with the newest version first."""
    columns = tables.versions.c
    newest = (
        sa.select(columns.dataset, sa.func.max(columns.first_seq).label("seq"), sa.func.count().label("versions"))
        .where(columns.kind != "MODEL")
        .group_by(columns.dataset)
        .order_by(sa.desc("seq"))
        .limit(limit)
        .subquery()
    )
    query = (
        graph.select_versions()
        .add_columns(newest.c.versions)
        # One event can bring several versions of one dataset; their place in the log is then the same.
        .join(newest, (newest.c.dataset == columns.dataset) & (newest.c.seq == columns.first_seq))
        .order_by(newest.c.seq.desc(), tables.datasets.c.name)
    )
    bad = {key: recall.reason for recall in recalls.standing(store) for key in (recall.version, *_content(recall))}
    items = {
        (row.namespace, row.name): DatasetItem(
            row.namespace, row.name, row.version, row.kind, row.versions, bad.get(row.version) or bad.get(row.key)
        )
        for row in store.read(query)
    }
    return list(items.values())


def _content(recall: Recall) -> tuple[str, ...]:
    return (recall.content,) if is_content(recall.content) else ()


def recalled(store: Store, items: Iterable[ModelRow]) -> dict[ModelRow, str]:
    """Why those of some models are recalled that are, or that rest on something that is."""
    standing = recalls.standing(store)
    found = {}
    for item in items if standing else ():
        for recall in bad_below_model(store, item, standing):
            of = "" if recall.content == item.digest else f"{recall.subject}: "
            found[item] = f"{of}{recall.reason}"
            break
    return found


def runs(store: Store, limit: int | None = None) -> list[RunItem]:
    """The runs with none above them on record, newest first: roots, and what a scheduler began that is not on it."""
    columns, above = tables.runs.c, tables.runs.alias()
    parents = sa.select(columns.parent_id).distinct().subquery()
    elsewhere = sa.select(parents.c.parent_id).where(~sa.exists().where(above.c.run_id == parents.c.parent_id))
    query = (
        select_runs()
        .where((columns.root_id == columns.run_id) | columns.parent_id.in_(elsewhere))
        .order_by(columns.first_seq.desc())
        .limit(limit)
    )
    found = read_runs(store, query)
    bodies = graph.bodies(store, (run.last_seq for run in found))
    return [_run_item(run, json.loads(bodies[run.last_seq])) for run in found]


def predictions(store: Store, limit: int | None = None) -> list[PredictionItem]:
    """Batches of predictions, newest first."""
    edges, versions, names = tables.edges.c, tables.versions.c, tables.datasets.c
    written = (
        sa.select(edges.run_id)
        .join(tables.versions, versions.key == edges.version)
        .join(tables.datasets, names.key == versions.dataset)
        .where(edges.role == "o", names.name.endswith(".predictions"))
    )
    query = (
        select_runs()
        .where(tables.runs.c.run_id.in_(written), tables.runs.c.state == "COMPLETE")
        .order_by(tables.runs.c.first_seq.desc())
    )
    items: list[PredictionItem] = []
    found = read_runs(store, query)
    # A flow of the user's own may write a table of such a name; only a scoring run says by which model.
    for start in range(0, len(found), 200):
        some = found[start : start + 200]
        bodies = graph.bodies(store, (run.last_seq for run in some))
        items += [item for run in some if (item := _prediction_item(run, json.loads(bodies[run.last_seq])))]
        if limit is not None and len(items) >= limit:
            break
    return items[:limit]


def _prediction_item(run: RunRow, event: Mapping[str, Any]) -> PredictionItem | None:
    facet = (event["run"].get("facets") or {}).get("lineal_prediction")
    made = next((out for out in event.get("outputs") or () if out["name"].endswith(".predictions")), None)
    if facet is None or made is None:
        return None
    return PredictionItem(
        name=made["name"],
        version=((made.get("facets") or {}).get("version") or {}).get("datasetVersion", ""),
        rows=facet.get("rows"),
        model=facet["model"],
        number=facet["version"],
        alias=facet.get("askedBy"),
        predicted_at=run.ended_at,
        run_id=run.run_id,
        id_prefix=facet["idPrefix"],
    )


def _run_item(run: RunRow, event: Mapping[str, Any]) -> RunItem:
    facets = event["run"].get("facets") or {}
    prefect = facets.get("lineal_prefect") or {}
    tags = {tag.get("key"): tag.get("value") for tag in (facets.get("tags") or {}).get("tags") or ()}
    message = (facets.get("errorMessage") or {}).get("message")
    return RunItem(
        run_id=run.run_id,
        namespace=run.namespace,
        job=run.job,
        pipeline=tags.get("pipeline"),
        state=run.state,
        started_at=run.started_at,
        ended_at=run.ended_at,
        name=prefect.get("flowRunName"),
        deployment=prefect.get("deployment"),
        error=str(message).splitlines()[0] if message else None,
    )
