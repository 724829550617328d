"""The links between a run of the lineage, its Prefect flow run and its MLflow run, each way."""

from __future__ import annotations

import json

from lineal import Model, current_run
from lineal.models import tracking
from lineal.models.model import TrackedRun
from lineal.models.registration import Registration
from lineal.orchestration import context
from lineal.orchestration.events import tag_flow_run
from lineal.pipeline import Pipeline
from lineal.tracing.sealing import sealed


def mlflow_tags(plan: Pipeline) -> dict[str, str]:
    """The tags by which an MLflow run leads to the flow run and to the lineage."""
    run = current_run()
    tags = {
        "lineal.pipeline": plan.name,
        "lineal.pipeline_digest": plan.digest,
        "openlineage.run_id": str(run.root.id),
        "openlineage.job": f"{run.root.job.namespace}/{run.root.job.name}",
    }
    if plan.overrides:
        tags["lineal.pipeline_set"] = json.dumps(plan.overrides)
    flow = context.enclosing_flow()
    if flow is not None:
        tags |= {"prefect.flow_run_id": str(flow.id), "prefect.flow_run_name": flow.name}
        page = context.page_of("flow-run", flow.id)
        if page:
            tags["prefect.flow_run_url"] = page
    return tags


def run_name(plan: Pipeline) -> str:
    """The name that an MLflow run shares with its flow run."""
    flow = context.enclosing_flow()
    return flow.name if flow is not None else plan.name


def mlflow_facet(model: Model) -> dict[str, str | None]:
    """What the lineage says of the MLflow run that holds a model."""
    return facet_of(tracked_run(model))


def facet_of(tracked: TrackedRun) -> dict[str, str | None]:
    """What the lineage says of an MLflow run."""
    return {
        "trackingUri": tracked.tracking_uri,
        "experimentId": tracked.experiment_id,
        "runId": tracked.run_id,
        "modelId": tracked.model_id,
        "url": tracked.url,
    }


def tracked_run(model: Model) -> TrackedRun:
    """The MLflow run that holds a model.

    Raises:
        ValueError: it is in none.
    """
    if model.tracked is None:
        raise ValueError(f"{model.name} is in no MLflow run")
    return model.tracked


def tag_with_lineage() -> None:
    """Tag the flow run with its run in the lineage, first of all: what fails is looked for as well."""
    tag_flow_run(f"openlineage:{current_run().root.id}")


def tag_with_mlflow(tracked: TrackedRun) -> None:
    """Tag the flow run with its MLflow run."""
    tag_flow_run(f"mlflow:{tracked.run_id}")


def tell_mlflow(model: Model, settled: Registration) -> None:
    """Tag the MLflow run with what was decided and the log's newest checkpoint, and the flow run with it."""
    tracked, checkpoint = tracked_run(model), sealed()
    with tracking.resume(tracked) as recording:
        if checkpoint is not None:
            # Out of the store's reach: `lineal verify` finds by it that the log was cut off.
            recording.tags({"lineal.checkpoint": f"{checkpoint.number} {checkpoint.digest}"})
        for decision in settled.decisions:
            recording.tags({f"lineal.decision.{decision.action}": decision.reason})
    tag_with_mlflow(tracked)
