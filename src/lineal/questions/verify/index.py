"""Check the index, and the columns beside each event, against what the events' bodies say.

The index is made once more from the log, as `lineal rebuild` does, but beside the store: nobody waits for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json

from lineal.questions.verify.findings import Finding, Tally
from lineal.store import index, tables
from lineal.store.log import Store

_CHUNK = 1000
_NAMES = {"jobs": "name", "datasets": "name", "runs": "run_id", "versions": "version", "models": "name"}


def check_index(store: Store, tally: Tally) -> dict[str, int]:
    """Compare the index with one that is made from the log.

    Returns:
        How many rows each table has.

    Raises:
        StoreError: the store cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="lineal-verify-") as folder, store.snapshot() as connection:
        engine = sa.create_engine(f"sqlite:///{Path(folder) / 'index.db'}")
        try:
            with engine.connect() as fresh:
                for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
                    fresh.exec_driver_sql(f"PRAGMA {pragma}")
                for table in tables.INDEX_TABLES:
                    # Without the indexes that questions need: they take as long as all the rest.
                    bare = table.to_metadata(sa.MetaData())
                    bare.indexes.clear()
                    bare.create(fresh)
                tally.take(_fill(connection, fresh))
                counts = {}
                for table in tables.INDEX_TABLES:
                    name = table.name.removeprefix("lineal_")
                    counts[name] = fresh.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                    tally.take(_differing(name, _rows(connection, table), _rows(fresh, table)))
        finally:
            engine.dispose()
    tally.count = sum(counts.values())
    return counts


def _fill(connection: sa.Connection, fresh: sa.Connection) -> Iterator[Finding]:
    """Make the index anew; events whose columns are not what their bodies say are told on the way."""
    columns = tables.events.c
    query = sa.select(columns.seq, columns.body, columns.run_id, columns.event_type, columns.event_time)
    rows = iter(connection.execute(query.order_by(columns.seq)))
    while chunk := list(islice(rows, _CHUNK)):
        events = []
        for row in chunk:
            try:
                event = from_json(row.body)
                said = ((event.get("run") or {}).get("runId"), event.get("eventType"), event["eventTime"])
                events.append((event, row.seq))
            except (ValueError, KeyError, TypeError, AttributeError) as problem:
                detail = f"its body is no event any more ({type(problem).__name__})"
                yield _event(row, detail)
                continue
            if said != (row.run_id, row.event_type, row.event_time):
                yield _event(row, "the columns run_id, event_type and event_time are not what its body says")
        index.merge(fresh, index.rows_of_all(events))


def _event(row: Any, detail: str) -> Finding:
    return Finding("index", "changed", f"event {row.seq}", detail, row.seq, row.event_time, row.run_id)


def _rows(connection: sa.Connection, table: sa.Table) -> Iterator[Any]:
    keys = [
        # As SQLite compares texts: by their bytes.
        sa.collate(column, "C")
        if connection.dialect.name == "postgresql" and isinstance(column.type, sa.String)
        else column
        for column in table.primary_key.columns
    ]
    return iter(connection.execute(sa.select(table).order_by(*keys)))


def _differing(name: str, stands: Iterator[Any], made: Iterator[Any]) -> Iterator[Finding]:
    """What differs between two tables in the order of their keys."""
    table = next(each for each in tables.INDEX_TABLES if each.name == f"lineal_{name}")
    names = [column.name for column in table.primary_key.columns]

    def key(row: Any) -> tuple[Any, ...]:
        # By bytes, as the databases have ordered them.
        return tuple(value.encode() if isinstance(value, str) else value for value in (row._mapping[n] for n in names))

    left, right = next(stands, None), next(made, None)
    while left is not None or right is not None:
        if left is not None and right is not None and tuple(left) == tuple(right):
            left, right = next(stands, None), next(made, None)
        elif right is None or (left is not None and key(left) < key(right)):
            yield _row(name, left, "inserted", "the log says nothing of it")
            left = next(stands, None)
        elif left is None or key(right) < key(left):
            yield _row(name, right, "missing", "the log says that it should be there")
            right = next(made, None)
        else:
            differ = [n for n in left._mapping if left._mapping[n] != right._mapping[n]]
            if differ:
                yield _row(name, left, "changed", f"the log says otherwise of {', '.join(differ)}")
            left, right = next(stands, None), next(made, None)


def _row(name: str, row: Any, problem: Any, detail: str) -> Finding:
    values = row._mapping
    what = " ".join(str(values[each]) for each in (_NAMES.get(name, ""), "number", "alias") if each in values)
    run = values.get("run_id")
    what = f"{name.removesuffix('s')} {what or run}".strip()
    return Finding("index", problem, what, f"{detail}; `lineal rebuild` remakes the index", run_id=run)
