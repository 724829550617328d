"""Compare a batch with what its model learnt from."""

from __future__ import annotations

import re
from dataclasses import asdict

from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal import Dataset, current_run, traced
from lineal.models import profile, tracking
from lineal.models.chosen import Chosen
from lineal.models.drift import Drift, compare
from lineal.models.model import TrackedRun
from lineal.orchestration.events import emit, table_artifact
from lineal.orchestration.log import run_logger
from lineal.pipeline import Drift as Limits
from lineal.reports.prediction import drift_rows
from lineal.reports.progress import watched
from tasks.links import facet_of, tracked_run

# MLflow shows each figure as a chart of its own: of wide tables only those columns that differ most.
_MOST_CHARTS = 100


@task(task_run_name="drift {chosen.plan.name}", cache_policy=NO_CACHE)
@traced
def drift(chosen: Chosen, batch: Dataset, tracked: TrackedRun) -> Drift | None:
    """Compare the batch with the rows that the model learnt from; over the pipeline's limits, tell Prefect."""
    texts = tracking.artifact_texts(tracked_run(chosen.model).run_id, profile.FOLDER)
    run = current_run()
    run.mlflow(facet_of(tracked))
    if profile.FILE not in texts:
        run_logger().warning("%s was trained without a profile of its rows; drift is not judged", chosen.subject)
        return None
    with watched("Comparing") as on_progress:
        found = compare(profile.Profile.from_json(texts[profile.FILE]), batch, chosen.plan.drift, on_progress)
    run.drift(_facet(found, chosen.plan.drift))
    with tracking.resume(tracked) as recording:
        recording.metrics(_figures(found))
    key = re.sub(r"[^a-z0-9-]+", "-", chosen.plan.name.lower())
    table_artifact(f"{key}-drift", drift_rows(found), f"A batch of {chosen.plan.name} beside the training rows")
    for note in found.notes:
        run_logger().warning("%s: %s", chosen.plan.name, note)
    if found.drifted:
        _announce(chosen, batch, found)
    return found


def _announce(chosen: Chosen, batch: Dataset, found: Drift) -> None:
    named = ", ".join(f"{column.column} ({', '.join(column.over)})" for column in found.drifted)
    run_logger().warning("%s: drift in %s", chosen.plan.name, named)
    resource = {
        # The version apart, so that an automation can be about the model whichever version holds the alias.
        "prefect.resource.id": f"lineal.model.{chosen.name}",
        "prefect.resource.name": chosen.name,
        "lineal.pipeline": chosen.plan.name,
        "lineal.model.version": str(chosen.number),
    }
    columns = [
        {"column": column.column, "over": list(column.over), "psi": column.psi, "ks": column.ks}
        for column in found.drifted[:50]
    ]
    payload = {"rows": found.rows, "batch": batch.version, "columns": columns, "drifted": len(found.drifted)}
    emit("lineal.drift.detected", resource, payload=payload)


def _facet(found: Drift, limits: Limits) -> dict[str, object]:
    return {
        "rows": found.rows,
        "trainingRows": found.training_rows,
        "drifted": bool(found.drifted),
        "limits": limits.model_dump(include={"psi", "ks", "missing", "unseen", "significance"}),
        "columns": [
            {
                "column": column.column,
                "kind": column.kind,
                "psi": column.psi,
                "ks": column.ks,
                "chi2": column.chi2,
                "pValue": column.p_value,
                "missing": column.missing,
                "missingTraining": column.missing_training,
                "unseen": column.unseen,
                "over": list(column.over),
            }
            for column in found.columns
        ],
    }


def _figures(found: Drift) -> dict[str, float]:
    figures = {"drift_columns": float(len(found.drifted))}
    for measure in ("psi", "ks", "missing", "unseen"):
        values = {each["column"]: each[measure] for each in map(asdict, found.columns) if each[measure] is not None}
        if values:
            figures[f"drift_{measure}_max"] = max(values.values())
        for column in list(values)[:_MOST_CHARTS]:
            figures[f"drift_{measure}/{column}"] = values[column]
    return figures
