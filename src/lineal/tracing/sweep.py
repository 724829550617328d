"""The sweep: give an end to the runs that were killed before they could tell it.

It may run at any time, on any machine, many at once: the store takes one end of a run and no second. What it cannot be
sure of (a process of another machine, of whose runs Prefect knows nothing) it leaves to a sweep over there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from openlineage.client.facet_v2 import error_message_run

from lineal.orchestration.states import PrefectState, states_of
from lineal.processes import Process, is_gone
from lineal.redaction import redact
from lineal.store.index import ENDED
from lineal.store.log import Store
from lineal.store.runs import RunRow, find_run, find_runs_of_engine, open_runs
from lineal.tracing import facets
from lineal.tracing.clean import clean
from lineal.tracing.statements import EventType

# A run whose end Prefect knows already may be about to tell it itself.
_GRACE = timedelta(seconds=60)
logger = logging.getLogger("lineal")


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that a sweep has ended."""

    run_id: str
    job: str
    state: EventType
    reason: str


def sweep(store: Store) -> list[Ended]:
    """End the runs that have no end and cannot tell one any more.

    Returns:
        Those that this sweep has ended; children before their parents.

    Raises:
        StoreError: the store cannot be read or written.
    """
    found = [(run, event) for run in open_runs(store) if (event := _newest(store, run)) is not None]
    states = _prefect([event for _, event in found])
    ended = []
    closed: dict[str, EventType] = {}
    for run, event in _parents_first(found):
        verdict = _verdict(store, run, event, states, closed)
        if verdict is not None:
            closed[run.run_id] = verdict[0]
            ended.append((run, event, *verdict))
    done = []
    for run, event, state, reason in reversed(ended):
        if store.append(_end(event, state, reason), open_only=True) is not None:
            done.append(Ended(run.run_id, run.job, state, reason))
    return done


def _newest(store: Store, run: RunRow) -> dict[str, Any] | None:
    """The run's newest event; None for runs of other producers, which are not ours to end."""
    event = json.loads(store.event_at(run.last_seq))
    return event if "lineal_process" in (event["run"].get("facets") or {}) else None


def _parents_first(found: Sequence[tuple[RunRow, dict[str, Any]]]) -> list[tuple[RunRow, dict[str, Any]]]:
    return sorted(found, key=lambda pair: pair[0].first_seq)


def _prefect(events: Sequence[Mapping[str, Any]]) -> dict[str, PrefectState]:
    known = [event["run"]["facets"].get("lineal_prefect", {}) for event in events]
    flows = [facet["flowRunId"] for facet in known if "flowRunId" in facet]
    tasks = [facet["taskRunId"] for facet in known if "taskRunId" in facet]
    try:
        return states_of(flows, tasks)
    except Exception as problem:  # noqa: BLE001 - without Prefect's word, the processes still tell
        logger.warning("Prefect cannot be asked how its runs ended: %s", redact(str(problem)))
        return {}


def _verdict(
    store: Store,
    run: RunRow,
    event: Mapping[str, Any],
    states: Mapping[str, PrefectState],
    closed: Mapping[str, EventType],
) -> tuple[EventType, str] | None:
    """How a run ended and why that is known; None for one that may still tell it itself."""
    run_facets = event["run"]["facets"]
    prefect = run_facets.get("lineal_prefect", {})
    state = _state(store, run, prefect, states)
    process = Process(**{name: run_facets["lineal_process"].get(name) for name in ("host", "pid", "started", "boot")})
    if is_gone(process):
        # While it is resumed, a suspended run is neither here nor there: its new process has yet to say so.
        suspended = prefect.get("suspended") and (state is None or state.end is None)
        if suspended or (state is not None and state.waits):
            return None
        if state is not None and state.end in ("ABORT", "COMPLETE"):
            return state.end, _said(state)
        return "FAIL", f"its process is gone ({process}), and the run had not told how it ended"
    if state is not None and state.end is not None and datetime.now(UTC) - state.since > _GRACE:
        return state.end, _said(state)
    return _with_its_parent(store, run, closed)


def _state(
    store: Store, run: RunRow, prefect: Mapping[str, Any], states: Mapping[str, PrefectState]
) -> PrefectState | None:
    """What Prefect says of a run: of its task where that has ended, else of its flow."""
    task, flow = prefect.get("taskRunId", ""), prefect.get("flowRunId", "")
    engine_id = task if task in states and states[task].end is not None else flow
    state = states.get(engine_id)
    if state is not None and any(
        newest.first_seq > run.first_seq for newest in find_runs_of_engine(store, [engine_id])
    ):
        # An attempt that another one followed has not succeeded, whatever became of that one.
        return replace(state, end=state.end and "FAIL", message="of a later attempt", waits=False)
    return state


def _said(state: PrefectState) -> str:
    return f"Prefect says {state.name}{f': {state.message}' if state.message else ''}"


def _with_its_parent(store: Store, run: RunRow, closed: Mapping[str, EventType]) -> tuple[EventType, str] | None:
    """A child has ended with its parent, where nothing else can be known of it."""
    if run.parent_id is None:
        return None
    if run.parent_id in closed:
        return ("ABORT" if closed[run.parent_id] == "ABORT" else "FAIL"), "the run that it was a part of has ended"
    parent = find_run(store, run.parent_id)
    if parent is None or parent.state not in ENDED or parent.ended_at is None:
        return None
    if datetime.now(UTC) - datetime.fromisoformat(parent.ended_at) < _GRACE:
        return None
    return ("ABORT" if parent.state == "ABORT" else "FAIL"), "the run that it was a part of has ended"


def _end(event: Mapping[str, Any], state: EventType, reason: str) -> dict[str, Any]:
    """The run's newest event once more, as its end: datasets and facets that it leaves out would be forgotten."""
    run = event["run"]
    more = {}
    if state != "COMPLETE":
        message = error_message_run.ErrorMessageRunFacet(message=reason, programmingLanguage="PYTHON")
        more["errorMessage"] = clean(message) | {"_producer": facets.producer()}
    return {
        **event,
        "eventType": state,
        "eventTime": datetime.now(UTC).isoformat(),
        "producer": facets.producer(),
        "run": {**run, "facets": {**run["facets"], **more}},
    }
