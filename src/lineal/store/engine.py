"""How the store reaches its database: one engine for each URL, its locks, and what goes wrong in one sentence."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from lineal.errors import StoreError
from lineal.redaction import redact

# How long a writer waits for another one, in seconds.
BUSY_TIMEOUT = 30
# How long a server may take to answer at all, in seconds.
CONNECT_TIMEOUT = 10
# The same of a connection that is open, in the driver's words. The machine at its other end answers, however long what
# is asked there takes.
_GIVEN_UP = {
    "connect_timeout": CONNECT_TIMEOUT,
    "tcp_user_timeout": CONNECT_TIMEOUT * 1000,
    "keepalives_idle": CONNECT_TIMEOUT,
    "keepalives_interval": 2,
}
# One writer at a time, from its first statement to its commit, on either database. A place in the log is thereby taken
# in the order in which events become visible: who reads on from a place misses none, and the index that concurrent
# writers make is the one that a rebuild makes. A reader that turned writer half-way could not wait for another one.
_BEGIN_WRITING = {
    "sqlite": "BEGIN IMMEDIATE",
    # Any number that is nobody else's. Both hold to the end of the transaction, as poolers of connections require.
    "postgresql": "SELECT set_config('lock_timeout', '{}ms', true), pg_advisory_xact_lock(7812436500215633)",
}
_HELD = f"another process has held it for {BUSY_TIMEOUT} s; try again when that one has ended"
_READ_ONLY = "make it writable, or set LINEAL_STORE to another place"
_FULL = "make room on its disk; what was recorded before is kept"
# What databases say, and what to do about it.
_ADVICE = {
    "database is locked": _HELD,
    "lock timeout": _HELD,
    "readonly database": _READ_ONLY,
    "read-only transaction": _READ_ONLY,
    "database or disk is full": _FULL,
    "disk I/O error": _FULL,
    "No space left": _FULL,
    "file is not a database": "it is no Lineal store; set LINEAL_STORE to another file",
    "unable to open database file": "see that its folder is there and yours to write, or set LINEAL_STORE",
    "malformed": "it is damaged; restore it from a copy",
    "Connection refused": "start the server, or set LINEAL_STORE to another place",
    "timeout expired": "see that the server is up and can be reached, or set LINEAL_STORE to another place",
    "FATAL:  database": "create it, or set LINEAL_STORE to another place",
    "authentication failed": "see to user and password in LINEAL_STORE",
    "permission denied": "let this user make and write tables there, as the database's owner may",
}
# The server's words for "roll back and try again": a deadlock, a serialization failure.
_PASSING = ("40P01", "40001")


@cache
def engine_of(url: str) -> sa.Engine:
    """The engine of a store's URL, one for each process.

    Raises:
        StoreError: not a database that a store can be in, or its driver is not installed.
    """
    parsed = _parsed(url)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in _BEGIN_WRITING:
        raise StoreError(
            f"{redact(url)}: the lineage store cannot be opened: it is kept in SQLite or PostgreSQL; "
            "set LINEAL_STORE to such as sqlite:///lineal.db or postgresql+psycopg://host/db"
        )
    arguments = {}
    if parsed.get_backend_name() == "postgresql":
        arguments = {name: value for name, value in _GIVEN_UP.items() if name not in parsed.query}
    try:
        engine = sa.create_engine(parsed, connect_args=arguments)
    except ImportError as problem:
        raise StoreError(
            f"{redact(url)}: the lineage store cannot be opened: the driver of PostgreSQL is not installed; "
            'run pip install "lineal[postgres]"'
        ) from problem
    # A connection belongs to the process that opened it: two that talk through one garble both.
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))
    sa.event.listen(engine, "begin", _begin)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
    return engine


def writing(engine: sa.Engine, patience: float | None = None) -> sa.Engine:
    """The engine whose transactions write: each holds the store's one lock from its beginning.

    Args:
        engine: of the store.
        patience: how long to wait for another writer, in seconds; as long as an event would where it is left out.
    """
    wait = round((BUSY_TIMEOUT if patience is None else patience) * 1000)
    statement = _BEGIN_WRITING[engine.dialect.name].format(wait)
    return engine.execution_options(lineal_begin=statement, lineal_wait=None if patience is None else wait)


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite URL; None for another database, or one in memory."""
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database)).absolute()


def _parsed(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except sa.exc.ArgumentError as problem:
        path = f"sqlite:///{Path(url).expanduser().absolute()}" if "://" not in url else "sqlite:///lineal.db"
        raise StoreError(
            f"{redact(url)}: the lineage store cannot be opened: this is no URL of a database; "
            f"set LINEAL_STORE to such as {path} or postgresql+psycopg://host/db"
        ) from problem


def may_be_tried_again(problem: DBAPIError) -> bool:
    """Whether a transaction failed for no fault of its own, and left nothing behind."""
    return problem.connection_invalidated or getattr(problem.orig, "sqlstate", None) in _PASSING


def is_unanswered(problem: Exception) -> bool:
    """Whether a server said nothing; what it says itself, such as that a lock is held, has a code."""
    return isinstance(problem, OperationalError) and getattr(problem.orig, "sqlstate", "") is None


def explain(problem: Exception) -> str:
    """What a database's error says, and what to do about it, on one line without secrets."""
    cause = problem.orig if isinstance(problem, DBAPIError) and problem.orig else problem
    said = redact(str(cause).strip().splitlines()[0]) if str(cause).strip() else type(cause).__name__
    advice = next((advice for words, advice in _ADVICE.items() if words in str(cause)), None)
    return f"{said}; {advice}" if advice else said


def _begin(connection: sa.Connection) -> None:
    # The driver of SQLite is told below to begin no transactions; that of PostgreSQL begins them by itself.
    options = connection.get_execution_options()
    statement, wait = options.get("lineal_begin"), options.get("lineal_wait")
    if wait is not None and connection.dialect.name == "sqlite":
        # How long to wait is the connection's there, which goes back to the others.
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {wait}")
        try:
            connection.exec_driver_sql(str(statement))
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(BUSY_TIMEOUT * 1000)}")
    elif statement or connection.dialect.name == "sqlite":
        connection.exec_driver_sql(str(statement or "BEGIN"))


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000}")
    # The mode is kept in the file: one that belongs to another program is left as it is.
    tables, ours = cursor.execute("SELECT count(*), sum(name = 'lineal_events') FROM sqlite_master").fetchone()
    if ours or not tables:
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()
