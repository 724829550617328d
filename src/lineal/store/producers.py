"""Who made what a run read: by the version where it is known, by time where a producer gives no versions.

Log order is no order of events here: the log of another system may have been imported long after, or before, the runs
that it feeds. Only where the content is the same, and clocks contradict each other, the log decides.
"""

from __future__ import annotations

import sqlalchemy as sa

from lineal.store import graph, tables
from lineal.store.graph import VersionRow
from lineal.store.log import Store
from lineal.store.runs import RunRow, read_runs, select_runs

_RUNS = tables.runs.c
# Of runs within each other that name the same output, a flow and a task in it, the later is nearer to the work.
_NEAREST = (sa.func.coalesce(_RUNS.started_at, _RUNS.ended_at).desc(), _RUNS.first_seq.desc())


def last_producer(store: Store, version: str, reader: RunRow | None = None) -> RunRow | None:
    """The newest completed run that made a very version; for a reader, of those that ended before it did.

    A run that read the very version it wrote did not make it.
    """
    query = _writers(tables.edges.c.version == version).order_by(*_NEAREST).limit(1)
    if reader is None:
        return _first(store, query)
    end = reader.ended_at or reader.started_at
    found = _first(store, query.where(_RUNS.ended_at <= end)) if end else None
    return found or _first(store, query.where(_RUNS.last_seq < reader.last_seq))


def producer_by_time(store: Store, version: VersionRow, reader: RunRow) -> tuple[VersionRow, RunRow] | None:
    """The run that must have made what a reader read, where the reader or the writer gave no version; and what it made.

    It is the newest to have written the dataset when the reader began. Where the reader names its version, it is that
    one only if it named none: the newest is known to have written something else.
    """
    start = reader.started_at or reader.ended_at
    if start is None:
        return None
    unversioned = graph.version_key(version.namespace, version.name, "")
    before = _RUNS.ended_at <= start
    # Most datasets were never written without a version: one look-up tells.
    if version.version and not store.read(_writers(tables.edges.c.version == unversioned).where(before).limit(1)):
        return None
    dataset = tables.versions.c.dataset == tables.key_of(version.namespace, version.name)
    query = (
        _writers(dataset)
        .join(tables.versions, tables.versions.c.key == tables.edges.c.version)
        .where(before)
        .order_by(_RUNS.ended_at.desc(), *_NEAREST)
        .with_only_columns(tables.edges.c.version, _RUNS.root_id)
        .limit(1)
    )
    newest = store.read(query)
    if not newest or (version.version and newest[0].version != unversioned):
        return None
    made, root = newest[0]
    run = _first(
        store,
        _writers(tables.edges.c.version == made).where(before, _RUNS.root_id == root).order_by(*_NEAREST).limit(1),
    )
    if run is None:
        return None
    return (version if version.version else graph.versions(store, [made])[made]), run


def last_reader(store: Store, version: str) -> RunRow | None:
    """The newest run that read a very version."""
    edges = tables.edges.c
    query = select_runs().join(tables.edges, edges.run_id == _RUNS.run_id).where(edges.version == version)
    return _first(store, query.where(edges.role == "i").order_by(*_NEAREST).limit(1))


def _writers(condition: sa.ColumnElement[bool]) -> sa.Select[tuple[object, ...]]:
    """The completed runs that wrote something and did not read the same."""
    edges, again = tables.edges.c, tables.edges.alias()
    same = sa.exists().where(again.c.run_id == edges.run_id, again.c.role == "i", again.c.version == edges.version)
    return (
        select_runs()
        .join(tables.edges, edges.run_id == _RUNS.run_id)
        .where(condition, edges.role == "o", _RUNS.state == "COMPLETE", ~same)
    )


def _first(store: Store, query: sa.Select[tuple[object, ...]]) -> RunRow | None:
    rows = read_runs(store, query)
    return rows[0] if rows else None
