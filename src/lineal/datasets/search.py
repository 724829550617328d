"""Find rows by a value, in many Parquet files at a time, reading no more of them than their statistics leave."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from sys import byteorder
from typing import Any


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for in one file.

    Attributes:
        file: in Parquet.
        column: that holds the value.
        value: as written by a person, or a number.
        wanted: the columns of the rows found that are to be given back.
    """

    file: Path
    column: str
    value: str | int
    wanted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found in one file.

    Attributes:
        rows: the 0-based numbers of the rows.
        values: the wanted columns of each, as far as the file has them.
        problem: why the file could not be searched, if it could not.
    """

    rows: tuple[int, ...] = ()
    values: tuple[dict[str, Any], ...] = ()
    problem: str | None = None


def search(searches: Iterable[Search]) -> list[Hits]:
    """Search many files; Arrow reads them beside each other.

    Returns:
        What each search found, in order. A file without the column, or whose column cannot hold the value, has no row.
    """
    import pyarrow.parquet  # noqa: F401 - once, before threads begin

    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as pool:
        return list(pool.map(_search, searches))


def _search(asked: Search) -> Hits:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(asked.file, memory_map=True) as parquet:
            return _search_in(parquet, asked)
    except (OSError, pa.ArrowException) as problem:
        return Hits(problem=str(problem).splitlines()[0])


def _search_in(parquet: Any, asked: Search) -> Hits:
    schema = parquet.schema_arrow
    place = schema.get_field_index(asked.column)
    value = None if place < 0 else _as(schema.field(place).type, asked.value)
    if value is None:
        return Hits()
    wanted = [name for name in asked.wanted if name in schema.names]
    rows: list[int] = []
    values: list[dict[str, Any]] = []
    start = 0
    for number in range(parquet.num_row_groups):
        held = _held(parquet, number, asked.column, value)
        if held:
            rows += [start + each for each in held]
            if wanted:
                table = parquet.read_row_group(number, columns=wanted, use_threads=False).select(wanted)
                values += [row for each in held for row in table.slice(each, 1).to_pylist()]
        start += parquet.metadata.row_group(number).num_rows
    return Hits(tuple(rows), tuple(values))


def _held(parquet: Any, number: int, name: str, value: Any) -> list[int]:
    """The rows of a row group that have a value."""
    import pyarrow.compute as pc

    group = parquet.metadata.row_group(number)
    if not _may_hold(group.column(_leaf(group, name)), value):
        return []
    column = parquet.read_row_group(number, columns=[name], use_threads=False).column(0)
    found: list[int] = pc.indices_nonzero(pc.equal(column, value)).to_pylist()
    return found


def _leaf(group: Any, name: str) -> int:
    # The table writer nests nothing; a file from elsewhere may.
    return next(place for place in range(group.num_columns) if group.column(place).path_in_schema == name)


def _may_hold(chunk: Any, value: Any) -> bool:
    found = chunk.statistics
    if not chunk.is_stats_set or found is None or not found.has_min_max:
        return True
    least, most = found.min, found.max
    plain = value.as_py()
    try:
        return bool(least <= plain <= most)
    except TypeError:
        # Moments with and without a zone, or bytes: statistics that cannot be compared leave nothing out.
        return True


def _as(kind: Any, value: str | int) -> Any:
    """A value as a scalar of a column's type; None where the column cannot hold it."""
    import pyarrow as pa

    types, text = pa.types, str(value)
    try:
        if types.is_string(kind) or types.is_large_string(kind):
            data = text.encode()
            ends = (0).to_bytes(width := 8 if types.is_large_string(kind) else 4, byteorder)
            return _scalar(kind, ends + len(data).to_bytes(width, byteorder), data)
        if types.is_integer(kind):
            signed = types.is_signed_integer(kind)
            return _scalar(kind, int(text).to_bytes(kind.bit_width // 8, byteorder, signed=signed))
        if types.is_floating(kind):
            return pa.scalar(float(text), kind)
        if types.is_boolean(kind):
            return {"true": pa.scalar(True), "false": pa.scalar(False)}.get(text.lower())
        if types.is_date(kind):
            return pa.scalar(date.fromisoformat(text), kind)
        if types.is_timestamp(kind):
            moment = datetime.fromisoformat(text)
            if kind.tz is not None and moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return pa.scalar(moment, kind)
    except (ValueError, OverflowError, pa.ArrowException):
        return None
    return None


def _scalar(kind: Any, *buffers: bytes) -> Any:
    """A scalar of its bytes: Arrow makes none of a Python value without importing pandas, which takes long."""
    import pyarrow as pa

    return pa.Array.from_buffers(kind, 1, [None, *map(pa.py_buffer, buffers)])[0]
