"""Which factors moved a metric, which have been shown not to, and of which nothing can be said yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lineal.questions.discovery.statistics import (
    ALPHA,
    FEWEST_PER_LEVEL,
    POWER,
    Array,
    effect,
    kruskal,
    medians,
    power,
    quartiles,
    ranked,
    runs_needed,
)
from lineal.questions.discovery.table import Column, Table, folded

# Fewer independent runs than this rank seeds above what matters, by any method that was tried.
FEWEST_RUNS = 20
# Two factors are one to the data where one is known from the other; nearly so above this (Cramér's V).
_TOGETHER, _PARTLY = 0.95, 0.5
_MOST_LEVELS = 50


@dataclass(frozen=True, slots=True)
class Level:
    """One value, or range of values, of a factor: how many runs had it, and their median adjusted for other factors."""

    name: str
    runs: int
    median: float


@dataclass(frozen=True, slots=True)
class Factor:
    """What is known of one factor.

    Attributes:
        verdict: `moved`, `neutral` (shown not to matter) or `untold`.
        effect: highest less lowest of the levels' medians, other factors' effects taken out.
        p: corrected for the number of factors.
        power: to see an effect of `smallest`, where there were one.
        more_runs: about how many more would tell; None where no likely number does.
        low_run, high_run: a run of the lowest and of the highest level.
    """

    name: str
    verdict: str
    effect: float
    low: float
    high: float
    p: float
    levels: tuple[Level, ...]
    power: float
    more_runs: int | None
    confounded: tuple[str, ...]
    partly: tuple[str, ...]
    low_run: str
    high_run: str


@dataclass(frozen=True, slots=True)
class Factors:
    """All factors of a metric, strongest first.

    Attributes:
        smallest: the smallest effect of interest.
        spread: the standard deviation that the factors found leave.
        untested: those with too few runs of any second value.
        more_runs: about how many more runs would tell a difference of one standard deviation; 0 where it can be told.
    """

    moved: tuple[Factor, ...] = ()
    neutral: tuple[Factor, ...] = ()
    untold: tuple[Factor, ...] = ()
    untested: tuple[str, ...] = ()
    smallest: float = 0.0
    spread: float = 0.0
    more_runs: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    column: Column
    codes: Array  # -1 where the level has too few runs
    names: tuple[str, ...]

    @property
    def sizes(self) -> list[int]:
        return [int(size) for size in np.bincount(self.codes[self.codes >= 0])]


def factors(table: Table, *, noise: float | None = None, smallest: float | None = None) -> Factors:
    """Find the factors that moved the metric, one after the other, each on what those before it leave.

    Args:
        table: of a pipeline's experiments.
        noise: the standard deviation that another seed alone makes, where it is known.
        smallest: the smallest effect of interest; default twice the noise, else a fifth of the metric's spread.
    """
    table = folded(table)
    count = len(table.runs)
    columns = table.factors
    if count < FEWEST_RUNS:
        needed = max(FEWEST_RUNS, runs_needed(4, 1.0, ALPHA / max(1, len(columns))) or 0)
        return Factors(untested=tuple(column.name for column in columns), more_runs=needed - count)
    spread = float(table.values.std(ddof=1))
    limit = smallest or (2 * noise if noise else spread / 5)
    cuts = [cut for column in columns if (cut := _cut(column)) is not None]
    tested = {cut.column.name for cut in cuts}
    untested = tuple(column.name for column in columns if column.name not in tested)
    cuts, same, partly = _distinct(cuts)
    found = _stepwise(table.values, cuts)
    left = _adjusted(table.values, [cut for cut, _ in found])
    rest = float(left.std(ddof=1))
    claimed = {cut.column.name: p for cut, p in found}
    told = []
    remaining = [cut for cut in cuts if cut.column.name not in claimed]
    for cut in cuts:
        others = [other for other, _ in found if other is not cut]
        told.append(
            _judged(
                table,
                cut,
                _adjusted(table.values, others) if cut.column.name in claimed else left,
                claimed.get(cut.column.name),
                (limit, rest, len(remaining)),
                (same.get(cut.column.name, ()), partly.get(cut.column.name, ())),
            )
        )
    told.sort(key=lambda factor: (-factor.effect, factor.name))
    by_verdict = {
        verdict: tuple(factor for factor in told if factor.verdict == verdict)
        for verdict in ("moved", "neutral", "untold")
    }
    needed = runs_needed(4, 1.0, ALPHA / max(1, len(cuts))) or 0
    return Factors(
        **by_verdict, untested=untested, smallest=limit, spread=rest, more_runs=max(0, needed - count) if cuts else 0
    )


def _cut(column: Column) -> _Cut | None:
    """A factor's levels that have enough runs; None where they are fewer than two."""
    if column.numbers is not None and len(column.levels) > 4:
        codes, names = quartiles(column.numbers[column.codes])
    else:
        codes, names = column.codes, list(column.levels)
    sizes = np.bincount(codes, minlength=len(names))
    kept = np.flatnonzero(sizes >= FEWEST_PER_LEVEL)
    if len(kept) < 2:
        return None
    kept = kept[np.argsort(-sizes[kept], kind="stable")][:_MOST_LEVELS]
    kept.sort()
    place = np.full(len(names), -1)
    place[kept] = np.arange(len(kept))
    return _Cut(column, place[codes], tuple(names[code] for code in kept))


def _distinct(
    cuts: Sequence[_Cut],
) -> tuple[list[_Cut], dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Factors that always change together, as one; and what else goes partly along with each."""
    kept: list[_Cut] = []
    same: dict[str, tuple[str, ...]] = {}
    partly: dict[str, tuple[str, ...]] = {}
    for cut in cuts:
        names = cut.column.name
        ties = [(other, _association(cut, other)) for other in kept]
        twin = next((other for other, tie in ties if tie >= _TOGETHER), None)
        if twin is not None:
            same[twin.column.name] = (*same.get(twin.column.name, ()), names)
            continue
        kept.append(cut)
        for other, tie in ties:
            if tie >= _PARTLY:
                partly[names] = (*partly.get(names, ()), other.column.name)
                partly[other.column.name] = (*partly.get(other.column.name, ()), names)
    return kept, same, partly


def _association(one: _Cut, other: _Cut) -> float:
    """Cramér's V with Bergsma's correction: 0 where two know nothing of each other, 1 where they are one."""
    both = (one.codes >= 0) & (other.codes >= 0)
    count = int(both.sum())
    if count < FEWEST_RUNS:
        return 0.0
    rows, columns = len(one.names), len(other.names)
    cells = np.bincount(one.codes[both] * columns + other.codes[both], minlength=rows * columns)
    table = cells.reshape(rows, columns).astype(float)
    table = table[table.sum(1) > 0][:, table.sum(0) > 0]
    rows, columns = table.shape
    if min(rows, columns) < 2:
        return 0.0
    expected = np.outer(table.sum(1), table.sum(0)) / count
    phi = ((table - expected) ** 2 / expected).sum() / count
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (count - 1))
    rows_left = rows - (rows - 1) ** 2 / (count - 1)
    columns_left = columns - (columns - 1) ** 2 / (count - 1)
    return float(np.sqrt(phi / max(1e-9, min(rows_left - 1, columns_left - 1))))


def _stepwise(values: Array, cuts: Sequence[_Cut]) -> list[tuple[_Cut, float]]:
    """The factors found, with their corrected p: the clearest first, the next on what it leaves."""
    found: list[tuple[_Cut, float]] = []
    remaining = list(cuts)
    highest = 0.0
    while remaining:
        left = _adjusted(values, [cut for cut, _ in found])
        # What was taken out has used up some of the runs.
        used = sum(len(cut.names) - 1 for cut, _ in found)
        whole = ranked(left)
        tests = [_test(left, whole, cut, used) for cut in remaining]
        best = int(np.argmin(tests))
        # For all factors at each step, not for the rest alone as Holm's: what is left over from earlier ones makes
        # later tests a little too sure (benchmarks/discover.py).
        highest = max(highest, min(1.0, tests[best] * len(cuts)))
        if highest >= ALPHA:
            return found
        found.append((remaining.pop(best), highest))
    return found


def _test(values: Array, whole: Array, cut: _Cut, used: int) -> float:
    inside = cut.codes >= 0
    return kruskal(whole if inside.all() else ranked(values[inside]), cut.codes[inside], used)


def _adjusted(values: Array, cuts: Sequence[_Cut]) -> Array:
    """The values with the levels' medians of some factors taken out, in turn until they rest."""
    left: Array = values - np.median(values)
    for _ in range(3 if len(cuts) > 1 else 1):
        for cut in cuts:
            inside = cut.codes >= 0
            left = left.copy()
            left[inside] -= medians(left[inside], cut.codes[inside])[cut.codes[inside]]
    return left


def _judged(
    table: Table,
    cut: _Cut,
    values: Array,
    p: float | None,
    limits: tuple[float, float, int],
    tied: tuple[tuple[str, ...], tuple[str, ...]],
) -> Factor:
    smallest, spread, tests = limits
    inside = cut.codes >= 0
    codes, values = cut.codes[inside], values[inside]
    size, low, high = effect(values, codes)
    centre = float(np.median(table.values))
    middles = medians(values, codes) + centre
    alpha = ALPHA / max(1, tests)
    seen = power(cut.sizes, smallest, spread, alpha)
    verdict = "moved"
    more: int | None = 0
    if high <= smallest and seen >= POWER:
        # Many runs show a difference that is there and matters to nobody.
        verdict = "neutral"
    elif p is None:
        verdict = "untold"
        needed = runs_needed(len(cut.names), round(smallest / spread, 2), alpha) if spread else None
        more = max(0, needed - int(inside.sum())) if needed else None
    runs = np.flatnonzero(inside)
    return Factor(
        name=cut.column.name,
        verdict=verdict,
        effect=size,
        low=low,
        high=high,
        p=1.0 if p is None else p,
        levels=tuple(
            Level(name, int((codes == place).sum()), float(middles[place])) for place, name in enumerate(cut.names)
        ),
        power=seen,
        more_runs=more,
        confounded=tied[0],
        partly=tied[1],
        low_run=table.runs[runs[_nearest(values, codes, int(middles.argmin()))]],
        high_run=table.runs[runs[_nearest(values, codes, int(middles.argmax()))]],
    )


def _nearest(values: Array, codes: Array, code: int) -> int:
    """The run of a level that lies nearest to its median."""
    places = np.flatnonzero(codes == code)
    inside = values[places]
    return int(places[np.abs(inside - np.median(inside)).argmin()])
