"""Whether a column's distribution moved: Kolmogorov-Smirnov, chi-square, and the population stability index.

Each is the same from either side. KS's p-value is the asymptotic one with Stephens' correction for few rows
(M. A. Stephens, "Use of the Kolmogorov-Smirnov, Cramér-von Mises and related statistics without extensive tables",
JRSS B 32, 1970).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal.questions.diff.interface import ColumnFigures
from lineal.questions.diff.values import Numbers, Pair

BINS = 10
# Categories beyond these, the rarest, count as one.
CATEGORIES = 50
LEVEL = 0.01
# A share of nothing has no logarithm.
_LEAST_SHARE = 1e-4


@dataclass(frozen=True, slots=True)
class Shift:
    """How a column's distribution differs; None where nothing can be said."""

    test: str | None = None
    statistic: float | None = None
    p_value: float | None = None
    psi: float | None = None


def figures(both: Pair) -> tuple[ColumnFigures, ColumnFigures]:
    """What the column holds on each side."""
    return _figures(both.left, both.left_there, both), _figures(both.right, both.right_there, both)


def shift(both: Pair) -> Shift:
    """Compare the distributions of the values that are there, and the shares of missing ones."""
    left, right = both.left[both.left_there], both.right[both.right_there]
    gone = _chi_square(
        np.array([len(both.left) - len(left), len(left)]), np.array([len(both.right) - len(right), len(right)])
    )
    found = Shift() if not len(left) or not len(right) else _compared(left, right, both)
    # Two looks at one column: either may be there by chance.
    chances = [p for p in (found.p_value, gone[1]) if p is not None]
    p_value = min(1.0, min(chances) * len(chances)) if chances else None
    return Shift(found.test, found.statistic, p_value, found.psi)


def _compared(left: Numbers, right: Numbers, both: Pair) -> Shift:
    if both.labels is not None:
        one, two = _categories(left, right, len(both.labels))
        if len(one) < 2:
            return Shift()
        statistic, p_value = _chi_square(one, two)
        return Shift("chi-square", statistic, p_value, _psi(one, two))
    pooled, below = _pooled(np.sort(left.astype(np.float64)), np.sort(right.astype(np.float64)))
    others = np.arange(1, len(pooled) + 1) - below
    distance = float(np.abs(below / len(left) - others / len(right))[_ends(pooled)].max())
    size = math.sqrt(len(left) * len(right) / len(pooled))
    from scipy.special import kolmogorov

    p_value = float(kolmogorov(distance * (size + 0.12 + 0.11 / size)))
    return Shift("KS", distance, p_value, _psi(*_binned(pooled, below)))


def _pooled(left: Numbers, right: Numbers) -> tuple[Numbers, Numbers]:
    """Two sorted samples as one, and how many of the left there are up to each of its places."""
    both = np.concatenate([left, right])
    order = np.argsort(both, kind="stable")  # two sorted runs: they are merged
    return both[order], np.cumsum(order < len(left))


def _ends(pooled: Numbers) -> Numbers:
    """The last place of each value."""
    return np.flatnonzero(np.append(pooled[1:] != pooled[:-1], True))


def _binned(pooled: Numbers, below: Numbers) -> tuple[Numbers, Numbers]:
    """How many of two samples are in each decile of both together."""
    places = (np.arange(1, BINS) * len(pooled)) // BINS
    edges = np.searchsorted(pooled, np.unique(pooled[places]), side="right")
    edges = np.append(edges[edges < len(pooled)], len(pooled)) - 1
    left = np.diff(below[edges], prepend=0)
    return left, np.diff(edges + 1, prepend=0) - left


def _categories(left: Numbers, right: Numbers, count: int) -> tuple[Numbers, Numbers]:
    one, two = np.bincount(left, minlength=count), np.bincount(right, minlength=count)
    there = np.flatnonzero(one + two)
    one, two = one[there], two[there]
    if len(there) <= CATEGORIES:
        return one, two
    if len(there) > (len(left) + len(right)) // 2:
        return one[:0], two[:0]  # text that hardly repeats has no categories
    # All that are as rare count as one, so that the order of the values does not matter.
    both = one + two
    kept = both > np.sort(both)[-CATEGORIES]
    return np.append(one[kept], one[~kept].sum()), np.append(two[kept], two[~kept].sum())


def _chi_square(one: Numbers, two: Numbers) -> tuple[float | None, float | None]:
    """Pearson's statistic of a table of two rows, and its p-value; None where there is nothing to compare."""
    kept = (one + two) > 0
    one, two = one[kept].astype(float), two[kept].astype(float)
    total = one.sum() + two.sum()
    if len(one) < 2 or not one.sum() or not two.sum():
        return None, None
    columns = one + two
    statistic = 0.0
    for row in (one, two):
        expected = columns * row.sum() / total
        statistic += float(((row - expected) ** 2 / expected).sum())
    from scipy.special import chdtrc

    return statistic, float(chdtrc(len(one) - 1, statistic))


def _psi(one: Numbers, two: Numbers) -> float:
    first = np.maximum(one / one.sum(), _LEAST_SHARE)
    second = np.maximum(two / two.sum(), _LEAST_SHARE)
    return float(((first - second) * np.log(first / second)).sum())


def _figures(values: Numbers, there: Numbers, both: Pair) -> ColumnFigures:
    present = values[there]
    missing = len(values) - len(present)
    if not len(present):
        return ColumnFigures(missing)
    if both.labels is not None:
        counts = np.bincount(present, minlength=len(both.labels))
        return ColumnFigures(missing, top=str(_label(both.labels, int(counts.argmax()))))
    with np.errstate(all="ignore"):
        mean, std = float(present.mean()) / both.scale, float(present.std()) / both.scale
    return ColumnFigures(missing, _finite(mean), _finite(std))


def _label(labels: Any, place: int) -> Any:
    return labels[place].as_py()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
