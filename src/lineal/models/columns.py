"""Which columns a model learns from, and what it learns to predict."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api import types

from lineal.datasets.types import ROW
from lineal.errors import DataError, EstimatorError
from lineal.pipeline import Pipeline

Kind = Literal["binary", "multiclass", "regression"]


def feature_columns(pipeline: Pipeline, frame: pd.DataFrame) -> tuple[str, ...]:
    """Name the columns that the model learns from, in the table's order.

    These are all but the target, the id, what `drop` names, and the column that `split.group` names: held-out groups
    are never among the learnt ones, so that a group's name can only be learnt by heart. A `split.time` column stays.

    Raises:
        DataError: when no column is left.
    """
    source = pipeline.source
    apart = {source.target, source.id, pipeline.split.group, ROW, *source.drop}
    features = tuple(str(name) for name in frame.columns if name not in apart)
    if not features:
        raise DataError(
            f"{pipeline.path}: no column is left to learn from besides the target {source.target!r}; "
            "take names out of source.drop or read a source with more columns",
            column=source.target,
        )
    return features


def target_values(
    pipeline: Pipeline, frame: pd.DataFrame, *, classifier: bool, several: bool = True
) -> np.ndarray[Any, Any]:
    """Read the target as plain NumPy values: labels for a classifier, floats for a regressor.

    Args:
        pipeline: names the target.
        frame: the rows.
        classifier: whether classes are predicted, rather than numbers.
        several: whether there must be at least two classes, as there must to learn them.

    Returns:
        Shape (rows,): text as Python strings, booleans, 64-bit integers or floats.

    Raises:
        DataError: when the target is not there, is missing in some rows, or is infinite.
        EstimatorError: when the estimator cannot predict such values.
    """
    name = pipeline.source.target
    if name not in frame.columns:
        raise DataError(f"{pipeline.path}: the target {name!r} is no column of the rows", column=name)
    column = frame[name]
    missing = int(column.isna().sum())
    if missing:
        raise DataError(
            f"{pipeline.path}: the target {name!r} is missing in {missing} of {len(column)} rows; "
            "fill them in or leave these rows out of the source",
            column=name,
        )
    values = _plain(column)
    if classifier:
        _hold_classes(pipeline, name, values, several=several)
        return values
    if values.dtype.kind not in "iuf":
        holds = {"b": "booleans", "M": "dates"}.get(values.dtype.kind, "text")
        raise EstimatorError(
            f"{pipeline.path}: {pipeline.model.estimator} is a regressor and predicts numbers, but the target {name!r} "
            f"holds {holds}; name a classifier in model.estimator or another target"
        )
    numbers = values.astype(np.float64)
    infinite = int((~np.isfinite(numbers)).sum())
    if infinite:
        raise DataError(
            f"{pipeline.path}: the target {name!r} is infinite in {infinite} of {len(numbers)} rows; "
            "correct them or leave these rows out of the source",
            column=name,
        )
    return numbers


def kind_of(estimator: Any) -> Kind:
    """Tell what kind of problem a fitted estimator solves."""
    from sklearn.base import is_regressor

    if is_regressor(estimator):
        return "regression"
    return "binary" if len(estimator.classes_) == 2 else "multiclass"


def _plain(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=np.bool_)
    if types.is_integer_dtype(column.dtype):
        # Of no values pandas knows no greatest.
        beyond = len(column) > 0 and column.max() >= 2**63
        return column.to_numpy(dtype=np.float64 if beyond else np.int64)
    if types.is_float_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64)
    if types.is_datetime64_any_dtype(column.dtype):
        return column.to_numpy(dtype="datetime64[us]")
    found = types.infer_dtype(column)
    if found == "boolean":
        return column.to_numpy(dtype=np.bool_)
    if found == "integer":
        return column.to_numpy(dtype=np.int64)
    if found in {"floating", "mixed-integer-float", "decimal"}:
        return column.to_numpy(dtype=np.float64)
    if found in {"date", "datetime", "datetime64"}:
        return column.to_numpy(dtype="datetime64[us]")
    return np.array([str(value) for value in column], dtype=object)


def _hold_classes(pipeline: Pipeline, name: str, values: np.ndarray[Any, Any], *, several: bool) -> None:
    distinct = len(np.unique(values))
    fractions = values.dtype.kind == "f" and not bool(np.all(values == np.round(values)))
    if fractions or values.dtype.kind == "M":
        holds = "dates" if values.dtype.kind == "M" else f"numbers with fractions ({distinct} different ones)"
        raise EstimatorError(
            f"{pipeline.path}: {pipeline.model.estimator} is a classifier, but the target {name!r} holds {holds}; "
            "name a regressor in model.estimator or another target"
        )
    if several and distinct < 2:
        raise DataError(
            f"{pipeline.path}: the target {name!r} has one class only in {len(values)} rows; "
            "a classifier needs rows of at least two",
            column=name,
        )
