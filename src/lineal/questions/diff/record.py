"""What the record says of one side: the events of a run and of those below it, merged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lineal.datasets.cache import Cache
from lineal.datasets.dataset import Dataset
from lineal.errors import VersionError
from lineal.questions.groups import Groups, recorded
from lineal.store import graph
from lineal.store.graph import VersionRow
from lineal.store.log import Store
from lineal.store.runs import RunRow, find_run


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of a run."""

    name: str
    of: str
    value: float | None
    spread: float | None


@dataclass(frozen=True, slots=True)
class Table:
    """A dataset version that a run read or wrote."""

    namespace: str
    name: str
    version: str
    kind: str
    location: str | None
    columns: tuple[str, ...]
    rows: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A run with those below it.

    Attributes:
        asked: what the run itself was asked, such as the pipeline file's keys.
        found: what the runs below it say of themselves, such as the fitted estimator's parameters.
        environment: the facet `lineal_environment`.
        place: the facet `sourceCodeLocation` of the run's job.
        source: the text that the run was asked to do, such as the pipeline file.
        read: what was read and not written by these runs, by name.
        written: the tables written, by name.
        features: the columns that the model takes; empty without a model.
        digest: of the model that was made.
        groups: how it does on groups of the held-out rows; None where that is not told.
        uses: the keys of models that were read and not made here.
    """

    run: RunRow
    asked: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    place: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    metrics: tuple[Metric, ...] = ()
    read: Mapping[str, Table] = field(default_factory=dict)
    written: Mapping[str, Table] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    digest: str | None = None
    groups: Groups | None = None
    uses: tuple[str, ...] = ()

    @property
    def pipeline(self) -> str | None:
        """The pipeline's name; None for a run that knows no pipeline file."""
        return self.asked.get("name") if "pipeline.digest" in self.asked else None

    @property
    def id_column(self) -> str | None:
        """The column that names a record across versions."""
        return self.asked.get("source.id")

    def table(self, part: str) -> Table | None:
        """One of the pipeline's own tables, such as `snapshot`."""
        return self.written.get(f"{self.pipeline}.{part}") if self.pipeline else None


def read_record(store: Store, run: RunRow) -> Record:
    """Read what is on record of a run and of all below it."""
    rows = graph.runs_below(store, run)
    bodies = graph.bodies(store, [row.last_seq for row in rows])
    # Of an event that was deleted from the log, which `lineal verify` tells of, nothing is left.
    events = {row.run_id: json.loads(bodies.get(row.last_seq, "{}")) for row in rows}
    top = events.get(run.run_id) or events[rows[0].run_id]
    # What did not complete made nothing: an attempt that was made again.
    below = [events[row.run_id] for row in rows if row.run_id != run.run_id and row.state == "COMPLETE"]
    everything = [*below, top]
    models = [dataset for event in everything for dataset in _listed(event, "outputs") if _is_model(dataset)]
    written = _tables(dataset for event in everything for dataset in _listed(event, "outputs"))
    read = _tables(dataset for event in everything for dataset in _listed(event, "inputs"))
    made = {_version(model) for model in models}
    used = [dataset for event in everything for dataset in _listed(event, "inputs") if _is_model(dataset)]
    asked = _parameters(top)
    target = asked.get("source.target")
    columns = next((found for model in reversed(models) if (found := _columns(model))), [])
    return Record(
        run=run,
        asked=asked,
        found={key: value for event in below for key, value in _parameters(event).items()},
        environment=_facet(top, "run", "lineal_environment") or _environment_above(store, run),
        place=_facet(top, "job", "sourceCodeLocation"),
        source=_facet(top, "job", "sourceCode").get("sourceCode"),
        metrics=tuple(metric for event in everything for metric in _metrics(event)),
        read={name: table for name, table in read.items() if name not in written},
        written=written,
        features=tuple(name for name in columns if name != target),
        digest=_version(models[-1]) if models else None,
        groups=recorded(((event.get("run") or {}).get("runId", ""), _facets(event)) for event in below),
        uses=tuple({_key(model) for model in used if _version(model) not in made}),
    )


def _environment_above(store: Store, run: RunRow) -> Mapping[str, Any]:
    """What the nearest run above that says what it runs in says: one further up may be of another machine."""
    for above in graph.runs_above(store, run):
        for body in graph.bodies(store, [above.last_seq]).values():
            if found := _facet(json.loads(body), "run", "lineal_environment"):
                return found
    return {}


def scope_of(store: Store, run_id: str) -> RunRow | None:
    """The flow run that a task's run belongs to; a run without a parent is its own."""
    run = find_run(store, run_id)
    if run is None or run.parent_id is None:
        return run
    return find_run(store, run.parent_id) or run


def facts_of(store: Store, version: VersionRow, run: RunRow | None) -> Table:
    """What a run's newest event says of a version that it read or wrote."""
    if run is not None:
        event = json.loads(store.event_at(run.last_seq))
        for dataset in (*_listed(event, "outputs"), *_listed(event, "inputs")):
            if (dataset["namespace"], dataset["name"], _version(dataset)) == (
                version.namespace,
                version.name,
                version.version,
            ):
                return _table(dataset)
    return Table(version.namespace, version.name, version.version, version.kind, None, ())


def bytes_of(table: Table) -> Dataset:
    """A handle on the bytes of a version: in the cache, or where they lay when it was recorded, if they still do.

    Raises:
        VersionError: they are nowhere to be had, or not those any more.
    """
    try:
        return Dataset(Cache().get(table.version), name=table.name, version=table.version)
    except VersionError as gone:
        path = local(table.location)
        if path is not None and path.is_file():
            from lineal.datasets.hashing import fingerprint

            if fingerprint(path).md5 == table.version:
                return Dataset(path, name=table.name, version=table.version)
        raise VersionError(
            f"the bytes of {called(table)} are gone: {gone.message}; bring them back (lineal restore), or run again",
            version=table.version,
        ) from gone


def called(table: Table) -> str:
    """A version as a person would write it."""
    return f"{table.name}@{table.version[:8]}" if table.version else table.name


def local(location: str | None) -> Path | None:
    """The path of a location on this machine's disk; None for one elsewhere."""
    if location is None or ("://" in location and not location.startswith("file://")):
        return None
    return Path(unquote(urlsplit(location).path)) if location.startswith("file://") else Path(location)


def _listed(event: Mapping[str, Any], role: str) -> Sequence[Mapping[str, Any]]:
    """The inputs or outputs of an event, which one of another producer may leave out."""
    return event.get(role) or ()


def _tables(datasets: Iterable[Mapping[str, Any]]) -> dict[str, Table]:
    return {dataset["name"]: _table(dataset) for dataset in datasets if not _is_model(dataset)}


def _table(dataset: Mapping[str, Any]) -> Table:
    facets = dataset.get("facets") or {}
    more = {**(dataset.get("inputFacets") or {}), **(dataset.get("outputFacets") or {})}
    statistics = more.get("outputStatistics") or more.get("inputStatistics") or {}
    return Table(
        namespace=dataset["namespace"],
        name=dataset["name"],
        version=_version(dataset),
        kind=(facets.get("datasetType") or {}).get("datasetType", ""),
        location=(facets.get("dataSource") or {}).get("uri"),
        columns=tuple(_columns(dataset)),
        rows=statistics.get("rowCount"),
        size=statistics.get("size"),
    )


def _is_model(dataset: Mapping[str, Any]) -> bool:
    return ((dataset.get("facets") or {}).get("datasetType") or {}).get("datasetType") == "MODEL"


def _version(dataset: Mapping[str, Any]) -> str:
    return str(((dataset.get("facets") or {}).get("version") or {}).get("datasetVersion", ""))


def _key(dataset: Mapping[str, Any]) -> str:
    return graph.version_key(dataset["namespace"], dataset["name"], _version(dataset))


def _columns(dataset: Mapping[str, Any]) -> list[str]:
    fields = ((dataset.get("facets") or {}).get("schema") or {}).get("fields") or ()
    return [field["name"] for field in fields if "name" in field]


def _facets(event: Mapping[str, Any], of: str = "run") -> Mapping[str, Any]:
    return (event.get(of) or {}).get("facets") or {}


def _facet(event: Mapping[str, Any], of: str, name: str) -> Mapping[str, Any]:
    found = _facets(event, of).get(name) or {}
    return {key: value for key, value in found.items() if not key.startswith("_")}


def _parameters(event: Mapping[str, Any]) -> dict[str, str]:
    entries = _facet(event, "run", "executionParameters").get("parameters") or ()
    return {entry["key"]: str(entry.get("value", "")) for entry in entries if "key" in entry}


def _metrics(event: Mapping[str, Any]) -> Iterable[Metric]:
    for entry in _facet(event, "run", "lineal_metrics").get("metrics") or ():
        yield Metric(entry["name"], entry["of"], entry.get("value"), entry.get("spread"))
