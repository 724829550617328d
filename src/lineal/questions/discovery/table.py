"""Experiments as columns: what each was given, as codes of levels, beside the metric."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import isfinite
from typing import Any

import numpy as np

from lineal.questions.discovery.experiments import Experiment

Array = np.ndarray[Any, Any]
_SEED = re.compile(r"(^|[._])(seed|random_state)$|(^|\.)seeds\.")
NOT_SET = "(not set)"


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One thing that experiments were given.

    Attributes:
        name: of the parameter, or `data NAME`, `code`, `packages`, `machine`, `seed`.
        codes: the level of each experiment, a place in `levels`.
        numbers: what the levels are as numbers, where all are.
    """

    name: str
    kind: str
    codes: Array
    levels: tuple[str, ...]
    numbers: Array | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What experiments were given.

    Attributes:
        columns: one level of each experiment in each.
        alike: a number of each experiment, the same for those that were given the same.
    """

    columns: tuple[Column, ...]
    alike: Array


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Experiments of one pipeline that have one metric.

    Attributes:
        columns: those that have more than one level.
        constant: what was always the same, so that nothing can be said of it.
        rows: the versions that each was scored on, as codes.
    """

    metric: str
    runs: tuple[str, ...]
    values: Array
    columns: tuple[Column, ...]
    constant: tuple[str, ...]
    rows: Array
    rows_named: tuple[tuple[str, ...], ...]

    @property
    def factors(self) -> tuple[Column, ...]:
        """The columns that may move a metric; seeds are what its noise is."""
        return tuple(column for column in self.columns if column.kind != "seed")


def independent(alike: Array, values: Array) -> Array:
    """The places of the runs that say something of their own: of those that only did another one again, the first.

    Runs that were given the same, as far as is on record, and came out otherwise by more than rounding are draws of
    their own: of what is not on record, such as a seed or code that was never committed.

    Args:
        alike: the same number for runs that were given the same.
        values: the metric.
    """
    _, first, which = np.unique(alike, return_index=True, return_inverse=True)
    differs = np.zeros(len(first), dtype=bool)
    np.logical_or.at(differs, which, ~np.isclose(values, values[first][which], rtol=1e-9, atol=0))
    return np.flatnonzero(differs[which] | (first[which] == np.arange(len(values))))


def folded(table: Table) -> Table:
    """A table in which runs that only did another one again stand for no more than that one."""
    kept = independent(Groups(table.columns, len(table.runs)).whole, table.values)
    return replace(
        table,
        runs=tuple(table.runs[place] for place in kept),
        values=table.values[kept],
        columns=tuple(replace(column, codes=column.codes[kept]) for column in table.columns),
        rows=table.rows[kept],
    )


def given(experiments: Sequence[Experiment]) -> Given:
    """What each of some experiments was given."""
    columns = _columns(experiments)
    digests, named = _encoded([each.digest for each in experiments])
    random = np.random.default_rng(0)
    alike = _marked(random, digests, len(named))
    for column in columns:
        alike += _marked(random, column.codes, len(column.levels))
    return Given(columns, alike)


def tabulate(experiments: Sequence[Experiment], metric: str, known: Given | None = None) -> Table:
    """The table of the experiments that have a metric, all of it measured alike: held out, or cross-validated.

    Args:
        experiments: of one pipeline.
        metric: that they are to have.
        known: what the experiments were given, where that has been found.
    """
    scored = [(each, score) for each in experiments if (score := each.score(metric)) and isfinite(score.value)]
    kinds = [score.of for _, score in scored]
    main = max(set(kinds), key=kinds.count, default="")
    chosen = [each for each, score in scored if score.of == main]
    scores = [score for _, score in scored if score.of == main]
    codes, rows_named = _encoded([score.rows for score in scores])
    columns = known.columns if known and len(chosen) == len(experiments) else _columns(chosen)
    return Table(
        metric=metric,
        runs=tuple(each.run_id for each in chosen),
        values=np.array([score.value for score in scores], dtype=float),
        columns=tuple(column for column in columns if len(column.levels) > 1),
        constant=tuple(column.name for column in columns if len(column.levels) <= 1),
        rows=codes,
        rows_named=tuple(rows_named),
    )


def _columns(experiments: Sequence[Experiment]) -> tuple[Column, ...]:
    return tuple(_column(name, kind, values) for name, kind, values in _given(experiments))


def _given(experiments: Sequence[Experiment]) -> Iterable[tuple[str, str, list[str]]]:
    parameters = [each.parameters for each in experiments]
    names = set().union(*parameters)
    seeds = sorted(name for name in names if _SEED.search(name))
    for name in sorted(names.difference(seeds)):
        yield name, "parameter", [each.get(name, NOT_SET) for each in parameters]
    data = [each.data for each in experiments]
    for name in sorted(set().union(*data)):
        yield f"data {name}", "data", [each.get(name, NOT_SET) for each in data]
    environment = [each.environment for each in experiments]
    told = set().union(*environment)
    for name in ("code", "packages", "machine"):
        if name in told:
            yield name, name, [each.get(name, NOT_SET) for each in environment]
    if seeds:
        # One thing: a pipeline's seed is handed on under several names.
        yield "seed", "seed", [", ".join([each.get(name, NOT_SET) for name in seeds]) for each in parameters]


def _column(name: str, kind: str, values: Sequence[str]) -> Column:
    codes, levels = _encoded(values)
    numbers = None
    if kind == "parameter":
        try:
            numbers = np.array([float(level) for level in levels])
        except ValueError:
            numbers = None
        if numbers is not None and not np.isfinite(numbers).all():
            numbers = None
    return Column(name, kind, codes, tuple(levels), numbers)


def _encoded(values: Sequence[Any]) -> tuple[Array, list[Any]]:
    known: dict[Any, int] = defaultdict(count().__next__)
    codes = np.fromiter(map(known.__getitem__, values), dtype=np.int64, count=len(values))
    return codes, list(known)


def _marked(random: np.random.Generator, codes: Array, levels: int) -> Array:
    """A random number of each level, of which sums are taken: no two are likely to be the same."""
    marks: Array = random.integers(0, 2**64, levels, dtype=np.uint64)[codes]
    return marks


class Groups:
    """Experiments that are alike in all things, or in all but one.

    Each level has a random number. The sum of an experiment's is its fingerprint; one column can be taken out of it.
    """

    def __init__(self, columns: Sequence[Column], count: int) -> None:
        random = np.random.default_rng(0)
        self._parts = {column.name: _marked(random, column.codes, len(column.levels)) for column in columns}
        self.whole = np.zeros(count, dtype=np.uint64)
        for part in self._parts.values():
            self.whole += part

    def without(self, *names: str) -> Array:
        """The fingerprints of all but some columns."""
        found = self.whole.copy()
        for name in names:
            if name in self._parts:
                found -= self._parts[name]
        return found
