"""Read the source."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal import current_run, traced
from lineal.datasets.snapshot import Snapshot
from lineal.datasets.sources import ingest as read
from lineal.errors import UnreachableError
from lineal.orchestration.log import run_logger
from lineal.pipeline import Pipeline
from lineal.reports.progress import watched
from lineal.tracing.statements import Origin


def is_silence(_task: Any, _run: Any, state: Any) -> bool:
    """Whether a source did not answer; one that answers wrongly will do so again."""
    return isinstance(state.result(raise_on_failure=False), UnreachableError)


@task(
    task_run_name="ingest {plan.name}",
    retries=2,
    retry_delay_seconds=[1, 5],
    retry_condition_fn=is_silence,
    cache_policy=NO_CACHE,
)
@traced
def ingest(plan: Pipeline) -> Snapshot:
    """Read the source into an immutable snapshot."""
    with watched("Reading", in_bytes=plan.source.query is None) as on_progress:
        snapshot = read(plan, on_progress=on_progress)
    run = current_run()
    if plan.source.query is not None:
        run.query(plan.source.query)
    for source in snapshot.sources:
        run.input(source)
    columns = [column.name for column in snapshot.dataset.columns]
    run.output(
        snapshot.dataset, columns={name: [Origin(source, name) for source in snapshot.sources] for name in columns}
    )
    run_logger().info(
        "%s: %s rows from %s source(s), version %s",
        snapshot.dataset.name,
        snapshot.dataset.rows,
        len(snapshot.sources),
        snapshot.dataset.version,
    )
    return snapshot
