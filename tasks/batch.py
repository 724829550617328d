"""Read a batch, and hold it to what its model takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal import Model, current_run, traced
from lineal.datasets.checks import require
from lineal.datasets.snapshot import Snapshot
from lineal.datasets.sources import read as read_source
from lineal.models.batch import Held, hold
from lineal.models.estimators import named_classes
from lineal.models.loaded import estimator_of
from lineal.orchestration.log import run_logger
from lineal.pipeline import Pipeline
from lineal.reports.progress import watched
from lineal.tracing.statements import Assertion, Origin
from tasks.ingest import is_silence


@task(
    task_run_name="read {plan.name}",
    retries=2,
    retry_delay_seconds=[1, 5],
    retry_condition_fn=is_silence,
    cache_policy=NO_CACHE,
)
@traced
def read(plan: Pipeline, data: str, query: str | None = None, learnt: Mapping[str, str] | None = None) -> Snapshot:
    """Read the rows to be scored into an immutable version of the pipeline's batch table.

    Args:
        plan: the pipeline.
        data: the source of the rows.
        query: the SQL that gives the rows.
        learnt: the types of the columns that the model takes, which the rows are read as.
    """
    with watched("Reading", in_bytes=query is None) as on_progress:
        batch = read_source(
            data, plan.table("batch"), query=query, learnt=learnt, folder=Path.cwd(), on_progress=on_progress
        )
    run = current_run()
    if query is not None:
        run.query(query)
    for source in batch.sources:
        run.input(source)
    names = [column.name for column in batch.dataset.columns]
    run.output(batch.dataset, columns={name: [Origin(source, name) for source in batch.sources] for name in names})
    run_logger().info("%s: %s rows, version %s", batch.dataset.name, batch.dataset.rows, batch.dataset.version)
    return batch


@task(task_run_name="check {plan.name}", cache_policy=NO_CACHE)
@traced
def check(plan: Pipeline, model: Model, batch: Snapshot) -> Held:
    """Hold the batch to the model's signature and to the pipeline's checks; what does not hold ends the run."""
    held = hold(estimator_of(model, trusted=named_classes(plan)), plan, batch)
    current_run().input(
        batch.dataset,
        assertions=[
            Assertion(result.assertion, result.success, result.column, result.expected, result.actual)
            for result in held.checks
        ],
    )
    require(held.checks)
    for note in held.notes:
        run_logger().warning("%s: %s", plan.name, note)
    return held
