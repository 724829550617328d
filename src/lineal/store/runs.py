"""Runs in the index: by id, by the orchestrator's id, by root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from lineal.store import tables
from lineal.store.log import Store


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the index has it; times are ISO 8601 in UTC."""

    run_id: str
    namespace: str
    job: str
    state: str
    started_at: str | None
    ended_at: str | None
    parent_id: str | None
    root_id: str
    engine_id: str | None
    mlflow_id: str | None
    first_seq: int
    last_seq: int
    root: RunRow | None = None


_COLUMNS = (
    tables.runs.c.run_id,
    tables.jobs.c.namespace,
    tables.jobs.c.name.label("job"),
    tables.runs.c.state,
    tables.runs.c.started_at,
    tables.runs.c.ended_at,
    tables.runs.c.parent_id,
    tables.runs.c.root_id,
    tables.runs.c.engine_id,
    tables.runs.c.mlflow_id,
    tables.runs.c.first_seq,
    tables.runs.c.last_seq,
)


def select_runs() -> sa.Select[tuple[object, ...]]:
    """The query that all of this module's reading starts from."""
    return sa.select(*_COLUMNS).join(tables.jobs, tables.jobs.c.key == tables.runs.c.job)


def find_run(store: Store, run_id: str) -> RunRow | None:
    """The run of an id, with its root."""
    rows = read_runs(store, select_runs().where(tables.runs.c.run_id == run_id))
    if not rows:
        return None
    run = rows[0]
    if run.root_id == run.run_id:
        return run
    roots = read_runs(store, select_runs().where(tables.runs.c.run_id == run.root_id))
    return replace(run, root=roots[0] if roots else None)


def find_runs_of_engine(store: Store, engine_ids: Sequence[str]) -> list[RunRow]:
    """The newest run of each of the orchestrator's ids, its last attempt."""
    rows = read_runs(
        store, select_runs().where(tables.runs.c.engine_id.in_(engine_ids)).order_by(tables.runs.c.first_seq)
    )
    return list({row.engine_id: row for row in rows}.values())


def open_runs(store: Store) -> list[RunRow]:
    """The runs that have begun and not ended, newest first."""
    return read_runs(
        store, select_runs().where(tables.runs.c.ended_at.is_(None)).order_by(tables.runs.c.first_seq.desc())
    )


def read_runs(store: Store, query: sa.Select[tuple[object, ...]]) -> list[RunRow]:
    """The rows of a query made from `select_runs`."""
    return [RunRow(**row._mapping) for row in store.read(query)]
