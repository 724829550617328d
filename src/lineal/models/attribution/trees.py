"""Exact Shapley values of trees, by the path-dependent algorithm of shap (Lundberg et al., Nature MI 2, 2020).

shap is silently wrong where a tree splits on a native category, so such models are not given to it, and what it gives
is always held to the model's own output.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from lineal.models.attribution.base import Floats, NotAttributableError, Values, by_class
from lineal.models.units import SOFTMAX

_AVERAGED = (
    RandomForestClassifier,
    RandomForestRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)
_HISTOGRAM = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
_BOOSTED = (GradientBoostingClassifier, GradientBoostingRegressor, *_HISTOGRAM)
_LOG_LINK = ("poisson", "gamma")
# Visited in all where many rows are attributed, some seconds' worth; but never fewer than so many rows.
_MOST_NODES = 50_000_000
_LEAST_ROWS = 20


def takes(model: Any) -> bool:
    """Whether a fitted model is of the kinds that are asked here."""
    return type(model) in (*_AVERAGED, *_BOOSTED)


def affordable(model: Any) -> int:
    """How many rows can be attributed in some seconds: a row takes time by the trees' nodes."""
    if isinstance(model, _HISTOGRAM):
        nodes = sum(len(tree.nodes) for stage in model._predictors for tree in stage)
    else:
        trees = np.ravel(model.estimators_) if hasattr(model, "estimators_") else [model]
        nodes = sum(tree.tree_.node_count for tree in trees)
    return max(_LEAST_ROWS, _MOST_NODES // max(nodes, 1))


def tree_values(model: Any, features: Floats, target: str) -> Values:
    """Attribute a tree's or an ensemble's raw outputs to its features.

    Args:
        model: fitted.
        features: shape (rows, features).
        target: what a regressor predicts, the unit of its output.

    Raises:
        NotAttributableError: shap refuses the model, or what it gives does not add up.
    """
    name = type(model).__name__
    if getattr(model, "is_categorical_", None) is not None:
        raise NotAttributableError(
            f"the trees of {name} split on categories as they are, where shap's values are wrong"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import shap  # type: ignore[import-untyped]  # it ships no types

            explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent", model_output="raw")
            found = np.asarray(explainer.shap_values(features, check_additivity=False), dtype=np.float64)
            base = np.atleast_1d(np.asarray(explainer.expected_value, dtype=np.float64)).ravel()
        # It refuses what it does not know by errors of many kinds, its own and Python's.
        except Exception as problem:
            raise NotAttributableError(f"shap does not take {name} apart ({type(problem).__name__})") from problem
    output, unit = _output(model, features, target)
    if found.ndim == 2:
        one = is_classifier(model)
        found = by_class(found) if one else found[:, :, None]
        base = by_class(base[-1]) if one else base[-1:]
    if found.shape[2] != output.shape[1] or base.shape != output.shape[1:]:
        raise NotAttributableError(f"shap gives another number of outputs than {name}")
    return Values(found, base, output, unit).held(f"shap's values of {name}")


def _output(model: Any, features: Floats, target: str) -> tuple[Floats, str]:
    if not is_classifier(model):
        predicted = np.asarray(model.predict(features), dtype=np.float64).reshape(-1, 1)
        if isinstance(model, _HISTOGRAM) and model.loss in _LOG_LINK:
            return np.log(predicted), f"log of {target}"
        return predicted, target
    if isinstance(model, _AVERAGED):
        return np.asarray(model.predict_proba(features)), "probability"
    raw = np.asarray(model.decision_function(features), dtype=np.float64)
    if raw.ndim == 1:
        return by_class(raw), "log-odds"
    return raw, SOFTMAX
