"""Hold a dataset version to the checks of the pipeline file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineal.datasets.contract import repeated
from lineal.datasets.dataset import Dataset
from lineal.datasets.read import BATCH_ROWS, opened
from lineal.datasets.snapshot import places
from lineal.datasets.sources.base import near
from lineal.errors import CheckError, DataError
from lineal.pipeline import Check, Pipeline, Scalar

_FIRST = 5
# What nanoseconds in 64 bits reach, in 1677 and 2262.
_FAR = 2**63 - 1
Judge = Callable[[pa.Array], pa.Array]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of one assertion.

    Attributes:
        assertion: `min`, `max`, `not_null`, `unique`, `allowed`, `type`, `rows_min` or `rows_max`.
        column: the column it is about; None for the table.
        expected: what the pipeline file asks for, as text.
        actual: what was found, as text: a type, or a count; never a row's value.
        success: whether it holds.
        count: the rows that offend.
        rows: the first of them, by 1-based number in the table.
        places: the first of them for a person, as source and record.
    """

    assertion: str
    column: str | None
    expected: str
    actual: str
    success: bool
    count: int = 0
    rows: tuple[int, ...] = ()
    places: str = ""


def run_checks(pipeline: Pipeline, dataset: Dataset, sources: Sequence[Dataset] = ()) -> tuple[CheckResult, ...]:
    """Run every assertion of the pipeline's checks; missing values offend `nulls = false` only.

    Args:
        pipeline: whose checks are run.
        dataset: the snapshot they are about.
        sources: what it was read from, so that offending rows can be named by file and record.

    Returns:
        A result for each assertion, in the pipeline file's order.

    Raises:
        DataError: a check is about a column that is not there, or asks of a column what its type cannot answer.
        SourceError: the version's file is gone.
    """
    with opened(dataset) as parquet:
        schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
    results: list[CheckResult] = []
    for check in pipeline.checks:
        if check.column is None:
            results += _of_table(check, rows)
            continue
        if check.column not in schema.names:
            raise DataError(
                f"a check is about {check.column!r}, which is no column of the data{near(check.column, schema.names)}",
                column=check.column,
            )
        results += _of_column(check, check.column, schema.field(check.column).type, dataset, sources)
    return tuple(results)


def require(results: Sequence[CheckResult]) -> None:
    """Insist that every assertion holds.

    Raises:
        CheckError: naming the first that does not, how many rows offend and the first of them; and how many more
            assertions fail.
    """
    failed = [result for result in results if not result.success]
    if not failed:
        return
    more = f"; {len(failed) - 1} more of the checks fail" if len(failed) > 1 else ""
    raise CheckError(f"{_sentence(failed[0])}{more}; correct the data, or the check", column=failed[0].column)


def _sentence(result: CheckResult) -> str:
    if result.column is None:
        return f"check {result.assertion} = {result.expected} does not hold: the table has {result.actual}"
    if result.assertion == "type":
        return f"check type = {result.expected} does not hold: column {result.column!r} is {result.actual}"
    rows = "1 row offends" if result.count == 1 else f"{result.count} rows offend"
    return (
        f"check {result.assertion}{'' if result.expected == 'true' else ' = ' + result.expected} does not hold for "
        f"column {result.column!r}: {rows} ({result.places})"
    )


def _of_table(check: Check, rows: int) -> Iterator[CheckResult]:
    for name, bound, holds in (
        ("rows_min", check.rows_min, check.rows_min is None or rows >= check.rows_min),
        ("rows_max", check.rows_max, check.rows_max is None or rows <= check.rows_max),
    ):
        if bound is not None:
            yield CheckResult(name, None, str(bound), f"{rows} rows", holds)


def _of_column(
    check: Check, name: str, kind: pa.DataType, dataset: Dataset, sources: Sequence[Dataset]
) -> Iterator[CheckResult]:
    def result(assertion: str, expected: str, count: int, first: Sequence[int]) -> CheckResult:
        told = places(sources, first, count)
        rows = tuple(row + 1 for row in first)
        return CheckResult(assertion, name, expected, f"{count} rows offend", not count, count, rows, told)

    if check.type is not None:
        yield CheckResult("type", name, check.type, _called(kind), _is(check.type, kind))
    judges: list[tuple[str, str, Judge]] = []
    for assertion, bound, compare in (("min", check.min, pc.less), ("max", check.max, pc.greater)):
        if bound is not None:
            judges.append((assertion, _written(bound), _beyond(compare, _bound(bound, name, kind, assertion))))
    if check.nulls is False:
        judges.append(("not_null", "true", pc.is_null))
    if check.allowed is not None:
        judges.append(("allowed", str(list(check.allowed)), _outside(_allowed(check.allowed, name, kind))))
    if judges:
        counts = _offences(dataset, name, [judge for _, _, judge in judges])
        for (assertion, expected, _), (count, first) in zip(judges, counts, strict=True):
            yield result(assertion, expected, count, first)
    if check.unique:
        column = pa.chunked_array(list(_batches(dataset, name)), kind)
        yield result("unique", "true", *repeated(column))


def _offences(dataset: Dataset, name: str, judges: Sequence[Judge]) -> list[tuple[int, list[int]]]:
    counts, firsts = [0] * len(judges), [list[int]() for _ in judges]
    start = 0
    for values in _batches(dataset, name):
        for number, judge in enumerate(judges):
            offends = pc.fill_null(judge(values), False)
            if found := pc.sum(offends).as_py() or 0:
                counts[number] += found
                rows = np.flatnonzero(offends.to_numpy(zero_copy_only=False))[: _FIRST - len(firsts[number])]
                firsts[number] += [start + int(row) for row in rows]
        start += len(values)
    return list(zip(counts, firsts, strict=True))


def _batches(dataset: Dataset, name: str) -> Iterator[pa.Array]:
    """One column's values, a NaN as the missing value it stands for."""
    with opened(dataset) as parquet:
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=[name]):
            values = batch.column(0)
            if pa.types.is_floating(values.type):
                values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
            yield values


def _beyond(compare: Callable[[pa.Array, pa.Scalar], pa.Array], bound: pa.Scalar) -> Judge:
    def judge(values: pa.Array) -> pa.Array:
        # pyarrow refuses to compare a float with an integer beyond 2^53.
        return compare(values.cast(pa.float64(), safe=False) if pa.types.is_integer(values.type) else values, bound)

    return judge


def _outside(allowed: pa.Array) -> Judge:
    return lambda values: pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, value_set=allowed)))


def _bound(bound: Any, name: str, kind: pa.DataType, assertion: str) -> pa.Scalar:
    """The bound as a value that the column can be compared with."""
    number = isinstance(bound, (int, float))
    if number and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return pa.scalar(bound)
    if not number and pa.types.is_date(kind):
        return pa.scalar(bound, pa.timestamp("us") if isinstance(bound, datetime) else pa.date32())
    if not number and pa.types.is_timestamp(kind):
        moment = bound if isinstance(bound, datetime) else datetime.combine(bound, time())
        if (moment.tzinfo is None) == (kind.tz is None):
            found = pa.scalar(moment, pa.timestamp("us", kind.tz))
            return found if kind.unit == "us" else pa.scalar(min(max(1000 * found.value, -_FAR), _FAR), kind)
    asked = "a number" if number else "a time with a zone" if getattr(bound, "tzinfo", None) else "a date or time"
    raise DataError(
        f"check {assertion} = {_written(bound)} for column {name!r} compares {asked} with a column of {_called(kind)}; "
        "correct the check, or the column's values",
        column=name,
    )


def _written(bound: Any) -> str:
    """A bound as the pipeline file most likely has it; it holds every number as a float."""
    return str(int(bound)) if isinstance(bound, float) and bound.is_integer() else str(bound)


def _allowed(allowed: Sequence[Scalar], name: str, kind: pa.DataType) -> pa.Array:
    boolean, text = pa.types.is_boolean(kind), pa.types.is_string(kind)
    for value in allowed:
        fits = isinstance(value, bool) == boolean and isinstance(value, str) == (text or pa.types.is_temporal(kind))
        if not fits:
            raise DataError(
                f"check allowed for column {name!r} lists {value!r}, which no column of {_called(kind)} holds; "
                "correct the list, or the column's values",
                column=name,
            )
    try:
        if pa.types.is_integer(kind):
            # 1.0 stands for 1; what is no whole number no row can hold.
            return pa.array([int(value) for value in allowed if float(value).is_integer()], kind)
        return pa.array(list(allowed)).cast(kind) if allowed else pa.array([], kind)
    except (pa.ArrowInvalid, OverflowError) as problem:
        raise DataError(
            f"check allowed for column {name!r} lists what no column of {_called(kind)} holds; "
            "write dates as 2026-01-31",
            column=name,
        ) from problem


def _is(asked: str, kind: pa.DataType) -> bool:
    if asked == "number":
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
    return asked == _called(kind)


def _called(kind: pa.DataType) -> str:
    """A type by the name that a check has for it."""
    types = pa.types
    for name, fits in (
        ("integer", types.is_integer),
        ("number", types.is_floating),
        ("boolean", types.is_boolean),
        ("date", types.is_date),
        ("timestamp", types.is_timestamp),
    ):
        if fits(kind):
            return name
    return "string"
