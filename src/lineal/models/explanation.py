"""Importances: what the estimator itself says of its features, and what a shuffled column costs on held-out rows.

Permutation importance (Breiman, "Random Forests", Machine Learning 45, 2001) is taken over raw columns, so that a
category counts once, not once a value. It is scikit-learn's `permutation_importance` in all but one thing: the repeats
of a column are predicted in one call, in a third of the time or less.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from lineal.models import metrics
from lineal.models.columns import kind_of, target_values
from lineal.models.evaluation import model_rows
from lineal.models.fitting import Fitted
from lineal.models.preprocessing import feature_origins
from lineal.pipeline import Pipeline
from lineal.progress import Progress, unwatched

REPEATS = 5
# At most this many held-out rows are shuffled, fewer for a table of very many columns …
MOST_ROWS = 2_000
LEAST_ROWS = 200
# … so that no more than about this many rows are predicted in all.
PREDICTED_ROWS = 2_000_000


@dataclass(frozen=True)
class PermutedColumn:
    """What shuffling a column costs.

    Attributes:
        column: of the raw table.
        mean: how much the metric falls, over the repeats; NaN where it is not defined.
        std: over the repeats.
        repeats: each repeat's fall.
    """

    column: str
    mean: float
    std: float
    repeats: tuple[float, ...]


@dataclass(frozen=True)
class FeatureImportance:
    """What the estimator itself says of a feature.

    Attributes:
        feature: as the model is given it, such as `colour=red`.
        columns: the raw columns it comes from.
        value: at least 0.
    """

    feature: str
    columns: tuple[str, ...]
    value: float


@dataclass(frozen=True)
class Importances:
    """What a model's predictions rest on.

    Attributes:
        metric: what a shuffled column makes fall.
        rows: how many held-out rows were shuffled.
        sampled_from: how many there were; more than `rows` where a sample was taken.
        seed: of the shuffles and the sample.
        permuted: raw columns, the most important first.
        own_kind: `feature_importances_`, `coef_` (absolute values, the mean over classes), or None.
        own: features, the most important first; empty where the estimator says nothing.
        own_by_column: `own`, summed over the features of each raw column, the most important first.
    """

    metric: str
    rows: int
    sampled_from: int
    seed: int
    permuted: tuple[PermutedColumn, ...]
    own_kind: str | None = None
    own: tuple[FeatureImportance, ...] = ()
    own_by_column: tuple[tuple[str, float], ...] = ()

    def table(self) -> dict[str, list[Any]]:
        """The raw columns, the most important first, as a table's columns; None where there is no value."""
        own = dict(self.own_by_column)
        return {
            "column": [each.column for each in self.permuted],
            "permutation_mean": [None if np.isnan(each.mean) else each.mean for each in self.permuted],
            "permutation_std": [None if np.isnan(each.std) else each.std for each in self.permuted],
            "own": [own.get(each.column) for each in self.permuted],
        }


def importances(pipeline: Pipeline, fitted: Any, test: pd.DataFrame, on_progress: Progress = unwatched) -> Importances:
    """Explain a fitted model by its own importances and by permutation on held-out rows.

    Args:
        pipeline: names the metric, and the seed of the shuffles.
        fitted: a `Fitted`, or a fitted scikit-learn Pipeline.
        test: the held-out rows, raw.
        on_progress: told of each column that is through.

    Raises:
        DataError: when there are no rows, or they lack a column that the model takes or the target.
    """
    estimator = fitted.estimator if isinstance(fitted, Fitted) else fitted
    kind = kind_of(estimator)
    metric = metrics.metric_names(pipeline, kind, estimator)[0]
    truth = target_values(pipeline, test, classifier=kind != "regression", several=False)
    rows = model_rows(estimator, test)
    random = np.random.default_rng(pipeline.split.seed)
    most = max(LEAST_ROWS, min(MOST_ROWS, PREDICTED_ROWS // (REPEATS * rows.shape[1])))
    if len(rows) > most:
        sample = np.sort(random.choice(len(rows), most, replace=False))
        rows, truth = rows.iloc[sample], truth[sample]
    with threadpool_limits(limits=pipeline.model.threads), warnings.catch_warnings():
        # A metric that a shuffle leaves undefined shows as NaN.
        warnings.simplefilter("ignore")
        permuted = _permuted(estimator, metric, rows, truth, random, on_progress)
    own_kind, own = _own(estimator)
    by_column: dict[str, float] = {}
    for feature in own:
        for column in feature.columns:
            by_column[column] = by_column.get(column, 0.0) + feature.value
    return Importances(
        metric=metric,
        rows=len(rows),
        sampled_from=len(test),
        seed=pipeline.split.seed,
        permuted=tuple(sorted(permuted, key=lambda each: -np.nan_to_num(each.mean, nan=-np.inf))),
        own_kind=own_kind,
        own=tuple(sorted(own, key=lambda each: -each.value)),
        own_by_column=tuple(sorted(by_column.items(), key=lambda item: -item[1])),
    )


def _permuted(
    estimator: Any,
    metric: str,
    rows: pd.DataFrame,
    truth: np.ndarray[Any, Any],
    random: np.random.Generator,
    on_progress: Progress,
) -> list[PermutedColumn]:
    methods, classes = metrics.methods_of([metric], estimator), metrics.classes_of(estimator)

    def value(answers: metrics.Answers) -> float:
        return metrics.judge([metric], truth, answers, classes, [])[metric]

    count = len(rows)
    whole = value(metrics.ask(estimator, rows, methods))
    stacked = pd.concat([rows] * REPEATS, ignore_index=True)
    found = []
    on_progress(0, rows.shape[1])
    for place, name in enumerate(rows.columns):
        kept = stacked[name]
        order = np.concatenate([random.permutation(count) for _ in range(REPEATS)])
        stacked[name] = rows[name].iloc[order].array
        answers = metrics.ask(estimator, stacked, methods)
        stacked[name] = kept
        falls = [whole - value(answers.of(slice(each * count, (each + 1) * count))) for each in range(REPEATS)]
        found.append(PermutedColumn(str(name), float(np.mean(falls)), float(np.std(falls)), tuple(falls)))
        on_progress(place + 1, rows.shape[1])
    return found


def _own(estimator: Any) -> tuple[str | None, list[FeatureImportance]]:
    model = estimator.named_steps["model"]
    origins = feature_origins(estimator)
    for kind in ("feature_importances_", "coef_"):
        values = getattr(model, kind, None)
        if values is None:
            continue
        values = np.abs(values.toarray() if hasattr(values, "toarray") else np.asarray(values, dtype=np.float64))
        values = values.reshape(-1, values.shape[-1]).mean(axis=0)
        if len(values) == len(origins) and np.isfinite(values).all():
            pairs = zip(origins.items(), values.tolist(), strict=True)
            return kind, [FeatureImportance(name, columns, value) for (name, columns), value in pairs]
    return None, []
