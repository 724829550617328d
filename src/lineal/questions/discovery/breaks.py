"""The first data version after which things broke: checks fail, runs fail, the metric drops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lineal.questions.discovery.directions import direction
from lineal.questions.discovery.experiments import Experiment
from lineal.questions.discovery.statistics import ALPHA, Array, lower, ranked
from lineal.questions.discovery.table import given, independent

_FEWEST = 4
# All that changed at that time may have made a metric drop, the data only among it: a stricter test than elsewhere.
_STRICT = 0.01
# Of runs with a version that a newer one had taken the place of; with more, versions stand side by side.
_MOST_LATE = 0.1


@dataclass(frozen=True, slots=True)
class Break:
    """A data version from which on something is worse than it was before.

    Attributes:
        kind: `check`, `fail` or `metric`.
        what: the checks that fail, the error, or the metric.
        before, after: of a metric the medians; else the shares of runs that failed.
        p: corrected for the number of versions; None for a check, which is no matter of chance.
        runs: the last before and the first after.
        changed: in the data, as far as the events say.
    """

    kind: str
    dataset: str
    version: str
    previous: str
    what: str
    before: float
    after: float
    p: float | None
    counts: tuple[int, int]
    runs: tuple[str, str]
    changed: tuple[str, ...] = ()


def breaks(
    experiments: Sequence[Experiment], metric: str, noise: float | None = None, alike: Array | None = None
) -> tuple[Break, ...]:
    """The first version of each dataset after which things broke, in the order of the log.

    Args:
        experiments: of one pipeline, in the log's order, failed ones among them.
        metric: the one to look at.
        noise: its standard deviation from seeds alone, where known; a lesser drop is none.
        alike: the same number for those that were given the same, where that has been found.
    """
    alike = given(experiments).alike if alike is None else alike
    names: list[str] = sorted(set().union(*(each.data for each in experiments)))
    found = []
    for name in names:
        mine = [each for each in experiments if name in each.data]
        versions = [each.data[name] for each in mine]
        order = list(dict.fromkeys(versions))
        if len(order) < 2:
            continue
        place = {version: number for number, version in enumerate(order)}
        ages = np.array([place[version] for version in versions])
        same = alike[[name in each.data for each in experiments]]
        check = _check(name, mine, order, ages)
        failed = _failures(name, mine, order, ages) if check is None else None
        found += [each for each in (check, failed, _drop(name, mine, order, ages, same, metric, noise)) if each]
    return tuple(found)


def _check(name: str, runs: Sequence[Experiment], order: Sequence[str], ages: Array) -> Break | None:
    failing = np.array([bool(run.failed_checks) for run in runs])
    if not failing.any():
        return None
    age = int(ages[failing].min())
    if age == 0:
        return None
    before, here = np.flatnonzero(ages < age), np.flatnonzero(ages == age)
    broken = here[failing[here]]
    first = runs[broken[0]]
    return Break(
        "check", name, order[age], order[age - 1], ", ".join(first.failed_checks[:5]), 0.0, len(broken) / len(here),
        None, (len(before), len(here)), (runs[before[-1]].run_id, first.run_id),
    )  # fmt: skip


def _failures(name: str, runs: Sequence[Experiment], order: Sequence[str], ages: Array) -> Break | None:
    failed = np.array([run.state == "FAIL" for run in runs])
    if not failed.any():
        return None
    from scipy.stats import fisher_exact

    best: Break | None = None
    for age in range(1, len(order)):
        after = ages >= age
        bad, good = int(failed[after].sum()), int(failed[~after].sum())
        table = [[bad, int(after.sum()) - bad], [good, int((~after).sum()) - good]]
        p = float(fisher_exact(table, alternative="greater").pvalue) * (len(order) - 1)
        if p < ALPHA and (best is None or best.p is None or p < best.p):
            first = int(np.flatnonzero(after & failed)[0])
            last = int(np.flatnonzero(~after)[-1])
            best = Break(
                "fail", name, order[age], order[age - 1], runs[first].error or "failed",
                good / int((~after).sum()), bad / int(after.sum()), p, (int((~after).sum()), int(after.sum())),
                (runs[last].run_id, runs[first].run_id),
            )  # fmt: skip
    return best


def _succeed(ages: Array) -> bool:
    """Whether each version took the place of the one before it; only then is there an "after which"."""
    return float((ages < np.maximum.accumulate(ages)).mean()) <= _MOST_LATE


def _drop(
    name: str,
    runs: Sequence[Experiment],
    order: Sequence[str],
    ages: Array,
    alike: Array,
    metric: str,
    noise: float | None,
) -> Break | None:
    better = direction(metric)
    scores = [run.score(metric) for run in runs]
    there = np.array([score is not None for score in scores], dtype=bool)
    if not better or there.sum() < 2 * _FEWEST or not _succeed(ages):
        return None
    values = np.array([score.value for score in scores if score is not None]) * better
    own = [run for run, kept in zip(runs, there, strict=True) if kept]
    kept = independent(alike[there], values)
    own, ages, values = [own[place] for place in kept], ages[there][kept], values[kept]
    ranks = ranked(values)
    best: Break | None = None
    for age in range(1, len(order)):
        after = ages >= age
        if after.sum() < _FEWEST or (~after).sum() < _FEWEST:
            continue
        if not noise and np.ptp(values[after]) == np.ptp(values[~after]) == 0:
            # One result on either side, however often: how far the next one would lie off nobody knows.
            continue
        middle, former = float(np.median(values[after])), float(np.median(values[~after]))
        if not former - middle > 2 * (noise or 0.0):  # nor where either is no number
            continue
        p = lower(ranks, after) * (len(order) - 1)
        if p < _STRICT and (best is None or best.p is None or p < best.p):
            best = Break(
                "metric", name, order[age], order[age - 1], metric, former * better, middle * better, p,
                (int((~after).sum()), int(after.sum())),
                (own[int(np.flatnonzero(~after)[-1])].run_id, own[int(np.flatnonzero(after)[0])].run_id),
            )  # fmt: skip
    return best
