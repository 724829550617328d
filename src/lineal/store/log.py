"""The event log: every event is on disk, with its rows in the index, when `append` returns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lineal import settings
from lineal.errors import StoreError
from lineal.redaction import redact
from lineal.store import index, tables

_INSERT = sa.insert(tables.events).returning(tables.events.c.seq)
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

    def append(self, event: Mapping[str, Any], body: str | None = None) -> int:
        """Add one event to the log and its rows to the index, in one transaction that is on disk at return.

        Args:
            event: a valid OpenLineage event.
            body: its serialised form, where the caller has it.

        Returns:
            The event's place in the log.

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
            with self._writing() as connection:
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
        with self._writing() as connection:
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

    def _writing(self) -> Any:
        return self._writer.begin()

    def _prepare(self) -> None:
        with self.engine.connect() as connection:
            there = sa.inspect(connection).has_table(tables.meta.name)
        if not there:
            with self._writing() as connection:
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


def _contents(connection: sa.Connection, table: sa.Table) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in connection.execute(sa.select(table))}


def _sqlite_file(url: str) -> Path | None:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database)).absolute()


@cache
def _engine(url: str) -> sa.Engine:
    engine = sa.create_engine(url, json_serializer=None)
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
