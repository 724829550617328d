"""Raw columns as plain numbers, text or dates, however the reader typed them.

The same values must give the same model whether a reader hands over NumPy, nullable, Arrow, categorical or object
columns, and a column that was learnt as integers may come back as floats because a value is missing.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api import types

from lineal.errors import DataError

ColumnKind = Literal["number", "boolean", "text", "date", "empty"]

_INFERRED: dict[str, ColumnKind] = {
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "time": "number",
    "timedelta": "number",
    "timedelta64": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "date",
    "datetime64": "date",
}


def column_kind(column: pd.Series[Any]) -> ColumnKind:
    """Tell what a column holds; numbers and text mixed are text."""
    dtype = column.dtype
    if column.isna().all():
        return "empty"
    if isinstance(dtype, pd.CategoricalDtype):
        return "text"
    if types.is_bool_dtype(dtype):
        return "boolean"
    if types.is_complex_dtype(dtype):
        raise DataError(
            f"column {column.name!r} holds complex numbers, which no estimator takes; name it in source.drop",
            column=str(column.name),
        )
    if types.is_numeric_dtype(dtype) or types.is_timedelta64_dtype(dtype):
        return "number"
    if types.is_datetime64_any_dtype(dtype):
        return "date"
    return _INFERRED.get(types.infer_dtype(column, skipna=True), "text")


def to_numbers(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Turn columns into 64-bit floats, NaN where a value is missing; times and durations into seconds.

    Raises:
        DataError: naming column and row, where a value is no number or is infinite.
    """
    return np.column_stack([as_numbers(frame.iloc[:, place]) for place in range(frame.shape[1])])


def to_texts(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Turn columns into Python strings, NaN where a value is missing; 1 and 1.0 are both "1"."""
    return np.column_stack([as_texts(frame.iloc[:, place]) for place in range(frame.shape[1])])


def as_numbers(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """One column of `to_numbers`."""
    numbers: np.ndarray[Any, Any]
    if types.is_timedelta64_dtype(column.dtype):
        numbers = column.dt.total_seconds().to_numpy(dtype=np.float64)
    elif types.is_numeric_dtype(column.dtype) or types.is_bool_dtype(column.dtype):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        numbers = np.array([_number(column.name, row, value) for row, value in enumerate(column)], dtype=np.float64)
    infinite = np.flatnonzero(np.isinf(numbers))
    if infinite.size:
        raise DataError(
            f"column {column.name!r} is infinite in {infinite.size} of {len(numbers)} rows, first in row "
            f"{infinite[0] + 1}; leave the value empty there, or name the column in source.drop",
            column=str(column.name),
        )
    return numbers


def as_texts(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """One column of `to_texts`."""
    missing = column.isna().to_numpy(dtype=bool)
    texts = np.empty(len(column), dtype=object)
    # A list or an array as a value must not be taken for a row of values: hence one by one.
    texts[:] = [np.nan if gone else _text(value) for value, gone in zip(column, missing, strict=True)]
    return texts


def as_dates(column: pd.Series[Any]) -> pd.Series[Any]:
    """Turn a column into dates without a time zone, in UTC where they had one; NaT where a value is missing.

    Raises:
        DataError: naming the column, where a value is no date.
    """
    dtype = column.dtype
    if not isinstance(dtype, pd.DatetimeTZDtype) and not (isinstance(dtype, np.dtype) and dtype.kind == "M"):
        texts = column.map(lambda value: value.isoformat() if isinstance(value, date) else value, na_action="ignore")
        try:
            column = pd.to_datetime(texts.astype(object), format="ISO8601", utc=True)
        except (ValueError, TypeError) as problem:
            raise DataError(
                f"column {column.name!r} holds a value that is no date, where dates were learnt; "
                "write dates as 2026-01-31 or 2026-01-31T12:00:00",
                column=str(column.name),
            ) from problem
    return column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column


def as_days(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Turn dates into days since 1970 as floats, NaN where a value is missing.

    Raises:
        DataError: naming the column, where a value is no date.
    """
    dates = as_dates(column)
    near = dates.between(pd.Timestamp.min, pd.Timestamp.max)
    # Models rest on the last bits of what pandas makes of nanoseconds, which end in 2262; what is beyond is apart.
    days = (dates.where(near) - pd.Timestamp(0)) / pd.Timedelta(days=1)
    far = (dates.to_numpy() - np.datetime64(0, "D")) / np.timedelta64(1, "D")
    return np.where(near, days, far)


def _number(name: Hashable, row: int, value: Any) -> float:
    if isinstance(value, (bool, int, float, Decimal, np.number, np.bool_)):
        return float(value)
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return np.nan
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, time):
        return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    if isinstance(value, str):
        text = value.strip().lower()
        try:
            return {"true": 1.0, "false": 0.0}[text] if text in {"true", "false"} else float(text)
        except ValueError:
            pass
    raise DataError(
        f"column {name!r} holds something else in row {row + 1} where numbers were learnt; "
        "correct it or leave the value empty",
        column=str(name),
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (float, np.floating, Decimal)) and value == value // 1:
        return str(int(value))
    return str(value)
