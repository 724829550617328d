"""Hand a copy of the predictions to whoever asked for one."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal import Dataset, current_run, traced
from lineal.datasets.export import export as copy
from lineal.tracing.statements import Origin


@task(task_run_name="export {out}", cache_policy=NO_CACHE)
@traced
def export(predictions: Dataset, out: Path, force: bool = False) -> Dataset:
    """Write the predictions to a file of the user's own, as Parquet or CSV."""
    written = copy(predictions, out, force=force)
    names = [column.name for column in predictions.columns]
    current_run().output(written, columns={name: [Origin(predictions, name)] for name in names})
    return written
