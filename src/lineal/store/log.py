"""The event log: every event is on disk, with its rows in the index, when `append` returns."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lineal import settings
from lineal.errors import StoreError
from lineal.redaction import redact
from lineal.store import index, tables

_INSERT = sa.insert(tables.events).returning(tables.events.c.seq)
# Held together by those who write an event on PostgreSQL, alone by who reads the log to deliver it.
_LOG_LOCK = 7_046_029_254_386_353_131
# How long a writer waits for another one, in seconds.
BUSY_TIMEOUT = 30


class Store:
    """The lineage store of one URL: a log of events, and the index over them.

    Args:
        url: a SQLAlchemy URL, `sqlite:///…` or `postgresql+psycopg://…`.
        create: make the database where there is none; otherwise its absence is an error.

    Raises:
        StoreError: no store there, not a Lineal store, or one of a newer version.
    """

    def __init__(self, url: str | None = None, *, create: bool = True) -> None:
        self.url = url or settings.store_url()
        # Names that this process saw committed; a task of a long loop need not write its job's name each time.
        self._known: set[str] = set()
        self._file: Path | None = None
        try:
            self._file = _sqlite_file(self.url)
            if self._file and not self._file.exists():
                if not create:
                    raise StoreError(
                        f"{self._file}: nothing is recorded here yet; run a pipeline first, or set LINEAL_STORE"
                    )
                self._file.parent.mkdir(parents=True, exist_ok=True)
            self.engine = _engine(self.url)
            # One lock from the start: a reader that turned writer half-way could not wait for another one.
            self._writer = self.engine.execution_options(lineal_begin="BEGIN IMMEDIATE")
            self._prepare()
        except (SQLAlchemyError, OSError) as problem:
            raise self._error("cannot be opened", problem) from problem

    def append(self, event: Mapping[str, Any], body: str | None = None, *, open_only: bool = False) -> int | None:
        """Add one event to the log and its rows to the index, in one transaction that is on disk at return.

        Args:
            event: a valid OpenLineage event.
            body: its serialised form, where the caller has it.
            open_only: not where its run has ended already, as the sweep and the run itself may both say its end.

        Returns:
            The event's place in the log; None where `open_only` kept it out.

        Raises:
            StoreError: the store cannot be written.
        """
        run = event.get("run") or {}
        row = {
            "run_id": run.get("runId"),
            "event_type": event.get("eventType"),
            "event_time": event["eventTime"],
            "body": body or json.dumps(event, ensure_ascii=False, separators=(",", ":")),
        }
        try:
            with self.writing() as connection:
                if self.engine.dialect.name == "postgresql":
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({_LOG_LOCK})")
                if open_only and _has_ended(connection, row["run_id"]):
                    return None
                seq = int(connection.execute(_INSERT, row).scalar_one())
                rows = index.rows_of(event, seq)
                index.merge(connection, rows.without(self._known))
        except SQLAlchemyError as problem:
            raise self._error("cannot be written", problem) from problem
        if len(self._known) > 10_000:
            self._known.clear()
        self._known |= rows.keys()
        return seq

    def events(self, *, run_ids: tuple[str, ...] | None = None, chunk: int = 1000) -> Iterator[str]:
        """The log in order, each event as its JSON text; of some runs only, where they are named."""
        after = 0
        while True:
            query = sa.select(tables.events.c.seq, tables.events.c.body).where(tables.events.c.seq > after)
            if run_ids is not None:
                query = query.where(tables.events.c.run_id.in_(run_ids))
            rows = self.read(query.order_by(tables.events.c.seq).limit(chunk))
            yield from (row.body for row in rows)
            if len(rows) < chunk:
                return
            after = rows[-1].seq

    def event_at(self, seq: int) -> str:
        """The event at a place in the log, as its JSON text."""
        return str(self.read(sa.select(tables.events.c.body).where(tables.events.c.seq == seq))[0].body)

    def read(self, query: sa.Select[Any]) -> list[Any]:
        """Run one reading query."""
        try:
            with self.engine.connect() as connection:
                return list(connection.execute(query).all())
        except SQLAlchemyError as problem:
            raise self._error("cannot be read", problem) from problem

    def rebuild(self) -> dict[str, int]:
        """Remake the index from the log in one transaction.

        Returns:
            How many rows differ from what stood there before, a table; all 0 where nothing changed.
        """
        with self.writing() as connection:
            before = {table.name: _contents(connection, table) for table in tables.INDEX_TABLES}
            for table in tables.INDEX_TABLES:
                connection.execute(sa.delete(table))
            query = sa.select(tables.events.c.seq, tables.events.c.body).order_by(tables.events.c.seq)
            for row in connection.execute(query).yield_per(1000):
                index.merge(connection, index.rows_of(json.loads(row.body), row.seq))
            after = {table.name: _contents(connection, table) for table in tables.INDEX_TABLES}
        return {name: len(before[name] ^ after[name]) for name in before}

    def __str__(self) -> str:
        return str(self._file or redact(self.url))

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """One transaction that writes."""
        return self._writer.begin()

    def insert_if_absent(self, table: sa.Table) -> sa.Insert:
        """A statement that leaves a row alone which is there already."""
        if self.engine.dialect.name == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()

    def read_log(self, after: Any, count: int) -> list[Any]:
        """The next events behind a place in the log, in order: `seq` and `body`.

        Every event with a lower number than those given is given, too: with many writers at a time, a number may be
        taken long before its event can be seen.
        """
        query = sa.select(tables.events.c.seq, tables.events.c.body).where(tables.events.c.seq > after)
        query = query.order_by(tables.events.c.seq).limit(count)
        if self.engine.dialect.name != "postgresql":
            return self.read(query)
        try:
            with self.engine.begin() as connection:
                # Waits for those who are writing an event now (see `append`).
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOG_LOCK})")
                return list(connection.execute(query).all())
        except SQLAlchemyError as problem:
            raise self._error("cannot be read", problem) from problem

    def _prepare(self) -> None:
        with self.engine.connect() as connection:
            there = sa.inspect(connection).has_table(tables.meta.name)
        if not there:
            with self.writing() as connection:
                tables.metadata.create_all(connection)
                known = connection.execute(sa.select(tables.meta.c.value)).first()
                if known is None:
                    connection.execute(sa.insert(tables.meta), {"key": "schema", "value": str(tables.SCHEMA_VERSION)})
        found = int(self.read(sa.select(tables.meta.c.value).where(tables.meta.c.key == "schema"))[0].value)
        if found > tables.SCHEMA_VERSION:
            raise StoreError(
                f"{self}: was written by a newer Lineal (schema {found}, this one knows {tables.SCHEMA_VERSION}); "
                "install the newer version"
            )

    def _error(self, what: str, problem: Exception) -> StoreError:
        cause = problem.orig if isinstance(problem, DBAPIError) and problem.orig else problem
        return StoreError(f"{self}: the lineage store {what}: {redact(str(cause).strip().splitlines()[0])}")


def _has_ended(connection: sa.Connection, run_id: str | None) -> bool:
    query = sa.select(tables.runs.c.state).where(tables.runs.c.run_id == run_id).with_for_update()
    return connection.execute(query).scalar() in index.ENDED


def _contents(connection: sa.Connection, table: sa.Table) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in connection.execute(sa.select(table))}


def _sqlite_file(url: str) -> Path | None:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database)).absolute()


_OPENED: list[sa.Engine] = []


@cache
def _engine(url: str) -> sa.Engine:
    engine = sa.create_engine(url, json_serializer=None)
    _OPENED.append(engine)
    if engine.dialect.name != "sqlite":
        return engine

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun by the listener below, not by the driver
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(str(connection.get_execution_options().get("lineal_begin", "BEGIN")))

    return engine


def _forget() -> None:
    """In a forked child: leave the parent's connections alone, and make new ones."""
    for engine in _OPENED:
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
