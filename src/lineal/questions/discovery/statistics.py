"""The few statistics that discovery rests on; scipy and numpy do the reckoning."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
ALPHA = 0.05
POWER = 0.8
# Of a level: with fewer its median says nothing.
FEWEST_PER_LEVEL = 5
_CUTS = 4
_DRAWS = 2000
# Of samples up to this size scipy takes the exact distribution.
_SMALL = 8


def holm(values: Sequence[float]) -> list[float]:
    """The p-values of several tests, corrected so that any false finding among them is as rare as one's (Holm 1979)."""
    order = np.argsort(values, kind="stable")
    corrected, highest = [0.0] * len(values), 0.0
    for place, which in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - place) * float(values[which])))
        corrected[int(which)] = highest
    return corrected


def sign_test(differences: Array) -> float:
    """How likely so one-sided a set of signs is by chance; differences of nothing count for neither side."""
    from scipy.stats import binomtest

    ups, downs = int((differences > 0).sum()), int((differences < 0).sum())
    return float(binomtest(ups, ups + downs).pvalue) if ups + downs else 1.0


def lower(ranks: Array, these: Array) -> float:
    """The p-value of Mann and Whitney: how likely some values are so much lower than the others by chance.

    The normal approximation, corrected for ties and continuity, as `scipy.stats.mannwhitneyu` has it; which takes the
    exact distribution of small samples.

    Args:
        ranks: of all values.
        these: which of them are thought to be the lower ones.
    """
    _, sizes = np.unique(ranks, return_counts=True)
    one, other = int(these.sum()), int((~these).sum())
    if min(one, other) <= _SMALL and len(sizes) == len(ranks):
        from scipy.stats import mannwhitneyu

        return float(mannwhitneyu(ranks[these], ranks[~these], alternative="less").pvalue)
    from scipy.special import ndtr

    count, sizes = one + other, sizes.astype(float)
    above = one * other - (ranks[these].sum() - one * (one + 1) / 2)
    deviation = np.sqrt(one * other / 12 * ((count + 1) - (sizes**3 - sizes).sum() / (count * (count - 1))))
    return float(ndtr(-(above - one * other / 2 - 0.5) / deviation)) if deviation else 1.0


def quartiles(numbers: Array) -> tuple[Array, list[str]]:
    """Numbers cut into at most four levels with about as many in each; values that are equal stay together."""
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, _CUTS + 1)))
    inner = edges[1:-1]
    codes = np.searchsorted(inner, numbers, side="left")
    present = np.unique(codes)
    names = []
    for code in present:
        inside = numbers[codes == code]
        low, high = inside.min(), inside.max()
        names.append(f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}")
    return np.searchsorted(present, codes), names


def ranked(values: Array) -> Array:
    """The rank of each value from 1 on; the mean of theirs where several are equal."""
    _, which, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = (np.cumsum(sizes) - (sizes - 1) / 2)[which]
    return ranks


def kruskal(ranks: Array, codes: Array, used: int = 0) -> float:
    """The p-value of Kruskal and Wallis: do levels differ in where their values lie.

    Args:
        ranks: of the values, one of each run.
        codes: the level of each run.
        used: how many degrees of freedom the values have lost to other factors.
    """
    from scipy.special import chdtrc

    count = len(ranks)
    sizes = np.bincount(codes).astype(float)
    sums = np.bincount(codes, weights=ranks)
    there = sizes > 0
    spread = ((ranks - ranks.mean()) ** 2).sum() / (count - 1)
    if there.sum() < 2 or spread == 0:
        return 1.0
    statistic = (sizes[there] * (sums[there] / sizes[there] - (count + 1) / 2) ** 2).sum() / spread
    return float(chdtrc(there.sum() - 1, statistic * max(0, count - 1 - used) / (count - 1)))


def medians(values: Array, codes: Array) -> Array:
    """The median of each level."""
    return np.array([np.median(values[codes == code]) for code in range(int(codes.max()) + 1)])


def effect(values: Array, codes: Array) -> tuple[float, float, float]:
    """How far the highest of the levels' medians is above the lowest, and its 95 % bootstrap interval.

    The median of a resample of n sorted values is the one at a Beta-distributed rank: no resample need be drawn.
    """
    random = np.random.default_rng(0)
    point = medians(values, codes)
    drawn = []
    for code in range(int(codes.max()) + 1):
        inside = np.sort(values[codes == code])
        size = len(inside)
        half = (size + 1) / 2
        low = random.beta(np.floor(half), size + 1 - np.floor(half), _DRAWS)
        drawn.append(inside[np.minimum((low * size).astype(int), size - 1)])
    spans = np.ptp(np.array(drawn), axis=0)
    low, high = np.quantile(spans, [0.025, 0.975])
    # Resamples lie further apart than what they are drawn from: where levels hardly differ, all of them may.
    return float(np.ptp(point)), float(min(low, np.ptp(point))), float(max(high, np.ptp(point)))


def power(sizes: Sequence[int], smallest: float, spread: float, alpha: float = ALPHA) -> float:
    """How likely a difference of `smallest` between two levels is found where it is there (noncentral F, times 0.955).

    The factor is the least efficiency that Kruskal and Wallis' test has beside the F test under normal noise.
    """
    from scipy.special import fdtri, ncfdtr

    levels, count = len(sizes), sum(sizes)
    if levels < 2 or count <= levels + 1:
        return 0.0
    if spread <= 0:
        return 1.0
    # The two smallest levels apart, all others in the middle: the hardest to see.
    first, second = sorted(sizes)[:2]
    noncentral = 0.955 * (smallest / spread) ** 2 * (first * second) / (first + second)
    limit = fdtri(levels - 1, count - levels, 1 - alpha)
    return float(np.nan_to_num(1 - ncfdtr(levels - 1, count - levels, min(noncentral, 1e4), limit), nan=1.0))


@lru_cache(maxsize=1024)
def runs_needed(levels: int, ratio: float, alpha: float = ALPHA) -> int | None:
    """About how many runs tell a difference of `ratio` standard deviations between two of some levels.

    Returns:
        The least count that does so with a power of 0.8, to two digits; None where a million do not.
    """
    per_level = FEWEST_PER_LEVEL
    while power([per_level] * levels, ratio, 1.0, alpha) < POWER:
        per_level = int(per_level * 1.1) + 1
        if per_level * levels > 1_000_000:
            return None
    return int(float(f"{per_level * levels:.1e}"))
