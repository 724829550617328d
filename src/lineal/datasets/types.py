"""The few column types a snapshot has, and how every other type becomes one of them.

A snapshot holds `int64` (`uint64` where a source says so, and of a CSV where whole numbers ask for it), `double`,
`bool`, `string`, `date32`, and `timestamp` in microseconds (nanoseconds where the source has them), without a zone or
in UTC. So what comes after ingestion meets these only. Nothing is lost but the kind of missing: a float NaN is a
missing value like any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from lineal.datasets.dataset import Column

ROW = "_lineal_row"
"""The column of a split's parts that holds each row's 0-based number in the snapshot."""

NAMED = {
    str(kind): kind
    for kind in (
        *(pa.int64(), pa.uint64(), pa.float64(), pa.bool_(), pa.string(), pa.date32()),
        *(pa.timestamp(unit, zone) for unit in ("us", "ns") for zone in (None, "UTC")),
    )
}
"""Those types, by the name that a handle's columns have for them."""


def settled(kind: pa.DataType) -> pa.DataType:
    """Return the snapshot's type for a source's type; `null` stays open."""
    types = pa.types
    if types.is_dictionary(kind):
        return settled(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return settled(kind.storage_type)
    if types.is_boolean(kind) or types.is_null(kind) or types.is_uint64(kind):
        return kind
    if types.is_integer(kind):
        return pa.int64()
    if types.is_floating(kind) or types.is_decimal(kind):
        return pa.float64()
    if types.is_date(kind):
        return pa.date32()
    if types.is_timestamp(kind):
        return pa.timestamp("ns" if kind.unit == "ns" else "us", None if kind.tz is None else "UTC")
    return pa.string()


def unified(kinds: Iterable[pa.DataType]) -> pa.DataType:
    """Return the one type that holds values of all `kinds`, `null` where there is none; what does not agree is text."""
    left = {settled(kind) for kind in kinds} - {pa.null()}
    if not left:
        return pa.null()
    if len(left) == 1:
        return left.pop()
    if left <= {pa.int64(), pa.uint64(), pa.float64()}:
        return pa.float64()
    moments = left - {pa.date32()}
    if all(pa.types.is_timestamp(kind) for kind in moments) and len({kind.tz for kind in moments}) == 1:
        zone = next(iter(moments)).tz
        if pa.date32() not in left or zone is None:
            return pa.timestamp("ns" if any(kind.unit == "ns" for kind in moments) else "us", zone)
    return pa.string()


def converted(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return `array` as one of the snapshot's types.

    Raises:
        pyarrow.ArrowInvalid: a value that the type cannot hold, such as bytes that are no text.
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_string(kind):
        return as_text(array)
    if array.type != kind:
        # An integer beyond 2^53 loses its last digits among floats, as it does in a CSV that mixes both.
        array = array.cast(kind, safe=not pa.types.is_floating(kind))
    if pa.types.is_floating(kind):
        # A row that is read asks for none of these, and they take longer to load than to find it.
        import pyarrow.compute as pc

        missing = pc.is_nan(array)
        if pc.any(missing).as_py():
            array = pc.if_else(missing, pa.scalar(None, kind), array)
    return array


def as_text(array: pa.Array) -> pa.Array:
    """Return the values as text; lists and objects as JSON."""
    if pa.types.is_string(array.type):
        return array
    if pa.types.is_nested(array.type):
        return pa.array([None if value is None else json_text(value) for value in array.to_pylist()], pa.string())
    try:
        return array.cast(pa.string())
    except pa.ArrowNotImplementedError:
        return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())


def json_text(value: Any) -> str:
    """Return a value as text: as compact JSON if JSON has its kind and it is no text, else as Python writes it."""
    if isinstance(value, (dict, list, tuple, bool, int, float)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """Return a schema as a handle's columns."""
    return tuple(Column(field.name, str(field.type)) for field in schema)
