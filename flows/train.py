"""The main job: from a source to a registered model and its whole pedigree."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run

from lineal import traced
from tasks.approve import ask_for_approval
from tasks.check import check
from tasks.evaluate import evaluate
from tasks.explain import explain
from tasks.ingest import ingest
from tasks.links import tracked_run
from tasks.plan import plan
from tasks.publish import Result, publish
from tasks.recalled import refuse_recalled
from tasks.register import register
from tasks.split import split
from tasks.train import train as fit
from tasks.version import version


def _name() -> str:
    given = flow_run.parameters or {}
    return f"train {Path(str(given.get('pipeline', ''))).stem}"


@flow(name="train", flow_run_name=_name)
@traced
def train(
    pipeline: Path,
    data: str | None = None,
    overrides: list[str] | None = None,
    allow_recalled: bool = False,
    approval_minutes: float = 60,
) -> Result:
    """Ingest, check, split, train, evaluate, explain and register what a pipeline file says.

    Args:
        pipeline: the TOML file.
        data: a source that takes the place of the file's.
        overrides: `KEY=VALUE` in place of the file's values.
        allow_recalled: whether data that was recalled may be trained on.
        approval_minutes: how long a deployed run waits for an approval that the pipeline file asks for.
    """
    planned = plan(pipeline, data, overrides or ())
    snapshot = ingest(planned)
    refuse_recalled(snapshot, allowed=allow_recalled)
    check(planned, snapshot)
    parts = split(planned, snapshot.dataset)
    trained = fit(planned, parts.train)
    judgement = evaluate(planned, trained.model, parts.test, trained.groups)
    importances = explain(planned, trained.model, parts.test)
    registration = register(planned, trained.model, judgement)
    tables = [snapshot.dataset, parts.train, parts.test, judgement.predictions, importances]
    kept = version(planned, tables, tracked_run(trained.model), trained.kept)
    result = publish(planned, snapshot, parts, trained, judgement, importances, registration, kept)
    ask_for_approval(planned, registration, approval_minutes)
    return result
