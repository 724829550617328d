"""Columns: what a column was made of, down to those of source files, and which columns, models and predictions use it.

Read from the `columnLineage` facets of the runs that made each version, whoever wrote them. Which run that is, `trace`
and `impact` tell: a column's way is theirs, less the versions that did not contribute to it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from lineal.errors import SubjectError
from lineal.questions.columnlineage import ColumnId, Facets, Transformation
from lineal.questions.descent import Descent, descend
from lineal.questions.impact import ModelReached, answer, begin
from lineal.questions.trace import Walk, place_of
from lineal.store import graph
from lineal.store.graph import VersionRow
from lineal.store.log import Store
from lineal.store.runs import RunRow
from lineal.subjects import Kind, Subject

# What has columns of its own.
KINDS: tuple[Kind, ...] = ("dataset", "model", "file")
# Where a column's way back ends: at what nothing on record wrote, at a run that made the column without taking it from
# another, or at one that tells nothing of its columns.
End = Literal["source", "made", "untold"]
# Columns that are made of one, by version and name, and how.
_Targets = dict[tuple[str, str], tuple[Transformation, ...]]


@dataclass(frozen=True, slots=True)
class ColumnFound:
    """A column of a version.

    Attributes:
        kind: of its dataset: TABLE, FILE or MODEL, or what another producer calls it.
        run_id: the run that made the version; None for a source, and for what `impact` was asked about.
        made_at: when that run ended.
        steps: how many runs lie between it and what was asked about.
        end: why its way back ends here; None where it goes on, and in an answer that goes forward.
        cut: whether its way goes on beyond the depth that was asked for.
    """

    namespace: str
    name: str
    version: str
    kind: str
    column: str
    run_id: str | None
    job: str | None
    made_at: str | None
    steps: int
    end: End | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class ColumnEdge:
    """That a column was made of another: their places in the answer's list, and how.

    Attributes:
        source: the column that was read.
        target: the column that was made of it.
    """

    source: int
    target: int
    transformations: tuple[Transformation, ...]


@dataclass(frozen=True, slots=True)
class ColumnTrace:
    """What a column was made of.

    Attributes:
        subject: as it was asked, the version filled in.
        columns: what was asked about, then all that it was made of, a step at a time.
        short: versions whose runs had more columns to tell of than an event holds, `NAME@VERSION`.
    """

    subject: str
    column: str
    columns: tuple[ColumnFound, ...]
    edges: tuple[ColumnEdge, ...]
    short: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[ColumnFound, ...]:
        """The columns that its way back ends at in something that nothing on record wrote."""
        return tuple(each for each in self.columns if each.end == "source")


@dataclass(frozen=True, slots=True)
class ColumnImpact:
    """What uses a column.

    Attributes:
        subject: as it was asked, the version filled in.
        columns: what was asked about, then all that was made of it, a step at a time.
        models: the model versions among them, with the aliases they hold and held; `place` is of their first column.
        untold: versions made of what holds the column by runs that tell nothing of columns, `NAME@VERSION`.
        short: those whose runs had more columns to tell of than an event holds.
    """

    subject: str
    column: str
    columns: tuple[ColumnFound, ...]
    edges: tuple[ColumnEdge, ...]
    models: tuple[ModelReached, ...]
    untold: tuple[str, ...]
    short: tuple[str, ...] = ()


def trace_column(store: Store, subject: Subject, column: str, depth: int | None = None) -> ColumnTrace:
    """Find what a column was made of.

    Args:
        store: the lineage store.
        subject: a dataset, model or file.
        column: of it.
        depth: how many runs to go back; None: all the way.

    Raises:
        SubjectError: unknown or ambiguous; no such column; none of its columns is on record as made of others.
    """
    place = place_of(store, _with_columns(subject))
    version, start = place.version, place.run
    if version is None:
        raise SubjectError(f"{place.subject}: nothing of its columns is on record", subject=str(place.subject))
    facets = Facets(store)
    _hold_known(facets, place.subject, [version], column)
    if start is not None and facets.lineage(start.run_id, start.last_seq, version.key) is None:
        raise SubjectError(
            f"{place.subject}: no column lineage is on record, for the run that wrote it ({start.job}) told none; "
            f"ask `lineal trace {place.subject}` without --column",
            subject=str(place.subject),
        )
    columns, edges = _Back(store, facets).walk(version, start, column, depth)
    short = (_written(each.name, each.version) for each in columns if each.run_id and facets.is_short(each.run_id))
    return ColumnTrace(str(place.subject), column, columns, edges, tuple(dict.fromkeys(short)))


def column_impact(store: Store, subject: Subject, column: str, depth: int | None = None) -> ColumnImpact:
    """Find which columns, models and prediction columns use a column.

    Args:
        store: the lineage store.
        subject: a dataset, model or file.
        column: of it.
        depth: how many runs to go forward; None: all the way.

    Raises:
        SubjectError: unknown or ambiguous; no such column; nothing made of it is on record with its columns.
    """
    begun = begin(store, _with_columns(subject))
    facets = Facets(store)
    _hold_known(facets, begun.subject, begun.versions, column)
    # One run further than asked for, to know where the way goes on.
    found = descend(store, begun.versions, begun.made_by, None if depth is None else depth + 1)
    forward = _Forward(store, facets, found)
    starts = [(version.key, column) for version in begun.versions if column in facets.columns_of(version.key)]
    columns, edges = forward.walk(starts, depth)
    if forward.untold and not forward.told:
        raise SubjectError(
            f"{begun.subject}: no column lineage is on record of what was made of it; "
            f"ask `lineal impact {begun.subject}` without --column",
            subject=str(begun.subject),
        )
    first = {(each.namespace, each.name, each.version): place for place, each in reversed(list(enumerate(columns)))}
    whole = answer(store, str(begun.subject), found)
    models = []
    for model in whole.models:
        version = whole.versions[model.place]
        at = first.get((version.namespace, version.name, version.version))
        if at is not None and version.steps:
            models.append(replace(model, place=at))
    short = (
        _written(each.version.name, each.version.version)
        for each in found.reached.values()
        if any(map(facets.is_short, each.runs or ()))
    )
    untold = forward.untold_below(columns)
    return ColumnImpact(str(begun.subject), column, columns, edges, tuple(models), untold, tuple(short))


def _written(name: str, version: str) -> str:
    return f"{name}@{version[:12]}".removesuffix("@")


def _with_columns(subject: Subject) -> Subject:
    if subject.kind not in KINDS:
        raise SubjectError(
            f"{subject}: a {subject.kind} has no columns of its own; --column goes with dataset:NAME@VERSION, "
            "model:NAME@VERSION_OR_ALIAS or file:PATH",
            subject=str(subject),
        )
    return subject


def _hold_known(facets: Facets, subject: Subject, versions: Iterable[VersionRow], column: str) -> None:
    """Stop at a column that is not on record for any of some versions."""
    there = dict.fromkeys(name for version in versions for name in facets.columns_of(version.key))
    if column in there:
        return
    if not there:
        raise SubjectError(
            f"{subject}: no columns are on record for it; ask without --column for the whole of it",
            subject=str(subject),
        )
    lower = {name.lower(): name for name in there}
    near = get_close_matches(column.lower(), lower, n=1, cutoff=0.5)
    known = ", ".join(list(there)[:8]) + (f" and {len(there) - 8} more" if len(there) > 8 else "")
    hint = f"did you mean {lower[near[0]]!r}?" if near else f"there are {known}"
    raise SubjectError(f"{subject}: it has no column {column!r}; {hint}", subject=str(subject))


class _Back:
    """Goes back from a column, by the sources that `trace` names."""

    def __init__(self, store: Store, facets: Facets) -> None:
        self.facets = facets
        self.steps = Walk(store)

    def walk(
        self, version: VersionRow, run: RunRow | None, column: str, depth: int | None
    ) -> tuple[tuple[ColumnFound, ...], tuple[ColumnEdge, ...]]:
        found: list[ColumnFound] = []
        edges: list[ColumnEdge] = []
        places: dict[tuple[str, str | None, str], int] = {}

        def place(row: VersionRow, by: RunRow | None, name: str, steps: int) -> tuple[int, bool]:
            key = (row.key, by.run_id if by else None, name)
            new = key not in places
            if new:
                places[key] = len(found)
                found.append(_column(row, by, name, steps))
            return places[key], new

        place(version, run, column, 0)
        waiting = deque([(0, version, run)])
        while waiting:
            at, row, by = waiting.popleft()
            here = found[at]
            if by is None:
                found[at] = replace(here, end="source")
                continue
            lineage = self.facets.lineage(by.run_id, by.last_seq, row.key)
            if not (lineage or {}).get(here.column):
                untold = lineage is None or self.facets.is_short(by.run_id)
                found[at] = replace(here, end="untold" if untold else "made")
                continue
            if depth is not None and here.steps >= depth:
                found[at] = replace(here, cut=True)
                continue
            for origin, how in (lineage or {})[here.column].items():
                for read, writer in self._read(origin, row, by):
                    source, new = place(read, writer, origin.column, here.steps + 1)
                    edges.append(ColumnEdge(source, at, how))
                    if new:
                        waiting.append((source, read, writer))
        return tuple(found), tuple(edges)

    def _read(self, origin: ColumnId, row: VersionRow, by: RunRow) -> list[tuple[VersionRow, RunRow | None]]:
        """The versions that a run read of the dataset that a column is said to come from, and who made each."""
        named = [
            each
            for each in self.steps.read_by(by)
            if (each.namespace, each.name) == (origin.namespace, origin.name) and each.key != row.key
        ]
        if not named:
            # Told of a column alone, and not as an input of the run.
            key = graph.version_key(origin.namespace, origin.name, "")
            named = [VersionRow(key, origin.namespace, origin.name, "", "TABLE", by.first_seq)]
        return [self.steps.source(each, by) for each in named]


class _Forward:
    """Goes forward from columns, within what `impact` finds.

    `told` is whether a run that made something of what was asked about says of which columns; `untold` are the keys of
    the versions whose runs do not.
    """

    def __init__(self, store: Store, facets: Facets, found: Descent) -> None:
        self.found = found
        self.told = False
        self.untold: list[str] = []
        self._into: dict[tuple[str, str], _Targets] = defaultdict(dict)
        self._answers: dict[str, _Targets] = defaultdict(dict)
        runs = {run_id: run for each in found.reached.values() for run_id, run in (each.runs or {}).items()}
        facets.know({run_id: run.last_seq for run_id, run in runs.items()})
        by_name: dict[tuple[str, str], list[str]] = defaultdict(list)
        for key, each in found.reached.items():
            by_name[each.version.namespace, each.version.name].append(key)
        read: dict[str, set[str]] = defaultdict(set)
        for edge in graph.edges_of(store, runs):
            if edge.role == "i":
                read[edge.run_id].add(edge.version)
        self._read = read
        others = {key for keys in read.values() for key in keys} - found.reached.keys()
        named = {key: (row.namespace, row.name) for key, row in graph.versions(store, others).items()}
        for key, each in found.reached.items():
            lineages = {run_id: facets.lineage(run_id, run.last_seq, key) for run_id, run in (each.runs or {}).items()}
            if each.steps and not any(lineage is not None for lineage in lineages.values()):
                self.untold.append(key)
            for run_id, lineage in lineages.items():
                self.told = self.told or (lineage is not None and each.steps == 1)
                for column, origins in (lineage or {}).items():
                    for origin, how in origins.items():
                        dataset = origin.namespace, origin.name
                        elsewhere = any(named.get(each) == dataset for each in read[run_id])
                        for source in self._sources(by_name[dataset], read[run_id], key, elsewhere=elsewhere):
                            self._into[source, origin.column].setdefault((key, column), how)
                            if self._is_model(source) and not self._is_model(key):
                                self._answers[source].setdefault((key, column), how)

    def walk(
        self, starts: list[tuple[str, str]], depth: int | None
    ) -> tuple[tuple[ColumnFound, ...], tuple[ColumnEdge, ...]]:
        places = {start: place for place, start in enumerate(starts)}
        found = [self._column(*start, steps=0) for start in starts]
        edges: list[ColumnEdge] = []
        waiting = deque(starts)
        while waiting:
            here = waiting.popleft()
            at = places[here]
            # A model answers as one: whoever takes a column of its answer has used all the columns that it takes.
            into = {**self._into.get(here, {}), **self._answers.get(here[0], {})}
            if depth is not None and found[at].steps >= depth:
                found[at] = replace(found[at], cut=bool(into))
                continue
            for target, how in into.items():
                if target not in places:
                    places[target] = len(found)
                    found.append(self._column(*target, steps=found[at].steps + 1))
                    waiting.append(target)
                edges.append(ColumnEdge(at, places[target], how))
        return tuple(found), tuple(edges)

    def untold_below(self, columns: Iterable[ColumnFound]) -> tuple[str, ...]:
        """Of the versions that nothing tells the columns of, those made of a version that has a column found."""
        holding = {graph.version_key(each.namespace, each.name, each.version) for each in columns}
        untold = []
        for key in self.untold:
            each = self.found.reached[key]
            if any(self._read[run_id] & holding for run_id in each.runs or {}):
                untold.append(_written(each.version.name, each.version.version))
        return tuple(untold)

    def _is_model(self, key: str) -> bool:
        return self.found.reached[key].version.kind == "MODEL"

    @staticmethod
    def _sources(named: list[str], read: set[str], target: str, *, elsewhere: bool) -> list[str]:
        """Of the versions of a dataset that were reached, those that a run read; a facet gives none.

        Of a run that says of no version that it read it, any may be meant; not of one that read another, `elsewhere`.
        """
        exact = [key for key in named if key in read]
        return [key for key in exact or (() if elsewhere else named) if key != target]

    def _column(self, key: str, column: str, *, steps: int) -> ColumnFound:
        each = self.found.reached[key]
        run = min(each.runs.values(), key=lambda run: run.first_seq) if each.runs else None
        row = each.version
        return ColumnFound(
            namespace=row.namespace,
            name=row.name,
            version=row.version,
            kind=row.kind,
            column=column,
            run_id=run.run_id if run else None,
            job=self.found.jobs[run.job][1] if run and run.job in self.found.jobs else None,
            made_at=run.ended_at if run else None,
            steps=steps,
        )


def _column(row: VersionRow, by: RunRow | None, column: str, steps: int) -> ColumnFound:
    return ColumnFound(
        namespace=row.namespace,
        name=row.name,
        version=row.version,
        kind=row.kind,
        column=column,
        run_id=by.run_id if by else None,
        job=by.job if by else None,
        made_at=by.ended_at if by else None,
        steps=steps,
    )
