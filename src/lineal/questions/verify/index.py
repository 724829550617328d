"""Check the index, and the columns beside each event, against what the events' bodies say.

The index is made once more from the log, as `lineal rebuild` does, but beside the store: nobody waits for it.
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, zip_longest
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json

from lineal.questions.verify.findings import Finding, Tally
from lineal.store import index, scratch, tables
from lineal.store.log import Store

_CHUNK = 1000
# From so many events on a second process is worth its start.
_MANY = 50_000
# What comes of a body that was tampered with.
_NO_EVENT = (ValueError, KeyError, TypeError, AttributeError)
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
        seq = tables.events.c.seq
        first, last = connection.execute(sa.select(sa.func.min(seq), sa.func.max(seq))).one()
        places = range(first or 0, (last or 0) + 1)
        parts = processes if len(places) >= _MANY else 1
        files = [folder / f"{part}.db" for part in range(parts)]
        some = [places[len(places) * part // parts : len(places) * (part + 1) // parts] for part in range(parts)]
        if parts == 1:
            tally.take(iter(_make_part(store.url, files[0], places)))
        else:
            # Each looks for garbage as often as this one does.
            context, often = get_context("spawn"), gc.get_threshold()
            with ProcessPoolExecutor(parts, mp_context=context, initializer=gc.set_threshold, initargs=often) as pool:
                jobs = [pool.submit(_make_part, store.url, *part) for part in zip(files, some, strict=True)]
                for job in jobs:
                    tally.take(iter(job.result()))
        with scratch.opened(files[0]) as fresh:
            for file in files[1:]:
                _join(fresh, file)
            counts = {}
            for table in tables.INDEX_TABLES:
                name = table.name.removeprefix("lineal_")
                counts[name] = fresh.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                tally.take(_compare(name, _rows(connection, table), _rows(fresh, table)))
    tally.count = sum(counts.values())
    return counts


def _make_part(url: str, file: Path, places: range) -> list[Finding]:
    """Make the index anew of the events at some places of the log."""
    with Store(url, create=False).snapshot() as connection, scratch.opened(file) as fresh:
        scratch.make_tables(fresh)
        fresh.exec_driver_sql("BEGIN")
        found = list(_fill(connection, fresh, places))
        fresh.exec_driver_sql("COMMIT")
    return found


def _join(fresh: sa.Connection, file: Path) -> None:
    """Take over what another process made of the events that come next."""
    fresh.exec_driver_sql("ATTACH DATABASE ? AS other", (str(file),))
    index.join(fresh, "other")
    fresh.exec_driver_sql("DETACH DATABASE other")


def _fill(connection: sa.Connection, fresh: sa.Connection, places: range) -> Iterator[Finding]:
    """Make the index anew; events whose columns are not what their bodies say are told on the way."""
    columns = tables.events.c
    query = sa.select(columns.seq, columns.body, columns.run_id, columns.event_type, columns.event_time)
    query = query.where(columns.seq >= places.start, columns.seq < places.stop).order_by(columns.seq)
    for chunk in connection.execute(query).partitions(_CHUNK):
        found = list[Finding]()
        try:
            rows = index.rows_of_all(_events(chunk, found))
        except _NO_EVENT:
            # One of them was tampered with: each by itself, to leave out that one.
            found.clear()
            rows = index.rows_of_all(_sound(chunk, found))
        yield from found
        index.merge(fresh, rows)


def _events(chunk: Iterable[Any], found: list[Finding]) -> Iterator[tuple[Any, int]]:
    """The events of some rows, each with its place; one at a time, as all together are much to have in memory."""
    for row in chunk:
        seq, body, *columns = row
        try:
            event = from_json(body)
            said = [(event.get("run") or {}).get("runId"), event.get("eventType"), event["eventTime"]]
        except _NO_EVENT as problem:
            found.append(_no_event(row, problem))
            continue
        if said != columns:
            found.append(_event(row, "the columns run_id, event_type and event_time are not what its body says"))
        yield event, seq


def _sound(chunk: Iterable[Any], found: list[Finding]) -> Iterator[tuple[Any, int]]:
    """The events of some rows that rows of the index can be made of."""
    for row in chunk:
        for event, seq in _events([row], found):
            try:
                index.rows_of(event, seq)
            except _NO_EVENT as problem:
                found.append(_no_event(row, problem))
            else:
                yield event, seq


def _no_event(row: Any, problem: Exception) -> Finding:
    return _event(row, f"its body is no event any more ({type(problem).__name__})")


def _event(row: Any, detail: str) -> Finding:
    return Finding("index", "changed", f"event {row.seq}", detail, row.seq, row.event_time, row.run_id)


def _rows(connection: sa.Connection, table: sa.Table) -> Iterator[Sequence[Any]]:
    """The rows of a table in the order of its key, some at a time."""
    keys = [
        # As SQLite compares texts: by their bytes.
        sa.collate(column, "C")
        if connection.dialect.name == "postgresql" and isinstance(column.type, sa.String)
        else column
        for column in table.primary_key.columns
    ]
    return connection.execute(sa.select(table).order_by(*keys)).partitions(_CHUNK)


def _compare(name: str, stands: Iterator[Sequence[Any]], made: Iterator[Sequence[Any]]) -> Iterator[Finding]:
    """What differs between two tables in the order of their keys; as a rule nothing, which is seen at little cost."""
    for left, right in zip_longest(stands, made, fillvalue=()):
        if [*map(tuple, left)] != [*map(tuple, right)]:
            rest = (chain(some, chain.from_iterable(more)) for some, more in ((left, stands), (right, made)))
            yield from _differing(name, *rest)


def _differing(name: str, stands: Iterator[Any], made: Iterator[Any]) -> Iterator[Finding]:
    """What differs between two tables in the order of their keys, from the first rows that do."""
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
