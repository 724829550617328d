"""Remake the index from the log, and count what that changes: within the database, a part of the log at a time."""

from __future__ import annotations

import json

import sqlalchemy as sa

from lineal.store import index, tables

_CHUNK = 1000


def remake(connection: sa.Connection) -> dict[str, int]:
    """Remake the index within a transaction.

    Returns:
        How many rows differ from what stood there before, a table.
    """
    before = {table: _copy(connection, table) for table in tables.INDEX_TABLES}
    for table in tables.INDEX_TABLES:
        connection.execute(sa.delete(table))
    columns = tables.events.c
    after = 0
    while True:
        query = sa.select(columns.seq, columns.body).where(columns.seq > after).order_by(columns.seq).limit(_CHUNK)
        found = connection.execute(query).all()
        if not found:
            break
        index.merge(connection, index.rows_of_all((json.loads(row.body), row.seq) for row in found))
        after = found[-1].seq
    differing = {table.name: _difference(connection, table, before[table]) for table in tables.INDEX_TABLES}
    for copy in before.values():
        copy.drop(connection)
    return differing


def _copy(connection: sa.Connection, table: sa.Table) -> sa.Table:
    """A temporary table with a table's rows."""
    columns = [sa.Column(column.name, column.type) for column in table.columns]
    copy = sa.Table(f"{table.name}_before", sa.MetaData(), *columns, prefixes=["TEMPORARY"])
    copy.create(connection)
    connection.execute(sa.insert(copy).from_select(list(copy.c.keys()), sa.select(table)))
    return copy


def _difference(connection: sa.Connection, table: sa.Table, before: sa.Table) -> int:
    """How many rows are in one of the two and not in the other."""
    now, then = sa.select(table), sa.select(before)
    counts = [
        connection.execute(sa.select(sa.func.count()).select_from(sa.except_(*pair).subquery())).scalar_one()
        for pair in ((now, then), (then, now))
    ]
    return sum(counts)
