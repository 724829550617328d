"""Give the data of a run to DVC."""

from __future__ import annotations

from dataclasses import dataclass

from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal import Dataset, current_run, traced
from lineal.datasets.pushing import push
from lineal.datasets.versioning import pointer_of
from lineal.models import tracking
from lineal.models.model import TrackedRun
from lineal.orchestration.log import run_logger
from lineal.pipeline import Pipeline


@dataclass(frozen=True)
class Versioned:
    """What came of a run's data versions: sentences for its user, where something did not."""

    warnings: tuple[str, ...] = ()


@task(task_run_name="version {plan.name}", cache_policy=NO_CACHE)
@traced
def version(plan: Pipeline, tables: list[Dataset], tracked: TrackedRun, kept: tuple[str, ...] = ()) -> Versioned:
    """Leave each table's `.dvc` pointer with the MLflow run, and send the tables to the default DVC remote.

    With them goes what else is `kept`: files of the cache, by MD5, without which the run could not be done again.
    """
    pointers = {table: pointer for table in tables if (pointer := pointer_of(table)) is not None}
    with tracking.resume(tracked) as recording:
        for table, pointer in pointers.items():
            recording.artifact_text(pointer.text, f"data/{table.name}.dvc")
    pushed = push([*(pointer.md5 for pointer in pointers.values()), *kept])
    if pushed.remote is not None:
        for table in pointers:
            current_run().pushed(table, to=pushed.remote, problem=pushed.problem)
    if pushed.problem is None:
        run_logger().info("%s: %s versions in the DVC cache, %s pushed", plan.name, len(pointers), pushed.sent)
        return Versioned()
    warning = f"{pushed.waiting} files of the run are not pushed: {pushed.problem}; the next run tries again"
    run_logger().warning("%s: %s", plan.name, warning)
    return Versioned((warning,))
