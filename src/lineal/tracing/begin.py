"""How a run begins: its id, job, parent, root, and the facets that are known from the start."""

from __future__ import annotations

import inspect
import json
import logging
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

from openlineage.client.facet_v2 import (
    documentation_job,
    job_dependencies_run,
    job_type_job,
    nominal_time_run,
    processing_engine_run,
)
from openlineage.client.uuid import generate_new_uuid

from lineal import settings
from lineal.datasets.patience import within
from lineal.errors import ProjectError
from lineal.orchestration import context
from lineal.orchestration.cached import cache_key
from lineal.orchestration.context import FlowRun, TaskRun
from lineal.processes import this_process
from lineal.redaction import redact
from lineal.store.delivery import courier
from lineal.store.log import Store
from lineal.store.runs import RunRow, find_run, find_runs_of_engine
from lineal.tracing.ids import job_name, run_id
from lineal.tracing.naming import Name
from lineal.tracing.run import Run
from lineal.tracing.statements import RunRef

logger = logging.getLogger("lineal")
NOWHERE = UUID(int=0)
NO_JOB = Name("lineal", "nothing")
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Above:
    """What is above a run.

    Attributes:
        run: its parent.
        root: the run at the very top.
        outermost_id: of the run that it belongs to as a step does to its flow; None where that is itself.
    """

    run: RunRef
    root: RunRef
    outermost_id: str | None


@cache
def store_of(url: str) -> Store:
    """The open store of a URL, one for each process."""
    return Store(url)


def append(url: str, event: dict[str, Any], text: str) -> None:
    """Put one event of a run into a store, and have it delivered to where else events go."""
    store = store_of(url)
    # The end of a run may have been told already, by a sweep that took its process for dead.
    if store.append(event, text, open_only=event["eventType"] != "START") is None:
        name, run = event["job"]["name"], event["run"]["runId"]
        logger.warning("lineage: %s %s was ended before, as if its process were dead", name, run)
    courier.wake(store)


def leave(url: str) -> None:
    """Give the consumers a moment to take the last events of a store, for the process may be about to end."""
    courier.finish(store_of(url))


def begin(
    wrapper: Callable[..., Any],
    function: Callable[..., Any],
    *,
    parent: Run | None,
    is_traced: Callable[[Callable[..., Any]], bool],
) -> Run:
    """Begin the run of one call.

    Args:
        wrapper: what Prefect has as the flow's or task's function.
        function: the user's own function.
        parent: the nearest recorded run around the call, in this context.
        is_traced: tells whether calls of a function are recorded.
    """
    namespace = settings.namespace()
    url = _store_url(parent)
    execution = context.execution_of(wrapper)
    around = _around(execution, parent, namespace, is_traced, url)
    above = around or _caller(execution, url) or _from_environment(url)
    if parent is not None:
        parent.is_parent = True
    ref = RunRef(id_of(execution, namespace), Name(namespace, _job(execution, function, parent)))
    run = Run(ref, parent=above.run if above else None, root=above.root if above else None)
    run.is_outermost = around is None
    run.outermost_id = (above.outermost_id if above else None) or str(ref.id)
    run.store_url, run.home = url, parent.home if parent is not None else _home()
    run.facets["processing_engine"] = _engine()
    elsewhere = {"outermostRunId": run.outermost_id} if run.outermost_id != str(run.root.id) else {}
    run.process({**asdict(this_process()), **elsewhere})
    run.job_facets["jobType"] = _job_type(execution)
    documentation = (inspect.getdoc(function) or "").split("\n\n")[0].strip()
    if documentation:
        run.job_facets["documentation"] = documentation_job.DocumentationJobFacet(description=documentation)
    _locate(run, function)
    if execution is not None:
        _add_prefect(run, execution)
        _remember(str(execution.id), ref)
    return run


def surround(run: Run) -> None:
    """Say what a run runs in, where no run around it in this process says so: one above may be of another machine."""
    if not run.is_outermost:
        return
    from lineal.tracing.surroundings import environment_facet

    run.environment(environment_facet())
    if (varied := settings.varies()) is not None:
        run.materials({"varies": varied})
        run.tag("varies", varied)


def _store_url(parent: Run | None) -> str:
    """The store of a run: its parent's where it is not named, for the working folder may be another one by now."""
    return settings.store_url() if parent is None or os.environ.get("LINEAL_STORE") else parent.store_url


def _home() -> Path | None:
    with suppress(OSError):  # the working folder has been removed
        return settings.home()
    return None


# The newest attempts of Prefect runs that began in this process, so that a task need not ask the store for them.
_begun: dict[str, RunRef] = {}


def _remember(engine_id: str, ref: RunRef) -> None:
    if len(_begun) > 10_000:
        _begun.clear()
    _begun[engine_id] = ref


def id_of(execution: FlowRun | TaskRun | None, namespace: str) -> UUID:
    """The run id of a Prefect run's attempt; a new one for a plain call."""
    if execution is None:
        return generate_new_uuid()
    # Some task runners give task runs ids that tell no time; that of their flow run is known wherever they run.
    flow = execution if isinstance(execution, FlowRun) else execution.flow
    if execution.id.version != 7 and (flow is None or flow.created is None):
        return generate_new_uuid()
    return run_id(namespace, execution.id, execution.attempt, flow.created if flow else None)


def _job(execution: FlowRun | TaskRun | None, function: Callable[..., Any], parent: Run | None) -> str:
    if isinstance(execution, FlowRun):
        return job_name(execution.flow)
    if isinstance(execution, TaskRun):
        return job_name(execution.flow.flow if execution.flow else "", execution.task)
    # A plain function is named within what calls it here; a scheduler outside keeps its own names.
    return job_name(parent.ref.job.name if parent else "", function.__name__)


def _around(
    execution: FlowRun | TaskRun | None,
    parent: Run | None,
    namespace: str,
    is_traced: Callable[[Callable[..., Any]], bool],
    url: str,
) -> _Above | None:
    """What is above a run within another: from this context, or from Prefect's (on a worker elsewhere)."""
    if parent is not None:
        return _Above(parent.ref, parent.root, parent.outermost_id)
    flow = execution.flow if isinstance(execution, TaskRun) else None if execution else context.enclosing_flow()
    if flow is not None and is_traced(flow.function):
        ref = RunRef(run_id(namespace, flow.id, flow.attempt, flow.created), Name(namespace, job_name(flow.flow)))
        return _below(ref, store_of(url))
    return None


def _below(flow: RunRef, store: Store) -> _Above:
    """What is above a run that is right below a flow's, as it is on record."""
    recorded = find_run(store, str(flow.id))
    if recorded is None or recorded.parent_id is None:
        return _Above(flow, flow, str(flow.id))
    # A scheduler's outside, or who asked for a deployment's run, is named only by the flow's own event.
    root = json.loads(store.event_at(recorded.last_seq))["run"]["facets"]["parent"]["root"]
    at_the_top = RunRef(UUID(root["run"]["runId"]), Name(root["job"]["namespace"], root["job"]["name"]))
    return _Above(flow, at_the_top, recorded.root_id)


def _caller(execution: FlowRun | TaskRun | None, url: str) -> _Above | None:
    """What is above a deployment's run that a flow elsewhere asked for, where that is on record."""
    if not isinstance(execution, FlowRun) or execution.parent_task_run_id is None:
        return None
    # Which API it is may be set for this context alone.
    ask = partial(copy_context().run, context.flow_run_of, execution.parent_task_run_id)
    try:
        flow_run = within(ask, "the Prefect API", _PATIENCE_SECONDS)
    except Exception as problem:  # the run itself may go on without it
        if settings.strict():
            raise
        logger.warning("lineage: Prefect cannot be asked which flow a run is of: %s", redact(str(problem)))
        return None
    store = store_of(url)
    for newest in find_runs_of_engine(store, [str(flow_run)]):
        return replace(_below(_ref(newest), store), outermost_id=None)
    return None


def _ref(row: RunRow) -> RunRef:
    return RunRef(UUID(row.run_id), Name(row.namespace, row.job))


def _from_environment(url: str) -> _Above | None:
    """What is above a run, as a scheduler outside, or the run that started this process, names it."""
    parent, root = _named_in("OPENLINEAGE_PARENT_ID"), _named_in("OPENLINEAGE_ROOT_PARENT_ID")
    if parent is None:
        return None
    recorded = find_run(store_of(url), str(parent.id))
    return _Above(parent, root or parent, recorded.root_id if recorded else None)


def _named_in(variable: str) -> RunRef | None:
    """The run that a variable names as `NAMESPACE/JOB/RUN_ID`."""
    value = os.environ.get(variable)
    if not value:
        return None
    namespace, job, run = ("", "", *value.rsplit("/", 2))[-3:]
    with suppress(ValueError):
        if namespace and job:
            return RunRef(UUID(run), Name(namespace, job))
    problem = f"{variable} is {redact(value)!r}, and not NAMESPACE/JOB/RUN_ID with a UUID last"
    if settings.strict():
        raise ProjectError(problem)
    logger.warning("lineage: %s; the run is recorded without a parent", problem)
    return None


@cache
def _engine() -> processing_engine_run.ProcessingEngineRunFacet:
    prefect = context.version()
    return processing_engine_run.ProcessingEngineRunFacet(
        name="Prefect" if prefect else "Python",
        version=prefect or platform.python_version(),
        openlineageAdapterVersion=version("lineal"),
    )


def _job_type(execution: FlowRun | TaskRun | None) -> job_type_job.JobTypeJobFacet:
    kind = {FlowRun: "FLOW", TaskRun: "TASK"}.get(type(execution), "FUNCTION")
    return job_type_job.JobTypeJobFacet(
        processingType="BATCH", integration="PREFECT" if execution else "PYTHON", jobType=kind
    )


def _locate(run: Run, function: Callable[..., Any]) -> None:
    from lineal.tracing.surroundings import code_location

    place = code_location(getattr(getattr(function, "__code__", None), "co_filename", ""))
    if place is not None:
        run.job_facets["sourceCodeLocation"] = place


def _add_prefect(run: Run, execution: FlowRun | TaskRun) -> None:
    flow = execution if isinstance(execution, FlowRun) else execution.flow
    values: dict[str, Any] = {"attempt": execution.attempt, "runName": execution.name}
    if flow is not None:
        values |= {"flowRunId": flow.id, "flowRunName": flow.name, "flowName": flow.flow}
        if flow.deployment_id is not None:
            values |= {"deploymentId": flow.deployment_id, "deployment": _deployment(run, flow.deployment_id)}
    if isinstance(execution, TaskRun):
        values |= {"taskRunId": execution.id, "taskName": execution.task, "cacheKey": cache_key()}
        _add_upstream(run, execution)
    elif execution.scheduled_for is not None:
        run.facets["nominalTime"] = nominal_time_run.NominalTimeRunFacet(
            nominalStartTime=execution.scheduled_for.isoformat()
        )
    values["url"] = context.page_of("flow-run" if isinstance(execution, FlowRun) else "task-run", execution.id)
    run.prefect(values)
    for tag in execution.tags:
        run.tag(tag)


def _deployment(run: Run, deployment_id: UUID) -> str | None:
    try:
        return context.deployment_name(deployment_id)
    except Exception as problem:  # noqa: BLE001 - the name is a courtesy; the id is recorded without it
        run.uncaptured(problem, "asking Prefect for the deployment's name")
        return None


def _add_upstream(run: Run, task: TaskRun) -> None:
    if not task.upstream:
        return
    known = [_begun[str(upstream)] for upstream in task.upstream if str(upstream) in _begun]
    rest = [str(upstream) for upstream in task.upstream if str(upstream) not in _begun]
    rows = find_runs_of_engine(store_of(run.store_url), rest) if rest else []
    found = known + [_ref(row) for row in rows]
    if found:
        run.facets["jobDependencies"] = job_dependencies_run.JobDependenciesRunFacet(
            upstream=[
                job_dependencies_run.JobDependency(
                    job=job_dependencies_run.JobIdentifier(*ref.job),
                    run=job_dependencies_run.RunIdentifier(str(ref.id)),
                    dependency_type="DIRECT_INVOCATION",
                    sequence_trigger_rule="FINISH_TO_START",
                    status_trigger_rule="EXECUTE_ON_SUCCESS",
                )
                for ref in found
            ]
        )
