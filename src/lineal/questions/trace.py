"""Trace: where something came from, down to source files, code and people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from lineal.questions import lookup
from lineal.questions.descent import is_content
from lineal.questions.lookup import AliasMove, ModelRow
from lineal.store import graph, producers, recalls
from lineal.store.graph import VersionRow
from lineal.store.log import Store
from lineal.store.recalls import Recall
from lineal.store.runs import RunRow
from lineal.store.runs import find_run as run_by_id
from lineal.subjects import Kind, Subject

if TYPE_CHECKING:
    from lineal.questions.decisions import Decided

# What `trace` can be asked about; a prediction has a question of its own.
KINDS: tuple[Kind, ...] = ("model", "dataset", "run", "file")


@dataclass(frozen=True, slots=True)
class Node:
    """A dataset version, file or model in a descent.

    Attributes:
        kind: TABLE, FILE or MODEL, or what another producer calls it; RUN for a run that did not write just one thing.
        rows: how many records, where known.
        size: in bytes, where known.
        location: where the bytes lie.
        run_id: the run that wrote it; None for a source.
        inputs: what that run read; of a RUN what it wrote, or what it read where it wrote nothing.
        cut: whether its descent goes on beyond the depth that was asked for.
    """

    namespace: str
    name: str
    version: str
    kind: str
    rows: int | None = None
    size: int | None = None
    location: str | None = None
    run_id: str | None = None
    inputs: tuple[Node, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run of a descent, with the facets that its last event carries."""

    run_id: str
    namespace: str
    job: str
    state: str
    started_at: str | None
    ended_at: str | None
    parent_id: str | None
    facets: Mapping[str, Any] = field(default_factory=dict)
    job_facets: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Mapping[str, Any], ...] = ()
    outputs: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """The answer to `trace`.

    Attributes:
        subject: as it was asked, the version filled in.
        node: what was asked about, its descent below it.
        model: the registered version, for a model.
        alias_moves: the newest move of each alias the model holds.
        flow: the root run of what was asked about.
        runs: the runs of the descent and of the root, in order.
        recalls: that stand against what was asked about, or against anything that it was made of.
        decisions: what people have decided and noted on it, newest first; `lineal.questions.decisions` finds them.
        evidence: the digest of what a decision on it rests on; None where nobody asked for it.
    """

    subject: str
    node: Node | None
    model: ModelRow | None
    alias_moves: tuple[AliasMove, ...]
    flow: RunDetail | None
    runs: tuple[RunDetail, ...]
    recalls: tuple[Recall, ...] = ()
    decisions: tuple[Decided, ...] = ()
    evidence: str | None = None


def trace(store: Store, subject: Subject, depth: int | None = None) -> Trace:
    """Find where a subject came from.

    Args:
        store: the lineage store.
        subject: a model, dataset, run or file.
        depth: how many runs to go back; None: all the way.

    Raises:
        SubjectError: unknown or ambiguous.
    """
    place = place_of(store, subject)
    subject, model, version, start = place.subject, place.model, place.version, place.run
    moves: tuple[AliasMove, ...] = ()
    if model is not None:
        holding = lookup.holding(store, model.name)
        moves = tuple(m for m in holding if m.number == model.number and m.namespace == model.namespace)
    walk = Walk(store)
    root = walk.take_root(start) if start else None
    node = walk.node(version, start, depth) if version else None
    if subject.kind == "run" and start is not None:
        node = walk.run_node(start, depth)
    details = walk.details()
    bad = recalls.standing(store)
    return Trace(
        subject=str(subject),
        node=node,
        model=model,
        alias_moves=moves,
        flow=details.get(root or ""),
        runs=tuple(details.values()),
        recalls=tuple(bad_among(bad, origins(store, version, start))) if version and bad else (),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a trace begins.

    Attributes:
        subject: as it was asked, the version filled in.
        version: that it names; None for a run.
        run: that wrote it, or that was asked about; None for a source.
        model: the registered version, for a model.
    """

    subject: Subject
    version: VersionRow | None
    run: RunRow | None
    model: ModelRow | None = None


def place_of(store: Store, subject: Subject) -> Place:
    """Find what a subject names, and the run that wrote it.

    Raises:
        SubjectError: unknown or ambiguous.
    """
    if subject.kind == "model":
        model = lookup.find_model(store, subject)
        version = graph.versions(store, [model.version]).get(model.version)
        return Place(lookup.subject_of(store, model), version, run_by_id(store, model.run_id), model)
    if subject.kind == "run":
        run = lookup.find_run(store, subject)
        return Place(Subject("run", run.run_id), None, run)
    found = lookup.find_version(store, subject) if subject.kind == "dataset" else lookup.find_file(store, subject)
    start = producers.last_producer(store, found.key)
    if start is None:
        reader = producers.last_reader(store, found.key)
        found, start = (reader and producers.producer_by_time(store, found, reader)) or (found, None)
    if subject.kind == "dataset":
        subject = lookup.subject_of(store, found)
    return Place(subject, found, start)


def bad_among(standing: Iterable[Recall], versions: Mapping[str, VersionRow]) -> list[Recall]:
    """The recalls that stand against any of some versions, by their keys: the same content under any name is meant."""
    contents = {row.version for row in versions.values() if is_content(row.version)}
    return [recall for recall in standing if recall.version in versions or recall.content in contents]


_Read = TypeVar("_Read", Node, VersionRow)


def made_of(version: str, read: Sequence[_Read]) -> list[_Read]:
    """Of all that a run read, what it made a version of.

    A run that writes what it read (the same content under another name, as registering does with a model) made it of
    that alone: what else it read decided on it.
    """
    return [each for each in read if is_content(version) and each.version == version] or list(read)


def origins(store: Store, version: VersionRow, run: RunRow | None) -> dict[str, VersionRow]:
    """All that a version was made of (`made_of`), itself among it, by key; what it was only judged by is not.

    Args:
        store: the lineage store.
        version: asked about.
        run: that wrote it.
    """
    walk = Walk(store)
    found: dict[str, VersionRow] = {}
    met: set[tuple[str, str]] = set()
    waiting = [(version, run)]
    while waiting:
        row, by = waiting.pop()
        found[row.key] = row
        here = (row.key, by.run_id if by else "")
        if by is not None and here not in met:
            met.add(here)
            waiting += walk.sources(row, by)
    return found


@dataclass(slots=True)
class _Open:
    """A version whose node is being made.

    Attributes:
        depth: how many runs to go back from it.
        sources: what it was made of, as far as that is still to be taken.
        inputs: the nodes of what was taken.
        into: where its own node belongs, the inputs of the one above it.
    """

    version: VersionRow
    run: RunRow | None
    depth: int | None
    sources: Iterator[tuple[VersionRow, RunRow | None]]
    cut: bool
    into: list[Node]
    inputs: list[Node] = field(default_factory=list)


# What a descent has come through: versions and the runs that wrote them, by their keys.
_Path = dict[tuple[str, str], _Open]


class Walk:
    """Walks from a version to what it was made from, a root run's edges at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.runs: dict[str, RunRow] = {}
        self.reads: dict[str, list[str]] = {}
        self.writes: dict[str, list[str]] = {}
        self.rows: dict[str, VersionRow] = {}
        self._made: dict[tuple[str, str, int | None], Node] = {}
        self._events: dict[str, Mapping[str, Any]] = {}
        self._facts: dict[str, Mapping[str, Any]] = {}

    def take_root(self, run: RunRow) -> str:
        """Read all runs of a run's root, their edges and versions; once."""
        if run.run_id not in self.runs:
            found = graph.runs_under(self.store, run.root_id) or [run]
            new = {row.run_id: row for row in found} | {run.run_id: run}
            self.runs |= new
            edges = graph.edges_of(self.store, new)
            for edge in edges:
                (self.reads if edge.role == "i" else self.writes).setdefault(edge.run_id, []).append(edge.version)
            self.rows |= graph.versions(self.store, (edge.version for edge in edges))
            self._read_events(new.values())
        return run.root_id

    def node(self, version: VersionRow, run: RunRow | None, depth: int | None) -> Node:
        """A version with its descent; `run` is the one that wrote it."""
        # Without recursion: a table that is appended to each day was made of itself, all the days back.
        made: list[Node] = []
        path: _Path = {}
        self._enter(version, run, depth, path, made)
        while path:
            here, last = next(reversed(path.items()))
            source = next(last.sources, None)
            if source is not None:
                self._enter(*source, None if last.depth is None else last.depth - 1, path, last.inputs)
            else:
                del path[here]
                node = self._make(last.version, last.run, tuple(last.inputs), cut=last.cut)
                self._made[(*here, last.depth)] = node
                last.into.append(node)
        return made[0]

    def _enter(self, version: VersionRow, run: RunRow | None, depth: int | None, path: _Path, into: list[Node]) -> None:
        """Put a version's node where it belongs, if it is known or ends a descent; else begin with its own descent."""
        if run is not None:
            self.take_root(run)
        here = (version.key, run.run_id if run else "")
        known = self._made.get((*here, depth))
        if here in path:
            # Where a descent leads round to a version above, it ends, and is no descent to be used again elsewhere.
            into.append(self._make(version, run))
        elif known is not None:
            into.append(known)
        else:
            read = [self.rows[key] for key in self.reads.get(here[1], ()) if key != version.key]
            cut = bool(read) and depth is not None and depth <= 0
            sources = (self.source(row, run) for row in read if run is not None and not cut)
            path[here] = _Open(version, run, depth, sources, cut, into)

    def sources(self, version: VersionRow, run: RunRow) -> list[tuple[VersionRow, RunRow | None]]:
        """What a run made a version of, and who made that."""
        self.take_root(run)
        read = [self.rows[key] for key in self.reads.get(run.run_id, ()) if key != version.key]
        return [self.source(row, run) for row in made_of(version.version, read)]

    def read_by(self, run: RunRow) -> list[VersionRow]:
        """What a run read."""
        self.take_root(run)
        return [self.rows[key] for key in self.reads.get(run.run_id, ())]

    def run_node(self, run: RunRow, depth: int | None) -> Node | None:
        """What a run wrote, with its descent; of more than one a RUN above them, or above what it read if of none."""
        written = [self.rows[key] for key in self.writes.get(run.run_id, ()) if key in self.rows]
        written.sort(key=lambda row: (row.first_seq, row.name))
        inputs = tuple(self.node(row, self._nearest(row, run), depth) for row in written)
        if len(inputs) == 1:
            return inputs[0]
        if not inputs:
            read = [self.rows[key] for key in self.reads.get(run.run_id, ()) if key in self.rows]
            inputs = tuple(self.node(*self.source(row, run), depth) for row in read)
        return Node(run.namespace, run.job, "", "RUN", run_id=run.run_id, inputs=inputs)

    def details(self) -> dict[str, RunDetail]:
        """The runs met, in the order of the log, with their facets."""
        ordered = sorted(self.runs.values(), key=lambda run: run.first_seq)
        return {run.run_id: _detail(run, self._events.get(run.run_id, {})) for run in ordered}

    def _make(
        self, version: VersionRow, run: RunRow | None, inputs: tuple[Node, ...] = (), *, cut: bool = False
    ) -> Node:
        facts = self._facts.get(version.key, {})
        return Node(
            namespace=version.namespace,
            name=version.name,
            version=version.version,
            kind=version.kind,
            rows=facts.get("rows"),
            size=facts.get("size"),
            location=facts.get("location"),
            run_id=run.run_id if run else None,
            inputs=inputs,
            cut=cut,
        )

    def _nearest(self, version: VersionRow, run: RunRow) -> RunRow:
        """Of a run and those below it that wrote a version, the one nearest to the work: the task, not its flow."""
        below = [
            each
            for each in self.runs.values()
            if version.key in self.writes.get(each.run_id, ()) and run.run_id in self._ancestors(each)
        ]
        return max(below, key=lambda each: each.first_seq, default=run)

    def source(self, version: VersionRow, reader: RunRow) -> tuple[VersionRow, RunRow | None]:
        """What `reader` read, and the run that wrote it.

        That is one of the same root where there is one, else the newest before it that wrote this very version, else
        the one that must have written it where one of the two knows no versions.
        """
        here = [
            self.runs[run_id]
            for run_id, written in self.writes.items()
            if version.key in written
            and version.key not in self.reads.get(run_id, ())  # who reads what it writes did not make it
            and self.runs[run_id].root_id == reader.root_id
            and self.runs[run_id].last_seq < reader.last_seq  # what came later made it again
        ]
        # A flow names what its tasks wrote: the task is nearer to the work.
        above = {run.parent_id for run in here} | set(self._ancestors(reader))
        here = [run for run in here if run.run_id not in above and run.state == "COMPLETE"]
        if here:
            return version, max(here, key=lambda run: run.last_seq)
        run = producers.last_producer(self.store, version.key, reader) if version.version else None
        if run is not None:
            return version, run
        return producers.producer_by_time(self.store, version, reader) or (version, None)

    def _ancestors(self, run: RunRow) -> Iterable[str]:
        above = run.parent_id
        while above is not None and above in self.runs:
            yield above
            above = self.runs[above].parent_id

    def _read_events(self, runs: Iterable[RunRow]) -> None:
        """Read each run's newest event, which repeats all that is known of it."""
        places = {run.last_seq: run.run_id for run in runs}
        for seq, body in graph.bodies(self.store, places).items():
            event = self._events[places[seq]] = json.loads(body)
            for dataset in (*(event.get("inputs") or ()), *(event.get("outputs") or ())):
                facets = dataset.get("facets") or {}
                version = (facets.get("version") or {}).get("datasetVersion", "")
                key = graph.version_key(dataset["namespace"], dataset["name"], version)
                extra = {**(dataset.get("inputFacets") or {}), **(dataset.get("outputFacets") or {})}
                statistics = extra.get("outputStatistics") or extra.get("inputStatistics") or {}
                known = self._facts.setdefault(key, {})
                self._facts[key] = {
                    "rows": known.get("rows") or statistics.get("rowCount"),
                    "size": known.get("size") or statistics.get("size"),
                    "location": known.get("location") or (facets.get("dataSource") or {}).get("uri"),
                }


def _detail(run: RunRow, event: Mapping[str, Any]) -> RunDetail:
    return RunDetail(
        run_id=run.run_id,
        namespace=run.namespace,
        job=run.job,
        state=run.state,
        started_at=run.started_at,
        ended_at=run.ended_at,
        parent_id=run.parent_id,
        facets=(event.get("run") or {}).get("facets") or {},
        job_facets=(event.get("job") or {}).get("facets") or {},
        inputs=tuple(event.get("inputs") or ()),
        outputs=tuple(event.get("outputs") or ()),
    )
