"""Check the index, and the columns beside each event, against what the events' bodies say.

The index is made once more from the log, as `lineal rebuild` does, but beside the store: nobody waits for it.
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

import sqlalchemy as sa
from pydantic_core import from_json

from lineal.questions.verify.findings import Finding, Tally
from lineal.store import index, scratch, tables
from lineal.store.log import Store

_CHUNK = 1000
# From so many events on a second process is worth its start.
_MANY = 50_000
# What tells which of two rows came first, where that matters.
_FIRST = {"lineal_versions": "first_seq", "lineal_models": "registered_at", "lineal_texts": "id"}
_NAMES = {"jobs": "name", "datasets": "name", "runs": "run_id", "versions": "version", "models": "name"}


def check_index(store: Store, tally: Tally, *, processes: int = 1) -> dict[str, int]:
    """Compare the index with one that is made from the log.

    Args:
        store: the lineage store.
        tally: takes what does not hold.
        processes: how many work at a time, where there are very many events.

    Returns:
        How many rows each table has.

    Raises:
        StoreError: the store cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="lineal-verify-") as name, store.snapshot() as connection:
        folder = Path(name)
        last = connection.execute(sa.select(sa.func.max(tables.events.c.seq))).scalar() or 0
        parts = processes if last >= _MANY else 1
        files = [folder / f"{part}.db" for part in range(parts)]
        if parts == 1:
            tally.take(iter(_make_part(store.url, files[0], last, 0, 1)))
        else:
            # Each looks for garbage as often as this one does.
            context, often = get_context("spawn"), gc.get_threshold()
            with ProcessPoolExecutor(parts, mp_context=context, initializer=gc.set_threshold, initargs=often) as pool:
                jobs = [pool.submit(_make_part, store.url, file, last, part, parts) for part, file in enumerate(files)]
                for job in jobs:
                    tally.take(iter(job.result()))
        with scratch.opened(files[0]) as fresh:
            for file in files[1:]:
                _join(fresh, file)
            counts = {}
            for table in tables.INDEX_TABLES:
                name = table.name.removeprefix("lineal_")
                counts[name] = fresh.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                tally.take(_differing(name, _rows(connection, table), _rows(fresh, table)))
    tally.count = sum(counts.values())
    return counts


def _make_part(url: str, file: Path, last: int, part: int, parts: int) -> list[Finding]:
    """Make the index anew of the runs that fall to one process, up to a place in the log."""
    with Store(url, create=False).snapshot() as connection, scratch.opened(file) as fresh:
        scratch.make_tables(fresh)
        fresh.exec_driver_sql("BEGIN")
        found = list(_fill(connection, fresh, last, part, parts))
        fresh.exec_driver_sql("COMMIT")
    return found


def _join(fresh: sa.Connection, file: Path) -> None:
    """Take over what another process made: of what both have, what came first in the log."""
    fresh.exec_driver_sql("ATTACH DATABASE ? AS other", (str(file),))
    for table in tables.INDEX_TABLES:
        # A text is known by its key, and numbered by the event that said it first.
        known_by = [table.c.key] if table is tables.texts else table.primary_key.columns
        keys = ", ".join(column.name for column in known_by)
        then = _earlier(table, _FIRST[table.name]) if table.name in _FIRST else "NOTHING"
        # The names are our own tables'.
        fresh.exec_driver_sql(
            f"INSERT INTO main.{table.name} SELECT * FROM other.{table.name} WHERE true "  # noqa: S608
            f"ON CONFLICT ({keys}) DO {then}"
        )
    fresh.exec_driver_sql("DETACH DATABASE other")


def _earlier(table: sa.Table, first: str) -> str:
    """The update that keeps of two rows the one that came first."""
    taken = []
    for column in table.columns:
        here, there = column.name, f"excluded.{column.name}"
        if column is tables.versions.c.rows:
            # Whoever came first need not have told how many rows there are.
            here, there = f"coalesce({here}, {there})", f"coalesce({there}, {here})"
        taken.append(f"{column.name} = CASE WHEN excluded.{first} < {first} THEN {there} ELSE {here} END")
    return f"UPDATE SET {', '.join(taken)}"


def _fill(connection: sa.Connection, fresh: sa.Connection, last: int, part: int, parts: int) -> Iterator[Finding]:
    """Make the index anew; events whose columns are not what their bodies say are told on the way."""
    columns = tables.events.c
    query = sa.select(columns.seq, columns.body, columns.run_id, columns.event_type, columns.event_time)
    for chunk in connection.execute(query.where(columns.seq <= last).order_by(columns.seq)).partitions(_CHUNK):
        events = []
        for row in chunk:
            if parts > 1 and crc32((row.run_id or "").encode()) % parts != part:
                continue
            try:
                event = from_json(row.body)
                said = ((event.get("run") or {}).get("runId"), event.get("eventType"), event["eventTime"])
                events.append((event, row.seq))
            except (ValueError, KeyError, TypeError, AttributeError) as problem:
                yield _event(row, f"its body is no event any more ({type(problem).__name__})")
                continue
            if said != (row.run_id, row.event_type, row.event_time):
                yield _event(row, "the columns run_id, event_type and event_time are not what its body says")
        try:
            rows_made = index.rows_of_all(events)
        except (ValueError, KeyError, TypeError, AttributeError):
            # One of them was tampered with: each by itself, to leave out that one.
            sound = []
            for event, seq in events:
                try:
                    index.rows_of(event, seq)
                    sound.append((event, seq))
                except (ValueError, KeyError, TypeError, AttributeError) as problem:
                    row = next(row for row in chunk if row.seq == seq)
                    yield _event(row, f"its body is no event any more ({type(problem).__name__})")
            rows_made = index.rows_of_all(sound)
        index.merge(fresh, rows_made)


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
    return chain.from_iterable(connection.execute(sa.select(table).order_by(*keys)).partitions(_CHUNK))


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
