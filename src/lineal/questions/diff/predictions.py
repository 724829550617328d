"""Predictions on the held-out rows that two models have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from lineal.questions.diff.heldout import HeldOut
from lineal.questions.diff.interface import PredictionDiff, RowChange

MOST = 5


def predictions(judged: HeldOut) -> PredictionDiff:
    """Compare the predictions on common rows."""
    left, right = judged.left.take(judged.left_rows), judged.right.take(judged.right_rows)
    common = left.num_rows
    note = f"matched {judged.matched_by}"
    if not common:
        return PredictionDiff(0, 0, note="the two were judged on different rows: none is in both")
    if _is_regression(left) and _is_regression(right):
        return _numbers(judged, left, right, note)
    one, two = _text(left, "prediction"), _text(right, "prediction")
    actual, actual_right = _text(left, "actual"), _text(right, "actual")
    changed = one != two
    was_right, is_right = one == actual, two == actual_right
    certainty = _probability_change(left, right, one)
    by_size = np.abs(certainty[1] - certainty[0]) if certainty is not None else changed.astype(float)
    order = np.lexsort((-by_size, ~changed))
    most = [place for place in order[:MOST] if changed[place]]
    return PredictionDiff(
        common,
        int(changed.sum()),
        now_right=int((changed & ~was_right & is_right).sum()),
        now_wrong=int((changed & was_right & ~is_right).sum()),
        mean_change=float(by_size.mean()) if certainty is not None else None,
        most=tuple(
            RowChange(
                judged.id_of(int(place)),
                str(actual[place]),
                str(one[place]),
                str(two[place]),
                None if certainty is None else float(certainty[0][place]),
                None if certainty is None else float(certainty[1][place]),
            )
            for place in most
        ),
        note=note,
    )


def _numbers(judged: HeldOut, left: pa.Table, right: pa.Table, note: str) -> PredictionDiff:
    one, two = left.column("prediction").to_numpy(), right.column("prediction").to_numpy()
    size = np.abs(two - one)
    most = [place for place in np.argsort(-size, kind="stable")[:MOST] if size[place] > 0]
    actual = left.column("actual").to_numpy()
    return PredictionDiff(
        len(one),
        int((size > 0).sum()),
        mean_change=float(size.mean()),
        most=tuple(
            RowChange(judged.id_of(int(place)), _written(actual[place]), _written(one[place]), _written(two[place]))
            for place in most
        ),
        note=note,
    )


def _written(value: float) -> str:
    return f"{value:.6g}"


def _is_regression(table: pa.Table) -> bool:
    graded = any(name.startswith(("probability_", "score_")) for name in table.column_names)
    return not graded and pa.types.is_floating(table.schema.field("prediction").type)


def _text(table: pa.Table, name: str) -> np.ndarray[Any, Any]:
    return np.array([str(value) for value in table.column(name).to_pylist()], dtype=object)


def _probability_change(
    left: pa.Table, right: pa.Table, predicted: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    """How probable each model holds what the left predicts; None where one gives no probabilities."""
    names = [f"probability_{label}" for label in predicted]
    if not set(names) <= set(left.column_names) & set(right.column_names):
        return None
    sides = []
    for table in (left, right):
        values = {name: table.column(name).to_numpy() for name in set(names)}
        sides.append(np.array([values[name][place] for place, name in enumerate(names)]))
    return sides[0], sides[1]
