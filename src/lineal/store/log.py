"""The event log: every event is on disk, with its rows in the index, when `append` returns."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lineal import settings
from lineal.errors import EventError, NothingRecordedError, StoreError
from lineal.redaction import redact
from lineal.store import engine, index, schema, tables
from lineal.store.rebuild import remake
from lineal.store.text import scrubbed, storable

T = TypeVar("T")
_INSERT = sa.insert(tables.events).returning(tables.events.c.seq)
# How often a transaction is begun anew that failed for no fault of its own.
_ATTEMPTS = 5
# A server that kept one who asked waiting in vain is left alone for a while, in seconds: it is not to do so each time.
_PATIENCE, _LEFT_ALONE = 1.0, 60.0
_silent: dict[str, tuple[float, str]] = {}


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
        began = self._asked()
        # Names that this process saw committed; a task of a long loop need not write its job's name each time.
        self._known: set[str] = set()
        self._file: Path | None = None
        try:
            self._file = engine.sqlite_file(self.url)
            if self._file and not self._file.exists():
                if not create:
                    raise NothingRecordedError(f"{self._file}: {schema.NOTHING}")
                _make_home(self._file.parent)
            self.engine = engine.engine_of(self.url)
            self._writer = engine.writing(self.engine)
            began = self._asked()  # to load the driver takes a while, too
            schema.prepare(self.engine, str(self), create=create)
        except (SQLAlchemyError, OSError, ValueError) as problem:
            raise self._error("cannot be opened", problem, began) from problem

    def append(self, event: Mapping[str, Any], body: str | None = None, *, open_only: bool = False) -> int | None:
        """Add one event to the log and its rows to the index, in one transaction that is on disk at return.

        Args:
            event: a valid OpenLineage event.
            body: its serialised form, where the caller has it.
            open_only: not where its run has ended already, as the sweep and the run itself may both say its end.

        Returns:
            The event's place in the log; None where `open_only` kept it out.

        Raises:
            EventError: the event lacks what the index rests on, or has it in a wrong form; it is not recorded.
            StoreError: the store cannot be written.
        """
        text = body or json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        if not storable(text):
            event = scrubbed(event)
            text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))

        def write(connection: sa.Connection) -> tuple[int | None, index.Rows]:
            run = event.get("run") or {}
            if open_only and _has_ended(connection, run.get("runId")):
                return None, index.Rows()
            row = {
                "run_id": run.get("runId"),
                "event_type": event.get("eventType"),
                "event_time": event["eventTime"],
                "body": text,
            }
            seq = int(connection.execute(_INSERT, row).scalar_one())
            rows = index.rows_of(event, seq)
            index.merge(connection, rows.without(self._known))
            return seq, rows

        try:
            seq, rows = self.write(write)
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            raise EventError(
                f"an event that is no valid OpenLineage was not recorded: {problem!r} in {redact(text[:200])}"
            ) from problem
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
        began = self._asked()
        try:
            try:
                return self._read(query)
            except DBAPIError as problem:
                if not problem.connection_invalidated:
                    raise
                began = self._asked()
                return self._read(query)  # by a new connection; the server was started anew
        except SQLAlchemyError as problem:
            raise self._error("cannot be read", problem, began) from problem

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """Give a connection that sees the store as it stands now, however long it is read from, and holds no one up.

        Raises:
            StoreError: the store cannot be read; also from within.
        """
        options: dict[str, Any] = {"stream_results": True, "yield_per": 500}
        if self.engine.dialect.name == "postgresql":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        try:
            with self.engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection
        except SQLAlchemyError as problem:
            raise self._error("cannot be read", problem) from problem

    def write(self, work: Callable[[sa.Connection], T], *, patience: float | None = None) -> T:
        """Do some writing in one transaction, that of the only writer; again where it failed for no fault of its own.

        Args:
            work: what is written.
            patience: seconds to wait for another writer, where it is not to be as long as writing must.

        Raises:
            StoreError: the store cannot be written; nothing was.
        """
        writer = self._writer if patience is None else engine.writing(self.engine, patience)
        for attempt in range(1, _ATTEMPTS + 1):
            done, began = False, self._asked()
            try:
                with writer.begin() as connection:
                    result = work(connection)
                    done = True
                return result
            except DBAPIError as problem:
                # A connection that broke while it committed may have committed.
                if done or attempt == _ATTEMPTS or not engine.may_be_tried_again(problem):
                    raise self._error("cannot be written", problem, began) from problem
            except SQLAlchemyError as problem:
                raise self._error("cannot be written", problem) from problem
            time.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311 - to part two that collided, no secret
        raise AssertionError("unreachable")  # pragma: no cover

    def rebuild(self) -> dict[str, int]:
        """Remake the index from the log; what is recorded meanwhile need not wait for it.

        Returns:
            How many rows differ from what stood there before, a table; all 0 where nothing changed.
        """
        return remake(self)

    def _read(self, query: sa.Select[Any]) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(query).all())

    def __str__(self) -> str:
        return str(self._file or redact(self.url))

    def _asked(self) -> float:
        """The time now, when the server is asked for something; one that is left alone is not."""
        now = time.monotonic()
        until, why = _silent.get(self.url, (now, ""))
        if now < until:
            raise StoreError(why)
        return now

    def _error(self, what: str, problem: Exception, began: float | None = None) -> StoreError:
        error = StoreError(f"{self}: the lineage store {what}: {engine.explain(problem)}")
        now = time.monotonic()
        if began is not None and now - began > _PATIENCE and engine.is_unanswered(problem):
            _silent[self.url] = now + _LEFT_ALONE, error.message
        return error


def _make_home(folder: Path) -> None:
    if folder == settings.home() and not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # As virtual environments and test caches have it: what is kept here is no part of the user's repository.
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)


def _has_ended(connection: sa.Connection, run_id: str | None) -> bool:
    query = sa.select(tables.runs.c.state).where(tables.runs.c.run_id == run_id)
    return connection.execute(query).scalar() in index.ENDED
