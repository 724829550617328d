"""What Prefect knows of the call that is running. Imports nothing of Prefect that is not imported already."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from lineal.orchestration.configured import EMBEDDED

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State
    from prefect.context import FlowRunContext, TaskRunContext


@dataclass(frozen=True, slots=True)
class FlowRun:
    """One attempt of a Prefect flow run.

    Attributes:
        function: the flow's own function, by which it can be told whether it is traced.
        parent_task_run_id: of a subflow's run, or of a deployment's that a flow asked for, the task run that stands for
            it in that flow.
        paused: whether this attempt was paused before, so that its function may be starting anew.
    """

    id: UUID
    flow: str
    name: str
    attempt: int
    function: Callable[..., Any]
    created: datetime | None = None
    tags: tuple[str, ...] = ()
    deployment_id: UUID | None = None
    scheduled_for: datetime | None = None
    parent_task_run_id: UUID | None = None
    paused: bool = False

    @property
    def nested(self) -> bool:
        """Whether it is a run within another flow's."""
        return self.parent_task_run_id is not None


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


def is_flow_or_task(thing: object) -> bool:
    """Whether something is a Prefect flow or task, and no function."""
    kinds = (("prefect.flows", "Flow"), ("prefect.tasks", "Task"))
    return any(
        module in sys.modules and isinstance(thing, getattr(sys.modules[module], kind)) for module, kind in kinds
    )


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


def flow_run_of(task_run_id: UUID) -> UUID | None:
    """The flow run that a task run is of; one call to Prefect's API."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_task_run(task_run_id).flow_run_id


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
        created=run.created,
        tags=tuple(sorted(run.tags or ())),
        deployment_id=run.deployment_id,
        scheduled_for=run.expected_start_time if run.auto_scheduled else None,
        parent_task_run_id=run.parent_task_run_id,
        # Prefect forgets them with each new attempt.
        paused=bool(run.empirical_policy.pause_keys),
    )


def _upstream(task: TaskRunContext) -> tuple[UUID, ...]:
    inputs = task.task_run.task_inputs or {}
    found = (getattr(source, "id", None) for sources in inputs.values() for source in sources)
    return tuple(dict.fromkeys(run for run in found if isinstance(run, UUID)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Prefect makes of a returned value that is, or holds, states.

    Attributes:
        state: the returned state's name; None for several states.
        message: why it is no success.
    """

    kind: Literal["COMPLETE", "FAIL", "ABORT"]
    state: str | None = None
    message: str | None = None


def settled(result: Any) -> Any:
    """A flow's result as Prefect is about to judge it: it waits for futures, and puts their states in their place."""
    futures = sys.modules.get("prefect.futures")
    return result if futures is None else futures.resolve_futures_to_states(result)


def verdict_on(result: Any) -> Verdict | None:
    """What a returned state, or a list of states, says of the run that returned it; None for any other value."""
    states = _states(result)
    if not states:
        return None
    name = states[0].name if states[0] is result else None
    if all(state.is_completed() for state in states):
        return Verdict("COMPLETE", name)
    wrong = next((state for state in states if state.is_cancelled() or state.is_cancelling()), None)
    kind: Literal["FAIL", "ABORT"] = "FAIL" if wrong is None else "ABORT"
    wrong = wrong or next(state for state in states if not state.is_completed())
    error = getattr(wrong.data, "result", wrong.data)
    said = wrong.message or (str(error) if isinstance(error, BaseException) else None)
    return Verdict(kind, name, said or f"the state {wrong.name} was returned")


def contents_of(result: Any) -> Any:
    """What a returned value holds, for states what they were made with."""
    states = _states(result)
    return [getattr(state.data, "result", state.data) for state in states] if states else result


def _states(result: Any) -> list[State[Any]]:
    objects = sys.modules.get("prefect.client.schemas.objects")
    found = list(result) if isinstance(result, (list, tuple, set)) else [result]
    return found if objects is not None and all(isinstance(each, objects.State) for each in found) else []


def is_suspension(error: BaseException) -> bool:
    """Whether an exception is Prefect's way of leaving a run that is to be taken up again."""
    exceptions = sys.modules.get("prefect.exceptions")
    return exceptions is not None and isinstance(error, exceptions.Pause)


def is_cancellation(error: BaseException) -> bool:
    """Whether an exception is Prefect's way of ending a run from outside."""
    exceptions = sys.modules.get("prefect.exceptions")
    return exceptions is not None and isinstance(
        error, (exceptions.TerminationSignal, exceptions.CancelledRun, exceptions.Abort)
    )


def overrun(function: Callable[..., Any]) -> float | None:
    """The timeout of the Prefect run whose body `function` is, in seconds, where that time is over.

    Inside the body a timeout is a cancellation like any other; Prefect tells them apart further out.
    """
    flow, task = _contexts()
    now = datetime.now(UTC)
    if task is not None and task.task.fn is function:
        limit, since = task.task.timeout_seconds, task.start_time
    elif flow is not None and flow.flow is not None and flow.flow.fn is function:
        limit, since = flow.flow.timeout_seconds, flow.start_time
    else:
        return None
    return limit if limit is not None and (now - since).total_seconds() >= limit else None
