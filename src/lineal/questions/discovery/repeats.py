"""Runs that repeated a former one, and the noise that another seed alone makes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from lineal.questions.discovery.experiments import Experiment
from lineal.questions.discovery.table import Array, Groups, Table, given

# Fewer degrees of freedom than this say next to nothing of a standard deviation.
_FEWEST = 3


@dataclass(frozen=True, slots=True)
class Noise:
    """The standard deviation of a metric among runs that differ in their seeds alone.

    Attributes:
        freedom: how many degrees of freedom it rests on.
        runs: some of them.
        more_runs: how many more repeats would make it of use; 0 where it is.
    """

    deviation: float
    freedom: int
    groups: int
    runs: tuple[str, ...]
    more_runs: int

    @property
    def usable(self) -> float | None:
        """The deviation, where it rests on enough."""
        return self.deviation if not self.more_runs else None


@dataclass(frozen=True, slots=True)
class Repeat:
    """Runs that were given exactly what the first of them was.

    Attributes:
        seconds: that all but the first took.
        differs: the range of the metric among them: not nothing where something goes unrecorded.
    """

    runs: tuple[str, ...]
    count: int
    seconds: float
    differs: float


def noise(table: Table) -> Noise | None:
    """The noise floor; None where no two runs differ in their seeds alone."""
    seed = next((column for column in table.columns if column.kind == "seed"), None)
    if seed is None:
        return None
    alike = Groups(table.columns, len(table.runs)).without(seed.name)
    squares, freedom, groups = 0.0, 0, 0
    named: list[str] = []
    _, which, sizes = np.unique(alike, return_inverse=True, return_counts=True)
    order = np.argsort(which, kind="stable")
    order = order[sizes[which[order]] > 1]
    edges = np.flatnonzero(np.diff(which[order])) + 1
    for members in np.split(order, edges):
        # The same seed again says nothing of another.
        _, first = np.unique(seed.codes[members], return_index=True)
        if len(first) < 2:
            continue
        values = table.values[members[first]]
        squares += float(((values - values.mean()) ** 2).sum())
        freedom += len(first) - 1
        groups += 1
        if len(named) < 4:
            named += [table.runs[member] for member in members[first][:4]]
    if not freedom:
        return None
    return Noise((squares / freedom) ** 0.5, freedom, groups, tuple(named[:4]), max(0, _FEWEST - freedom))


def repeats(
    experiments: Sequence[Experiment], metric: str, started: Mapping[str, str], alike: Array | None = None
) -> tuple[Repeat, ...]:
    """The runs that were given the same as a former one that came to an end, most time first.

    Args:
        experiments: of one pipeline.
        metric: to see whether it came out the same.
        started: when each run began.
        alike: the same number for those that were given the same, where that has been found.
    """
    alike = given(experiments).alike if alike is None else alike
    same: dict[int, list[Experiment]] = defaultdict(list)
    for each, group in zip(experiments, alike.tolist(), strict=True):
        if each.state == "COMPLETE" and each.parameters and each.environment.get("code", "").find("+changed") < 0:
            same[group].append(each)
    found = []
    for runs in same.values():
        if len(runs) < 2:
            continue
        scores = [score.value for run in runs if (score := run.score(metric))]
        found.append(
            Repeat(
                runs=tuple(run.run_id for run in runs[:5]),
                count=len(runs),
                seconds=sum(_seconds(run, started) for run in runs[1:]),
                differs=max(scores) - min(scores) if scores else 0.0,
            )
        )
    return tuple(sorted(found, key=lambda repeat: (-repeat.seconds, -repeat.count, repeat.runs)))


def repeated_ids(experiments: Sequence[Experiment], alike: Array) -> list[str]:
    """The runs whose time `repeats` will ask for."""
    ended = np.array([each.state == "COMPLETE" and bool(each.parameters) for each in experiments], dtype=bool)
    places = np.flatnonzero(ended)
    _, first = np.unique(alike[places], return_index=True)
    return [experiments[place].run_id for place in np.delete(places, first).tolist()]


def _seconds(run: Experiment, started: Mapping[str, str]) -> float:
    begun = started.get(run.run_id)
    if begun is None:
        return 0.0
    return max(0.0, (datetime.fromisoformat(run.at) - datetime.fromisoformat(begun)).total_seconds())
