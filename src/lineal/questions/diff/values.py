"""Columns of two tables made comparable, and rows matched by an id or by their content.

All is exact but the matching by content, which goes by 64 bits of hash a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineal.datasets.dataset import Dataset
from lineal.datasets.types import ROW

Numbers = np.ndarray[Any, np.dtype[Any]]
Places = np.ndarray[Any, np.dtype[np.int64]]


class Columns(Protocol):
    """A table that gives one column at a time."""

    names: list[str]
    types: dict[str, pa.DataType]
    rows: int

    def column(self, name: str) -> pa.ChunkedArray:
        """One column."""


class TableColumns:
    """A table in memory, a column at a time."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.names: list[str] = table.column_names
        self.types = {field.name: field.type for field in table.schema}
        self.rows: int = table.num_rows

    def column(self, name: str) -> pa.ChunkedArray:
        """One column."""
        return self.table.column(name)


class _FileColumns:
    def __init__(self, file: Any) -> None:
        self.file = file
        schema = file.schema_arrow
        self.names = [name for name in schema.names if name != ROW]
        self.types = {field.name: field.type for field in schema}
        self.rows: int = file.metadata.num_rows

    def column(self, name: str) -> pa.ChunkedArray:
        return self.file.read(columns=[name]).column(name)


@contextmanager
def columns_of(*datasets: Dataset) -> Iterator[list[Columns]]:
    """Open dataset versions, to be read a column at a time.

    Raises:
        SourceError: a file is gone or no Parquet.
    """
    from lineal.datasets.read import opened

    with ExitStack() as stack:
        yield [_FileColumns(stack.enter_context(opened(dataset))) for dataset in datasets]


@dataclass(frozen=True, slots=True)
class Pair:
    """A column of two tables as numbers that can be compared: equal numbers stand for equal values.

    Attributes:
        left: the values, or codes of them; anything where they are missing.
        right: the same of the right.
        left_there: which values are not missing.
        right_there: the same of the right.
        labels: what the codes stand for, where they are codes.
        scale: what a number has to be divided by to be seconds, for dates and moments.
    """

    left: Numbers
    right: Numbers
    left_there: Numbers
    right_there: Numbers
    labels: pa.Array | None = None
    scale: float = 1.0


def pair(left: pa.ChunkedArray, right: pa.ChunkedArray) -> Pair:
    """Make a column of two tables comparable, whatever its types.

    Numbers compare as numbers, dates and moments as moments, and what else differs in type as text. A NaN is missing.
    """
    left, right = _one_type(_plain(left), _plain(right))
    kind = left.type
    if _is_text(kind):
        codes, labels = _codes(left, right)
        split = len(left)
        there = codes >= 0
        return Pair(codes[:split], codes[split:], there[:split], there[split:], labels)
    labels = None
    if pa.types.is_boolean(kind):
        labels = pa.array(["false", "true"])
        left, right = left.cast(pa.int8()), right.cast(pa.int8())
    scale = 1.0
    if pa.types.is_temporal(kind):
        scale = {"day": 1 / 86_400, "s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}.get(getattr(kind, "unit", "day"), 1.0)
        whole = pa.int32() if kind.bit_width == 32 else pa.int64()
        left, right = left.cast(whole), right.cast(whole)
    (left_values, left_there), (right_values, right_there) = _numbers(left), _numbers(right)
    return Pair(left_values, right_values, left_there, right_there, labels, scale)


def differing(both: Pair, left: Places, right: Places) -> Numbers:
    """Tell which of the matched rows differ in a column."""
    left_there, right_there = both.left_there[left], both.right_there[right]
    unequal = both.left[left] != both.right[right]
    result: Numbers = (unequal & left_there & right_there) | (left_there != right_there)
    return result


class Keys:
    """Each row's key as a whole number from 0; equal numbers stand for equal keys, across both tables."""

    def __init__(self, left: Places, right: Places, size: int) -> None:
        self.left, self.right = left, right
        self.on_left = np.bincount(left, minlength=size)
        self.on_right = np.bincount(right, minlength=size)

    def repeated(self) -> tuple[int, int]:
        """How many keys come more than once, on each side."""
        return int((self.on_left > 1).sum()), int((self.on_right > 1).sum())

    def matched(self) -> tuple[Places, Places]:
        """The places of rows whose key is on both sides, once on each; in the left's order."""
        once = (self.on_left == 1) & (self.on_right == 1)
        at_right = np.full(len(once), -1, dtype=np.int64)
        at_right[self.right] = np.arange(len(self.right))
        places = np.flatnonzero(once[self.left])
        return places, at_right[self.left[places]]

    def counts(self) -> tuple[int, int, int]:
        """How many rows only the left has, only the right, and both, each as often as it comes."""
        both = int(np.minimum(self.on_left, self.on_right).sum())
        return len(self.left) - both, len(self.right) - both, both

    def only_left(self) -> Places:
        """The places of rows whose key the right has not."""
        return np.flatnonzero(self.on_right[self.left] == 0)

    def only_right(self) -> Places:
        """The places of rows whose key the left has not."""
        return np.flatnonzero(self.on_left[self.right] == 0)


def keys_by_value(left: Numbers, right: Numbers) -> Keys:
    """The keys of rows that are known by a number each."""
    encoded = pa.array(np.concatenate([left, right])).dictionary_encode()
    numbers = encoded.indices.to_numpy().astype(np.int64)
    return Keys(numbers[: len(left)], numbers[len(left) :], len(encoded.dictionary))


def keys_by_id(left: pa.ChunkedArray, right: pa.ChunkedArray) -> Keys:
    """The keys of rows that have an id; a missing one is an id like any other."""
    left, right = _one_type(_plain(left), _plain(right))
    codes, labels = _codes(left, right)
    codes += 1  # a missing id is -1
    return Keys(codes[: len(left)], codes[len(left) :], len(labels) + 1)


def keys_by_content(left: Columns, right: Columns, names: Iterable[str]) -> Keys:
    """The keys of rows that are known by what they hold in some columns."""
    one, two = np.zeros(left.rows, np.uint64), np.zeros(right.rows, np.uint64)
    for number, name in enumerate(names):
        both = pair(left.column(name), right.column(name))
        _mix(one, both.left, both.left_there, number)
        _mix(two, both.right, both.right_there, number)
    return keys_by_value(one, two)


def shown(column: pa.ChunkedArray, places: Iterable[int]) -> list[str | None]:
    """Some values of a column, for a person."""
    values = (column[int(place)].as_py() for place in places)
    return [None if value is None else f"{value:.6g}" if isinstance(value, float) else str(value) for value in values]


_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_MISSING = np.uint64(0x5851F42D4C957F2D)


def _mix(state: Numbers, values: Numbers, there: Numbers, number: int) -> None:
    """Stir a column's values into each row's hash, in place (splitmix64's finaliser, once a column)."""
    if values.dtype.kind == "f":
        values = values.astype(np.float64) + 0.0  # -0.0 equals 0.0
        bits = values.view(np.uint64)
    else:
        bits = values.astype(np.int64).view(np.uint64) if values.dtype.kind != "u" else values.astype(np.uint64)
    bits = np.where(there, bits, _MISSING)
    salt = np.uint64((int(_STEP) * (number + 1)) & (2**64 - 1))
    np.add(state, salt, out=state)
    np.bitwise_xor(state, bits, out=state)
    for shift, factor in ((30, _FIRST), (27, _SECOND), (31, None)):
        np.bitwise_xor(state, state >> np.uint64(shift), out=state)
        if factor is not None:
            np.multiply(state, factor, out=state)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without dictionaries, and of a type that has values at all."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    if pa.types.is_null(kind):
        return column.cast(pa.float64())
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return column.cast(pa.float64())
    if pa.types.is_nested(kind):
        return pa.chunked_array([pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())])
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.chunked_array([pa.array([None if v is None else v.hex() for v in column.to_pylist()], pa.string())])
    return column


def _one_type(left: pa.ChunkedArray, right: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    if left.type == right.type:
        return left, right
    if _is_number(left.type) and _is_number(right.type):
        return left.cast(pa.float64(), safe=False), right.cast(pa.float64(), safe=False)
    left, right = _without_nan(left), _without_nan(right)
    # A column that is empty on one side says nothing of its type.
    if left.null_count == len(left):
        return _empty(len(left), right.type), right
    if right.null_count == len(right):
        return left, _empty(len(right), left.type)
    if _is_moment(left.type) and _is_moment(right.type):
        zone = getattr(left.type, "tz", None) or getattr(right.type, "tz", None)
        kind = pa.timestamp("us", zone)
        try:
            return left.cast(kind, safe=False), right.cast(kind, safe=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass
    return left.cast(pa.large_string()), right.cast(pa.large_string())


def _without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.is_nan(column), None, column) if pa.types.is_floating(column.type) else column


def _empty(length: int, kind: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(length, kind)])


def _codes(left: pa.ChunkedArray, right: pa.ChunkedArray) -> tuple[Places, pa.Array]:
    """Both columns, one after the other, as codes of their distinct values; -1 where they are missing."""
    joint = pa.chunked_array([*left.chunks, *right.chunks], left.type)
    encoded = _without_nan(joint).dictionary_encode()
    # The parts share one dictionary as they come; where they did not, bringing them together takes five times as long.
    if not all(chunk.dictionary.equals(encoded.chunk(0).dictionary) for chunk in encoded.chunks):
        encoded = encoded.unify_dictionaries()
    parts = [pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in encoded.chunks]
    labels = encoded.chunk(0).dictionary if encoded.num_chunks else pa.array([], joint.type)
    return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64), labels


def _numbers(column: pa.ChunkedArray) -> tuple[Numbers, Numbers]:
    there = np.asarray(column.is_valid().to_numpy() if column.null_count else np.ones(len(column), bool), dtype=bool)
    values = np.asarray((column.fill_null(0) if column.null_count else column).to_numpy())
    if values.dtype.kind == "f":
        there &= ~np.isnan(values)
    return values, there


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
