"""Descent: what was made of something, and what of that, a step of all runs at a time.

It is the way of `trace` the other way round: a run made something of what it read, unless a run within it did; and
where several made one version, a reader has it from the one that `trace` names as its source. So a thing is below
another exactly if that other is named where it came from.

One thing `trace` shows and this does not follow: what a run was merely told by. Where a run writes what it read (the
same content under another name, as registering does with a model), it made it of that alone; what else it read decided
on it. Such a model is given apart, as judged.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple

import sqlalchemy as sa

from lineal.store import graph, producers, tables
from lineal.store.graph import VersionRow
from lineal.store.log import Store
from lineal.store.runs import find_run

_RUNS, _EDGES, _VERSIONS = tables.runs.c, tables.edges.c, tables.versions.c
# Databases bound how many values one query may name; SQLite and PostgreSQL both take so many.
_BATCH = 5000


class RunStep(NamedTuple):
    """A run, as far as a descent needs it."""

    run_id: str
    job: str
    parent_id: str | None
    root_id: str
    state: str
    started_at: str | None
    ended_at: str | None
    first_seq: int
    last_seq: int

    @property
    def at(self) -> str:
        """When it began, or when it ended where only that is known."""
        return self.started_at or self.ended_at or ""


_STEP = tuple(_RUNS[name] for name in RunStep._fields)


@dataclass(slots=True)
class Reached:
    """A version that a descent came to.

    Attributes:
        version: it.
        runs: those that made it of what is above; None for one that the descent began with, whoever made it.
        above: the version that it was first reached from.
        sources: all versions that it was reached from.
        steps: how many runs lie between it and the beginning.
        cut: whether the descent goes on below it, beyond the depth that was asked for.
    """

    version: VersionRow
    runs: dict[str, RunStep] | None
    above: str | None = None
    steps: int = 0
    cut: bool = False
    sources: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Descent:
    """What was made of some versions.

    Attributes:
        reached: by version key, what the descent began with first, then a step at a time.
        judged: models that a run decided on by what is below, and did not make of it, by version key.
        jobs: the names of the jobs of all runs met, by key: namespace and name.
    """

    reached: dict[str, Reached] = field(default_factory=dict)
    judged: dict[str, Reached] = field(default_factory=dict)
    jobs: dict[str, tuple[str, str]] = field(default_factory=dict)


def is_content(version: str) -> bool:
    """Whether a version is the hash of its content, so that another of the same version is the same thing.

    Other producers number theirs: version 3 of one table has nothing to do with version 3 of another.
    """
    return len(version) >= 32 and all(digit in "0123456789abcdef" for digit in version)


def descend(
    store: Store,
    starts: Sequence[VersionRow],
    made_by: Mapping[str, Sequence[str]] | None = None,
    depth: int | None = None,
) -> Descent:
    """Find all that was made of some versions.

    Args:
        store: the lineage store.
        starts: what to begin with.
        made_by: the runs that made each of them, by version key, where only what these made is meant.
        depth: how many runs to go forward; None: all the way.
    """
    walk = _Walk(store)
    steps = walk.steps_of({run for runs in (made_by or {}).values() for run in runs})
    frontier: dict[str, set[str] | None] = {}
    for version in starts:
        runs = None if made_by is None else {run: steps[run] for run in made_by[version.key]}
        walk.found.reached[version.key] = Reached(version, runs)
        frontier[version.key] = None if runs is None else set(runs)
    taken = 0
    while frontier and (depth is None or taken <= depth):
        taken += 1
        frontier = walk.step(frontier, taken, cut=depth is not None and taken > depth)
    walk.found.judged = {
        key: each for key, each in walk.found.judged.items() if not _same_runs(each, walk.found.reached.get(key))
    }
    walk.found.jobs = walk.jobs()
    return walk.found


def _same_runs(judged: Reached, made: Reached | None) -> bool:
    """Whether a model that was judged was made of the same things as well, each time that it was registered."""
    return made is not None and (made.runs is None or (judged.runs or {}).keys() <= made.runs.keys())


class _Walk:
    """The state of a descent: what was reached, who wrote what, and which run lies within which."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.found = Descent()
        self.writers: dict[str, _Writers] = {}
        self.parents: dict[str, str | None] = {}
        self.names: dict[str, tuple[str, str]] = {}
        self.runs: dict[str, RunStep] = {}
        self._untold: dict[str, bool] = {}

    def step(self, frontier: Mapping[str, set[str] | None], taken: int, *, cut: bool) -> dict[str, set[str] | None]:
        """Take all versions of one step to what was made of them; gives those that have something new to tell."""
        readers: dict[str, list[RunStep]] = defaultdict(list)
        rivals = self._by_time(frontier)
        for key, run in self._readers_of(frontier):
            readers[key].append(run)
        self._know_parents(run for runs in readers.values() for run in runs)
        self._know_writers(key for key, made in frontier.items() if made is not None)
        made_of: dict[str, list[str]] = defaultdict(list)
        runs: dict[str, RunStep] = {}
        for key, made in frontier.items():
            for run in readers[key]:
                if made is None or self._source(key, run) in made:
                    made_of[run.run_id].append(key)
                    runs[run.run_id] = run
        for key, run in rivals:
            if key not in made_of[run.run_id]:
                made_of[run.run_id].append(key)
                runs[run.run_id] = run
        return self._take_outputs(made_of, runs, taken, cut)

    def _take_outputs(
        self, made_of: Mapping[str, list[str]], runs: Mapping[str, RunStep], taken: int, cut: bool
    ) -> dict[str, set[str] | None]:
        """What some runs wrote of some versions that they read."""
        frontier: dict[str, set[str] | None] = {}
        found = self._versions_of(runs)
        for run_id, run in sorted(runs.items(), key=lambda pair: pair[1].first_seq):
            written, read = found[run_id]
            for row in sorted(written, key=_oldest) if len(written) > 1 else written:
                if row.key in read or self._within(run, row.key):
                    continue
                copied = {key for key, version in read.items() if version == row.version}
                above = made_of[run_id]
                if copied and is_content(row.version):
                    above = [key for key in above if key in copied]
                if cut:
                    self.found.reached[(above or made_of[run_id])[0]].cut = True
                elif above:
                    self._reach(self.found.reached, row, run, above, taken, frontier)
                elif row.kind == "MODEL":
                    self._reach(self.found.judged, row, run, made_of[run_id], taken, {})
        return frontier

    @staticmethod
    def _reach(
        into: dict[str, Reached],
        row: VersionRow,
        run: RunStep,
        above: Sequence[str],
        taken: int,
        frontier: dict[str, set[str] | None],
    ) -> None:
        known = into.setdefault(row.key, Reached(row, {}, above[0], taken))
        known.sources.update(above)
        if known.runs is not None and run.run_id not in known.runs:
            known.runs[run.run_id] = run
            new = frontier.setdefault(row.key, set())
            if new is not None:
                new.add(run.run_id)

    def _source(self, key: str, reader: RunStep) -> str | None:
        """The run that a reader has a version from, by the rules of `trace`."""
        kin = self._kin(key, reader)
        if kin is not None or not self.found.reached[key].version.version:
            return kin
        return self.writers[key].last(reader)

    def _kin(self, key: str, reader: RunStep) -> str | None:
        """The run of the reader's own root that it has a version from."""
        kin = [run for run in self.writers[key].of_root(reader.root_id) if run.last_seq < reader.last_seq]
        if not kin:
            return None
        above = set(self._ancestors(reader)).union(*(self._ancestors(run) for run in kin))
        nearest = [run for run in kin if run.run_id not in above]
        return max(nearest, key=lambda run: run.last_seq).run_id if nearest else None

    def _within(self, run: RunStep, key: str) -> bool:
        """Whether a run within this one wrote the version, and so is nearer to the work."""
        kin = self.writers[key].of_root(run.root_id)
        return len(kin) > 1 and any(run.run_id in self._ancestors(each) for each in kin)

    def _by_time(self, frontier: Mapping[str, set[str] | None]) -> list[tuple[str, RunStep]]:
        """The readers of what has no version, of those whose source only time can tell.

        Asked one by one, by what `trace` asks: datasets of producers that give versions have none.
        """
        found: list[tuple[str, RunStep]] = []
        for key, made in self._without_versions(frontier).items():
            about = self.found.reached[key].version
            dataset = tables.key_of(about.namespace, about.name)
            query = (
                sa.select(_EDGES.version, *_STEP)
                .join(tables.runs, _RUNS.run_id == _EDGES.run_id)
                .join(tables.versions, _VERSIONS.key == _EDGES.version)
                .where(_VERSIONS.dataset == dataset, _EDGES.role == "i", _RUNS.state == "COMPLETE")
            )
            rows = [(row[0], self._note(RunStep(*row[1:]))) for row in self.store.read(query)]
            self._know_parents(reader for _, reader in rows)
            self._know_writers(version for version, _ in rows)
            for version, reader in rows:
                # A reader of the very version is known already, and one that has it from its own kin as well.
                if (version == key and made is None) or self._kin(version, reader) is not None:
                    continue
                source = self._source_by_time(version, reader)
                if source is not None and (source[0] == key if made is None else source[1] in made):
                    found.append((key, reader))
        return found

    def _source_by_time(self, version: str, reader: RunStep) -> tuple[str, str] | None:
        rows = graph.versions(self.store, [version])
        run = find_run(self.store, reader.run_id)
        if run is None or version not in rows:
            return None
        if rows[version].version and producers.last_producer(self.store, version, run) is not None:
            return None  # known by its version
        found = producers.producer_by_time(self.store, rows[version], run)
        if found is None:
            return None
        made, producer = found
        # What a reader knows by a version of its own was made without one.
        unversioned = graph.version_key(made.namespace, made.name, "")
        return (unversioned if rows[version].version else made.key), producer.run_id

    def _without_versions(self, frontier: Mapping[str, set[str] | None]) -> dict[str, set[str] | None]:
        """Those whose dataset was read or written without a version."""
        rows = {key: self.found.reached[key].version for key in frontier}
        names = {(row.namespace, row.name): graph.version_key(row.namespace, row.name, "") for row in rows.values()}
        unknown = [key for key in names.values() if key not in self._untold]
        there = graph.versions(self.store, unknown)
        self._untold |= {key: key in there for key in unknown}
        return {key: frontier[key] for key, row in rows.items() if self._untold[names[row.namespace, row.name]]}

    def _ancestors(self, run: RunStep) -> Iterable[str]:
        above = run.parent_id
        while above is not None:
            yield above
            above = self.parents.get(above)

    def _know_parents(self, runs: Iterable[RunStep]) -> None:
        """Learn how runs lie within each other; most lie in their root, of which nothing more is to be learnt."""
        unknown = {
            run.parent_id
            for run in runs
            if run.parent_id is not None and run.parent_id != run.root_id and run.parent_id not in self.parents
        }
        while unknown:
            found = self.steps_of(unknown)
            for run_id in unknown:
                self.parents[run_id] = found[run_id].parent_id if run_id in found else None
            unknown = {
                run.parent_id
                for run in found.values()
                if run.parent_id is not None and run.parent_id != run.root_id and run.parent_id not in self.parents
            }

    def _know_writers(self, keys: Iterable[str]) -> None:
        unknown = [key for key in dict.fromkeys(keys) if key not in self.writers]
        if not unknown:
            return
        again = tables.edges.alias()
        # Who reads what it writes did not make it.
        same = sa.exists().where(
            again.c.run_id == _EDGES.run_id, again.c.role == "i", again.c.version == _EDGES.version
        )
        query = sa.select(_EDGES.version, _EDGES.run_id).where(_EDGES.role == "o", ~same)
        edges = [
            row
            for batch in _batches(unknown)
            for row in self.store.read(query.where(graph.among(self.store, _EDGES.version, batch)))
        ]
        steps = self.steps_of(run_id for _, run_id in edges)
        found: dict[str, list[RunStep]] = {key: [] for key in unknown}
        for key, run_id in edges:
            run = steps.get(run_id)
            if run is not None and run.state == "COMPLETE":
                found[key].append(run)
        for key, runs in found.items():
            self.writers[key] = _Writers(runs)
        self._know_parents(run for runs in found.values() for run in runs)

    def _readers_of(self, keys: Iterable[str]) -> list[tuple[str, RunStep]]:
        """The completed runs that read some versions, but for those that wrote nothing: they lead on to nothing."""
        wrote = tables.edges.alias()
        query = (
            sa.select(_EDGES.version, *_STEP)
            .join(tables.runs, _RUNS.run_id == _EDGES.run_id)
            .where(_EDGES.role == "i", _RUNS.state == "COMPLETE")
            .where(sa.exists().where(wrote.c.run_id == _EDGES.run_id, wrote.c.role == "o"))
        )
        return [
            (row[0], self._note(RunStep(*row[1:])))
            for batch in _batches(keys)
            for row in self.store.read(query.where(graph.among(self.store, _EDGES.version, batch)))
        ]

    def _versions_of(self, runs: Mapping[str, RunStep]) -> dict[str, tuple[list[VersionRow], dict[str, str]]]:
        """What some runs wrote, whose writers are known then, and the keys of what they read, each with its version."""
        found: dict[str, tuple[list[VersionRow], dict[str, str]]] = {run_id: ([], {}) for run_id in runs}
        again = tables.edges.alias()
        second = sa.select(again.c.run_id).where(again.c.version == _EDGES.version, again.c.role == "o")
        query = sa.select(
            _EDGES.run_id,
            _EDGES.role,
            # Most versions have one writer; of these there is nothing more to be asked.
            sa.case((_EDGES.role == "o", second.limit(1).offset(1).scalar_subquery())),
            _VERSIONS.key,
            _VERSIONS.dataset,
            *(_VERSIONS[name] for name in _OF_VERSION),
        ).join(tables.versions, _VERSIONS.key == _EDGES.version)
        writes: list[Any] = []
        for batch in _batches(runs):
            for row in self.store.read(query.where(graph.among(self.store, _EDGES.run_id, batch))):
                run_id, role, _, key, _, text, *_ = row
                if role == "o":
                    writes.append(row)
                else:
                    found[run_id][1][key] = text
        self._know_names({row[4] for row in writes})
        known: dict[str, VersionRow] = {}
        for run_id, _, other, key, dataset, text, kind, first, count in writes:
            if key not in known:
                reached = self.found.reached.get(key)
                known[key] = (
                    reached.version if reached else VersionRow(key, *self.names[dataset], text, kind, first, count)
                )
            written, read = found[run_id]
            written.append(known[key])
            if other is None and key not in read and key not in self.writers:
                self.writers[key] = _Writers([runs[run_id]])
        self._know_writers(known)
        return found

    def _know_names(self, datasets: Iterable[str]) -> None:
        columns = tables.datasets.c
        for batch in _batches(key for key in datasets if key not in self.names):
            for row in self.store.read(sa.select(tables.datasets).where(columns.key.in_(batch))):
                self.names[row.key] = (row.namespace, row.name)

    def steps_of(self, run_ids: Iterable[str]) -> dict[str, RunStep]:
        """Some runs, by their ids."""
        wanted = set(run_ids)
        for batch in _batches(wanted - self.runs.keys()):
            for row in self.store.read(sa.select(*_STEP).where(graph.among(self.store, _RUNS.run_id, batch))):
                self._note(RunStep(*row))
        return {run_id: self.runs[run_id] for run_id in wanted if run_id in self.runs}

    def _note(self, run: RunStep) -> RunStep:
        return self.runs.setdefault(run.run_id, run)

    def jobs(self) -> dict[str, tuple[str, str]]:
        """The names of the jobs met."""
        columns = tables.jobs.c
        return {
            row.key: (row.namespace, row.name)
            for batch in _batches(run.job for run in self.runs.values())
            for row in self.store.read(sa.select(tables.jobs).where(columns.key.in_(batch)))
        }


_OF_VERSION = ("version", "kind", "first_seq", "rows")


class _Writers:
    """The completed runs that made a version, and which of them a reader has it from."""

    __slots__ = ("_best", "_by_root", "_ends", "runs")

    def __init__(self, runs: list[RunStep]) -> None:
        self.runs = runs
        # Most are never asked.
        self._by_root: dict[str, list[RunStep]] | None = None
        # Of all that ended up to each time, the one that `trace` takes: the last to begin.
        self._ends: list[str] | None = None
        self._best: list[RunStep] = []

    def of_root(self, root_id: str) -> Sequence[RunStep]:
        """Those of one root."""
        if self._by_root is None:
            self._by_root = {}
            for run in self.runs:
                self._by_root.setdefault(run.root_id, []).append(run)
        return self._by_root.get(root_id, ())

    def last(self, reader: RunStep) -> str | None:
        """The newest that ended before the reader did, else the newest that the log has before it."""
        if self._ends is None:
            ended = sorted((run for run in self.runs if run.ended_at), key=lambda run: run.ended_at or "")
            self._ends = [run.ended_at or "" for run in ended]
            self._best = list(accumulate(ended, _newer))
        end = reader.ended_at or reader.started_at
        place = bisect_right(self._ends, end) if end is not None else 0
        if place:
            return self._best[place - 1].run_id
        earlier = [run for run in self.runs if run.last_seq < reader.last_seq]
        return max(earlier, key=_newness).run_id if earlier else None


def _oldest(row: VersionRow) -> tuple[int, str]:
    return row.first_seq, row.name


def _newer(best: RunStep, run: RunStep) -> RunStep:
    return max(best, run, key=_newness)


def _newness(run: RunStep) -> tuple[str, int]:
    return run.at, run.first_seq


def _batches(values: Iterable[str]) -> Iterable[Sequence[str]]:
    distinct = list(dict.fromkeys(values))
    return (distinct[start : start + _BATCH] for start in range(0, len(distinct), _BATCH))
