"""What changed from one version of a dataset to another, as far as the events that name them say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from lineal.store import tables
from lineal.store.log import Store

_MOST_RUNS = 20
_MOST_WORDS = 6


def changed(store: Store, name: str, before: str, after: str) -> tuple[str, ...]:
    """Rows, columns, types and missing values that differ, in words, the most telling first."""
    old, new = _described(store, name, before), _described(store, name, after)
    return tuple(list(_differences(old, new))[:_MOST_WORDS])


def _described(store: Store, name: str, version: str) -> dict[str, Any]:
    """What the runs that read or wrote a version say of it."""
    versions, edges = tables.versions.c, tables.edges.c
    query = (
        sa.select(tables.events.c.body)
        .join(tables.runs, tables.runs.c.last_seq == tables.events.c.seq)
        .join(tables.edges, edges.run_id == tables.runs.c.run_id)
        .join(tables.versions, versions.key == edges.version)
        .join(tables.datasets, tables.datasets.c.key == versions.dataset)
        .where(versions.version == version, tables.datasets.c.name == name)
        .order_by(tables.events.c.seq)
        .limit(_MOST_RUNS)
    )
    found: dict[str, Any] = {}
    for (body,) in store.read(query):
        event = json.loads(body)
        for dataset in (*(event.get("inputs") or ()), *(event.get("outputs") or ())):
            facets = dataset.get("facets") or {}
            if dataset["name"] != name or (facets.get("version") or {}).get("datasetVersion") != version:
                continue
            fields = (facets.get("schema") or {}).get("fields") or ()
            found.setdefault("columns", {field["name"]: field.get("type") for field in fields})
            for key in ("inputFacets", "outputFacets"):
                _measured(dataset.get(key) or {}, found)
    return found


def _measured(facets: Mapping[str, Any], found: dict[str, Any]) -> None:
    for key in ("inputStatistics", "outputStatistics"):
        rows = (facets.get(key) or {}).get("rowCount")
        if rows is not None:
            found.setdefault("rows", rows)
    columns = (facets.get("dataQualityMetrics") or {}).get("columnMetrics")
    if columns:
        found.setdefault("missing", {name: each.get("nullCount") for name, each in columns.items()})


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    columns = old.get("columns") or {}, new.get("columns") or {}
    if all(columns):
        for name in [name for name in columns[0] if name not in columns[1]]:
            yield f"column {name} is gone"
        for name in [name for name in columns[1] if name not in columns[0]]:
            yield f"column {name} is new"
        for name, kind in columns[0].items():
            if name in columns[1] and columns[1][name] != kind:
                yield f"column {name} is {columns[1][name]}, and was {kind}"
    if old.get("rows") != new.get("rows") and None not in (old.get("rows"), new.get("rows")):
        yield f"{new['rows']:,} rows, and had {old['rows']:,}"
    missing = old.get("missing") or {}, new.get("missing") or {}
    for name, count in missing[1].items():
        if name in missing[0] and missing[0][name] != count:
            yield f"{name} misses {count} values, and missed {missing[0][name]}"
