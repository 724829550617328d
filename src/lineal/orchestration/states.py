"""What Prefect says of runs, whichever machine they run on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from lineal.orchestration.configured import configured

_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class PrefectState:
    """A state of a Prefect run.

    Attributes:
        end: the end that it stands for; None while the run goes on, waits or is paused.
        name: as Prefect's UI shows it, such as `Cancelled`, `Suspended` or `AwaitingRetry`.
        since: when the run came into it.
        waits: the run has not ended and needs no process now: it is paused, suspended, or about to be resumed.
    """

    end: Literal["COMPLETE", "FAIL", "ABORT"] | None
    name: str
    message: str | None
    since: datetime
    waits: bool


def states_of(flow_runs: Iterable[str], task_runs: Iterable[str]) -> dict[str, PrefectState]:
    """Ask Prefect's API for the states of runs; it knows none where no API is configured.

    Args:
        flow_runs: ids.
        task_runs: ids.

    Raises:
        Exception: the API does not answer, in the words of Prefect's client.
    """
    flows, tasks = list(dict.fromkeys(flow_runs)), list(dict.fromkeys(task_runs))
    if not (flows or tasks) or configured("PREFECT_API_URL") is None:
        return {}
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, TaskRunFilter, TaskRunFilterId

    found = {}
    with get_client(sync_client=True) as client:
        for some in _batches(flows):
            chosen = FlowRunFilter(id=FlowRunFilterId(any_=some))
            for flow_run in client.read_flow_runs(flow_run_filter=chosen, limit=_AT_A_TIME):
                found[str(flow_run.id)] = _state(flow_run.state)
        for some in _batches(tasks):
            these = TaskRunFilter(id=TaskRunFilterId(any_=some))
            for task_run in client.read_task_runs(task_run_filter=these, limit=_AT_A_TIME):
                found[str(task_run.id)] = _state(task_run.state)
    return {run: state for run, state in found.items() if state is not None}


def _batches(ids: list[str]) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), _AT_A_TIME):
        yield [UUID(each) for each in ids[start : start + _AT_A_TIME]]


def _state(state: object) -> PrefectState | None:
    from prefect.client.schemas.objects import State, StateType

    if not isinstance(state, State):
        return None
    ends: dict[StateType, Literal["COMPLETE", "FAIL", "ABORT"]] = {
        StateType.COMPLETED: "COMPLETE",
        StateType.FAILED: "FAIL",
        StateType.CRASHED: "FAIL",
        StateType.CANCELLED: "ABORT",
        StateType.CANCELLING: "ABORT",
    }
    return PrefectState(
        end=ends.get(state.type),
        name=str(state.name or state.type.value),
        message=state.message,
        since=datetime.fromisoformat(state.timestamp.isoformat()).astimezone(UTC),
        waits=state.type == StateType.PAUSED or (state.type == StateType.SCHEDULED and state.name == "Resuming"),
    )
