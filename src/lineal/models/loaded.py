"""Fitted estimators by the digest of what they are, so that a flow's steps in one process load a model once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import Any

from lineal.models import tracking
from lineal.models.model import Model

_MOST = 4
_held: OrderedDict[str, Any] = OrderedDict()


def remember(model_digest: str, estimator: Any) -> None:
    """Keep a fitted estimator for the next step of this process."""
    _held[model_digest] = estimator
    _held.move_to_end(model_digest)
    while len(_held) > _MOST:
        _held.popitem(last=False)


def estimator_of(model: Model, *, trusted: Collection[str] = ()) -> Any:
    """The fitted estimator that a handle stands for, as it was recorded.

    Args:
        model: the handle.
        trusted: classes beyond Lineal's own list that the user named, those of the pipeline file.

    Raises:
        EstimatorError: what MLflow holds is not what was recorded: its digest differs.
        LinealError: it cannot be loaded.
    """
    if model.digest not in _held:
        remember(model.digest, tracking.load_model(model.uri, trusted=trusted, digest=model.digest or None))
    return _held[model.digest]
