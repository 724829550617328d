"""Explain a prediction: what each column adds to it, and the training rows that speak most for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineal import settings
from lineal.datasets.dataset import Dataset
from lineal.datasets.types import ROW
from lineal.errors import LinealError, PipelineFileError
from lineal.questions.prediction import Prediction, SourceRow, handle_of, parameters_of, source_of
from lineal.questions.trace import Node, Trace

if TYPE_CHECKING:
    from lineal.models.attribution import Attribution
    from lineal.models.neighbours import Nearest
    from lineal.models.training_rows import TrainingRows
    from lineal.pipeline import Pipeline

MOST_NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A training row that speaks for a prediction.

    Attributes:
        row: its 1-based number among the training rows.
        label: what the target was.
        distance: of the features, as `Nearest.measure` says.
        shared: in how many trees it falls into the predicted row's leaf; None where the model has no trees.
        source: where it was read.
    """

    row: int
    label: Any
    distance: float
    shared: int | None
    source: SourceRow | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a prediction is what it is.

    Attributes:
        attribution: what each column adds; None where that cannot be said.
        nearest: how the training rows were compared; None where they are gone.
        training_rows: the nearest, the nearest first.
        training: the table of training rows, `NAME@VERSION`.
        same: whether the model gives the recorded prediction again; None where that is gone.
        missing: what cannot be shown, a sentence each.
    """

    attribution: Attribution | None
    nearest: Nearest | None
    training_rows: tuple[TrainingRow, ...]
    training: str | None
    same: bool | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """A prediction with its explanation; None where none was asked for, or the row is gone."""

    prediction: Prediction
    explanation: Explanation | None


def explain(asked: Prediction) -> Explanation | None:
    """Explain a prediction; loads the model, and looks at all its training rows, some at a time.

    Returns:
        The explanation; None where the row that was scored is gone.

    Raises:
        EstimatorError: the model is not the one on record, or cannot be loaded.
    """
    if asked.input is None or asked.batch is None:
        return None
    from threadpoolctl import threadpool_limits

    from lineal.models.inorder import in_order

    estimator, plan = fitted(asked.descent)
    row = _frame(asked.batch, asked.row - 1)
    missing: list[str] = []
    learnt = training_node(asked.descent)
    with threadpool_limits(limits=plan.model.threads), in_order(estimator):
        training = _training(estimator, learnt, missing)
        return Explanation(
            attribution=_attribution(estimator, plan, row, training, asked, missing),
            nearest=(near := _nearest(estimator, row, training, missing)),
            training_rows=tuple(_rows(asked.descent, learnt, plan, near)) if near and learnt else (),
            training=f"{learnt.name}@{learnt.version[:12]}" if learnt else None,
            same=_same(estimator, row, asked),
            missing=tuple(missing),
        )


def fitted(descent: Trace) -> tuple[Any, Pipeline]:
    """Load the model of a descent as it was recorded, and the pipeline that made it.

    Raises:
        EstimatorError: what MLflow holds is not what was recorded, or cannot be loaded.
    """
    from lineal.models.estimators import named_classes
    from lineal.models.loaded import estimator_of
    from lineal.models.model import Model

    assert descent.model is not None  # noqa: S101 - it was traced as a model
    row, plan = descent.model, plan_of(descent)
    model = Model(f"models/{row.name}", row.digest, f"models:/{row.name}/{row.number}", row.namespace)
    return estimator_of(model, trusted=named_classes(plan)), plan


def plan_of(descent: Trace) -> Pipeline:
    """The pipeline that made a model, from the text on record.

    Raises:
        PipelineFileError: the lineage does not hold it.
    """
    from lineal.pipeline import parse

    flow = descent.flow
    text = ((flow.job_facets if flow else {}).get("sourceCode") or {}).get("sourceCode")
    if flow is None or not text:
        raise PipelineFileError(
            f"the pipeline file of {descent.subject} is not on record, so its columns are not known; train it again"
        )
    parameters = parameters_of(flow)
    name = Path(parameters.get("pipeline.file") or "pipeline.toml").name
    # They are on record as one line; a new one begins where a key does.
    given = parameters.get("pipeline.set") or ""
    overrides = re.split(r" (?=[A-Za-z_][\w.-]*=)", given) if given else []
    return parse(text, settings.project_of(Path.cwd()) / name, overrides=overrides)


def training_node(descent: Trace) -> Node | None:
    """The table that a model was fitted to, in its descent: what the run that made the first model of it read."""
    node = descent.node
    while node is not None:
        inner = next((child for child in node.inputs if child.kind == "MODEL"), None)
        if inner is None:
            return next((child for child in node.inputs if child.kind == "TABLE"), None)
        node = inner
    return None


def _training(estimator: Any, learnt: Node | None, missing: list[str]) -> TrainingRows | None:
    from lineal.datasets.read import opened
    from lineal.models.training_rows import TrainingRows

    if learnt is None:
        missing.append("the rows that the model learnt from are not on record")
        return None
    dataset = handle_of(learnt)
    try:
        with opened(dataset):
            return TrainingRows(estimator, dataset)
    except LinealError as problem:
        missing.append(str(problem))
        return None


def _attribution(
    estimator: Any,
    plan: Pipeline,
    row: Any,
    training: TrainingRows | None,
    asked: Prediction,
    missing: list[str],
) -> Attribution | None:
    from lineal.models.attribution import NotAttributableError, attribute

    try:
        return attribute(estimator, row, training, target=plan.source.target, label=asked.value, seed=plan.split.seed)
    except NotAttributableError as problem:
        missing.append(f"contributions: {problem}")
        return None


def _nearest(estimator: Any, row: Any, training: TrainingRows | None, missing: list[str]) -> Nearest | None:
    from lineal.models.neighbours import nearest

    return None if training is None else nearest(estimator, row, training, MOST_NEIGHBOURS)


def _rows(descent: Trace, learnt: Node, plan: Pipeline, near: Nearest) -> Iterator[TrainingRow]:
    from lineal.datasets.rows import as_values, row_of

    dataset = handle_of(learnt)
    for neighbour in near.neighbours:
        found = as_values(row_of(dataset, neighbour.row))
        yield TrainingRow(
            row=neighbour.row + 1,
            label=found.get(plan.source.target),
            distance=neighbour.distance,
            shared=neighbour.shared,
            source=_origin(descent, learnt, found, neighbour.row, plan.source.id),
        )


def _origin(descent: Trace, learnt: Node, found: Mapping[str, Any], row: int, key: str | None) -> SourceRow | None:
    """From a training row to the snapshot's, and from there to the source's."""
    node: Node | None = learnt
    if ROW in found:
        row = found[ROW]
        node = next((child for child in learnt.inputs if child.kind == "TABLE"), None)
    record = found.get(key) if key else None
    return None if node is None else source_of(descent.runs, node.name, node.version, row, record)


def _frame(batch: Dataset, row: int) -> Any:
    """The row as a frame, typed as it was when it was scored."""
    from lineal.datasets.frame import as_frame
    from lineal.datasets.rows import row_of

    return as_frame(row_of(batch, row))


def _same(estimator: Any, row: Any, asked: Prediction) -> bool | None:
    """Whether the model gives the recorded prediction again."""
    if asked.value is None:
        return None
    found = estimator.predict(row).tolist()[0]
    if isinstance(asked.value, float):
        return bool(abs(found - asked.value) <= 1e-9 * max(1.0, abs(asked.value)))
    return str(found) == str(asked.value)
