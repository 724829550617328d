"""Explain a model: what its predictions rest on, by every measure there is, led back to source columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lineal import settings
from lineal.datasets.hashing import writing
from lineal.errors import LinealError, SourceError
from lineal.questions.explanation import fitted, training_node
from lineal.questions.lookup import ModelRow
from lineal.questions.prediction import handle, handle_of, parameters_of
from lineal.questions.trace import RunDetail, Trace
from lineal.questions.trace import trace as trace_subject
from lineal.store.log import Store
from lineal.subjects import Subject

if TYPE_CHECKING:
    from lineal.models.attribution import MeanAbsolute

# So many held-out rows are attributed at most.
MOST_ROWS = 500
_PERMUTATION = "permutation"


@dataclass(frozen=True, slots=True)
class OwnImportance:
    """What the estimator itself says of a feature, such as `colour=red`."""

    feature: str
    value: float


@dataclass(frozen=True, slots=True)
class ColumnImportance:
    """How much a model's predictions rest on a source column; None where a measure says nothing of it.

    Attributes:
        column: of the source.
        permutation: how much the metric falls when the column is shuffled, the mean over the repeats.
        permutation_std: over the repeats.
        own: what the estimator itself says, summed over the column's features.
        shap: the mean absolute contribution to the output.
        shap_error: standard error of that mean.
        features: made from the column, the most important by `own` first.
    """

    column: str
    permutation: float | None = None
    permutation_std: float | None = None
    own: float | None = None
    shap: float | None = None
    shap_error: float | None = None
    features: tuple[OwnImportance, ...] = ()


@dataclass(frozen=True, slots=True)
class Shap:
    """How the mean absolute contributions were found.

    Attributes:
        method: `tree`, `linear` or `sampled`.
        unit: of the figures.
        rows: how many held-out rows they are the mean over.
        seed: by which these were drawn.
        note: why contributions were sampled, where that is not the model's own way.
    """

    method: str
    unit: str
    rows: int
    seed: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ModelExplanation:
    """What a model's predictions rest on.

    Attributes:
        subject: the model version.
        model: as the index has it.
        target: what it predicts.
        metric: what a shuffled column makes fall; None where nothing is on record.
        rows: how many held-out rows were shuffled.
        own_kind: `feature_importances_`, `coef_` (absolute), or None where the estimator says nothing.
        shap: how the contributions were found; None where they could not be.
        columns: by permutation, the most important first.
        missing: what cannot be shown, a sentence each.
    """

    subject: str
    model: ModelRow
    target: str
    metric: str | None
    rows: int | None
    own_kind: str | None
    shap: Shap | None
    columns: tuple[ColumnImportance, ...]
    missing: tuple[str, ...] = ()


def explain(store: Store, subject: Subject) -> ModelExplanation:
    """Gather what is on record of a model's importances, and its mean absolute SHAP values.

    The latter are computed on a sample of the held-out rows, and kept under `LINEAL_HOME` for the next time.

    Args:
        store: the lineage store.
        subject: `model:NAME@VERSION_OR_ALIAS`.

    Raises:
        SubjectError: unknown or ambiguous.
        EstimatorError: the model is not the one on record, or cannot be loaded.
    """
    descent = trace_subject(store, subject)
    assert descent.model is not None  # noqa: S101 - a model was asked for
    missing: list[str] = []
    run = _explaining(descent)
    table = _recorded(run, missing)
    found, seed = _shap(descent, run, missing)
    parameters = parameters_of(run)
    own = [row for row in table if row["kind"] not in ("", _PERMUTATION)]
    rows = parameters.get("importances.rows")
    return ModelExplanation(
        subject=descent.subject,
        model=descent.model,
        target=parameters_of(descent.flow).get("source.target", ""),
        metric=parameters.get("importances.metric"),
        rows=int(rows) if rows else None,
        own_kind=own[0]["kind"] if own else None,
        shap=Shap(found["method"], found["unit"], found["rows"], seed, found["note"]) if found else None,
        columns=_columns(table, found),
        missing=tuple(missing),
    )


def _explaining(descent: Trace) -> RunDetail | None:
    """The run that found the importances of the model, the newest of such."""
    assert descent.model is not None  # noqa: S101 - as above
    digest = descent.model.digest
    found = [
        run
        for run in descent.runs
        if run.state == "COMPLETE"
        and any(_version(read) == digest for read in run.inputs)
        and any(out["name"].endswith(".importances") for out in run.outputs)
    ]
    return found[-1] if found else None


def _recorded(run: RunDetail | None, missing: list[str]) -> list[dict[str, Any]]:
    from lineal.datasets.read import to_table

    if run is None:
        missing.append("no importances are on record for this model")
        return []
    made = next(out for out in run.outputs if out["name"].endswith(".importances"))
    try:
        rows: list[dict[str, Any]] = to_table(handle(made)).to_pylist()
    except LinealError as problem:
        missing.append(str(problem))
        return []
    return rows


def _columns(table: list[dict[str, Any]], found: Mapping[str, Any] | None) -> tuple[ColumnImportance, ...]:
    permuted = {row["columns"]: row for row in table if row["kind"] == _PERMUTATION}
    features: dict[str, list[OwnImportance]] = {}
    for row in table:
        if row["kind"] not in ("", _PERMUTATION):
            features.setdefault(row["columns"], []).append(OwnImportance(row["feature"], row["importance"]))
    moved: dict[str, float] = found["means"] if found else {}
    errors = dict(zip(moved, found["errors"], strict=True)) if found else {}
    # By permutation where it is on record, else by what is.
    names = dict.fromkeys([*permuted, *moved, *features])
    return tuple(
        ColumnImportance(
            column=name,
            permutation=_figure(permuted.get(name, {}).get("importance")),
            permutation_std=_figure(permuted.get(name, {}).get("std")),
            own=sum(each.value for each in features[name]) if name in features else None,
            shap=moved.get(name),
            shap_error=errors.get(name),
            features=tuple(sorted(features.get(name, ()), key=lambda each: -each.value)),
        )
        for name in names
    )


def _shap(descent: Trace, run: RunDetail | None, missing: list[str]) -> tuple[dict[str, Any] | None, int]:
    """A `MeanAbsolute` over a sample of the rows that the importances were found on, as plain data, and their seed.

    What was kept is read without the library that made it, whose import takes longer.
    """
    held = next((read for read in run.inputs if _version(read) != _digest(descent)), None) if run else None
    learnt = training_node(descent)
    rows = handle(held) if held else handle_of(learnt) if learnt else None
    if rows is None:
        missing.append("no rows of this model are on record to attribute its output on")
        return None, 0
    seed = int(parameters_of(run).get("importances.seed") or 0)
    # Another version of either library may find other values.
    name = f"{_digest(descent)[:32]}-{(rows.version or '')[:32]}-{seed}-{version('lineal')}-{version('shap')}.json"
    kept = settings.home() / "explanations" / name
    try:
        told: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return told | {"means": dict(told["means"])}, seed
    except (OSError, ValueError, TypeError, KeyError):
        # None there yet, or damaged: it is made again.
        pass
    found = _computed(descent, rows, seed, missing)
    if found is None:
        return None, seed
    told = asdict(found)
    with writing(kept.parent):
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_suffix(f".{uuid4().hex}.tmp")
        temporary.write_text(json.dumps(told), encoding="utf-8")
        temporary.replace(kept)
    return told | {"means": dict(told["means"])}, seed


def _computed(descent: Trace, rows: Any, seed: int, missing: list[str]) -> MeanAbsolute | None:
    from threadpoolctl import threadpool_limits

    from lineal.models.attribution import NotAttributableError, mean_absolute
    from lineal.models.inorder import in_order
    from lineal.models.training_rows import TrainingRows

    estimator, plan = fitted(descent)
    learnt = training_node(descent)
    try:
        with threadpool_limits(limits=plan.model.threads), in_order(estimator):
            sample = TrainingRows(estimator, rows).sample(MOST_ROWS, seed)
            training = TrainingRows(estimator, handle_of(learnt)) if learnt else None
            return mean_absolute(estimator, sample, training, target=plan.source.target, seed=seed)
    except (SourceError, NotAttributableError) as problem:
        missing.append(f"SHAP values: {problem}")
        return None


def _digest(descent: Trace) -> str:
    return descent.model.digest if descent.model else ""


def _version(dataset: Mapping[str, Any]) -> str | None:
    return ((dataset.get("facets") or {}).get("version") or {}).get("datasetVersion")


def _figure(value: float | None) -> float | None:
    return None if value is None or value != value else value
