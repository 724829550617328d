"""Held-out rows drawn again and again: how much of a figure is chance, by the bootstrap (B. Efron, 1979)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn import config_context

from lineal.errors import EstimatorError
from lineal.models.metrics import Answers, metric, score

Rows = np.ndarray[Any, Any]
DRAWS = 100
# More rows than these are drawn from, and the error is scaled to how many there are.
MOST_ROWS = 5_000
_SEED = 7


@dataclass(frozen=True, slots=True)
class Judged:
    """What was so of held-out rows, and what a model said of them.

    Labels are whole numbers in their order, which metrics judge the same and much faster than text.

    Attributes:
        truth: shape (rows,).
        answers: of the model.
        classes: the labels in their order; empty where numbers are predicted.
    """

    truth: Rows
    answers: Answers
    classes: Sequence[Any] = ()

    @classmethod
    def of(cls, truth: Rows, answers: Answers, classes: Sequence[Any]) -> Self:
        """Take what an evaluation found.

        Args:
            truth: shape (rows,).
            answers: of the model about the same rows.
            classes: those that it was shown, in their order; empty where it predicts numbers.
        """
        if not classes or answers.predict is None:
            return cls(truth, answers, classes)
        places, labels = pd.factorize(np.concatenate([truth, answers.predict]))
        order = {label: code for code, label in enumerate(classes)}
        # One that the model was never shown comes behind those that it was.
        codes = np.array([order.setdefault(label, len(order)) for label in labels.tolist()])
        told, said = np.split(codes[places], [len(truth)])
        return cls(told, replace(answers, predict=said), tuple(range(len(classes))))

    @classmethod
    def of_table(cls, table: pa.Table) -> Self:
        """Take an evaluation's table of predictions.

        Args:
            table: `actual`, `prediction`, and of a classifier `probability_…` or `score_…`, in the order of the labels.
        """
        truth, predicted = (table.column(name).to_numpy(zero_copy_only=False) for name in ("actual", "prediction"))
        found = np.sort(pd.unique(np.concatenate([truth, predicted]))).tolist()
        known = {str(label): label for label in found}
        shares, scores = (
            [name for name in table.column_names if name.startswith(prefix)] for prefix in ("probability_", "score_")
        )
        named = [known.get(label, label) for label in (name.partition("_")[2] for name in shares or scores)]
        columns = [np.asarray(table.column(name).to_numpy(), dtype=np.float64) for name in shares or scores]
        if shares:
            return cls.of(truth, Answers(predict=predicted, predict_proba=np.column_stack(columns)), named)
        if len(scores) == 1:
            other = next((label for label in found if label not in named), None)
            return cls.of(truth, Answers(predict=predicted, decision_function=columns[0]), [other, *named])
        if scores:
            return cls.of(truth, Answers(predict=predicted, decision_function=np.column_stack(columns)), named)
        if truth.dtype.kind in "OUSb":
            return cls.of(truth, Answers(predict=predicted), found)
        # Numbers: labels or values, which two of them do not tell; a metric of values asks for no labels.
        return cls(truth, Answers(predict=predicted), found if len(found) == 2 else ())

    def gives(self, name: str) -> bool:
        """Whether the answers hold what a metric judges, and the metric is scikit-learn's."""
        try:
            return any(getattr(self.answers, method) is not None for method in metric(name).methods)
        except EstimatorError:
            return False

    def drawn(self, names: Sequence[str], places: Iterable[Rows]) -> dict[str, Rows]:
        """Judge some of the rows again and again.

        Args:
            names: of metrics that the answers give.
            places: of the rows of each draw.

        Returns:
            Each metric's value of each draw; NaN where it is not defined.
        """
        found: dict[str, list[float]] = {name: [] for name in names}
        with config_context(assume_finite=True, skip_parameter_validation=True), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a draw without one class makes scikit-learn say
            for rows in places:
                truth, answers = self.truth[rows], self.answers.of(rows)
                for name in names:
                    try:
                        found[name].append(score(name, truth, answers, self.classes))
                    except (ValueError, IndexError):
                        found[name].append(math.nan)
        return {name: np.array(values) for name, values in found.items()}


def noise(name: str, judged: Judged) -> float | None:
    """What a metric of held-out rows may be off by chance: twice its standard error; None where it cannot be told."""
    if not judged.gives(name):
        return None
    return _twice_the_error(judged.drawn([name], _draws(len(judged.truth)))[name], len(judged.truth))


def noise_between(name: str, left: Judged, right: Judged) -> float | None:
    """What a metric of two models on the same rows may differ by chance; None where it cannot be told.

    The same rows are drawn for both, so that what is hard for both does not count: twice the standard error of the
    difference.
    """
    if not left.gives(name) or not right.gives(name):
        return None
    one, two = (each.drawn([name], _draws(len(left.truth)))[name] for each in (left, right))
    return _twice_the_error(two - one, len(left.truth))


def _draws(rows: int) -> list[Rows]:
    draw = np.random.default_rng(_SEED)
    return [draw.integers(0, rows, min(rows, MOST_ROWS)) for _ in range(DRAWS)] if rows else []


def _twice_the_error(values: Rows, rows: int) -> float | None:
    told = values[np.isfinite(values)]
    # A metric that is defined for few of the draws tells nothing of the others.
    if len(told) < DRAWS / 2:
        return None
    return 2 * float(told.std(ddof=1)) * math.sqrt(min(rows, MOST_ROWS) / rows)
