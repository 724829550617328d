"""What a pipeline needs of its rows before anything else: its columns, a target to learn, ids that name records."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineal.datasets.groups import require_groups
from lineal.datasets.read import batches
from lineal.datasets.snapshot import Snapshot, places
from lineal.datasets.sources.base import near
from lineal.errors import DataError
from lineal.pipeline import Pipeline

_FIRST = 5
# So many ids are looked at together; of more, as many parts are made, each in a pass of its own.
_AT_ONCE = 2_000_000


def validate(pipeline: Pipeline, snapshot: Snapshot) -> None:
    """Hold a snapshot to what its pipeline says of it.

    Raises:
        DataError: a column that the pipeline names is not there; the target has missing values or one value only; an
            id is missing or comes twice; rows cannot be grouped by a column that groups are asked of.
    """
    _columns(pipeline, snapshot)
    _target(pipeline.source.target, snapshot)
    if pipeline.source.id is not None:
        require_ids(pipeline.source.id, snapshot)
    require_groups(pipeline, snapshot)


def _columns(pipeline: Pipeline, snapshot: Snapshot) -> None:
    names = [column.name for column in snapshot.dataset.columns]
    named = [("source.target", pipeline.source.target), ("source.id", pipeline.source.id)]
    named += [("source.drop", name) for name in pipeline.source.drop]
    named += [("checks", check.column) for check in pipeline.checks]
    named += [("split.group", pipeline.split.group), ("split.time", pipeline.split.time)]
    named += [("evaluate.groups", name) for name in pipeline.evaluate.groups]
    named += pipeline.declared.columns() if pipeline.declared else ()
    for key, name in named:
        if name is not None and name not in names:
            hint = near(name, names) or f"; it has {', '.join(names[:10])}{', …' if len(names) > 10 else ''}"
            raise DataError(f"{key} names {name!r}, which is no column of the source{hint}", column=name)
    if not set(names) - {pipeline.source.target, pipeline.source.id, *pipeline.source.drop}:
        raise DataError("no column is left to learn from; drop fewer, or add columns to the source")


def _target(name: str, snapshot: Snapshot) -> None:
    missing, first = _missing(name, snapshot)
    if missing:
        raise DataError(
            f"the target {name!r} has {_counted(missing, 'missing value')} "
            f"({places(snapshot.sources, first, missing)}); fill them in, or leave those rows out of the source",
            column=name,
        )
    seen: pa.Array | None = None
    for _, values in _column(name, snapshot):
        seen = pc.unique(values if seen is None else pa.chunked_array([seen, values]))
        if len(seen) > 1:
            return
    raise DataError(
        f"the target {name!r} has only one distinct value in all {snapshot.dataset.rows} rows; "
        "there is nothing to learn from it, correct the source or name another target",
        column=name,
    )


def require_ids(name: str, snapshot: Snapshot) -> None:
    """Hold an id column to naming each row, and only one.

    Raises:
        DataError: an id is missing or comes twice, or is a number that a float does not hold.
    """
    missing, first = _missing(name, snapshot)
    if missing:
        raise DataError(
            f"the id {name!r} has {_counted(missing, 'missing value')} "
            f"({places(snapshot.sources, first, missing)}); give each record one, or leave `id` out",
            column=name,
        )
    is_float = any(column.name == name and column.type == "double" for column in snapshot.dataset.columns)
    count, first = _offending(name, snapshot, _rounded) if is_float else (0, [])
    if count:
        raise DataError(
            f"the id {name!r} was read as floating-point numbers, which do not hold the last digits of "
            f"{_counted(count, 'value')} beyond 2^53 ({places(snapshot.sources, first, count)}); "
            "give the ids as text in the source, such as with a letter before the digits",
            column=name,
        )
    count, first = _repeated_ids(name, snapshot)
    if count:
        raise DataError(
            f"the id {name!r} is not unique: {_counted(count, 'row')} "
            f"{'repeats' if count == 1 else 'repeat'} an earlier one's "
            f"({places(snapshot.sources, first, count)}); remove the duplicates, or name another id",
            column=name,
        )


def _repeated_ids(name: str, snapshot: Snapshot) -> tuple[int, list[int]]:
    """As `repeated`, for a column without missing values, in memory that does not grow with it."""
    import pandas as pd

    parts = 1 + (snapshot.dataset.rows or 0) // _AT_ONCE
    if parts == 1:
        return repeated(pa.chunked_array([values for _, values in _column(name, snapshot)]))
    count, first = 0, list[int]()
    for part in range(parts):
        # Equal values have equal hashes, so that what repeats is found within a part.
        chunks, numbers = [], []
        for start, values in _column(name, snapshot):
            mine = pd.util.hash_array(np.asarray(values.to_pandas())) % parts == part
            chunks.append(values.filter(pa.array(mine)))
            numbers.append(start + np.flatnonzero(mine))
        found, places_in_part = repeated(pa.chunked_array(chunks))
        count += found
        first += np.concatenate(numbers)[places_in_part].tolist()
    return count, sorted(first)[:_FIRST]


def repeated(column: pa.ChunkedArray) -> tuple[int, list[int]]:
    """Count the rows whose value an earlier row has, missing values apart; and give the first of them, 0-based."""
    codes = np.concatenate(
        [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in pc.dictionary_encode(column).chunks]
        or [np.empty(0, np.int64)]
    )
    _, firsts = np.unique(codes, return_index=True)
    again = codes >= 0
    again[firsts] = False
    rows = np.flatnonzero(again)
    return len(rows), rows[:_FIRST].tolist()


def _missing(name: str, snapshot: Snapshot) -> tuple[int, list[int]]:
    return _offending(name, snapshot, pc.is_null)


def _rounded(values: pa.Array) -> pa.Array:
    """Which floats may stand for several whole numbers."""
    return pc.greater_equal(pc.abs(values), 2.0**53)


def _offending(name: str, snapshot: Snapshot, judge: Callable[[pa.Array], pa.Array]) -> tuple[int, list[int]]:
    """Count the rows that offend, and give the first of them, 0-based."""
    count, first = 0, list[int]()
    for start, values in _column(name, snapshot):
        rows = np.flatnonzero(judge(values).to_numpy(zero_copy_only=False))
        count += len(rows)
        first += [start + int(row) for row in rows[: _FIRST - len(first)]]
    return count, first


def _column(name: str, snapshot: Snapshot) -> Iterator[tuple[int, pa.Array]]:
    start = 0
    for batch in batches(snapshot.dataset, [name]):
        yield start, batch.column(0)
        start += batch.num_rows


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
