"""The rows of a SQL query, through SQLAlchemy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lineal.datasets.patience import within
from lineal.datasets.sources import values
from lineal.datasets.sources.base import Plan, SourceFile, agreed, planned
from lineal.datasets.types import converted, settled, unified
from lineal.errors import SourceError, UnreachableError
from lineal.progress import Progress
from lineal.redaction import redact

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

_ROWS = 10_000


def spool(url: str, query: str, folder: Path, file: Path, on_progress: Progress) -> tuple[str, Plan]:
    """Write a query's rows to a local file, as they come: a query may not give the same rows twice.

    Args:
        url: SQLAlchemy's URL of the database.
        query: the SQL that gives the rows.
        folder: where a relative SQLite path starts.
        file: where to write; read it with `spooled`.
        on_progress: told the rows that have come.

    Returns:
        The URL without credentials, and the columns with the types that all rows fit.

    Raises:
        SourceError: the URL, the driver or the query is wrong, or there are no rows.
        UnreachableError: the database does not answer.
    """
    import sqlalchemy as sa

    address = _address(url, folder)
    shown = redact(address.render_as_string(hide_password=False))
    engine = _engine(address, shown)
    kinds: dict[str, list[pa.DataType]] = {}
    done = 0
    try:
        with _connected(engine, shown) as connection, pa.OSFile(str(file), "wb") as sink:
            try:
                rows = connection.execution_options(stream_results=True, max_row_buffer=_ROWS).execute(
                    sa.text(_literal(query))
                )
                names = list(rows.keys())
                agreed([SourceFile(shown, file, "SQL")], [names])
                while some := rows.fetchmany(_ROWS):
                    batch = _batch(shown, names, some)
                    for field in batch.schema:
                        kinds.setdefault(field.name, []).append(field.type)
                    # Each batch is a stream of its own, as each has its own types.
                    with pa.ipc.new_stream(sink, batch.schema) as stream:
                        stream.write_batch(batch)
                    done += len(some)
                    on_progress(done, None)
            except sa.exc.ResourceClosedError as problem:
                raise SourceError(f"{shown}: the query gives no rows; write a SELECT", uri=shown) from problem
            except sa.exc.SQLAlchemyError as problem:
                raise SourceError(
                    f"{shown}: the database refuses the query: {_reason(problem, address)}; correct source.query",
                    uri=shown,
                ) from problem
    finally:
        engine.dispose()
    if not done:
        raise SourceError(f"{shown}: the query finds no rows; widen it", uri=shown)
    return shown, planned({name: unified(found) for name, found in kinds.items()}, exact=True)


def spooled(file: Path, plan: Plan) -> Iterator[pa.RecordBatch]:
    """Give back what `spool` wrote, in batches of the plan's schema."""
    with pa.OSFile(str(file), "rb") as source:
        while source.tell() < source.size():
            with pa.ipc.open_stream(source) as stream:
                for batch in stream:
                    columns = [converted(batch.column(field.name), field.type) for field in plan.schema]
                    yield pa.RecordBatch.from_arrays(columns, schema=plan.schema)


def _batch(shown: str, names: Sequence[str], rows: Sequence[Any]) -> pa.RecordBatch:
    arrays = []
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        array = values.natural(column)
        try:
            arrays.append(array if pa.types.is_null(array.type) else converted(array, settled(array.type)))
        except pa.ArrowInvalid as problem:
            raise SourceError(
                f"{shown}: column {name!r} holds bytes that are no text; leave it out, or convert it in the query",
                uri=shown,
                column=name,
            ) from problem
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def _address(url: str, folder: Path) -> URL:
    import sqlalchemy as sa

    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError as problem:
        raise SourceError(
            f"{redact(url)} is no database URL; write one such as postgresql+psycopg://host/db", uri=redact(url)
        ) from problem
    if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
        path = folder / str(address.database)
        if not path.is_file() and not str(address.database).startswith("file:"):
            # SQLite would make an empty database of that name.
            raise SourceError(f"there is no database {path}; correct the path in source.uri", uri=redact(url))
        address = address.set(database=str(path))
    return address


def _engine(address: URL, shown: str) -> Engine:
    import sqlalchemy as sa

    try:
        return sa.create_engine(address)
    except sa.exc.NoSuchModuleError as problem:
        raise SourceError(
            f"{shown}: SQLAlchemy knows no database {address.drivername!r}; correct it, or install its dialect",
            uri=shown,
        ) from problem
    except ImportError as problem:
        raise SourceError(
            f"{shown}: its driver is not installed; pip install {problem.name or address.get_driver_name()}", uri=shown
        ) from problem


def _connected(engine: Engine, shown: str) -> Connection:
    import sqlalchemy as sa

    try:
        return within(engine.connect, shown)
    except sa.exc.SQLAlchemyError as problem:
        raise UnreachableError(
            f"{shown} cannot be reached: {_reason(problem, engine.url)}; check the address, the credentials, "
            "and that the database is up",
            uri=shown,
        ) from problem


def _literal(query: str) -> str:
    """Keep SQLAlchemy from taking `:name` inside the user's SQL for a parameter."""
    return re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", query)


def _reason(problem: Exception, address: URL) -> str:
    """Return what the driver says, on one line and without the password."""
    said = " ".join(str(getattr(problem, "orig", None) or problem).split())
    if address.password:
        said = said.replace(str(address.password), "***")
    return redact(said)[:300].rstrip(".")
