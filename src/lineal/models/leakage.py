"""Target leakage: how well each column alone tells the target, and whether it is the target under another name.

A column that tells it all is seldom a discovery: as a rule it is filled in after the outcome is known. Numbers and
dates are judged by a small tree, text by the shares of its values, each on rows that it was not fitted to (three
folds), so that an id or a rare value that is learnt by heart scores no better than chance. Of many rows every k-th is
looked at.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from lineal.errors import DataError
from lineal.models.columns import Kind
from lineal.models.raw import as_days, as_numbers, as_texts, column_kind

Measure = Literal["roc_auc", "roc_auc_ovr", "r2"]
LIMIT = 0.99
"""From this score on a column is taken for a leak, where nobody says otherwise."""
# So many rows tell a score to the second place; so many columns are looked at in a few seconds.
_MOST_ROWS, _MOST_COLUMNS = 5_000, 300
_FOLDS = 3
_DEPTH, _LEAF_ROWS = 8, 3
# What a value's own shares are mixed with: so many rows of all.
_PRIOR_ROWS = 1.0


@dataclass(frozen=True, slots=True)
class Told:
    """How well one column alone tells the target.

    Attributes:
        column: its name.
        score: by the measure, on rows that were not learnt from; None where it cannot be had.
        equal: whether it holds the target's value in every row.
        named: whether it is named as the target is, but for capitals and signs.
    """

    column: str
    score: float | None
    equal: bool
    named: bool

    def leaks(self, limit: float = LIMIT) -> bool:
        """Whether it is taken for a leak."""
        return self.equal or self.named or (self.score is not None and self.score >= limit)

    def sentence(self, target: str, measure: Measure) -> str:
        """What it tells, and what to do about it."""
        if self.equal:
            what = f"is the target {target!r} in every row"
        elif self.named:
            what = f"is named as the target {target!r} is"
        else:
            what = f"alone tells the target {target!r} ({measure} {self.score:.4g})"
        return f"column {self.column!r} {what}; if it is not known before the outcome is, name it in source.drop"


@dataclass(frozen=True, slots=True)
class Screening:
    """What came of looking for target leakage.

    Attributes:
        measure: what the scores are: ROC AUC, of several classes one against the rest, or R².
        rows: how many were looked at.
        columns: each with its score, the best first.
        left_out: how many columns were not looked at.
    """

    measure: Measure
    rows: int
    columns: tuple[Told, ...]
    left_out: int = 0


def screen(frame: pd.DataFrame, features: Sequence[str], target: str, kind: Kind) -> Screening:
    """Look for columns that alone tell the target.

    Args:
        frame: the training rows, raw.
        features: the columns that are learnt from.
        target: the column to predict.
        kind: of problem.
    """
    rows = frame.iloc[:: 1 + (len(frame) - 1) // _MOST_ROWS] if len(frame) else frame
    texts = as_texts(rows[target])
    truth = as_numbers(rows[target]) if kind == "regression" else _codes(texts)
    folds = _folds(truth)
    measure: Measure = "r2" if kind == "regression" else "roc_auc" if kind == "binary" else "roc_auc_ovr"
    told = [
        Told(name, _score(rows[name], truth, folds, measure), _equal(rows[name], texts), _plain(name) == _plain(target))
        for name in features[:_MOST_COLUMNS]
    ]
    told.sort(key=lambda each: (not each.leaks(), -(each.score if each.score is not None else -np.inf)))
    return Screening(measure, len(rows), tuple(told), max(0, len(features) - _MOST_COLUMNS))


def _score(
    column: pd.Series[Any], truth: np.ndarray[Any, Any], folds: np.ndarray[Any, Any], measure: Measure
) -> float | None:
    """The score of one column, on rows that were not learnt from."""
    from sklearn.metrics import r2_score, roc_auc_score

    classes = None if measure == "r2" else np.unique(truth)
    if len(truth) < 2 * _FOLDS or (classes is not None and len(classes) < 2):
        return None
    # What is to be told, a column each: the classes, or the number itself.
    wanted = truth[:, None].astype(float) if classes is None else (truth[:, None] == classes).astype(float)
    try:
        values = _values(column)
    except DataError:
        return None
    told = np.empty_like(wanted)
    tells = _by_value if values.dtype.kind in "iu" else _by_tree
    for fold in range(_FOLDS):
        known = folds != fold
        told[~known] = tells(values[known], wanted[known], values[~known])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if classes is None:
            return float(r2_score(truth, told[:, 0])) if np.ptp(truth) else None
        shares = told / told.sum(axis=1, keepdims=True)
        return float(roc_auc_score(truth, shares[:, 1] if len(classes) == 2 else shares, multi_class="ovr"))


def _values(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """A column as floats, text as whole numbers that stand for its values."""
    kind = column_kind(column)
    if kind == "text":
        return _codes(as_texts(column))
    return as_days(column) if kind == "date" else as_numbers(column)


def _by_tree(
    known: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any], asked: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    from sklearn.tree import DecisionTreeRegressor

    # The squared error of an indicator is the Gini impurity: one tree tells shares of classes as well as numbers.
    tree = DecisionTreeRegressor(max_depth=_DEPTH, min_samples_leaf=_LEAF_ROWS, random_state=0)
    return np.asarray(tree.fit(known[:, None], wanted).predict(asked[:, None])).reshape(len(asked), wanted.shape[1])


def _by_value(
    known: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any], asked: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    size = int(max(known.max(initial=0), asked.max(initial=0))) + 1
    counts = np.bincount(known, minlength=size)[:, None]
    sums = np.stack([np.bincount(known, weights=each, minlength=size) for each in wanted.T], axis=1)
    means = (sums + _PRIOR_ROWS * wanted.mean(axis=0)) / (counts + _PRIOR_ROWS)
    return np.asarray(means[asked])


def _folds(truth: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A fold for each row, so that each has its part of every class; the same each time."""
    shuffled = np.random.default_rng(0).permutation(len(truth))
    folds = np.empty(len(truth), dtype=np.int64)
    folds[shuffled[np.argsort(truth[shuffled], kind="stable")]] = np.arange(len(truth)) % _FOLDS
    return folds


def _codes(texts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    codes, _ = pd.factorize(texts, sort=False, use_na_sentinel=False)
    return codes.astype(np.int64)


def _equal(column: pd.Series[Any], target: np.ndarray[Any, Any]) -> bool:
    # Nearly every column is told by its first rows, and text is slow to make.
    return len(target) > 0 and all(
        np.array_equal(as_texts(column.iloc[:rows]), target[:rows]) for rows in (10, len(target))
    )


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
