"""List what there is: pipelines, datasets, models, runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from lineal.errors import PipelineFileError
from lineal.questions.lookup import ModelRow, models
from lineal.store import graph, tables
from lineal.store.log import Store
from lineal.store.runs import RunRow, read_runs, select_runs

__all__ = ["DatasetItem", "ModelRow", "PipelineItem", "RunItem", "datasets", "models", "pipelines", "runs"]


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
    """A dataset: its newest version, and how many there are."""

    namespace: str
    name: str
    version: str
    kind: str
    versions: int


@dataclass(frozen=True, slots=True)
class RunItem:
    """A root run: a flow's, or a traced call's of its own."""

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


def pipelines(folder: Path) -> list[PipelineItem]:
    """The pipeline files of a folder, by name."""
    from lineal.pipeline import load

    found = []
    for file in sorted(folder.glob("*.toml")):
        try:
            pipeline = load(file)
        except PipelineFileError as problem:
            found.append(PipelineItem(str(file), None, problem=str(problem)))
        else:
            found.append(
                PipelineItem(
                    str(file),
                    pipeline.name,
                    pipeline.source.target,
                    pipeline.model.estimator,
                    pipeline.description,
                )
            )
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
    items = {
        (row.namespace, row.name): DatasetItem(row.namespace, row.name, row.version, row.kind, row.versions)
        for row in store.read(query)
    }
    return list(items.values())


def runs(store: Store, limit: int | None = None) -> list[RunItem]:
    """Root runs, newest first."""
    query = (
        select_runs()
        .where(tables.runs.c.root_id == tables.runs.c.run_id)
        .order_by(tables.runs.c.first_seq.desc())
        .limit(limit)
    )
    found = read_runs(store, query)
    bodies = graph.bodies(store, (run.last_seq for run in found))
    return [_run_item(run, json.loads(bodies[run.last_seq])) for run in found]


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
