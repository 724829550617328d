"""Hold rows out."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE
from sklearn.base import is_classifier

from lineal import Dataset, current_run, traced
from lineal.datasets.overlap import overlap
from lineal.datasets.split import Split
from lineal.datasets.split import split as divide
from lineal.models.estimators import build
from lineal.orchestration.log import run_logger
from lineal.pipeline import Pipeline
from lineal.tracing.statements import Origin, Outcome


@task(task_run_name="split {plan.name}", cache_policy=NO_CACHE)
@traced
def split(plan: Pipeline, snapshot: Dataset) -> Split:
    """Hold rows out of training, to judge the model on."""
    parts = divide(plan, snapshot, classification=is_classifier(build(plan)))
    run = current_run()
    run.parameters({"split.method": parts.method, "split.seed": parts.seed})
    names = [column.name for column in snapshot.columns]
    for side, part in (("train", parts.train), ("test", parts.test)):
        run.output(
            part,
            columns={name: [Origin(snapshot, name)] for name in names},
            part={"side": side, "method": parts.method, "seed": parts.seed},
        )
    found = overlap(plan, parts.train, parts.test)
    counts = {"rows in both parts": found.rows, "ids in both parts": found.ids}
    run.tests(Outcome(name, not n, "split", "0", str(n)) for name, n in counts.items() if n is not None)
    # How many of these are too many is for whoever judges: of a few short columns many rows are the same by right.
    repeats = f"{found.repeats} of {found.held_out}"
    run.tests([Outcome("held-out rows that repeat a training row", None, "split", actual=repeats)])
    run_logger().info(
        "%s: %s rows to train, %s held out (%s)", plan.name, parts.train.rows, parts.test.rows, parts.method
    )
    if parts.note:
        run_logger().warning("%s: %s", plan.name, parts.note)
    return parts
