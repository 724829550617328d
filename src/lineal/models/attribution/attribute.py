"""Attribute one prediction, or many, to the raw columns: the best way that holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.models.attribution import linear, sampled, trees
from lineal.models.attribution.base import Method, NotAttributableError, Values, dense
from lineal.models.metrics import classes_of
from lineal.models.preprocessing import feature_origins
from lineal.models.scoring import taken_columns

if TYPE_CHECKING:
    import pandas as pd

    from lineal.models.training_rows import TrainingRows

# So many training rows stand for all where contributions are sampled.
BACKGROUND_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a raw column adds to the output.

    Attributes:
        column: of the raw table.
        value: added to the base value, in the output's unit.
        error: standard error, where it was sampled.
    """

    column: str
    value: float
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Why one prediction is what it is.

    Attributes:
        method: how the contributions were found.
        unit: of contributions, base and output: `probability`, `log-odds`, the target's name …
        label: of the class whose output it is; None for a regression.
        base: the output that is expected before anything is known of the row.
        output: what the model gives for the row; base and contributions add up to it.
        contributions: of each raw column that the model takes, the largest first.
        residual: how far they are from adding up, relative to an output above 1; at most 1e-6.
        note: why they were sampled, where that is not the model's own way.
        samples: how many orders of columns were drawn, where they were sampled.
        seed: of the draws.
    """

    method: Method
    unit: str
    label: Any
    base: float
    output: float
    contributions: tuple[Contribution, ...]
    residual: float
    note: str | None = None
    samples: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    values: Values
    method: Method
    note: str | None


def attribute(
    estimator: Any, row: pd.DataFrame, training: TrainingRows | None, *, target: str, label: Any = None, seed: int = 0
) -> Attribution:
    """Attribute the prediction of one row.

    Args:
        estimator: a fitted pipeline, from raw columns to prediction.
        row: the raw row.
        training: the rows that it learnt from; None where they are gone, which trees can do without.
        target: what is predicted.
        label: the class whose output is meant; default the one that is predicted.
        seed: of what is drawn.

    Raises:
        NotAttributableError: there is no way without the training rows.
    """
    columns = taken_columns(estimator)
    row = row[columns]
    classes = list(classes_of(estimator))
    place = 0
    if classes:
        label = np.asarray(estimator.predict(row)).tolist()[0] if label is None else label
        place = [str(each) for each in classes].index(str(label))
    found = _values(estimator, row, training, target, seed)
    values, errors = found.values.values[0, :, place], found.values.errors
    spread = None if errors is None else errors[0, :, place]
    order = np.argsort(-np.abs(values), kind="stable")
    return Attribution(
        method=found.method,
        unit=found.values.unit,
        label=label if classes else None,
        base=float(found.values.base[place]),
        output=float(found.values.output[0, place]),
        contributions=tuple(
            Contribution(columns[each], float(values[each]), None if spread is None else float(spread[each]))
            for each in order
        ),
        residual=found.values.residual,
        note=found.note,
        samples=found.values.samples,
        seed=seed if found.values.samples else None,
    )


@dataclass(frozen=True, slots=True)
class MeanAbsolute:
    """How much each raw column moves a model's output, on average.

    Attributes:
        method: how the contributions were found.
        unit: of the figures.
        rows: how many rows they are the mean over.
        means: of each column, the largest first; with more than two classes the mean over these.
        errors: the standard error of each mean over the rows, in the same order.
        note: why contributions were sampled, where that is not the model's own way.
    """

    method: Method
    unit: str
    rows: int
    means: tuple[tuple[str, float], ...]
    errors: tuple[float, ...]
    note: str | None = None


def mean_absolute(
    estimator: Any,
    rows: pd.DataFrame,
    training: TrainingRows | None,
    *,
    target: str,
    seed: int = 0,
    budget: int = 200_000,
) -> MeanAbsolute:
    """Say how much each raw column moves the output, as the mean of absolute contributions.

    Args:
        estimator: a fitted pipeline.
        rows: raw rows; of these only as many of the first as can be afforded are attributed, of a large ensemble or
            where contributions must be sampled.
        training: the rows that it learnt from.
        target: what is predicted.
        seed: of what is drawn.
        budget: how many rows may be predicted in all, where contributions must be sampled.
    """
    columns = taken_columns(estimator)
    found = _values(estimator, rows[columns], training, target, seed, budget)
    sizes = np.abs(found.values.values).mean(axis=2)
    means = sizes.mean(axis=0)
    errors = sizes.std(axis=0, ddof=1) / np.sqrt(len(sizes)) if len(sizes) > 1 else np.zeros(len(means))
    order = np.argsort(-means, kind="stable")
    return MeanAbsolute(
        method=found.method,
        unit=found.values.unit,
        rows=len(sizes),
        means=tuple((columns[each], float(means[each])) for each in order),
        errors=tuple(float(errors[each]) for each in order),
        note=found.note,
    )


def _values(
    estimator: Any,
    rows: pd.DataFrame,
    training: TrainingRows | None,
    target: str,
    seed: int,
    budget: int | None = None,
) -> _Found:
    """Contributions of the raw columns, in the order that the model takes them."""
    columns = list(rows.columns)
    origins = [sources[0] for sources in feature_origins(estimator).values()]
    model, note = _innermost(estimator[-1]), None
    try:
        if trees.takes(model):
            if budget is not None:
                rows = rows.head(trees.affordable(model))
            found = trees.tree_values(model, dense(estimator[:-1].transform(rows)), target)
            return _Found(_by_column(found, origins, columns), "tree", None)
        if linear.takes(model, len(origins)):
            if training is None:
                raise NotAttributableError("the training rows are gone, and a linear model's values start from them")
            features = dense(estimator[:-1].transform(rows))
            found = linear.linear_values(model, features, training.moments[0], target)
            return _Found(_by_column(found, origins, columns), "linear", None)
    except NotAttributableError as problem:
        note = str(problem)
    if training is None:
        raise NotAttributableError(note or "the training rows are gone, and contributions are sampled from them")
    background = training.sample(BACKGROUND_ROWS, seed)
    each = sampled.PREDICTED_ROWS
    if budget is not None:
        least = 2 * sampled.LEAST_ORDERS * (len(columns) + 1)
        rows = rows.head(max(1, budget // least))
        each = budget // len(rows)
    found = sampled.sampled_values(estimator, rows, background, target, seed, each)
    return _Found(found.held("sampled contributions"), "sampled", note)


def _innermost(model: Any) -> Any:
    """A search predicts by its best."""
    while hasattr(model, "best_estimator_"):
        model = model.best_estimator_
    return model


def _by_column(found: Values, origins: Sequence[str], columns: Sequence[str]) -> Values:
    """Sum the contributions of each column's features."""
    belongs = np.array([[origin == name for name in columns] for origin in origins], dtype=np.float64)
    summed = np.einsum("rfo,fc->rco", found.values, belongs)
    return Values(summed, found.base, found.output, found.unit).held("contributions")
