"""What is on record, as far as it can be looked at: dataset versions and models, with what was recorded of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lineal.questions import trace as tracing
from lineal.store import graph, tables
from lineal.store.graph import VersionRow
from lineal.store.log import Store
from lineal.subjects import Subject

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Thing:
    """A dataset version or model, and the facets that the first event to name it has."""

    row: VersionRow
    facets: Mapping[str, Any]

    @property
    def location(self) -> str:
        """Where the bytes lay."""
        return str((self.facets.get("dataSource") or {}).get("uri", ""))


@dataclass(frozen=True, slots=True)
class Scope:
    """What a question is about: versions by key, and runs; None: all there are."""

    subject: str
    versions: frozenset[str]
    runs: frozenset[str]


def scope_of(store: Store, subject: Subject) -> Scope:
    """The descent of a subject.

    Raises:
        SubjectError: unknown or ambiguous.
    """
    answer = tracing.trace(store, subject)
    keys: set[str] = set()
    walk = [answer.node] if answer.node else []
    met: set[int] = set()
    while walk:
        node = walk.pop()
        if id(node) in met:
            continue
        met.add(id(node))
        keys.add(graph.version_key(node.namespace, node.name, node.version))
        walk.extend(node.inputs)
    if answer.model is not None:
        keys.add(answer.model.version)
    if subject.kind == "run":
        keys |= {edge.version for edge in graph.edges_of(store, [answer.subject.removeprefix("run:")])}
    # The runs of the same root beside it are shown by `trace`, and did not make it.
    runs = {run.run_id for run in answer.runs}
    return Scope(answer.subject, frozenset(keys), frozenset(runs))


def things(store: Store, scope: Scope | None, *, models: bool) -> Iterator[Thing]:
    """The versions on record of tables and files, or of models, in the order they came."""
    columns = tables.versions.c
    kind = columns.kind == "MODEL" if models else columns.kind != "MODEL"
    query = graph.select_versions().where(kind, columns.version != "").order_by(columns.first_seq, columns.key)
    # One pass: there is no index in this order, and to ask for page after page would sort them all each time.
    with store.snapshot() as connection:
        rows = (VersionRow(*row) for row in connection.execute(query))
        wanted = (row for row in rows if scope is None or row.key in scope.versions)
        while page := list(islice(wanted, _PAGE)):
            bodies = graph.bodies(store, (row.first_seq for row in page))
            for row in page:
                yield Thing(row, _facets(row, bodies.get(row.first_seq, "{}")))


def _facets(row: VersionRow, body: str) -> Mapping[str, Any]:
    kept = f"/files/md5/{row.version[:2]}/{row.version[2:]}"
    if row.kind != "MODEL" and kept not in body and "lineal_dvc" not in body:
        return {}  # of other producers' tables there may be very many: nothing is looked for in what cannot have it
    try:
        event = json.loads(body)
        for dataset in (*(event.get("outputs") or ()), *(event.get("inputs") or ())):
            facets: Mapping[str, Any] = dataset.get("facets") or {}
            version = (facets.get("version") or {}).get("datasetVersion")
            if (dataset.get("namespace"), dataset.get("name"), version) == (row.namespace, row.name, row.version):
                return facets
    except (ValueError, AttributeError, TypeError):
        pass  # an event that was tampered with: the check of the log names it
    return {}
