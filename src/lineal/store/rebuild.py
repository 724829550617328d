"""Remake the index from the log beside the store, and put right what differs: whoever records meanwhile need not wait.

The log is read as it stood at one moment, the index made of it in a database of our own that is thrown away, and both
compared there. The writers' lock is taken only to put in what differs, with what the last events have said since.
"""

# The names in statements are our own tables'.
# ruff: noqa: S608

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from lineal.store import fulltext, index, scratch, tables

if TYPE_CHECKING:
    from lineal.store.log import Store

_CHUNK = 1000
_Read = Callable[[sa.Select[Any]], Iterable[Any]]


def remake(store: Store) -> dict[str, int]:
    """Remake the index.

    Returns:
        How many rows differ from what stood there before, a table.

    Raises:
        StoreError: the store cannot be read or written; the index is as it was.
    """
    with (
        tempfile.TemporaryDirectory(prefix="lineal-rebuild-") as name,
        scratch.opened(Path(name) / "index.db") as fresh,
    ):
        _make_tables(fresh)
        fresh.exec_driver_sql("BEGIN")
        with store.snapshot() as connection:
            last = 0
            for events in _events(connection.execute, 0):
                index.merge(fresh, index.rows_of_all(events))
                last = events[-1][1]
            differing = {table.name: _compare(connection, fresh, table) for table in tables.INDEX_TABLES}
        # What has been recorded since is taken in as well, until there is little left to do under the lock.
        while last < (reached := _follow(store.read, fresh, last)) - _CHUNK:
            last = reached

        def put(connection: sa.Connection) -> None:
            _follow(connection.execute, fresh, reached)
            for table in tables.INDEX_TABLES:
                _put(connection, fresh, table)
            if differing[tables.texts.name] and connection.dialect.name == "sqlite":
                # It was kept by triggers, which know nothing of how the rows came to differ.
                connection.exec_driver_sql(f"INSERT INTO {fulltext.NAME} ({fulltext.NAME}) VALUES ('rebuild')")

        store.write(put)
    return differing


def _make_tables(fresh: sa.Connection) -> None:
    """Make an empty index, and beside each table one of the keys of rows that are to be put in."""
    scratch.make_tables(fresh)
    for table in tables.INDEX_TABLES:
        key = ", ".join(_key(table))
        fresh.exec_driver_sql(f"CREATE TABLE {_touched(table)} AS SELECT {key} FROM {table.name} WHERE false")
        fresh.exec_driver_sql(f"CREATE UNIQUE INDEX {_touched(table)}_key ON {_touched(table)} ({key})")


def _key(table: sa.Table) -> list[str]:
    """What a row is known by: a text by what it says, as it is numbered by the event that said it first."""
    return ["key"] if table is tables.texts else [column.name for column in table.primary_key.columns]


def _touched(table: sa.Table) -> str:
    """The table of the keys of rows that are to be put in."""
    return f"{table.name}_touched"


def _events(read: _Read, after: int) -> Iterator[list[tuple[Any, int]]]:
    """The events behind a place in the log, some at a time, each with its place."""
    columns = tables.events.c
    while True:
        query = sa.select(columns.seq, columns.body).where(columns.seq > after).order_by(columns.seq).limit(_CHUNK)
        found = [(json.loads(row.body), int(row.seq)) for row in read(query)]
        if not found:
            return
        yield found
        after = found[-1][1]


def _follow(read: _Read, fresh: sa.Connection, after: int) -> int:
    """Take in the events behind a place in the log, and note whose rows they are; return the place of the last."""
    for events in _events(read, after):
        rows = index.rows_of_all(events)
        index.merge(fresh, rows)
        for table in tables.INDEX_TABLES:
            found = getattr(rows, table.name.removeprefix("lineal_"))
            _touch(fresh, table, [tuple(row[name] for name in _key(table)) for row in found])
        after = events[-1][1]
    return after


def _touch(fresh: sa.Connection, table: sa.Table, keys: Sequence[tuple[Any, ...]]) -> None:
    if keys:
        marks = ", ".join("?" * len(_key(table)))
        fresh.exec_driver_sql(f"INSERT OR IGNORE INTO {_touched(table)} VALUES ({marks})", list(keys))


def _compare(connection: sa.Connection, fresh: sa.Connection, table: sa.Table) -> int:
    """Note which rows are in one of the two and not in the other; return how many."""
    stands, marks = f"{table.name}_stands", ", ".join("?" * len(table.columns))
    fresh.exec_driver_sql(f"CREATE TABLE {stands} AS SELECT * FROM {table.name} WHERE false")
    for rows in connection.execute(sa.select(table)).partitions(_CHUNK):
        fresh.exec_driver_sql(f"INSERT INTO {stands} VALUES ({marks})", [tuple(row) for row in rows])
    count = 0
    for one, other in ((table.name, stands), (stands, table.name)):
        fresh.exec_driver_sql(f"CREATE TABLE apart AS SELECT * FROM {one} EXCEPT SELECT * FROM {other}")
        count += int(fresh.exec_driver_sql("SELECT count(*) FROM apart").scalar_one())
        fresh.exec_driver_sql(f"INSERT OR IGNORE INTO {_touched(table)} SELECT {', '.join(_key(table))} FROM apart")
        fresh.exec_driver_sql("DROP TABLE apart")
    fresh.exec_driver_sql(f"DROP TABLE {stands}")
    return count


def _put(connection: sa.Connection, fresh: sa.Connection, table: sa.Table) -> None:
    """Put the rows of a table that are noted into the store, and take away those that are not to be there."""
    key = _key(table)
    gone = sa.delete(table).where(*(table.c[name] == sa.bindparam(f"its_{name}") for name in key))
    for keys in fresh.exec_driver_sql(f"SELECT * FROM {_touched(table)}").partitions(_CHUNK):
        connection.execute(gone, [{f"its_{name}": value for name, value in zip(key, row, strict=True)} for row in keys])
    made = fresh.exec_driver_sql(
        f"SELECT {table.name}.* FROM {table.name} JOIN {_touched(table)} USING ({', '.join(key)})"
    )
    names = [column.name for column in table.columns]
    for rows in made.partitions(_CHUNK):
        connection.execute(sa.insert(table), [dict(zip(names, row, strict=True)) for row in rows])
