"""Score a batch."""

from __future__ import annotations

from dataclasses import dataclass

from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal import Dataset, current_run, traced
from lineal.models import tracking
from lineal.models.batch import Held, signature
from lineal.models.chosen import Chosen
from lineal.models.estimators import named_classes
from lineal.models.loaded import estimator_of
from lineal.models.model import TrackedRun
from lineal.models.scoring import ROW_NUMBER, Scores
from lineal.models.scoring import score as predict
from lineal.orchestration.log import run_logger
from lineal.reports.progress import watched
from lineal.tracing.statements import Origin
from tasks.links import facet_of, mlflow_tags, run_name, tag_with_mlflow, tracked_run


@dataclass(frozen=True)
class Scored:
    """A batch's predictions, and the MLflow run that tells of them."""

    scores: Scores
    tracked: TrackedRun


@task(task_run_name="score {chosen.plan.name}", cache_policy=NO_CACHE)
@traced
def score(chosen: Chosen, batch: Dataset, held: Held) -> Scored:
    """Predict every row of the batch, each with an id."""
    plan, model, run = chosen.plan, chosen.model, current_run()
    estimator = estimator_of(model, trusted=named_classes(plan))
    tags = {
        **mlflow_tags(plan),
        "lineal.kind": "prediction",
        "lineal.model": chosen.subject,
        "lineal.digest": model.digest,
    }
    with tracking.start(plan.name, run_name=run_name(plan), tags=tags) as recording:
        tag_with_mlflow(recording.tracked)
        recording.dataset(batch, "prediction")
        recording.used_model(tracked_run(model))
        with watched("Scoring") as on_progress:
            scores = predict(
                estimator,
                batch,
                plan.table("predictions"),
                run_id=run.ref.id,
                version=chosen.number,
                id_column=held.id,
                threads=plan.model.threads,
                on_progress=on_progress,
            )
        figures = _figures(scores)
        recording.metrics({"rows": float(scores.predictions.rows or 0), **figures})
        recording.tags({"lineal.predictions": scores.predictions.version or "", "lineal.prediction_id": scores.example})
        tracked = recording.tracked
    run.mlflow(facet_of(tracked))
    run.metrics(figures, of="predictions")
    run.prediction(
        {
            "model": chosen.name,
            "version": chosen.number,
            "digest": model.digest,
            "askedBy": chosen.alias,
            "aliases": list(chosen.aliases),
            "rows": scores.predictions.rows,
            "idPrefix": scores.prefix,
        }
    )
    used = [each.name for each in signature(estimator)]
    learnt = [*(Origin(batch, name, "TRANSFORMATION") for name in used)]
    learnt.append(Origin(model, plan.source.target, "TRANSFORMATION"))
    made = {
        column.name: learnt
        for column in scores.predictions.columns
        if column.name not in (held.id, ROW_NUMBER, "prediction_id", "model_version")
    }
    named = {held.id: [Origin(batch, held.id)]} if held.id else {}
    run.output(scores.predictions, columns={**named, **made})
    run_logger().info(
        "%s: %s rows by %s, version %s",
        scores.predictions.name,
        scores.predictions.rows,
        chosen.subject,
        scores.predictions.version,
    )
    return Scored(scores, tracked)


def _figures(scores: Scores) -> dict[str, float]:
    if scores.spread is not None:
        return {"prediction_mean": scores.spread.mean, "prediction_min": scores.spread.min} | {
            "prediction_max": scores.spread.max
        }
    return {f"share_{share.label}": share.share for share in scores.shares}
