"""Impact: what came of something: dataset versions, models and the aliases they held, batches of predictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from lineal.questions import lookup
from lineal.questions.descent import Descent, Reached, descend, is_content
from lineal.store import graph, tables
from lineal.store.graph import VersionRow
from lineal.store.log import Store
from lineal.subjects import Kind, Subject

# What `impact` can be asked about here; records are found in the bytes, by `lineal.questions.records`.
KINDS: tuple[Kind, ...] = ("file", "dataset", "model", "run", "record")
PREDICTIONS = ".predictions"


@dataclass(frozen=True, slots=True)
class Version:
    """A dataset version, file or model that something came of, or that came of it.

    Attributes:
        kind: TABLE, FILE or MODEL, or what another producer calls it.
        rows: how many records, where known.
        made_at: when the run that made it ended.
        run_id: that run; the first of several that made the same.
        job: of that run.
        above: the place, in the answer's list, of the version that it was made of; None for what was asked about.
        steps: how many runs lie between it and what was asked about.
        cut: whether more came of it, beyond the depth that was asked for.
    """

    namespace: str
    name: str
    version: str
    kind: str
    rows: int | None
    made_at: str | None
    run_id: str | None
    job: str | None
    above: int | None
    steps: int
    cut: bool = False

    @property
    def is_batch(self) -> bool:
        """Whether it is a batch of predictions."""
        return self.kind != "MODEL" and self.name.endswith(PREDICTIONS)


@dataclass(frozen=True, slots=True)
class Tenure:
    """A time in which a model version held an alias; `until` is None where it still does."""

    alias: str
    since: str
    until: str | None
    moved_by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ModelReached:
    """A model that something came to; `number` is None where it was not registered.

    Attributes:
        place: of its version in the answer's list.
        aliases: that it holds or held, in the order of time.
    """

    namespace: str
    name: str
    number: int | None
    digest: str
    made_at: str | None
    run_id: str | None
    place: int
    aliases: tuple[Tenure, ...] = ()

    @property
    def holds(self) -> tuple[str, ...]:
        """The aliases that it holds now."""
        return tuple(each.alias for each in self.aliases if each.until is None)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much came of something: the closing line."""

    datasets: int
    models: int
    batches: int
    predictions: int


@dataclass(frozen=True, slots=True)
class Impact:
    """The answer to `impact`.

    Attributes:
        subject: as it was asked, the version filled in.
        versions: what was asked about, then all that came of it, a step at a time; each names the one above it.
        models: the models among them, oldest first.
        judged: models that something below was held against when they were registered, and that were not made of it.
        counts: of what came of it; what was asked about is not counted.
        made: whether the versions that it begins with came of it as well: a run was asked about, which made them.
    """

    subject: str
    versions: tuple[Version, ...]
    models: tuple[ModelReached, ...]
    judged: tuple[ModelReached, ...]
    counts: Counts
    made: bool = False

    @property
    def counted(self) -> tuple[ModelReached, ...]:
        """The models that came of it, without the one that was asked about."""
        return tuple(model for model in self.models if self.made or self.versions[model.place].steps)


def impact(store: Store, subject: Subject, depth: int | None = None) -> Impact:
    """Find all that came of a subject.

    Args:
        store: the lineage store.
        subject: a file, dataset, model or run.
        depth: how many runs to go forward; None: all the way.

    Raises:
        SubjectError: unknown or ambiguous.
    """
    begun = begin(store, subject)
    found = descend(store, begun.versions, begun.made_by, depth)
    return answer(store, str(begun.subject), found, made=begun.made_by is not None)


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a descent begins with.

    Attributes:
        subject: as it was asked, the version filled in.
        versions: that it names.
        made_by: the runs that made each, where only what these made is meant.
    """

    subject: Subject
    versions: tuple[VersionRow, ...]
    made_by: dict[str, list[str]] | None = None


def begin(store: Store, subject: Subject) -> Beginning:
    """Find what a subject names.

    Raises:
        SubjectError: unknown or ambiguous.
    """
    if subject.kind == "model":
        model = lookup.find_model(store, subject)
        rows = graph.versions(store, [model.version])
        return Beginning(lookup.subject_of(store, model), tuple(rows.values()))
    if subject.kind == "run":
        return _begin_with_run(store, subject)
    if subject.kind == "dataset":
        row = lookup.find_version(store, subject)
        return Beginning(lookup.subject_of(store, row), (row,))
    row = lookup.find_file(store, subject)
    return Beginning(subject, same_content(store, row))


def same_content(store: Store, row: VersionRow) -> tuple[VersionRow, ...]:
    """All names under which the content of a version is on record, itself first."""
    if not is_content(row.version):
        return (row,)
    query = graph.select_versions().where(tables.versions.c.version == row.version)
    found = graph.read_versions(store, query.order_by(tables.versions.c.first_seq))
    return (row, *(each for each in found if each.key != row.key))


def _begin_with_run(store: Store, subject: Subject) -> Beginning:
    """What a run and those within it wrote, less what they made of it in turn."""
    run = lookup.find_run(store, subject)
    runs = {row.run_id: row for row in graph.runs_below(store, run)}
    edges = graph.edges_of(store, runs)
    read: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        if edge.role == "i":
            read[edge.run_id].add(edge.version)
    writes = [edge for edge in edges if edge.role == "o" and runs[edge.run_id].state == "COMPLETE"]
    written = {edge.version for edge in writes}
    made_by: dict[str, list[str]] = defaultdict(list)
    for edge in writes:
        if not read[edge.run_id] & written:
            made_by[edge.version].append(edge.run_id)
    rows = graph.versions(store, made_by)
    return Beginning(Subject("run", run.run_id), tuple(rows.values()), dict(made_by))


def answer(store: Store, subject: str, found: Descent, *, made: bool = False) -> Impact:
    """What a descent found, with the models' aliases, and counted.

    Args:
        store: the lineage store.
        subject: as it was asked, the version filled in.
        found: the descent.
        made: whether what it begins with came of the subject as well, as what a run made did.
    """
    places = {key: place for place, key in enumerate(found.reached)}
    versions = tuple(_version(each, found, places) for each in found.reached.values())
    models = _models(store, found.reached, places)
    judged = _models(store, found.judged, dict.fromkeys(found.judged, -1))
    below = [version for version in versions if version.steps or made]
    batches = [version for version in below if version.is_batch]
    counts = Counts(
        datasets=sum(version.kind != "MODEL" for version in below) - len(batches),
        models=sum(versions[model.place].steps > 0 or made for model in models),
        batches=len(batches),
        predictions=sum(version.rows or 0 for version in batches),
    )
    return Impact(subject, versions, models, tuple(model for model in judged if model.number is not None), counts, made)


def _version(each: Reached, found: Descent, places: dict[str, int]) -> Version:
    run = min(each.runs.values(), key=lambda run: run.first_seq) if each.runs else None
    row = each.version
    return Version(
        namespace=row.namespace,
        name=row.name,
        version=row.version,
        kind=row.kind,
        rows=row.rows,
        made_at=run.ended_at if run else None,
        run_id=run.run_id if run else None,
        job=found.jobs[run.job][1] if run and run.job in found.jobs else None,
        above=None if each.above is None else places[each.above],
        steps=each.steps,
        cut=each.cut,
    )


def _models(store: Store, reached: dict[str, Reached], places: dict[str, int]) -> tuple[ModelReached, ...]:
    """The registered versions among what was reached; of a model that never was registered, itself."""
    keys = [key for key, each in reached.items() if each.version.kind == "MODEL"]
    columns = tables.models.c
    rows = [
        row
        for batch in _batches(keys)
        for row in store.read(sa.select(tables.models).where(columns.version.in_(batch)))
    ]
    tenures = _tenures(store, {row.name for row in rows})
    found = []
    for row in rows:
        # The same training gives the same digest again: a number is below what the run that registered it is below.
        runs = reached[row.version].runs
        if runs is None or row.run_id in runs:
            held = tuple(tenures.get((row.namespace, row.name, row.number), ()))
            found.append(
                ModelReached(
                    row.namespace,
                    row.name,
                    row.number,
                    row.digest,
                    row.registered_at,
                    row.run_id,
                    places[row.version],
                    held,
                )
            )
    registered = {row.digest for row in rows}
    for key in keys:
        each = reached[key]
        if each.version.version not in registered:
            run = min(each.runs.values(), key=lambda run: run.first_seq) if each.runs else None
            found.append(
                ModelReached(
                    each.version.namespace,
                    each.version.name,
                    None,
                    each.version.version,
                    run.ended_at if run else None,
                    run.run_id if run else None,
                    places[key],
                )
            )
    return tuple(sorted(found, key=lambda model: (model.made_at or "", model.name, model.number or 0)))


def _tenures(store: Store, names: Iterable[str]) -> dict[tuple[str, str, int], list[Tenure]]:
    """Who held which alias from when to when, for some models."""
    columns = tables.aliases.c
    moves = [
        row
        for batch in _batches(names)
        for row in store.read(sa.select(tables.aliases).where(columns.name.in_(batch)).order_by(columns.seq))
    ]
    ends: dict[int, str] = {}
    last: dict[tuple[str, str, str], int] = {}
    for place, move in enumerate(moves):
        before = last.get((move.namespace, move.name, move.alias))
        if before is not None:
            ends[before] = move.moved_at
        last[move.namespace, move.name, move.alias] = place
    held: dict[tuple[str, str, int], list[Tenure]] = defaultdict(list)
    for place, move in enumerate(moves):
        if move.number is not None:
            tenure = Tenure(move.alias, move.moved_at, ends.get(place), move.moved_by, move.reason)
            held[move.namespace, move.name, move.number].append(tenure)
    return held


def _batches(values: Iterable[str]) -> Iterable[Sequence[str]]:
    distinct = list(dict.fromkeys(values))
    return (distinct[start : start + 5000] for start in range(0, len(distinct), 5000))
