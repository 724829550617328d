"""Metrics that differ, and whether by more than chance.

Of held-out rows, chance is the standard error of the difference by the bootstrap (B. Efron, 1979): the same rows are
drawn for both models where both were judged on the same ones, so that what is hard for both does not count.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lineal.questions.diff.heldout import HeldOut, classes_of
from lineal.questions.diff.interface import MetricChange
from lineal.questions.diff.record import Metric, Record

DRAWS = 100
# More rows than these are drawn from, and the error is scaled to how many there are.
MOST_ROWS = 5000
KINDS = ("held-out", "cross-validation")
_SEED = 7


def metrics(left: Record, right: Record, judged: HeldOut | None) -> tuple[tuple[MetricChange, ...], int]:
    """Compare the metrics of two runs.

    Returns:
        Those that differ, and how many are equal.
    """
    one, two = _by_name(left), _by_name(right)
    names = [key for key in dict.fromkeys([*one, *two]) if key[0] in KINDS]
    differing = [key for key in names if _value(one.get(key)) != _value(two.get(key))]
    held_out = [name for of, name in differing if of == "held-out" and (of, name) in one and (of, name) in two]
    errors = _errors(held_out, judged) if judged is not None and held_out else {}
    changes = tuple(_change(key, one.get(key), two.get(key), errors) for key in differing)
    return tuple(sorted(changes, key=lambda change: KINDS.index(change.of))), len(names) - len(differing)


def _by_name(record: Record) -> dict[tuple[str, str], Metric]:
    return {(metric.of, metric.name): metric for metric in record.metrics}


def _value(metric: Metric | None) -> float | None:
    return metric.value if metric else None


def _change(
    key: tuple[str, str], left: Metric | None, right: Metric | None, errors: dict[str, float | None]
) -> MetricChange:
    of, name = key
    one, two = _value(left), _value(right)
    if of == "held-out":
        error = errors.get(name)
        noise = None if error is None else 2 * error
    else:
        spreads = [metric.spread for metric in (left, right) if metric is not None and metric.spread is not None]
        noise = max(spreads, default=None)
    within = None
    if one is not None and two is not None and noise is not None:
        within = abs(two - one) <= noise
    return MetricChange(name, of, one, two, noise, within)


def _errors(names: Sequence[str], judged: HeldOut) -> dict[str, float | None]:
    """The standard error of each metric's difference; None where it cannot be told."""
    if judged.same_rows:
        left, right = judged.left.take(judged.left_rows), judged.right.take(judged.right_rows)
        return {name: _paired(name, left, right) for name in names}
    alone = {name: (_alone(name, judged.left), _alone(name, judged.right)) for name in names}
    return {name: None if a is None or b is None else math.hypot(a, b) for name, (a, b) in alone.items()}


def _paired(name: str, left: pa.Table, right: pa.Table) -> float | None:
    draws = _draws(left.num_rows)
    one, two = _scores(name, left, draws), _scores(name, right, draws)
    return None if one is None or two is None else _spread(two - one, left.num_rows)


def _alone(name: str, table: pa.Table) -> float | None:
    scores = _scores(name, table, _draws(table.num_rows))
    return None if scores is None else _spread(scores, table.num_rows)


def _draws(rows: int) -> list[np.ndarray[Any, Any]]:
    draw = np.random.default_rng(_SEED)
    return [draw.integers(0, rows, min(rows, MOST_ROWS)) for _ in range(DRAWS)] if rows else []


def _spread(scores: np.ndarray[Any, Any], rows: int) -> float | None:
    told = scores[np.isfinite(scores)]
    # A metric that is defined for few of the draws tells nothing of the others.
    if len(told) < DRAWS / 2:
        return None
    return float(told.std(ddof=1)) * math.sqrt(min(rows, MOST_ROWS) / rows)


def _scores(name: str, table: pa.Table, draws: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any] | None:
    """A metric of each draw of rows; None where the evaluation does not hold what it judges."""
    from lineal.errors import EstimatorError
    from lineal.models.metrics import Answers, metric, score

    truth = _array(table, "actual")
    answers = {"predict": _array(table, "prediction")}
    classes: list[Any] = []
    for method, prefix in (("predict_proba", "probability_"), ("decision_function", "score_")):
        columns = [column for column in table.column_names if column.startswith(prefix)]
        if columns:
            stacked = np.column_stack([table.column(column).to_numpy() for column in columns])
            answers[method] = stacked[:, 0] if method == "decision_function" and len(columns) == 1 else stacked
            classes = classes_of((table,), prefix) if len(columns) > 1 else classes
    # Without probabilities only the rows tell which labels there are; no class has just one.
    distinct = set(truth.tolist()) | set(answers["predict"].tolist())
    if not classes and len(distinct) == 2:
        classes = sorted(distinct)
    try:
        needed = metric(name).methods
        if not any(method in answers for method in needed):
            return None
    except EstimatorError:
        return None
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a draw without one class makes scikit-learn say
        for rows in draws:
            drawn = Answers(**{method: answer[rows] for method, answer in answers.items()})
            try:
                found.append(score(name, truth[rows], drawn, classes))
            except (ValueError, IndexError):
                found.append(math.nan)
    return np.array(found)


def _array(table: pa.Table, name: str) -> np.ndarray[Any, Any]:
    column = table.column(name)
    values = column.to_numpy(zero_copy_only=False)
    made: np.ndarray[Any, Any] = values.astype(str) if values.dtype == object else values
    return made
