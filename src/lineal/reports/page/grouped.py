"""How a model does on groups of the held-out rows, as the run that judged it recorded it, ready to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lineal.questions import groups as groups_of
from lineal.questions.dossier import Dossier
from lineal.questions.groups import Group, Grouping
from lineal.reports.page.view import metric_words
from lineal.reports.page.words import NOTHING, figure

# Of metrics and of groups, so many are shown.
_MOST_METRICS, _MOST_GROUPS = 5, 24


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure of a group: its value or why there is none, and its interval."""

    value: str
    interval: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A group."""

    name: str
    rows: int
    train_rows: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """How far a metric is apart between groups, in a phrase."""

    metric: str
    value: str
    said: str


@dataclass(frozen=True, slots=True)
class Table:
    """The groups of one column, or the combinations of several.

    Attributes:
        by: the columns.
        problem: why there are no groups; empty where there are.
        left_out: how many groups are not shown.
    """

    by: str
    problem: str
    metrics: tuple[str, ...]
    lines: tuple[Line, ...]
    gaps: tuple[Gap, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Groups:
    """All groupings, and how their figures were taken."""

    tables: tuple[Table, ...]
    level: float
    least_rows: int


def groups(about: Dossier) -> Groups | None:
    """What is on record of groups; None where nothing is."""
    found = about.groups
    if found is None:
        return None
    names = found.metrics[:_MOST_METRICS]
    return Groups(tuple(_table(each, names) for each in found.groupings), found.level, found.min_rows)


def _table(grouping: Grouping, names: Sequence[str]) -> Table:
    lines = tuple(
        Line(" and ".join(group.labels), group.rows, group.train_rows, tuple(_cell(name, group) for name in names))
        for group in grouping.groups[:_MOST_GROUPS]
    )
    gaps = tuple(_gap(gap) for gap in grouping.gaps if gap.metric in names)
    left_out = max(len(grouping.groups) - _MOST_GROUPS, 0)
    metrics = tuple(map(metric_words, names))
    return Table(" and ".join(grouping.by), grouping.problem, metrics, lines, gaps, left_out)


def _cell(name: str, group: Group) -> Cell:
    told = group.figure(name)
    if told is None or told.value is None:
        return Cell((told.reason if told else "") or NOTHING)
    sign = -1 if name.startswith("neg_") else 1
    ends = sorted(sign * end for end in (told.low, told.high) if end is not None)
    return Cell(figure(sign * told.value), " to ".join(map(figure, ends)) if len(ends) == 2 else "")


def _gap(gap: groups_of.Gap) -> Gap:
    less = f"; of {', '.join(gap.untold)} it cannot be told, so that the gap may be larger" if gap.untold else ""
    if gap.value is None:
        return Gap(metric_words(gap.metric), NOTHING, f"fewer than two groups can be told{less}")
    ends = [gap.least, gap.greatest]
    if gap.metric.startswith("neg_"):
        ends.reverse()
    interval = ""
    if gap.low is not None and gap.high is not None:
        interval = f", interval {figure(gap.low)} to {figure(gap.high)}"
    said = f"least for {ends[0]}, greatest for {ends[1]}{interval}{less}"
    return Gap(metric_words(gap.metric), figure(gap.value), said)
