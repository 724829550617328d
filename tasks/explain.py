"""Explain the model."""

from __future__ import annotations

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal import Dataset, Model, current_run, traced
from lineal.datasets.read import to_frame
from lineal.datasets.table import write_table
from lineal.models import tracking
from lineal.models.estimators import named_classes
from lineal.models.explanation import Importances, importances
from lineal.models.loaded import estimator_of
from lineal.models.plots import top_features
from lineal.pipeline import Pipeline
from lineal.reports.progress import watched
from lineal.tracing.statements import Origin
from tasks.links import mlflow_facet, tracked_run


@task(task_run_name="explain {plan.name}", cache_policy=NO_CACHE)
@traced
def explain(plan: Pipeline, model: Model, test: Dataset) -> Dataset:
    """Find what the model's predictions rest on: the estimator's own importances, and what a shuffled column costs."""
    with tracking.resume(tracked_run(model)) as recording, watched("Explaining") as on_progress:
        found = importances(plan, estimator_of(model, trusted=named_classes(plan)), to_frame(test), on_progress)
        table = _table(found)
        recording.artifact_table(table.to_pandas(), "importances/importances.csv")
        recording.artifact_figure(top_features(found), "plots/feature_importance.png")
    run = current_run()
    run.parameters({"importances.metric": found.metric, "importances.rows": found.rows, "importances.seed": found.seed})
    run.mlflow(mlflow_facet(model))
    written = write_table(table, plan.table("importances"))
    target = plan.source.target
    judged = [Origin(test, name, "AGGREGATION") for name in dict.fromkeys((*(c.name for c in model.columns), target))]
    judged.append(Origin(model, target, "AGGREGATION"))
    run.output(written, columns=dict.fromkeys(("importance", "std"), judged))
    return written


def _table(found: Importances) -> pa.Table:
    """Both kinds of importance, a row each: of a raw column by permutation, of a feature by the estimator itself."""
    rows: list[tuple[str, str, str, float, float | None]] = [
        ("permutation", each.column, each.column, each.mean, each.std) for each in found.permuted
    ]
    rows += [(found.own_kind or "", each.feature, ", ".join(each.columns), each.value, None) for each in found.own]
    names = ("kind", "feature", "columns", "importance", "std")
    types = (pa.string(), pa.string(), pa.string(), pa.float64(), pa.float64())
    values = [[row[place] for row in rows] for place in range(len(names))]
    return pa.table([pa.array(column, kind) for column, kind in zip(values, types, strict=True)], names=names)
