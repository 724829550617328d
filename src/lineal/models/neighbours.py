"""The training rows that speak most for a prediction, in the model's own terms; exact, some rows at a time.

Where a model is made of trees, two rows are near that fall into the same leaves: what a forest predicts is an average
over just these (Lin and Jeon, JASA 101, 2006; Breiman's proximity). Elsewhere, and among rows with as many leaves in
common, it is the distance of their features: as the model is given them where it has them scaled, else in units of
each feature's standard deviation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lineal.models.preprocessing import needs_scaling
from lineal.models.training_rows import Floats, TrainingRows

if TYPE_CHECKING:
    import pandas as pd

Measure = Literal["leaves", "distance"]
Leaves = Callable[[Floats], np.ndarray[Any, Any]]

_ROWS_FOR_THREADS = 10_000


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A training row near the one that was predicted.

    Attributes:
        row: its 0-based number among the training rows.
        distance: of the features.
        shared: in how many trees both fall into one leaf; None where the model has no trees.
    """

    row: int
    distance: float
    shared: int | None = None


@dataclass(frozen=True, slots=True)
class Nearest:
    """The training rows nearest to a row, the nearest first.

    Attributes:
        measure: what makes rows near.
        trees: how many trees the model has; None where it has none.
        rows: how many training rows were compared.
        neighbours: of as many shared leaves and the same distance, those that come first in the table.
    """

    measure: Measure
    trees: int | None
    rows: int
    neighbours: tuple[Neighbour, ...]


def nearest(estimator: Any, row: pd.DataFrame, training: TrainingRows, count: int = 5) -> Nearest:
    """Find the training rows nearest to a row.

    Args:
        estimator: a fitted pipeline.
        row: the raw row.
        training: the rows that it learnt from.
        count: how many to find.

    Raises:
        SourceError: the training rows are gone.
    """
    model = estimator[-1]
    while hasattr(model, "best_estimator_"):
        model = model.best_estimator_
    here = training.transform(row)
    scale = np.ones(here.shape[1])
    if not needs_scaling(model):
        spread = training.moments[1]
        scale = np.where(spread > 0, spread, 1.0)
    leaves = leaves_of(model)
    own = leaves(here)[0] if leaves else np.zeros(0)
    # Fewest leaves apart, then nearest, then first.
    best = np.zeros((0, 3))
    total = 0
    for start, features in training.features(max(len(own), 1)):
        total += len(features)
        apart = (leaves(features) != own).sum(axis=1) if leaves else np.zeros(len(features))
        distance = np.sqrt(np.square((features - here) / scale).sum(axis=1))
        if len(best) == count:
            # Most rows are out of the question at once.
            near = np.flatnonzero((apart < best[-1, 0]) | ((apart == best[-1, 0]) & (distance < best[-1, 1])))
        else:
            near = np.arange(len(features))
        rows = np.column_stack([apart[near], distance[near], start + near])
        best = np.concatenate([best, rows])
        best = best[np.lexsort((best[:, 2], best[:, 1], best[:, 0]))][:count]
    trees = len(own) if leaves else None
    return Nearest(
        measure="leaves" if leaves else "distance",
        trees=trees,
        rows=total,
        neighbours=tuple(
            Neighbour(int(number), float(distance), None if trees is None else trees - int(apart))
            for apart, distance, number in best
        ),
    )


def leaves_of(model: Any) -> Leaves | None:
    """How to tell which leaf of each tree some rows fall into, shape (rows, trees); None for a model without trees."""
    if type(model).__module__.startswith(("sklearn.ensemble", "sklearn.tree")):
        if hasattr(model, "apply"):
            return lambda features: np.asarray(model.apply(features)).reshape(len(features), -1)
        predictors = getattr(model, "_predictors", None)
        # A split on a category asks a bit set, which is scikit-learn's own affair.
        if predictors and not any(tree.nodes["is_categorical"].any() for stage in predictors for tree in stage):
            trees = [_numbered(tree) for stage in predictors for tree in stage]
            return lambda features: np.column_stack([_leaf(tree, features) for tree in trees])
    return None


def _numbered(tree: Any) -> Any:
    """A histogram gradient boosting tree that predicts which of its nodes a row falls into: it has no `apply`."""
    nodes = tree.nodes.copy()
    nodes["value"] = np.arange(len(nodes))
    return type(tree)(nodes, tree.binned_left_cat_bitsets, tree.raw_left_cat_bitsets)


def _leaf(tree: Any, features: Floats) -> np.ndarray[Any, Any]:
    from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

    none = np.zeros((0, 8), dtype=np.uint32), np.zeros(features.shape[1], dtype=np.uint32)
    # Threads wait for one another at each end: on a busy machine few rows would wait for longer than they take.
    threads = _openmp_effective_n_threads() if len(features) > _ROWS_FOR_THREADS else 1
    return np.asarray(tree.predict(features, *none, threads)).astype(np.int64)
