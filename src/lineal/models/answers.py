"""A model's answers on held-out rows, in few enough numbers to be shown whole: counts, curves, points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

# What is told apart in a picture.
_MOST_LABELS = 12
_MOST_CURVES = 6
_MOST_PLACES = 80
_MOST_POINTS = 400
_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_OTHERS = "(others)"


@dataclass(frozen=True, slots=True)
class Threshold:
    """What comes of calling every row of at least this score positive.

    Attributes:
        at: the score.
        positive: so many rows are called positive.
        recall: of the positive rows, the share that is found: the true positive rate.
        false_rate: of the negative rows, the share that is called positive.
        precision: of the rows called positive, the share that is; None where none is called so.
    """

    at: float
    positive: int
    recall: float
    false_rate: float
    precision: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """How a score tells one class from the rest.

    Attributes:
        label: of the class.
        rows: of the class.
        area: under the ROC curve.
        average_precision: of the precision-recall curve.
        roc: its points: false and true positive rate.
        precision_recall: its points: recall and precision.
        thresholds: what some of them give.
        scale: whether the score is a probability.
    """

    label: str
    rows: int
    area: float
    average_precision: float
    roc: tuple[tuple[float, float], ...]
    precision_recall: tuple[tuple[float, float], ...]
    thresholds: tuple[Threshold, ...]
    scale: Literal["probability", "score"]


@dataclass(frozen=True, slots=True)
class Band:
    """The rows whose predicted value lies within some bounds.

    Attributes:
        low: the least predicted value.
        high: the greatest.
        actual: the mean actual value.
        predicted: the mean predicted value.
        error: the mean of actual less predicted.
        absolute: the mean of that without its sign.
    """

    low: float
    high: float
    rows: int
    actual: float
    predicted: float
    error: float
    absolute: float


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's answers on held-out rows.

    Attributes:
        rows: how many.
        labels: of the classes, in the order of `counts`; empty for a regression. Of many the commonest, and the others
            together.
        counts: a row a class that is, a column a class that was predicted: how many.
        curves: of the classes; of many, the commonest.
        points: actual and predicted value of rows of a regression; of many every n-th.
        bands: of a regression, by predicted value.
    """

    rows: int
    labels: tuple[str, ...] = ()
    counts: tuple[tuple[int, ...], ...] = ()
    curves: tuple[Curve, ...] = ()
    points: tuple[tuple[float, float], ...] = ()
    bands: tuple[Band, ...] = ()


def answers(table: pa.Table, *, regression: bool) -> Answers | None:
    """Sum up an evaluation's table of predictions; None where it is none, or has no row.

    Args:
        table: with `actual`, `prediction` and of a classifier `probability_…` or `score_…`.
        regression: whether the model predicts numbers.
    """
    if not {"actual", "prediction"} <= set(table.column_names) or not table.num_rows:
        return None
    return _regression(table) if regression else _classes(table)


def _classes(table: pa.Table) -> Answers:
    import numpy as np

    actual = np.array([str(value) for value in table.column("actual").to_pylist()])
    predicted = np.array([str(value) for value in table.column("prediction").to_pylist()])
    scored = [
        (name.partition("_")[2], name) for name in table.column_names if name.startswith(("probability_", "score_"))
    ]
    labels = list(dict.fromkeys([*(label for label, _ in scored), *sorted({*actual.tolist(), *predicted.tolist()})]))
    if len(labels) == 2:
        # Two classes have one curve: that of the second, as scikit-learn's `roc_auc` has it.
        scored = scored[-1:]
        labels = sorted(labels, key=lambda label: (bool(scored) and label == scored[0][0], labels.index(label)))
    by_size = sorted(scored, key=lambda pair: -int((actual == pair[0]).sum()))[:_MOST_CURVES]
    curves = [_curve(label, name, actual, table) for label, name in scored if (label, name) in by_size]
    if len(labels) > _MOST_LABELS:
        common = sorted(labels, key=lambda label: -int((actual == label).sum()))[: _MOST_LABELS - 1]
        labels = [*(label for label in labels if label in common), _OTHERS]
        actual = np.where(np.isin(actual, common), actual, _OTHERS)
        predicted = np.where(np.isin(predicted, common), predicted, _OTHERS)
    counts = tuple(tuple(int(((actual == row) & (predicted == column)).sum()) for column in labels) for row in labels)
    return Answers(table.num_rows, tuple(labels), counts, tuple(curve for curve in curves if curve is not None))


def _curve(label: str, name: str, actual: np.ndarray[Any, Any], table: pa.Table) -> Curve | None:
    import numpy as np
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

    scores = np.asarray(table.column(name).to_numpy(), dtype=np.float64)
    is_it = actual == label
    if not 0 < is_it.sum() < len(is_it) or not np.isfinite(scores).all():
        return None
    false, true, _ = roc_curve(is_it, scores)
    precision, recall, _ = precision_recall_curve(is_it, scores)
    likely = name.startswith("probability_")
    at = _THRESHOLDS if likely else tuple(float(each) for each in np.quantile(scores, _THRESHOLDS))
    return Curve(
        label=label,
        rows=int(is_it.sum()),
        area=float(roc_auc_score(is_it, scores)),
        average_precision=float(average_precision_score(is_it, scores)),
        roc=_thinned(list(zip(false.tolist(), true.tolist(), strict=True))),
        precision_recall=_thinned(list(zip(recall.tolist()[::-1], precision.tolist()[::-1], strict=True))),
        thresholds=tuple(_threshold(each, is_it, scores) for each in at),
        scale="probability" if likely else "score",
    )


def _threshold(at: float, is_it: np.ndarray[Any, Any], scores: np.ndarray[Any, Any]) -> Threshold:
    called = scores >= at
    found, positive = int((called & is_it).sum()), int(called.sum())
    return Threshold(
        at=at,
        positive=positive,
        recall=found / int(is_it.sum()),
        false_rate=(positive - found) / int((~is_it).sum()),
        precision=found / positive if positive else None,
    )


def _regression(table: pa.Table) -> Answers | None:
    import numpy as np

    actual = np.asarray(table.column("actual").to_numpy(zero_copy_only=False), dtype=np.float64)
    predicted = np.asarray(table.column("prediction").to_numpy(zero_copy_only=False), dtype=np.float64)
    known = np.isfinite(actual) & np.isfinite(predicted)
    actual, predicted = actual[known], predicted[known]
    if not len(actual):
        return None
    step = -(-len(actual) // _MOST_POINTS)
    points = tuple(zip(actual[::step].tolist(), predicted[::step].tolist(), strict=True))
    order = np.argsort(predicted, kind="stable")
    parts = np.array_split(order, min(5, len(order)))
    return Answers(len(actual), points=points, bands=tuple(_band(actual[part], predicted[part]) for part in parts))


def _band(actual: np.ndarray[Any, Any], predicted: np.ndarray[Any, Any]) -> Band:
    left = actual - predicted
    return Band(
        low=float(predicted.min()),
        high=float(predicted.max()),
        rows=len(actual),
        actual=float(actual.mean()),
        predicted=float(predicted.mean()),
        error=float(left.mean()),
        absolute=float(abs(left).mean()),
    )


def _thinned(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """A curve's points; of many some, its ends among them."""
    if len(points) <= _MOST_PLACES:
        return tuple(points)
    last = len(points) - 1
    places = sorted({round(place * last / (_MOST_PLACES - 1)) for place in range(_MOST_PLACES)})
    return tuple(points[place] for place in places)
