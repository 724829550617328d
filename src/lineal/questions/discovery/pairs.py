"""Matched pairs: runs that differ in exactly one thing, and what that changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lineal.questions.discovery.repeats import Noise
from lineal.questions.discovery.statistics import ALPHA, Array, holm, sign_test
from lineal.questions.discovery.table import Column, Groups, Table

# With fewer pairs no sign test can be below 0.05, whatever they show.
FEWEST_PAIRS = 6
_NEIGHBOURS = 5
_MOST_CHANGES = 5000
_NAMED = 3
# How much further the median of so many normal values lies from the truth than their mean does.
_MEDIAN = {3: 1.160, 4: 1.092, 5: 1.198}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing changed from one value to another, all else alike, in some pairs of runs.

    Attributes:
        median: what that changed, in the metric.
        ups, downs: of how many pairs the metric rose and fell.
        p: Holm-corrected over all changes; None where there are too few pairs to say.
        by: `sign test`, or `noise` where few pairs are held against the noise floor.
        other_rows: the two of a pair were scored on other rows.
        more_pairs: how many more would make a sign test possible.
        runs: some pairs, the one before and the one after.
    """

    name: str
    before: str
    after: str
    pairs: int
    median: float
    ups: int
    downs: int
    p: float | None
    by: str
    other_rows: bool
    more_pairs: int
    runs: tuple[tuple[str, str], ...]

    @property
    def told(self) -> bool:
        """Whether the data bears it out."""
        return self.p is not None and self.p < ALPHA


def changes(table: Table, noise: Noise | None = None) -> tuple[Change, ...]:
    """All changes between runs that differ in one thing, those that are borne out first, the largest first."""
    groups = Groups(table.columns, len(table.runs))
    found = [change for column in table.factors for change in _of_column(table, column, groups)]
    found.sort(key=lambda change: (-change.pairs, change.name, change.before, change.after))
    found = [_tested(change, table, noise) for change in found[:_MOST_CHANGES]]
    tested = [change for change in found if change.p is not None]
    corrected = iter(holm([change.p for change in tested if change.p is not None]))
    found = [change if change.p is None else replace(change, p=next(corrected)) for change in found]
    return tuple(sorted(found, key=lambda change: (not change.told, -abs(change.median), change.name, change.before)))


def _of_column(table: Table, column: Column, groups: Groups) -> Iterator[Change]:
    alike = groups.without(column.name)
    _, which, sizes = np.unique(alike, return_inverse=True, return_counts=True)
    runs = np.flatnonzero(sizes[which] > 1)
    if not len(runs):
        return
    ranks = _ranks(column)
    levels = len(column.levels)
    cell = which[runs] * levels + ranks[column.codes[runs]]
    order = np.argsort(cell, kind="stable")
    runs, cell = runs[order], cell[order]
    starts = np.flatnonzero(np.r_[True, np.diff(cell) > 0])
    means = np.add.reduceat(table.values[runs], starts) / np.diff(np.r_[starts, len(runs)])
    group, rank, first = cell[starts] // levels, cell[starts] % levels, runs[starts]
    by_rank = np.argsort(ranks)
    nothing = np.empty(0, dtype=np.int64)
    before, after = [nothing], [nothing]
    for lag in range(1, _NEIGHBOURS + 1):
        if lag >= len(group):
            break
        pair = np.flatnonzero(group[:-lag] == group[lag:])
        before.append(pair)
        after.append(pair + lag)
    left, right = np.concatenate(before), np.concatenate(after)
    if not len(left):
        return
    kinds, counts = np.unique(rank[left] * levels + rank[right], return_counts=True)
    order = np.argsort(rank[left] * levels + rank[right], kind="stable")
    for code, chosen in zip(kinds, np.split(order, np.cumsum(counts)[:-1]), strict=True):
        if len(kinds) > _MOST_CHANGES and len(chosen) < FEWEST_PAIRS:
            # A number drawn anew for each run: no two changes are the same.
            continue
        names = (column.levels[by_rank[code // levels]], column.levels[by_rank[code % levels]])
        yield _change(table, column.name, names, (left[chosen], right[chosen]), means, first)
    if column.numbers is not None and levels > 2:
        # Whatever the two values: the highest of a group beside its lowest.
        lowest = np.flatnonzero(np.r_[True, np.diff(group) > 0])
        highest = np.r_[lowest[1:] - 1, len(group) - 1]
        apart = lowest < highest
        if apart.any():
            yield _change(table, column.name, ("lower", "higher"), (lowest[apart], highest[apart]), means, first)


def _ranks(column: Column) -> Array:
    """The order of the levels: of numbers by size, else as they came up."""
    ranks = np.empty(len(column.levels), dtype=np.int64)
    ranks[np.argsort(column.numbers) if column.numbers is not None else slice(None)] = np.arange(len(column.levels))
    return ranks


def _change(
    table: Table, name: str, names: tuple[str, str], pairs: tuple[Array, Array], means: Array, first: Array
) -> Change:
    seed = next((column.codes for column in table.columns if column.kind == "seed"), np.zeros(len(table.runs), int))
    left, right = pairs
    # The same two results of one seed on the same rows, such as under another commit, are one pair however often.
    once = _once(seed[first[left]], table.rows[first[left]], means[left], means[right])
    left, right = left[once], right[once]
    differences = means[right] - means[left]
    runs = tuple(
        (table.runs[first[a]], table.runs[first[b]]) for a, b in zip(left[:_NAMED], right[:_NAMED], strict=True)
    )
    return Change(
        name=name,
        before=names[0],
        after=names[1],
        pairs=len(left),
        median=float(np.median(differences)),
        ups=int((differences > 0).sum()),
        downs=int((differences < 0).sum()),
        p=sign_test(differences) if len(left) >= FEWEST_PAIRS else None,
        by="sign test",
        other_rows=bool((table.rows[first[left]] != table.rows[first[right]]).any()),
        more_pairs=max(0, FEWEST_PAIRS - len(left)),
        runs=runs,
    )


def _once(*columns: Array) -> Array:
    """The places of the first of each row that is there several times."""
    order = np.lexsort(columns)
    new = np.any([np.diff(column[order]) != 0 for column in columns], axis=0)
    return np.sort(order[np.r_[True, new]])


def _tested(change: Change, table: Table, noise: Noise | None) -> Change:
    if change.p is not None or noise is None or noise.usable is None or not noise.deviation:
        return change
    from scipy.special import stdtr

    # Two runs of each pair, both as noisy as seeds make them.
    error = noise.deviation * (2 / change.pairs) ** 0.5 * _MEDIAN.get(change.pairs, 1.0)
    ratio = abs(change.median) / error
    return replace(change, p=float(2 * stdtr(noise.freedom, -ratio)), by="noise")


def untold(found: Sequence[Change]) -> Change | None:
    """Of the changes that too few pairs show, the one that wants the fewest more."""
    few = [change for change in found if change.p is None]
    return min(few, key=lambda change: (change.more_pairs, -abs(change.median)), default=None)
