"""What the flow that trained a model was asked, and what a person declared in its pipeline file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from lineal.questions.audit.facts import Asked, Run, listed
from lineal.store import tables
from lineal.store.log import Store

_MOST_EVENTS = 20_000
# What is declared as a list.
_LISTS = ("groups", "personal", "special", "data_subjects", "recipients", "transfers")


def asked_of(store: Store, fit: Run | None, cut: list[str]) -> dict[str, Asked]:
    """The parameters of a flow and its tasks, each with the first event that has its last value."""
    if fit is None:
        return {}
    events, runs = tables.events.c, tables.runs.c
    query = (
        sa.select(events.seq, events.event_time, events.run_id, events.body)
        .join(tables.runs, runs.run_id == events.run_id)
        .where(runs.root_id == fit.root_id)
        .order_by(events.seq)
        .limit(_MOST_EVENTS)
    )
    found: dict[str, Asked] = {}
    rows = store.read(query)
    for seq, time, run_id, body in rows:
        if "executionParameters" not in body:
            continue
        for key, value in parameters_in((json.loads(body).get("run") or {}).get("facets") or {}).items():
            if key not in found or found[key].value != value:
                found[key] = Asked(value, seq, time, run_id)
    if len(rows) == _MOST_EVENTS:
        cut.append(f"of the flow that trained it the first {_MOST_EVENTS:,} events were looked at")
    return found


def declared_in(asked: Mapping[str, Asked]) -> dict[str, Any]:
    """What a person declared, by the keys of `[declared]`; what is a list there as a tuple."""
    found: dict[str, Any] = {}
    for key, entry in asked.items():
        section, _, name = key.partition(".")
        if section == "declared" and name:
            found[name] = listed(entry.value) if name in _LISTS else entry.value
    return found


def parameters_in(facets: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that a run's facets have."""
    entries = (facets.get("executionParameters") or {}).get("parameters") or ()
    return {entry["key"]: str(entry.get("value", "")) for entry in entries if "key" in entry}
