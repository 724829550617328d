"""The `columnLineage` facets on record: for each column of what a run wrote, the columns that it comes from.

Ours and those of others: `transformations` of each input field, the older `transformationType` of a whole field, and
`dataset`, what decides on all columns alike (a filter, a join, an order).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from lineal.store import graph, tables
from lineal.store.log import Store

Event = Mapping[str, Any]


class ColumnId(NamedTuple):
    """A column of a dataset, as a facet names it: without a version."""

    namespace: str
    name: str
    column: str


@dataclass(frozen=True, slots=True)
class Transformation:
    """How a column comes from another, in the specification's words.

    Attributes:
        type: DIRECT, where values come from values, or INDIRECT, where they are decided on.
        subtype: IDENTITY, TRANSFORMATION, AGGREGATION; JOIN, FILTER, SORT and others of INDIRECT.
        description: of its producer.
        masking: whether values are hidden by it.
    """

    type: str
    subtype: str | None = None
    description: str | None = None
    masking: bool = False


# For each column of an output, its origins.
Lineage = Mapping[str, Mapping[ColumnId, tuple[Transformation, ...]]]


class Facets:
    """Reads what events say of columns, each run's once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._newest: dict[str, Event] = {}
        self._known: dict[tuple[str, str], Lineage | None] = {}

    def know(self, runs: Mapping[str, int]) -> None:
        """Read the newest events of many runs at once; their places in the log are given."""
        places = {seq: run_id for run_id, seq in runs.items() if run_id not in self._newest}
        for seq, body in graph.bodies(self.store, places).items():
            self._newest[places[seq]] = json.loads(body)

    def lineage(self, run_id: str, last_seq: int, version: str) -> Lineage | None:
        """What a run says of the columns of a version that it wrote; None where it says nothing.

        Args:
            run_id: the run.
            last_seq: where its newest event is in the log.
            version: the version's key.
        """
        known = (run_id, version)
        if known not in self._known:
            self.know({run_id: last_seq})
            newest = self._newest.get(run_id)
            found = _facet(newest, version) if newest else None
            if found is None:
                # Others tell it in the middle of a run, and do not say it again at the end.
                columns = tables.events.c
                query = sa.select(columns.body).where(columns.run_id == run_id, columns.seq < last_seq)
                name = next(
                    (_name(each) for each in (newest or {}).get("outputs") or () if _key(each) == version), None
                )
                for row in self.store.read(query.order_by(columns.seq.desc())) if name else ():
                    found = _facet(json.loads(row.body), version, name)
                    if found is not None:
                        break
            self._known[known] = None if found is None else dict(_fields(found))
        return self._known[known]

    def columns_of(self, version: str) -> dict[str, None]:
        """The names of a version's columns, in order, from the runs that wrote or read it."""
        edges, runs = tables.edges.c, tables.runs.c
        query = (
            sa.select(runs.run_id, runs.last_seq, edges.role)
            .join(tables.runs, runs.run_id == edges.run_id)
            .where(edges.version == version)
            .order_by(edges.role.desc(), runs.first_seq.desc())
            .limit(20)
        )
        found: dict[str, None] = {}
        dataset = self._dataset_of(version)
        for run_id, last_seq, role in self.store.read(query):
            self.know({run_id: last_seq})
            event = self._newest.get(run_id) or {}
            for each in event.get("outputs" if role == "o" else "inputs") or ():
                if _key(each) == version:
                    fields = ((each.get("facets") or {}).get("schema") or {}).get("fields") or ()
                    found |= dict.fromkeys(str(field["name"]) for field in fields)
            if role == "o":
                found |= dict.fromkeys(self.lineage(run_id, last_seq, version) or ())
            elif dataset is not None:
                # Who names no columns of what it reads may still say what it made of them.
                found |= dict.fromkeys(_read_columns(event, *dataset))
            if found and role == "i":
                break
        return found

    def _dataset_of(self, version: str) -> tuple[str, str] | None:
        row = graph.versions(self.store, [version]).get(version)
        return (row.namespace, row.name) if row else None


def _key(dataset: Event) -> str:
    version = ((dataset.get("facets") or {}).get("version") or {}).get("datasetVersion") or ""
    return graph.version_key(dataset["namespace"], dataset["name"], version)


def _name(dataset: Event) -> tuple[str, str]:
    return dataset["namespace"], dataset["name"]


def _facet(event: Event, version: str, unversioned: tuple[str, str] | None = None) -> Event | None:
    """The facet that an event carries of a version, or of the dataset of a name before it had a version."""
    for each in event.get("outputs") or ():
        facet = (each.get("facets") or {}).get("columnLineage")
        before = _name(each) == unversioned and not ((each.get("facets") or {}).get("version"))
        if facet is not None and (before or _key(each) == version):
            return dict(facet)
    return None


def _fields(facet: Event) -> Iterator[tuple[str, Mapping[ColumnId, tuple[Transformation, ...]]]]:
    whole = list(facet.get("dataset") or ())
    for column, told in (facet.get("fields") or {}).items():
        origins: dict[ColumnId, tuple[Transformation, ...]] = {}
        older = told.get("transformationType"), told.get("transformationDescription")
        for each, default in (
            *((each, _default(*older)) for each in told.get("inputFields") or ()),
            *((each, Transformation("INDIRECT")) for each in whole),
        ):
            origin = ColumnId(str(each["namespace"]), str(each["name"]), str(each["field"]))
            how = tuple(_transformation(one) for one in each.get("transformations") or ()) or (default,)
            origins[origin] = tuple(dict.fromkeys((*origins.get(origin, ()), *how)))
        yield str(column), origins


def _default(kind: str | None, description: str | None) -> Transformation:
    masked = kind == "MASKED"
    return Transformation("DIRECT", None if masked else kind or None, description or None, masked)


def _transformation(told: Event) -> Transformation:
    return Transformation(
        str(told.get("type") or "DIRECT"),
        told.get("subtype") or None,
        told.get("description") or None,
        bool(told.get("masking")),
    )


def _read_columns(event: Event, namespace: str, name: str) -> Iterator[str]:
    for output in event.get("outputs") or ():
        facet = (output.get("facets") or {}).get("columnLineage") or {}
        for _, origins in _fields(facet):
            yield from (each.column for each in origins if (each.namespace, each.name) == (namespace, name))
