"""The index as a graph: dataset versions, and the runs that read and wrote them; `producers` says who made what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from lineal.store import tables
from lineal.store.log import Store
from lineal.store.runs import RunRow, find_run, read_runs, select_runs

# Databases bound how many values one query may name.
_BATCH = 500
T = TypeVar("T", str, int)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a dataset, file or model; `version` is empty where its producer gave none."""

    key: str
    namespace: str
    name: str
    version: str
    kind: str
    first_seq: int
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """A run read (`i`) or wrote (`o`) a version."""

    run_id: str
    role: str
    version: str


def versions(store: Store, keys: Iterable[str]) -> dict[str, VersionRow]:
    """The versions of some keys."""
    found: dict[str, VersionRow] = {}
    for batch in _batches(keys):
        for row in read_versions(store, select_versions().where(tables.versions.c.key.in_(batch))):
            found[row.key] = row
    return found


def select_versions() -> sa.Select[tuple[object, ...]]:
    """The query that reading versions starts from."""
    return sa.select(
        tables.versions.c.key,
        tables.datasets.c.namespace,
        tables.datasets.c.name,
        tables.versions.c.version,
        tables.versions.c.kind,
        tables.versions.c.first_seq,
        tables.versions.c.rows,
    ).join(tables.datasets, tables.datasets.c.key == tables.versions.c.dataset)


def read_versions(store: Store, query: sa.Select[tuple[object, ...]]) -> list[VersionRow]:
    """The rows of a query made from `select_versions`."""
    return [VersionRow(*row) for row in store.read(query)]


def edges_of(store: Store, run_ids: Iterable[str]) -> list[Edge]:
    """What some runs read and wrote."""
    columns = tables.edges.c
    query = sa.select(columns.run_id, columns.role, columns.version)
    return [
        Edge(**row._mapping)
        for batch in _batches(run_ids)
        for row in store.read(query.where(columns.run_id.in_(batch)))
    ]


def runs_under(store: Store, root_id: str) -> list[RunRow]:
    """The runs of one root, itself among them, in order."""
    query = select_runs().where(tables.runs.c.root_id == root_id).order_by(tables.runs.c.first_seq)
    return read_runs(store, query)


def bodies(store: Store, seqs: Iterable[int]) -> dict[int, str]:
    """The events at some places of the log, as JSON text."""
    columns = tables.events.c
    query = sa.select(columns.seq, columns.body)
    found: dict[int, str] = {}
    for batch in _batches(seqs):
        found.update(map(tuple, store.read(query.where(columns.seq.in_(batch)))))
    return found


def among(store: Store, column: sa.ColumnElement[str], values: Sequence[str]) -> sa.ColumnElement[bool]:
    """Whether a column has one of many values."""
    # To bind each of them costs more than SQLite takes to find it.
    if store.engine.dialect.name != "sqlite":
        return column.in_(values)
    return column.in_(sa.select(sa.func.json_each(json.dumps(values)).table_valued("value").c.value))


def _batches(values: Iterable[T]) -> Iterable[Sequence[T]]:
    distinct = list(dict.fromkeys(values))
    return (distinct[start : start + _BATCH] for start in range(0, len(distinct), _BATCH))


def version_key(namespace: str, name: str, version: str) -> str:
    """The key of a dataset version."""
    return tables.key_of(namespace, name, version)


def runs_below(store: Store, run: RunRow) -> list[RunRow]:
    """A run and all runs below it, in order; they need not name the same root, which is optional."""
    below = _below(run.run_id)
    query = select_runs().join(below, tables.runs.c.run_id == below.c.run_id).order_by(tables.runs.c.first_seq)
    return read_runs(store, query)


def ids_below(store: Store, run_id: str) -> set[str]:
    """The ids of a run and of all runs below it; of one that is not on record none."""
    return {row.run_id for row in store.read(sa.select(_below(run_id).c.run_id))}


def _below(run_id: str) -> sa.CTE:
    below = sa.select(tables.runs.c.run_id).where(tables.runs.c.run_id == run_id).cte("below", recursive=True)
    return below.union(sa.select(tables.runs.c.run_id).join(below, tables.runs.c.parent_id == below.c.run_id))


def runs_above(store: Store, run: RunRow) -> Iterator[RunRow]:
    """The runs that a run is within, the nearest first, as far as they are on record."""
    met = {run.run_id}
    # What other producers write may lead round.
    while run.parent_id is not None and run.parent_id not in met and (above := find_run(store, run.parent_id)):
        met.add(above.run_id)
        yield above
        run = above
