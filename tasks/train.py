"""Fit the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal import Column, Dataset, Model, current_run, traced
from lineal.datasets.read import to_frame
from lineal.models import leakage, loaded, profile, tracking
from lineal.models.digest import leaves, of_leaves, to_csv
from lineal.models.estimators import named_classes
from lineal.models.fitting import Fitted, features_digest, fit
from lineal.models.groups.scheme import Scheme, learn
from lineal.models.keeping import keep
from lineal.models.preprocessing import feature_origins
from lineal.models.profile import profile_of
from lineal.orchestration.log import run_logger
from lineal.pipeline import Pipeline
from lineal.reports.progress import watched
from lineal.tracing.statements import Origin
from tasks.links import mlflow_facet, mlflow_tags, run_name

EXAMPLE_ROWS = 5
# An event names so many columns by what they tell of the target, the most telling first.
MOST_TOLD = 50


@dataclass(frozen=True)
class Trained:
    """A fitted and logged model, what its user should know of the fit, and what was kept of code and environment.

    `kept` names files of the cache by their MD5; `groups` are those of the training rows, where the plan asks for any.
    """

    model: Model
    warnings: tuple[str, ...]
    kept: tuple[str, ...] = ()
    groups: Scheme | None = None


@task(task_run_name="train {plan.name}", cache_policy=NO_CACHE)
@traced
def train(plan: Pipeline, data: Dataset) -> Trained:
    """Fit the estimator to the training rows, and log it with all that made it."""
    frame = to_frame(data)
    name, tags = run_name(plan), mlflow_tags(plan)
    with tracking.start(plan.name, run_name=name, tags=tags, description=plan.description) as recording:
        recording.params({**plan.parameters(), "pipeline.digest": plan.digest})
        recording.artifact_text(plan.text, f"pipeline/{plan.path.name}")
        recording.dataset(data, "training")
        with watched("Training") as on_progress:
            fitted = fit(plan, frame, on_progress)
        table = leaves(fitted.estimator)
        model_digest = of_leaves(table)
        loaded.remember(model_digest, fitted.estimator)
        _log_fit(recording, fitted)
        # What a batch of new rows will be compared with.
        recording.artifact_text(profile_of(fitted.estimator, frame).to_json(), f"{profile.FOLDER}/{profile.FILE}")
        rows = _example(frame[list(fitted.features)].head(EXAMPLE_ROWS))
        uri = recording.model(
            fitted.estimator,
            input_example=rows,
            output_example=fitted.estimator.predict(rows),
            digest=model_digest,
            requirements=tracking.requirements(),
            trusted=named_classes(plan),
        )
        recording.tags({"lineal.digest": model_digest})
        materials = {**keep(to_csv(table), recording), "featuresDigest": features_digest(fitted, frame)}
        current_run().materials(materials)
        tracked = recording.tracked
    warned = (*fitted.warnings, *_screen(plan, frame, fitted))
    for warning in warned:
        run_logger().warning("%s: %s", plan.name, warning)
    model = Model(
        name=plan.table("model"),
        digest=model_digest,
        uri=uri,
        columns=_columns(plan, data, fitted),
        tracked=tracked,
        description=plan.description,
    )
    _record(plan, data, fitted, model)
    return Trained(model, warned, tuple(file["md5"] for file in materials["files"]), learn(plan, frame))


def _columns(plan: Pipeline, data: Dataset, fitted: Fitted) -> tuple[Column, ...]:
    """What the model takes, and what it predicts.

    Columns, not the features made from them: a one-hot feature is named after a row's value, and no event holds one.
    """
    types = {column.name: column.type for column in data.columns}
    return (*(Column(name, types[name]) for name in _used(fitted)), Column(plan.source.target, fitted.kind))


def _used(fitted: Fitted) -> list[str]:
    used = {column for columns in feature_origins(fitted.estimator).values() for column in columns}
    return [name for name in fitted.features if name in used]


def _example(rows: pd.DataFrame) -> pd.DataFrame:
    """A few rows as MLflow's signature should have them: whole numbers as floats, which may go missing later."""
    whole = [name for name in rows.columns if pd.api.types.is_integer_dtype(rows[name])]
    return rows.astype(dict.fromkeys(whole, "float64"))


def _screen(plan: Pipeline, frame: pd.DataFrame, fitted: Fitted) -> list[str]:
    """Look for columns that alone tell the target, and record what they tell; a sentence on each that gives it away."""
    found = leakage.screen(frame, fitted.features, plan.source.target, fitted.kind)
    current_run().leakage(
        {
            "measure": found.measure,
            "rows": found.rows,
            "looked": len(found.columns),
            "leftOut": found.left_out,
            "columns": [asdict(each) for each in found.columns[:MOST_TOLD]],
        }
    )
    return [each.sentence(plan.source.target, found.measure) for each in found.columns if each.leaks()]


def _log_fit(recording: tracking.Recording, fitted: Fitted) -> None:
    recording.params({f"estimator.{name}": value for name, value in fitted.params.items()})
    recording.metrics({f"train_{name}": value for name, value in fitted.train_metrics.items()})
    if fitted.cv is None:
        return
    for name, scores in fitted.cv.best.scores.items():
        recording.metrics({f"cv_{name}": scores.mean, f"cv_{name}_std": scores.std})
    if len(fitted.cv.trials) > 1:
        recording.nested(
            tracking.Trial(
                name=f"trial {number}",
                params=trial.params,
                metrics={f"cv_{name}": scores.mean for name, scores in trial.scores.items()},
                tags={"lineal.rank": str(trial.rank)},
            )
            for number, trial in enumerate(fitted.cv.trials, 1)
        )


def _record(plan: Pipeline, data: Dataset, fitted: Fitted, model: Model) -> None:
    run = current_run()
    run.parameters({f"model.params.{name}": value for name, value in fitted.params.items()})
    run.parameters({f"model.seeds.{name}": value for name, value in fitted.seeds.items()})
    run.parameters({"model.threads": fitted.threads, "model.kind": fitted.kind})
    # Before anything is held to them, so that the record shows that they were set first.
    judged_by = {key: value for key, value in plan.parameters().items() if key.startswith("evaluate.")}
    run.parameters(judged_by)
    run.metrics(fitted.train_metrics, of="train")
    if fitted.cv is not None:
        run.metrics(
            {name: scores.mean for name, scores in fitted.cv.best.scores.items()},
            of="cross-validation",
            spread={name: scores.std for name, scores in fitted.cv.best.scores.items()},
        )
    run.mlflow(mlflow_facet(model))
    used = _used(fitted)
    learnt = [Origin(data, name, "AGGREGATION") for name in (*used, plan.source.target)]
    features = {name: [Origin(data, name, "TRANSFORMATION")] for name in used}
    run.output(model, columns={**features, plan.source.target: learnt})
