"""Model: a handle on one fitted model. Small, picklable, and good on another machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from lineal.datasets.dataset import Column


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """The MLflow run that holds a model.

    Attributes:
        tracking_uri: the tracking server, credentials taken out.
        experiment_id: of the run.
        run_id: of the run.
        model_id: of the logged model, `m-…`.
        url: of the run in MLflow's own pages, where the server has such.
    """

    tracking_uri: str
    experiment_id: str
    run_id: str
    model_id: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A handle on one fitted model.

    Attributes:
        name: the dataset name it has in lineage: `{pipeline}.model`, or `models/{name}` once registered.
        digest: what the model is, as lower-case hex (see `lineal.models.digest`).
        uri: MLflow's URI of it, such as `models:/m-…` or `models:/breast-cancer/3`.
        namespace: of the name; None for the job namespace.
        columns: the features it takes, as named after preprocessing, and last what it predicts.
        number: its version number in the registry.
        tracked: the MLflow run that holds it.
        description: one line for a person.
    """

    name: str
    digest: str
    uri: str
    namespace: str | None = None
    columns: tuple[Column, ...] = ()
    number: int | None = None
    tracked: TrackedRun | None = None
    description: str | None = None

    def but(self, **changes: Any) -> Self:
        """The same handle with some attributes changed."""
        return replace(self, **changes)
