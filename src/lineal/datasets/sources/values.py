"""Columns of Python values, as SQL drivers and JSON give them, as Arrow arrays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from lineal.datasets.types import json_text


def natural(values: Sequence[Any]) -> pa.Array:
    """Return the values as the type they have in common; text where they have none."""
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pa.nulls(len(values))
    if all(issubclass(kind, bool) for kind in kinds):
        return pa.array(values, pa.bool_())
    if all(issubclass(kind, (int, float, Decimal)) and kind is not bool for kind in kinds):
        return numbers(values, whole=all(issubclass(kind, int) for kind in kinds))
    if all(issubclass(kind, date) for kind in kinds):
        return _dates(values, moments=any(issubclass(kind, datetime) for kind in kinds))
    if all(issubclass(kind, (bytes, bytearray, memoryview)) for kind in kinds):
        return pa.array([None if value is None else bytes(value) for value in values], pa.binary())
    return texts(values)


def numbers(values: Sequence[Any], *, whole: bool) -> pa.Array:
    """Return numbers as `int64` where all are whole and small enough, else as `double`."""
    if whole:
        try:
            return pa.array(values, pa.int64())
        except OverflowError:
            pass
    return pa.array([None if value is None else float(value) for value in values], pa.float64())


def texts(values: Sequence[Any]) -> pa.Array:
    """Return values of any kind as text."""
    return pa.array([None if value is None else json_text(value) for value in values], pa.string())


def _dates(values: Sequence[Any], *, moments: bool) -> pa.Array:
    if not moments:
        return pa.array(values, pa.date32())
    full = [
        datetime(value.year, value.month, value.day)  # noqa: DTZ001  # a day of no zone stays one
        if value is not None and not isinstance(value, datetime)
        else value
        for value in values
    ]
    zones = {value.tzinfo is not None for value in full if value is not None}
    if len(zones) > 1:
        return texts(values)
    return pa.array(full, pa.timestamp("us", "UTC" if zones == {True} else None))
