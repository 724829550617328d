"""Fit: from training rows to one scikit-learn Pipeline, with its search, its cross-validation and its record."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline as Steps
from threadpoolctl import threadpool_limits

from lineal.errors import EstimatorError
from lineal.models import crossvalidation, metrics
from lineal.models.columns import Kind, feature_columns, target_values
from lineal.models.crossvalidation import CrossValidation, Training
from lineal.models.digest import digest
from lineal.models.estimators import at, build, effective_params, nondeterminism, search_space, seeds
from lineal.models.inorder import fitted_in_order
from lineal.models.preprocessing import preprocessor, remarks
from lineal.pipeline import Pipeline
from lineal.progress import Progress, unwatched

# Without a search, the metrics are cross-validated in this many folds …
FOLDS = 5
# … where that many more fits like the first take no longer than this.
AFFORDABLE_SECONDS = 60.0


@dataclass(frozen=True)
class Fitted:
    """A fitted model and the record of its fit.

    Attributes:
        estimator: the scikit-learn Pipeline from raw columns to prediction; after a search, refitted with the best.
        features: the input columns.
        kind: `binary`, `multiclass` or `regression`.
        classes: the labels in sorted order, as plain Python values; empty for a regression.
        params: every parameter of the estimator as it was fitted, as clean JSON.
        seeds: every seed of it, by parameter.
        threads: BLAS and OpenMP threads while fitting.
        train_metrics: on the training rows.
        cv: the search, or the cross-validation of the one set of parameters; None where that was not affordable.
        fit_seconds: of the last fit, on all training rows.
        warnings: what scikit-learn warned of, which columns are not used in full, what cannot be repeated exactly.
    """

    estimator: Any
    features: tuple[str, ...]
    kind: Kind
    classes: tuple[Any, ...]
    params: dict[str, Any]
    seeds: dict[str, int]
    threads: int
    train_metrics: dict[str, float]
    cv: CrossValidation | None
    fit_seconds: float
    warnings: tuple[str, ...]


def fit(pipeline: Pipeline, train: pd.DataFrame, on_progress: Progress = unwatched) -> Fitted:
    """Fit the pipeline's estimator, or the best of its search, to the training rows.

    Everything runs in this process, under the pipeline's number of threads; an estimator's own `n_jobs` is its own, but
    for one whose last bits would differ by it.

    Args:
        pipeline: the validated pipeline.
        train: the training rows, raw.
        on_progress: told of each cross-validation fit that is through.

    Raises:
        DataError: when the rows cannot be learnt from.
        EstimatorError: when scikit-learn refuses the estimator, a parameter, a metric or the fit.
    """
    said: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(_heard(said))
        # Limits hold for the libraries that are loaded by now, and an estimator's module may bring its own.
        model = build(pipeline)
        stack.enter_context(threadpool_limits(limits=pipeline.model.threads))
        classifier = is_classifier(model)
        truth = target_values(pipeline, train, classifier=classifier)
        features = feature_columns(pipeline, train)
        classes = tuple(np.unique(truth).tolist()) if classifier else ()
        kind: Kind = "regression" if not classifier else "binary" if len(classes) == 2 else "multiclass"
        _label_class_weights(model, classes)
        steps = Steps([("preprocess", preprocessor(train, features, model)), ("model", model)])
        with at(pipeline, "evaluate"):
            for name in metrics.metric_names(pipeline, kind, steps):
                metrics.check(name, classifier=classifier, kind=kind)
        said += [*remarks(train, features), *nondeterminism(model)]
        training = Training(pipeline, train, train[list(features)], truth, classifier)
        with _refusals(pipeline), fitted_in_order(model):
            steps, seconds, cv = _fit_steps(training, steps, kind, said, on_progress)
        with at(pipeline, "evaluate"):
            scores = metrics.scores(metrics.metric_names(pipeline, kind, steps), steps, training.rows, truth)
    return Fitted(
        estimator=steps,
        features=features,
        kind=kind,
        classes=classes,
        params=effective_params(steps.named_steps["model"]),
        seeds=seeds(steps.named_steps["model"]),
        threads=pipeline.model.threads,
        train_metrics=scores,
        cv=cv,
        fit_seconds=seconds,
        warnings=tuple(dict.fromkeys(said)),
    )


def features_digest(fitted: Fitted, rows: pd.DataFrame) -> str | None:
    """The digest of what the model's last step was fitted to: the rows after all preprocessing.

    None where the preprocessing does not do the same to rows twice, or cannot be asked.
    """
    with warnings.catch_warnings(), threadpool_limits(limits=fitted.threads):
        warnings.simplefilter("ignore")
        try:
            return digest(fitted.estimator[:-1].transform(rows[list(fitted.features)]))
        except (AttributeError, ValueError, TypeError, EstimatorError):
            return None


def _fit_steps(
    training: Training, steps: Steps, kind: Kind, said: list[str], on_progress: Progress
) -> tuple[Steps, float, CrossValidation | None]:
    asked = training.pipeline.model.search
    if asked is not None:
        names = metrics.metric_names(training.pipeline, kind, steps)
        space = search_space(training.pipeline, steps.named_steps["model"])
        return crossvalidation.search(training, steps, asked, space, names, on_progress)
    began = perf_counter()
    steps.fit(training.rows, training.truth)
    seconds = perf_counter() - began
    # Asked again, now that the estimator is fitted: it may have methods that it had not.
    names = metrics.metric_names(training.pipeline, kind, steps)
    return steps, seconds, _cross_validate(training, steps, names, seconds, said, on_progress)


def _cross_validate(
    training: Training, steps: Steps, names: Sequence[str], seconds: float, said: list[str], on_progress: Progress
) -> CrossValidation | None:
    """Cross-validate the metrics where it can be done and afforded; else say why not."""
    if seconds * FOLDS > AFFORDABLE_SECONDS:
        said.append(
            f"the metrics were not cross-validated: {FOLDS} more fits of {seconds:.0f} s each would take more than "
            f"{AFFORDABLE_SECONDS:.0f} s"
        )
        return None
    smallest = int(np.unique(training.truth, return_counts=True)[1].min()) if training.classifier else FOLDS
    try:
        # Each fold is to have rows of each class.
        folds = training.folds(min(FOLDS, max(smallest, 2)))
        return crossvalidation.cross_validate(training, steps, folds, names, said, on_progress)
    except ValueError as problem:
        said.append(
            f"the metrics were not cross-validated: {_failures(str(problem)) or metrics.first_sentence(problem)}"
        )
        return None


def _label_class_weights(model: BaseEstimator, classes: Sequence[Any]) -> None:
    """Give class weights their labels: a TOML key is text, the label may be a number or a boolean."""
    labels = {str(label).lower(): label for label in classes}
    for name, value in model.get_params(deep=True).items():
        if name.rpartition("__")[2] == "class_weight" and isinstance(value, Mapping):
            model.set_params(**{name: {labels.get(str(key).lower(), key): weight for key, weight in value.items()}})


@contextmanager
def _heard(said: list[str]) -> Iterator[None]:
    """Collect what libraries warn of, as sentences."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for each in caught:
        text = str(each.message)
        said.append(_failures(text) or f"{each.category.__name__}: {metrics.first_sentence(text)}")


@contextmanager
def _refusals(pipeline: Pipeline) -> Iterator[None]:
    """Tell what scikit-learn refuses as an error with its first sentence."""
    try:
        yield
    except (ValueError, TypeError, ArithmeticError) as problem:
        why = _failures(str(problem)) or metrics.first_sentence(problem)
        raise EstimatorError(f"{pipeline.path}: {pipeline.model.estimator} could not be fitted: {why}") from problem


_COUNTED = re.compile(r"(?P<failed>\d+) fits failed out of a total of (?P<total>\d+)|All the (?P<all>\d+) fits failed")
_RAISED = re.compile(r"^(?:[\w.]+\.)?\w*(?:Error|Exception): (?P<why>.+)$", re.MULTILINE)


def _failures(text: str) -> str:
    """What scikit-learn says of fits that failed in folds, in one sentence; empty if it speaks of something else."""
    counted = _COUNTED.search(text)
    if counted is None:
        return ""
    failed, total = counted["all"] or counted["failed"], counted["all"] or counted["total"]
    reasons = dict.fromkeys(match["why"].rstrip(".") for match in _RAISED.finditer(text))
    return f"{failed} of {total} cross-validation fits failed: {'; '.join(reasons) or 'for an unknown reason'}"
