"""Register the model, and decide who holds the alias."""

from __future__ import annotations

from dataclasses import asdict

from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal import Model, current_run, traced
from lineal.models.judgement import Judgement
from lineal.models.registration import Decision, Registration, settle
from lineal.orchestration.events import Name, emit
from lineal.orchestration.log import run_logger
from lineal.pipeline import Pipeline
from lineal.tracing.statements import Origin
from tasks.links import mlflow_facet, tell_mlflow

_EVENTS: dict[str, Name] = {
    "register": "lineal.model.registered",
    "move-alias": "lineal.alias.moved",
    "reject": "lineal.gate.failed",
}


@task(task_run_name="register {plan.name}", cache_policy=NO_CACHE)
@traced
def register(plan: Pipeline, model: Model, judgement: Judgement) -> Registration:
    """Register the model if its gates hold; it gets the alias if it beats the holder."""
    settled = settle(plan, model, judgement)
    run = current_run()
    run.mlflow(mlflow_facet(model))
    if settled.model is not None:
        # The same model under another name: its columns are those that it was fitted with.
        same = {column.name: [Origin(model, column.name, "IDENTITY")] for column in model.columns}
        run.output(settled.model, columns=same)
    if settled.decisions:
        run.decisions([asdict(decision) for decision in settled.decisions], by=f"the rules of pipeline {plan.name}")
    tell_mlflow(model, settled)
    for decision in settled.decisions:
        run_logger().info("%s %s: %s", decision.action, decision.name, decision.reason)
        _announce(plan, decision)
    return settled


def _announce(plan: Pipeline, decision: Decision) -> None:
    event = _EVENTS.get(decision.action)
    if event is None:
        return
    version = f".{decision.number}" if decision.number is not None else ""
    resource = {
        "prefect.resource.id": f"lineal.model.{decision.name}{version}",
        "prefect.resource.name": decision.name,
        "lineal.pipeline": plan.name,
    }
    emit(event, resource, payload={key: value for key, value in asdict(decision).items() if value is not None})
