"""The best experiments and the Pareto front, only ever among those scored on the same rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from lineal.questions.discovery.directions import direction
from lineal.questions.discovery.experiments import Experiment
from lineal.questions.discovery.statistics import Array

_MOST_GROUPS = 3
_MOST_FRONT = 8


@dataclass(frozen=True, slots=True)
class Point:
    """An experiment and its metrics."""

    run: str
    metrics: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Best:
    """What was best on some held-out rows.

    Attributes:
        rows: the dataset versions that all were scored on.
        tied: how many came to the very same, the best among them.
        ahead: how far the best is ahead of the next different result; None where there is none.
        within_noise: whether that is less than noise alone may make; None where the noise is not known.
        front: those that no other is better than in one metric and as good in all; empty where one metric is on record.
        unranked: metrics whose direction the registry does not know.
    """

    metric: str
    rows: tuple[str, ...]
    experiments: int
    tied: int
    best: Point
    ahead: float | None
    next_run: str | None
    within_noise: bool | None
    front: tuple[Point, ...]
    front_size: int
    unranked: tuple[str, ...]


def best(experiments: Sequence[Experiment], metric: str, noise: float | None = None) -> tuple[Best, ...]:
    """The best of each set of held-out rows, the largest set first; nothing where no direction is known."""
    if not direction(metric):
        return ()
    groups: dict[tuple[str, ...], list[Experiment]] = defaultdict(list)
    for each in experiments:
        score = each.score(metric)
        # Rows that go unnamed cannot be known to be the same; those a model has seen judge nothing.
        if score is not None and score.rows and score.of != "train" and isfinite(score.value):
            groups[score.rows].append(each)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(_of_group(rows, runs, metric, noise) for rows, runs in ordered[:_MOST_GROUPS] if len(runs) > 1)


def _of_group(rows: tuple[str, ...], runs: Sequence[Experiment], metric: str, noise: float | None) -> Best:
    given = set().union(*(run.scores for run in runs))
    found = {name: [_value(run, name, rows) for run in runs] for name in [metric, *sorted(given - {metric})]}
    names = [name for name, values in found.items() if any(value is not None for value in values)]
    known = [name for name in names if direction(name) and None not in found[name]]
    values = np.column_stack([np.array(found[name], dtype=float) * direction(name) for name in known])
    first = int(values[:, 0].argmax())
    others = np.flatnonzero(values[:, 0] < values[first, 0])
    second = int(others[values[others, 0].argmax()]) if len(others) else None
    ahead = float(values[first, 0] - values[second, 0]) if second is not None else None
    front = _front(values) if len(known) > 1 else []
    return Best(
        metric=metric,
        rows=rows,
        experiments=len(runs),
        tied=int((values[:, 0] == values[first, 0]).sum()),
        best=_point(runs[first], known, rows),
        ahead=ahead,
        next_run=runs[second].run_id if second is not None else None,
        within_noise=None if noise is None or ahead is None else ahead < 2 * noise * 2**0.5,
        front=tuple(_point(runs[place], known, rows) for place in front[:_MOST_FRONT]),
        front_size=len(front),
        unranked=tuple(name for name in names if not direction(name)),
    )


def _value(run: Experiment, name: str, rows: tuple[str, ...]) -> float | None:
    return next((score.value for score in run.scores.get(name, ()) if score.rows == rows), None)


def _point(run: Experiment, names: Sequence[str], rows: tuple[str, ...]) -> Point:
    return Point(run.run_id, tuple((name, _value(run, name, rows) or 0.0) for name in names))


def _front(values: Array) -> list[int]:
    """The places of those that none is better than; of equal ones the first."""
    order = np.lexsort(tuple(-values[:, column] for column in reversed(range(values.shape[1]))))
    kept: list[int] = []
    while len(order):
        # Whoever is better in all stands before in this order.
        first, order = int(order[0]), order[1:]
        kept.append(first)
        order = order[~(values[first] >= values[order]).all(axis=1)]
    return kept
