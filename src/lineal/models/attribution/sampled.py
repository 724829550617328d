"""Shapley values of any model, sampled: columns of training rows are replaced by the row's, in random orders.

Each order is walked there and back (antithetic sampling: Mitchell et al., JMLR 23, 2022), which lowers the error for
the same work. Whatever is drawn, the contributions of one walk add up to the difference of its ends, so that the sums
hold exactly; what sampling costs is each contribution's standard error. Players are the raw columns: a category counts
once, and what a column's features have in common is never torn apart.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier

from lineal.models.attribution.base import Floats, Values, by_class

# About so many rows are predicted for each explained one; orders are drawn within these bounds.
PREDICTED_ROWS = 20_000
MOST_ORDERS = 200
LEAST_ORDERS = 10


def sampled_values(
    estimator: Any, rows: pd.DataFrame, background: pd.DataFrame, target: str, seed: int, budget: int = PREDICTED_ROWS
) -> Values:
    """Attribute a fitted pipeline's output to raw columns.

    Args:
        estimator: from raw columns to prediction.
        rows: to be explained, with the columns that the model takes and no others.
        background: training rows, the same columns.
        target: what a regressor predicts, the unit of its output.
        seed: of the draws.
        budget: about how many rows to predict for each one that is explained.
    """
    random = np.random.default_rng(seed)
    width = rows.shape[1]
    orders = int(np.clip(budget // (2 * (width + 1)), LEAST_ORDERS, MOST_ORDERS))
    values, errors, outputs = [], [], []
    base, unit = np.zeros(0), ""
    # The same training rows for each row that is explained, so that all have one base value.
    drawn = np.tile(1 + random.integers(len(background), size=orders), 2)
    for place in range(len(rows)):
        # Row 0 is the one that is explained.
        stacked = pd.concat([rows.iloc[[place]], background], ignore_index=True)
        ranks = random.permuted(np.tile(np.arange(width), (orders, 1)), axis=1)
        ranks = np.concatenate([ranks, width - 1 - ranks])
        steps = np.arange(width + 1)
        # Of walk w at step s, a column is the row's own once its rank is below s.
        mixed = pd.DataFrame(
            {
                name: stacked[name]
                .iloc[np.where(ranks[:, column, None] < steps, 0, drawn[:, None]).ravel()]
                .reset_index(drop=True)
                for column, name in enumerate(rows.columns)
            }
        )
        told, unit = model_output(estimator, mixed, target)
        told = told.reshape(2 * orders, width + 1, -1)
        gains = np.take_along_axis(np.diff(told, axis=1), ranks[:, :, None], axis=1)
        pairs = (gains[:orders] + gains[orders:]) / 2
        values.append(pairs.mean(axis=0))
        errors.append(pairs.std(axis=0, ddof=1) / np.sqrt(orders))
        base = told[:orders, 0].mean(axis=0)
        outputs.append(told[0, -1])
    return Values(np.stack(values), base, np.stack(outputs), unit, errors=np.stack(errors), samples=2 * orders)


def model_output(estimator: Any, rows: pd.DataFrame, target: str) -> tuple[Floats, str]:
    """What a fitted pipeline gives for some rows, an output a class, and its unit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not is_classifier(estimator):
            return np.asarray(estimator.predict(rows), dtype=np.float64).reshape(len(rows), -1), target
        if hasattr(estimator, "predict_proba"):
            return np.asarray(estimator.predict_proba(rows), dtype=np.float64), "probability"
        classes = list(estimator.classes_)
        if hasattr(estimator, "decision_function"):
            raw = np.asarray(estimator.decision_function(rows), dtype=np.float64)
            if raw.ndim == 1:
                return by_class(raw), "decision value"
            if raw.shape[1] == len(classes):
                return raw, "decision value"
        votes = np.asarray(estimator.predict(rows))
        return np.stack([(votes == label).astype(np.float64) for label in classes], axis=1), "vote"
