"""Hold the data to its contract."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal import current_run, traced
from lineal.datasets.checks import require, run_checks
from lineal.datasets.contract import validate
from lineal.datasets.profile import ColumnProfile, profile
from lineal.datasets.snapshot import Snapshot
from lineal.orchestration.log import run_logger
from lineal.pipeline import Pipeline
from lineal.tracing.statements import Assertion


@task(task_run_name="check {plan.name}", cache_policy=NO_CACHE)
@traced
def check(plan: Pipeline, snapshot: Snapshot) -> None:
    """Hold the snapshot to the pipeline's checks; the first that does not hold ends the run."""
    validate(plan, snapshot)
    found = profile(snapshot.dataset)
    results = run_checks(plan, snapshot.dataset, snapshot.sources)
    current_run().input(
        snapshot.dataset,
        rows=found.rows,
        columns={name: _figures(column) for name, column in found.columns.items()},
        assertions=[
            Assertion(result.assertion, result.success, result.column, result.expected, result.actual)
            for result in results
        ],
    )
    require(results)
    run_logger().info("%s: %s checks hold", snapshot.dataset.name, len(plan.checks))


def _figures(column: ColumnProfile) -> dict[str, float | None]:
    return {"nullCount": column.nulls, "distinctCount": column.distinct, "min": column.min, "max": column.max}
