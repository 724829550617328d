"""Exact Shapley values of linear models: a coefficient times how far the feature is from its mean.

That is what the values are where features are taken as independent (Štrumbelj and Kononenko, KAIS 41, 2014; shap's
`LinearExplainer` gives the same).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.linear_model import (
    GammaRegressor,
    LogisticRegression,
    LogisticRegressionCV,
    PoissonRegressor,
    SGDClassifier,
    TweedieRegressor,
)

from lineal.models.attribution.base import Floats, NotAttributableError, Values, by_class, dense
from lineal.models.units import SOFTMAX

_GENERALISED = (GammaRegressor, PoissonRegressor, TweedieRegressor)


def takes(model: Any, features: int) -> bool:
    """Whether a fitted model has a coefficient a feature; whether it is linear in them shows by its output."""
    coefficients = getattr(model, "coef_", None)
    return coefficients is not None and np.shape(coefficients)[-1:] == (features,)


def linear_values(model: Any, features: Floats, mean: Floats, target: str) -> Values:
    """Attribute a linear model's output, before any link, to its features.

    Args:
        model: fitted.
        features: shape (rows, features).
        mean: of each feature over the training rows.
        target: what a regressor predicts, the unit of its output.

    Raises:
        NotAttributableError: the model's output is not linear in the features after all.
    """
    name = type(model).__name__
    coefficients = np.atleast_2d(dense(model.coef_))
    intercept = np.broadcast_to(np.ravel(getattr(model, "intercept_", 0.0)), (len(coefficients),))
    output, unit = _output(model, features, target)
    values = (features - mean)[:, :, None] * coefficients.T
    base = coefficients @ mean + intercept
    if is_classifier(model) and len(coefficients) == 1:
        values, base = by_class(values[:, :, 0]), by_class(base[0])
    if values.shape[2] != output.shape[1]:
        raise NotAttributableError(f"{name} has other outputs than its coefficients give")
    return Values(values, base, output, unit).held(f"the coefficients of {name}")


def _output(model: Any, features: Floats, target: str) -> tuple[Floats, str]:
    if not is_classifier(model):
        predicted = np.asarray(model.predict(features), dtype=np.float64).reshape(len(features), -1)
        if isinstance(model, _GENERALISED) and _has_log_link(model):
            return np.log(predicted), f"log of {target}"
        return predicted, target
    raw = np.asarray(model.decision_function(features), dtype=np.float64)
    logistic = isinstance(model, (LogisticRegression, LogisticRegressionCV))
    logistic = logistic or (isinstance(model, SGDClassifier) and model.loss == "log_loss")
    if raw.ndim == 1:
        return by_class(raw), "log-odds" if logistic else "decision value"
    # SGD fits each of several classes against the rest, and no probability of one is its own log-odds'.
    return raw, SOFTMAX if logistic and not isinstance(model, SGDClassifier) else "decision value"


def _has_log_link(model: Any) -> bool:
    link = getattr(model, "link", "log")
    # Tweedie's follows from its power where it is not named.
    return link == "log" or (link == "auto" and model.power > 0)
