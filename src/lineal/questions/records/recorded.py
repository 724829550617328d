"""What the log says of the tables that a record is looked for in: which there are, of what, by which id, and when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from lineal.store import graph, tables
from lineal.store.graph import VersionRow
from lineal.store.log import Store


def versions(store: Store, name: str) -> list[VersionRow]:
    """All versions of a table, oldest first."""
    query = graph.select_versions().where(tables.datasets.c.name == name)
    return graph.read_versions(store, query.order_by(tables.versions.c.first_seq))


def id_columns(store: Store, snapshots: Iterable[VersionRow]) -> dict[str, str | None]:
    """The id column of the pipeline as it was when each snapshot was made."""
    runs, edges = tables.runs.c, tables.edges.c
    root = tables.runs.alias()
    found: dict[str, str | None] = {}
    for keys in _batches(row.key for row in snapshots):
        query = (
            sa.select(edges.version, root.c.last_seq)
            .join(tables.runs, runs.run_id == edges.run_id)
            .join(root, root.c.run_id == runs.root_id)
            .where(edges.role == "o", edges.version.in_(keys))
            .order_by(edges.version, runs.first_seq)
        )
        places = {row.version: row.last_seq for row in store.read(query)}
        bodies = graph.bodies(store, places.values())
        for key, seq in places.items():
            found[key] = _parameter(json.loads(bodies[seq]), "source.id")
    return found


def sources(store: Store, snapshots: Iterable[VersionRow]) -> dict[str, list[tuple[str, int | None]]]:
    """What each snapshot was read from, in order: the names, and the rows of each."""
    runs, edges = tables.runs.c, tables.edges.c
    query = (
        sa.select(edges.version, runs.last_seq)
        .join(tables.edges, edges.run_id == runs.run_id)
        .where(edges.role == "o", runs.state == "COMPLETE")
        .order_by(runs.first_seq)
    )
    found: dict[str, list[tuple[str, int | None]]] = {}
    for keys in _batches(row.key for row in snapshots):
        newest = {row.version: row.last_seq for row in store.read(query.where(edges.version.in_(keys)))}
        bodies = graph.bodies(store, newest.values())
        found |= {key: _inputs(json.loads(bodies[seq])) for key, seq in newest.items()}
    return found


def times(store: Store, keys: Iterable[str]) -> dict[str, str]:
    """When some versions were made, first."""
    runs, edges = tables.runs.c, tables.edges.c
    query = (
        sa.select(edges.version, sa.func.min(runs.ended_at).label("at"))
        .join(tables.runs, runs.run_id == edges.run_id)
        .where(edges.role == "o", runs.state == "COMPLETE")
        .group_by(edges.version)
    )
    return {
        row.version: row.at for batch in _batches(keys) for row in store.read(query.where(edges.version.in_(batch)))
    }


def _parameter(event: Mapping[str, Any], key: str) -> str | None:
    facet = ((event.get("run") or {}).get("facets") or {}).get("executionParameters") or {}
    return next((each.get("value") for each in facet.get("parameters") or () if each.get("key") == key), None)


def _inputs(event: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    return [
        (source["name"], ((source.get("inputFacets") or {}).get("inputStatistics") or {}).get("rowCount"))
        for source in event.get("inputs") or ()
    ]


def _batches(values: Iterable[str]) -> Iterable[list[str]]:
    distinct = list(dict.fromkeys(values))
    return (distinct[start : start + 500] for start in range(0, len(distinct), 500))
