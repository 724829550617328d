"""Metrics by scikit-learn's scorer names: which suit a problem, what they need, and their values.

The metric functions, their arguments and their signs are those of scikit-learn's own scorers. What is done here is to
ask the estimator once and to judge its answers many times (each repeat of a permutation, each metric, the table of
predictions), and to know the positive class of text labels: the last one in sorted order, which is also the class that
scikit-learn's `roc_auc` speaks of.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import get_scorer, get_scorer_names

from lineal.errors import EstimatorError
from lineal.models.columns import Kind
from lineal.models.inorder import in_order
from lineal.pipeline import RATES, Pipeline

DEFAULTS: dict[Kind, tuple[str, ...]] = {
    "binary": ("accuracy", "roc_auc"),
    "multiclass": ("accuracy", "balanced_accuracy", "f1_macro"),
    "regression": ("r2", "neg_root_mean_squared_error", "neg_mean_absolute_error"),
}
# Those that are defined for two classes only, and what to take with more.
_FOR_MORE_CLASSES = {
    "roc_auc": "roc_auc_ovr",
    "f1": "f1_macro",
    "precision": "precision_macro",
    "recall": "recall_macro",
    "jaccard": "jaccard_macro",
    "positive_likelihood_ratio": "balanced_accuracy",
    "neg_negative_likelihood_ratio": "balanced_accuracy",
}
_METHODS = ("predict", "predict_proba", "decision_function")


@dataclass(frozen=True)
class Metric:
    """A scikit-learn scorer taken apart.

    Attributes:
        name: of the scorer.
        function: `function(truth, answer, **arguments)`.
        sign: -1 where less is better, so that a greater score is always better.
        arguments: of the function.
        methods: the estimator's methods whose answer it judges, the first that is there.
    """

    name: str
    function: Any
    sign: int
    arguments: dict[str, Any]
    methods: tuple[str, ...]

    @property
    def problem(self) -> str:
        """What it judges: `classification`, `regression`, `clustering` or `multilabel`."""
        if self.arguments.get("average") == "samples":
            return "multilabel"
        module = self.function.__module__
        if ".cluster" in module:
            return "clustering"
        return "regression" if module.endswith("_regression") else "classification"


@dataclass(frozen=True)
class Answers:
    """What a fitted estimator says about rows; None for what was not asked or cannot be.

    Attributes:
        predict: labels or numbers, shape (rows,).
        predict_proba: shape (rows, classes).
        decision_function: shape (rows,) with two classes, else (rows, classes).
    """

    predict: np.ndarray[Any, Any] | None = None
    predict_proba: np.ndarray[Any, Any] | None = None
    decision_function: np.ndarray[Any, Any] | None = None

    def of(self, rows: slice | np.ndarray[Any, Any]) -> Answers:
        """The answers about some of the rows."""
        return Answers(*(None if part is None else part[rows] for part in map(self.__getattribute__, _METHODS)))


@cache
def metric(name: str) -> Metric:
    """Look a metric up by its scorer name.

    Raises:
        EstimatorError: when there is none of that name.
    """
    if name not in get_scorer_names():
        near = get_close_matches(name, [*get_scorer_names(), *_ALIASES], n=1, cutoff=0.5)
        hint = f"did you mean {_ALIASES.get(near[0], near[0])}?" if near else "see sklearn.metrics.get_scorer_names()"
        raise EstimatorError(f"{name} is no scikit-learn scorer; {hint}")
    scorer = get_scorer(name)
    methods = scorer._response_method
    return Metric(
        name,
        scorer._score_func,
        scorer._sign,
        dict(scorer._kwargs),
        (methods,) if isinstance(methods, str) else tuple(methods),
    )


# What people write for a scorer that has another name.
_ALIASES = {
    "auc": "roc_auc",
    "log_loss": "neg_log_loss",
    "brier_score": "neg_brier_score",
    "max_error": "neg_max_error",
    "mean_absolute_error": "neg_mean_absolute_error",
    "mean_squared_error": "neg_mean_squared_error",
    "root_mean_squared_error": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "mse": "neg_mean_squared_error",
    "rmse": "neg_root_mean_squared_error",
    "r2_score": "r2",
    "f1_score": "f1",
}


def check(name: str, *, classifier: bool, kind: Kind | None = None) -> None:
    """See that a metric exists and suits the problem.

    Args:
        name: the scorer's name.
        classifier: whether the estimator predicts classes.
        kind: the kind of problem where the rows have been seen; None before.

    Raises:
        EstimatorError: naming what to take instead.
    """
    problem = metric(name).problem
    wanted = "classification" if classifier else "regression"
    if problem != wanted:
        defaults = DEFAULTS["binary"] + DEFAULTS["multiclass"][1:] if classifier else DEFAULTS["regression"]
        raise EstimatorError(
            f"{name} is a {problem} metric, but the estimator is a {'classifier' if classifier else 'regressor'}; "
            f"take one such as {', '.join(defaults)}"
        )
    if kind == "multiclass" and name in _FOR_MORE_CLASSES:
        raise EstimatorError(
            f"{name} is defined for two classes, and the target has more; take {_FOR_MORE_CLASSES[name]}"
        )


def metric_names(pipeline: Pipeline, kind: Kind, estimator: Any) -> tuple[str, ...]:
    """Name the metrics of a pipeline, the one that trials are ranked by first.

    Those of `evaluate.metrics`, then what the champion's rule and the gates speak of. Where the file names no metrics,
    the defaults of the kind of problem follow, without those that the estimator cannot answer.

    Args:
        pipeline: names the metrics.
        kind: of the problem.
        estimator: told apart by its methods; fitted, where these depend on it.
    """
    evaluate = pipeline.evaluate
    champion = (evaluate.champion.metric,) if evaluate.champion else ()
    gates = (gate.metric for gate in evaluate.gates if gate.metric not in RATES)
    named = (*evaluate.metrics, *champion, *gates)
    defaults = () if evaluate.metrics else tuple(name for name in DEFAULTS[kind] if answered(name, estimator))
    return tuple(dict.fromkeys((*named, *defaults)))


def answered(name: str, estimator: Any) -> bool:
    """Tell whether the estimator has a method that the metric judges."""
    return any(hasattr(estimator, method) for method in metric(name).methods)


def ask(estimator: Any, frame: pd.DataFrame, methods: Iterable[str]) -> Answers:
    """Ask a fitted estimator about rows, each of `methods` once.

    Raises:
        EstimatorError: when it has no answer for some of them.
    """
    try:
        with in_order(estimator):
            return Answers(
                **{method: np.asarray(getattr(estimator, method)(frame)) for method in dict.fromkeys(methods)}
            )
    except ValueError as problem:
        raise EstimatorError(f"{_named(estimator)} cannot predict these rows: {first_sentence(problem)}") from problem


def methods_of(names: Sequence[str], estimator: Any) -> tuple[str, ...]:
    """Name the methods that metrics need of an estimator.

    Raises:
        EstimatorError: when the estimator lacks what a metric judges.
    """
    methods: dict[str, None] = {}
    for name in names:
        found = next((method for method in metric(name).methods if hasattr(estimator, method)), None)
        if found is None:
            raise EstimatorError(
                f"{name} judges probabilities or scores, which {_named(estimator)} does not give (it has no "
                f"{' or '.join(metric(name).methods)}); take another metric or estimator"
            )
        methods[found] = None
    return tuple(methods)


def score(name: str, truth: np.ndarray[Any, Any], answers: Answers, classes: Sequence[Any]) -> float:
    """Judge answers by one metric; greater is better.

    Args:
        name: the scorer's name.
        truth: shape (rows,).
        answers: holding those of the metric's method.
        classes: the labels in sorted order; empty for a regression.

    Raises:
        ValueError: scikit-learn's, where the metric is not defined for these rows.
    """
    it = metric(name)
    method = next(method for method in it.methods if getattr(answers, method) is not None)
    answer, arguments = getattr(answers, method), dict(it.arguments)
    known = _parameters(it.function)
    if len(classes) == 2:
        if method == "predict_proba":
            answer = answer[:, 1]
        if "pos_label" in known and arguments.get("average", "binary") == "binary":
            arguments["pos_label"] = classes[1]
    if len(classes) > 1 and method != "predict" and "labels" in known:
        # A class that none of these rows has is still a column of the answer.
        arguments["labels"] = list(classes)
    return float(it.sign * it.function(truth, answer, **arguments))


@cache
def _parameters(function: Any) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def scores(
    names: Sequence[str],
    estimator: Any,
    frame: pd.DataFrame,
    truth: np.ndarray[Any, Any],
    refused: list[str] | None = None,
) -> dict[str, float]:
    """Ask a fitted estimator about rows and judge it by each metric.

    Args:
        names: of the metrics.
        estimator: a fitted Pipeline.
        frame: the raw rows.
        truth: shape (rows,).
        refused: takes a sentence for what cannot be computed, whose value is then NaN.

    Raises:
        EstimatorError: naming what cannot be computed, where nothing takes the sentence.
    """
    try:
        answers = ask(estimator, frame, methods_of(names, estimator))
    except EstimatorError as problem:
        if refused is None:
            raise
        refused.append(problem.message)
        return dict.fromkeys(names, float("nan"))
    return judge(names, truth, answers, classes_of(estimator), refused)


def judge(
    names: Sequence[str],
    truth: np.ndarray[Any, Any],
    answers: Answers,
    classes: Sequence[Any],
    refused: list[str] | None = None,
) -> dict[str, float]:
    """Judge answers by each metric, as `scores` does."""
    found: dict[str, float] = {}
    for name in names:
        try:
            found[name] = score(name, truth, answers, classes)
        except ValueError as problem:
            sentence = f"{name} cannot be computed: {first_sentence(problem)}"
            if refused is None:
                raise EstimatorError(sentence) from problem
            refused.append(sentence)
            found[name] = float("nan")
    return found


def classes_of(estimator: Any) -> tuple[Any, ...]:
    """The labels of a fitted classifier in sorted order, as plain Python values; empty for a regressor."""
    return tuple(np.asarray(estimator.classes_).tolist()) if hasattr(estimator, "classes_") else ()


def first_sentence(problem: BaseException | str) -> str:
    """The first sentence of what a library said, without a final stop."""
    text = next((line.strip() for line in str(problem).splitlines() if line.strip()), type(problem).__name__)
    return text.split(". ")[0].rstrip(".")


def _named(estimator: Any) -> str:
    steps = getattr(estimator, "named_steps", {})
    return type(steps.get("model", estimator)).__name__
