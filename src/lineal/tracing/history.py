"""What the store knows already of a run that is being recorded: its earlier events, and the run it repeats."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from lineal.orchestration.context import FlowRun, TaskRun
from lineal.store import graph, tables
from lineal.store.index import ENDED
from lineal.store.log import Store
from lineal.store.runs import find_run
from lineal.tracing.begin import store_of
from lineal.tracing.run import Run
from lineal.tracing.statements import EventType

# How far back the run that filled a cache is looked for among its job's runs.
_NEWEST = 200


class EndedError(Exception):
    """The run has its end already, and nothing may come after it."""


def take_up(run: Run, execution: FlowRun | TaskRun | None) -> bool:
    """Take over what was recorded of a flow run before it was suspended.

    Prefect calls the function of a suspended flow anew, often in another process, and counts it as the same attempt.
    So it is the same run: it has had its START, and goes on from its last event.

    Returns:
        Whether there was anything to take up.

    Raises:
        EndedError: the run was given an end meanwhile.
    """
    if not isinstance(execution, FlowRun) or not execution.paused:
        return False
    store = store_of(run.store_url)
    row = find_run(store, str(run.ref.id))
    if row is None:  # it was paused before it began
        return False
    if row.state in ENDED:
        raise EndedError(f"{run.ref.job.name} goes on, but its run {run.ref.id} has ended as {row.state}")
    run.repeat(json.loads(store.event_at(row.last_seq)), facets=True)
    return True


def take_over_cached(run: Run, key: str | None) -> bool:
    """Mark a run as answered from a cache, and take over the datasets of the run that filled it.

    That run may have named more of them than a signature says, and in other versions than the files now have. It is
    found by the key of the cache's entry; where it was not recorded here, or is one of very many, the datasets of the
    signature are what is known.

    Returns:
        Whether the run was found.
    """
    source = _filled(store_of(run.store_url), run, key) if key else None
    if source is not None:
        run.repeat(source)
    run.prefect({"cached": True, "cacheKey": key, "cachedFrom": source["run"]["runId"] if source else None})
    return source is not None


def told_within(run: Run) -> list[tuple[str, ...]]:
    """The outputs that runs within this one made, and not from all that it read.

    Consumers draw an edge from every input of a run to every output. A flow that takes ten tables and hands back what
    ten tasks made of one each has no such edges: the tasks tell where each came from, and the flow must not add ninety
    others. Where all its inputs went into an output, the edge is true, and the flow keeps it.
    """
    inputs, outputs = run.versions("inputs"), run.versions("outputs")
    if not inputs or not outputs:
        return []
    store = store_of(run.store_url)
    below = graph.ids_below(store, str(run.ref.id)) - {str(run.ref.id)}
    read: dict[str, set[str]] = {}
    makers: dict[str, set[str]] = {}
    for edge in graph.edges_of(store, below):
        if edge.role == "i":
            read.setdefault(edge.run_id, set()).add(edge.version)
        else:
            makers.setdefault(edge.version, set()).add(edge.run_id)
    sources = {tables.key_of(*version) for version in inputs}
    return [
        version
        for version in outputs
        if (key := tables.key_of(*version)) in makers and not sources <= _ancestry(key, makers, read)
    ]


def _ancestry(key: str, makers: dict[str, set[str]], read: dict[str, set[str]]) -> set[str]:
    found, waiting = {key}, [key]
    while waiting:
        for maker in makers.get(waiting.pop(), ()):
            new = read.get(maker, set()) - found
            found |= new
            waiting.extend(new)
    return found


def has(run: Run, kind: EventType) -> bool:
    """Whether the store has this event of a run."""
    row = find_run(store_of(run.store_url), str(run.ref.id))
    return row is not None and (kind == "START" or row.state == kind)


def _filled(store: Store, run: Run, key: str) -> dict[str, Any] | None:
    runs, events = tables.runs.c, tables.events.c
    newest = (
        sa.select(runs.last_seq)
        .where(runs.job == tables.key_of(*run.ref.job), runs.state == "COMPLETE")
        .order_by(runs.first_seq.desc())
        .limit(_NEWEST)
    )
    query = sa.select(events.body).where(events.seq.in_(newest.scalar_subquery()), events.body.contains(key))
    found = (json.loads(row.body) for row in store.read(query.order_by(events.seq.desc())))
    return next((event for event in found if not event["run"]["facets"]["lineal_prefect"].get("cached")), None)
