"""Cross-validation on the training rows: of a search's combinations, or of the one set of parameters there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.model_selection import cross_validate as sklearn_cross_validate
from sklearn.pipeline import Pipeline as Steps

from lineal.errors import EstimatorError
from lineal.models import metrics
from lineal.models.estimators import plain
from lineal.pipeline import Pipeline, Search
from lineal.progress import Progress

Values = np.ndarray[Any, Any]
Folds = list[tuple[Values, Values]]


@dataclass(frozen=True)
class FoldScores:
    """A metric over the folds of a cross-validation.

    Attributes:
        mean: over the folds; NaN where a fold could not be fitted or judged.
        std: over the folds.
        folds: each fold's value, in order.
    """

    mean: float
    std: float
    folds: tuple[float, ...]


@dataclass(frozen=True)
class Trial:
    """One combination of parameters, cross-validated.

    Attributes:
        params: those that were tried, as clean JSON; empty without a search.
        scores: of each metric.
        rank: 1 is the best by the first metric.
    """

    params: dict[str, Any]
    scores: dict[str, FoldScores]
    rank: int


@dataclass(frozen=True)
class CrossValidation:
    """What cross-validation on the training rows found.

    Attributes:
        metric: the metric that trials are ranked by.
        folds: how many.
        trials: in the order in which they were tried; one without a search.
    """

    metric: str
    folds: int
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The trial whose parameters the model has."""
        return min(self.trials, key=lambda trial: trial.rank)


@dataclass(frozen=True)
class Training:
    """Training rows, ready to be learnt from.

    Attributes:
        pipeline: says how rows are held out, and the seed.
        frame: the whole table.
        rows: its features.
        truth: its target, shape (rows,).
        classifier: whether the target is classes.
    """

    pipeline: Pipeline
    frame: pd.DataFrame
    rows: pd.DataFrame
    truth: Values
    classifier: bool

    def folds(self, count: int) -> Folds:
        """Cut the rows as `split` held rows out: by group, by time, by class, or at random.

        Raises:
            ValueError: scikit-learn's, when there are too few rows, classes or groups.
        """
        split = self.pipeline.split
        if split.group is not None:
            groups, known = pd.factorize(self.frame[split.group], use_na_sentinel=False)
            if len(known) < 2:
                raise ValueError(f"the training rows have one {split.group!r} only, and folds are cut by group")
            cut = GroupKFold(min(count, len(known)), shuffle=True, random_state=split.seed)
            return list(cut.split(self.truth, self.truth, groups))
        if split.time is not None:
            order = np.argsort(pd.factorize(self.frame[split.time], sort=True)[0], kind="stable")
            return [(order[learnt], order[held]) for learnt, held in TimeSeriesSplit(count).split(order)]
        kind = StratifiedKFold if self.classifier else KFold
        return list(kind(count, shuffle=True, random_state=split.seed).split(self.truth, self.truth))


def search(
    training: Training,
    steps: Steps,
    asked: Search,
    space: Mapping[str, list[Any]],
    names: Sequence[str],
    on_progress: Progress,
) -> tuple[Steps, float, CrossValidation]:
    """Try a search's combinations, and refit the best by the first metric on all rows.

    A combination that cannot be fitted is ranked last, and scikit-learn warns of it.

    Args:
        training: the rows.
        steps: the unfitted Pipeline, its last step named `model`.
        asked: method, iterations and folds.
        space: the values of each parameter.
        names: of the metrics.
        on_progress: told of each fit that is through.

    Returns:
        The refitted Pipeline, the seconds that took, and the trials.

    Raises:
        EstimatorError: when no trial could be judged.
        ValueError: scikit-learn's, when no trial could be fitted or there are too few rows for the folds.
    """
    grid = {f"model__{name}": values for name, values in space.items()}
    folds = training.folds(asked.folds)
    combinations = int(np.prod([len(values) for values in grid.values()]))
    count = combinations if asked.iterations is None else min(asked.iterations, combinations)
    judge = _Judge(names, count * len(folds), on_progress)
    common = {"scoring": judge, "refit": names[0], "cv": folds, "error_score": np.nan}
    if asked.method == "grid":
        found = GridSearchCV(steps, grid, **common)
    else:
        found = RandomizedSearchCV(steps, grid, n_iter=count, random_state=training.pipeline.split.seed, **common)
    found.fit(training.rows, training.truth)
    judge.finish()
    trials = _trials(names, len(folds), found.cv_results_)
    if not np.isfinite(trials.best.scores[names[0]].mean):
        raise EstimatorError(
            f"{training.pipeline.path}: [model.search] no trial could be judged in every fold"
            + "".join(f": {sentence}" for sentence in judge.refused[:1])
        )
    return found.best_estimator_, float(found.refit_time_), trials


def cross_validate(
    training: Training, steps: Steps, folds: Folds, names: Sequence[str], said: list[str], on_progress: Progress
) -> CrossValidation:
    """Cross-validate the metrics of one set of parameters.

    Args:
        training: the rows.
        steps: the Pipeline, which is left as it is.
        folds: of `training`.
        names: of the metrics.
        said: takes a sentence for what could not be judged.
        on_progress: told of each fit that is through.

    Raises:
        ValueError: scikit-learn's, when no fold could be fitted.
    """
    judge = _Judge(names, len(folds), on_progress)
    found = sklearn_cross_validate(steps, training.rows, training.truth, cv=folds, scoring=judge, error_score=np.nan)
    judge.finish()
    said += [f"in cross-validation, {sentence}" for sentence in judge.refused]
    scores = {name: _fold_scores(found[f"test_{name}"]) for name in names}
    return CrossValidation(names[0], len(folds), (Trial({}, scores, 1),))


class _Judge:
    """Score a fold by every metric, NaN where one is not defined, and tell how many folds are through."""

    def __init__(self, names: Sequence[str], total: int, on_progress: Progress) -> None:
        self.names, self.total, self.on_progress = names, total, on_progress
        self.done = 0
        self.refused: list[str] = []
        on_progress(0, total)

    def __call__(self, estimator: Any, rows: pd.DataFrame, truth: Values) -> dict[str, float]:
        found = metrics.scores(self.names, estimator, rows, truth, self.refused)
        self.done += 1
        self.on_progress(self.done, self.total)
        return found

    def finish(self) -> None:
        """Count the folds that could not be fitted as through."""
        if self.done < self.total:
            self.on_progress(self.total, self.total)


def _trials(names: Sequence[str], folds: int, results: Mapping[str, Any]) -> CrossValidation:
    trials = []
    for place, params in enumerate(results["params"]):
        tried = {name.removeprefix("model__"): plain(value) for name, value in sorted(params.items())}
        scores = {
            name: _fold_scores([results[f"split{fold}_test_{name}"][place] for fold in range(folds)]) for name in names
        }
        trials.append(Trial(tried, scores, int(results[f"rank_test_{names[0]}"][place])))
    return CrossValidation(names[0], folds, tuple(trials))


def _fold_scores(values: Sequence[float]) -> FoldScores:
    return FoldScores(float(np.mean(values)), float(np.std(values)), tuple(float(value) for value in values))
