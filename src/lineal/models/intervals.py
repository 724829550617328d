"""How far held-out figures are to be trusted: bootstrap intervals, out of the answers that an evaluation kept."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lineal.models.metrics import Answers

LEVEL, DRAWS, SEED = 0.95, 300, 0
# Of more rows the draws would take minutes, and an interval would be as narrow as the figure's last digits.
MOST_ROWS = 20_000
_LEAST_ROWS = 10
# In so many of the draws a metric must be defined.
_DEFINED = 0.9


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure would lie in 95 of 100 samples of as many rows, by percentiles of the bootstrap."""

    low: float
    high: float


def intervals(table: pa.Table, values: Mapping[str, float]) -> dict[str, Interval]:
    """Find the intervals of held-out figures, by drawing the held-out rows again with replacement (B. Efron, 1979).

    Args:
        table: an evaluation's predictions: `actual`, `prediction`, and of a classifier `probability_…` or `score_…`.
        values: the figures on record, by scikit-learn's scorer names.

    Returns:
        By name; without those that the answers do not give again, that are defined in too few draws, that are the
        same in all of them, or of which there are too few or too many rows.
    """
    import numpy as np

    from lineal.models.metrics import judge

    rows = table.num_rows
    if not _LEAST_ROWS <= rows <= MOST_ROWS or not {"actual", "prediction"} <= set(table.column_names):
        return {}
    truth, answers, classes = _of(table)
    with warnings.catch_warnings():
        # What is not defined in a draw is left out of it.
        warnings.simplefilter("ignore")
        names = [name for name in values if _same(name, values[name], truth, answers, classes)]
        made = np.random.default_rng(SEED)
        drawn: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(DRAWS):
            places = made.integers(0, rows, rows)
            for name, value in judge(names, truth[places], answers.of(places), classes, []).items():
                if math.isfinite(value):
                    drawn[name].append(value)
    edge = (1 - LEVEL) / 2
    return {
        name: Interval(*(float(each) for each in np.quantile(found, (edge, 1 - edge))))
        for name, found in drawn.items()
        # Where no draw differs, as with all answers right, the draws say nothing of rows that were not there.
        if len(found) >= _DEFINED * DRAWS and min(found) < max(found)
    }


def _same(name: str, value: float, truth: Any, answers: Answers, classes: Sequence[Any]) -> bool:
    """Whether the answers give a figure again."""
    from lineal.errors import LinealError
    from lineal.models.metrics import judge

    try:
        found = judge([name], truth, answers, classes, [])[name]
    except (LinealError, StopIteration):
        # A scorer of somebody's own or of another release, or one that asks for what was not kept.
        return False
    return math.isclose(found, value, rel_tol=1e-9, abs_tol=1e-9)


def _of(table: pa.Table) -> tuple[np.ndarray[Any, Any], Answers, tuple[Any, ...]]:
    """Truth, answers and classes as they were judged."""
    import numpy as np

    from lineal.models.metrics import Answers

    truth, predicted = (np.array(table.column(name).to_pylist()) for name in ("actual", "prediction"))
    known = {str(value): value for value in (*np.unique(truth).tolist(), *np.unique(predicted).tolist())}
    shares = [name for name in table.column_names if name.startswith("probability_")]
    scores = [name for name in table.column_names if name.startswith("score_")]
    labels = [name.partition("_")[2] for name in shares or scores]
    classes = tuple(known.get(label, label) for label in labels)
    columns = [np.asarray(table.column(name).to_numpy(), dtype=np.float64) for name in shares or scores]
    if shares:
        return truth, Answers(predict=predicted, predict_proba=np.column_stack(columns)), classes
    if len(scores) == 1:
        other = next((value for label, value in known.items() if label not in labels), None)
        return truth, Answers(predict=predicted, decision_function=columns[0]), (other, *classes)
    if scores:
        return truth, Answers(predict=predicted, decision_function=np.column_stack(columns)), classes
    return truth, Answers(predict=predicted), tuple(known.values()) if truth.dtype.kind in "OUSb" else ()
