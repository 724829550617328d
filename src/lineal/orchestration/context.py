"""What Prefect knows of the call that is running. Imports nothing of Prefect that is not imported already."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from lineal.orchestration.configured import EMBEDDED

if TYPE_CHECKING:
    from prefect.context import FlowRunContext, TaskRunContext


@dataclass(frozen=True, slots=True)
class FlowRun:
    """One attempt of a Prefect flow run.

    Attributes:
        function: the flow's own function, by which it can be told whether it is traced.
    """

    id: UUID
    flow: str
    name: str
    attempt: int
    function: Callable[..., Any]
    tags: tuple[str, ...] = ()
    deployment_id: UUID | None = None
    scheduled_for: datetime | None = None


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One attempt of a Prefect task run; `flow` is None for a task that is called outside a flow."""

    id: UUID
    task: str
    name: str
    attempt: int
    tags: tuple[str, ...]
    upstream: tuple[UUID, ...]
    flow: FlowRun | None


def execution_of(function: Callable[..., Any]) -> FlowRun | TaskRun | None:
    """The Prefect run whose body `function` is; None for a plain call, also one inside a run."""
    flow, task = _contexts()
    if task is not None and task.task.fn is function:
        return TaskRun(
            id=task.task_run.id,
            task=task.task.name,
            name=task.task_run.name or task.task.name,
            attempt=max(task.task_run.run_count, 1),
            tags=tuple(sorted(task.task_run.tags or ())),
            upstream=_upstream(task),
            flow=_flow_run(flow),
        )
    if flow is not None and flow.flow is not None and flow.flow.fn is function:
        return _flow_run(flow)
    return None


def enclosing_flow() -> FlowRun | None:
    """The flow run that the current call is in, on this machine or on a task runner's worker."""
    return _flow_run(_contexts()[0])


def version() -> str | None:
    """Prefect's version, where it is in use."""
    prefect = sys.modules.get("prefect")
    return str(prefect.__version__) if prefect is not None else None


def page_of(kind: Literal["flow-run", "task-run"], run: UUID) -> str | None:
    """The run's page in Prefect's UI, where the settings name one."""
    # An embedded server ends with its run, and a page of it would lead nowhere.
    if "prefect.settings" not in sys.modules or os.environ.get(EMBEDDED):
        return None
    from prefect.settings import PREFECT_UI_URL

    base = PREFECT_UI_URL.value()
    return f"{str(base).rstrip('/')}/runs/{kind}/{run}" if base else None


@lru_cache(maxsize=64)
def deployment_name(deployment_id: UUID) -> str | None:
    """The deployment's name as Prefect writes it, `flow/deployment`; one call to its API."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        deployment = client.read_deployment(deployment_id)
        flow = client.read_flow(deployment.flow_id)
    return f"{flow.name}/{deployment.name}"


def _contexts() -> tuple[FlowRunContext | None, TaskRunContext | None]:
    context = sys.modules.get("prefect.context")
    if context is None:
        return None, None
    return context.FlowRunContext.get(), context.TaskRunContext.get()


def _flow_run(context: FlowRunContext | None) -> FlowRun | None:
    if context is None or context.flow is None or context.flow_run is None:
        return None
    run = context.flow_run
    return FlowRun(
        id=run.id,
        flow=context.flow.name,
        name=run.name,
        attempt=max(run.run_count, 1),
        function=context.flow.fn,
        tags=tuple(sorted(run.tags or ())),
        deployment_id=run.deployment_id,
        scheduled_for=run.expected_start_time if run.auto_scheduled else None,
    )


def _upstream(task: TaskRunContext) -> tuple[UUID, ...]:
    inputs = task.task_run.task_inputs or {}
    found = (getattr(source, "id", None) for sources in inputs.values() for source in sources)
    return tuple(dict.fromkeys(run for run in found if isinstance(run, UUID)))


def state_of(result: Any) -> Literal["COMPLETE", "FAIL", "ABORT"] | None:
    """The end that a returned Prefect state stands for; None for any other value."""
    objects = sys.modules.get("prefect.client.schemas.objects")
    if objects is None or not isinstance(result, objects.State):
        return None
    if result.is_cancelled() or result.is_cancelling():
        return "ABORT"
    return "FAIL" if result.is_failed() or result.is_crashed() else "COMPLETE"


def is_cancellation(error: BaseException) -> bool:
    """Whether an exception is Prefect's way of ending a run from outside."""
    exceptions = sys.modules.get("prefect.exceptions")
    return exceptions is not None and isinstance(
        error, (exceptions.TerminationSignal, exceptions.CancelledRun, exceptions.Abort)
    )
