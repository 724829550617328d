"""How a model does on groups of the held-out rows, as the run that judged it recorded it, ready to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineal.questions.dossier import Dossier
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
    told = [facet for run in about.facts.runs if isinstance(facet := run.facets.get("lineal_groups"), Mapping)]
    if not told:
        return None
    facet = told[-1]
    names = [str(name) for name in facet.get("metrics") or ()][:_MOST_METRICS]
    return Groups(
        tuple(_table(each, names) for each in facet.get("groupings") or ()),
        float(facet.get("level") or 0.95),
        int(facet.get("minRows") or 0),
    )


def _table(grouping: Mapping[str, Any], names: list[str]) -> Table:
    found = grouping.get("groups") or ()
    lines = tuple(
        Line(
            " and ".join(str(label) for label in group["labels"]),
            int(group["rows"]),
            int(group["trainRows"]),
            tuple(_cell(name, group) for name in names),
        )
        for group in found[:_MOST_GROUPS]
    )
    gaps = tuple(_gap(gap) for gap in grouping.get("gaps") or () if gap["metric"] in names)
    by = " and ".join(str(name) for name in grouping["by"])
    metrics = tuple(metric_words(name) for name in names)
    return Table(by, str(grouping.get("problem") or ""), metrics, lines, gaps, max(len(found) - _MOST_GROUPS, 0))


def _cell(name: str, group: Mapping[str, Any]) -> Cell:
    told: Mapping[str, Any] = next((each for each in group["figures"] if each["name"] == name), {})
    if told.get("value") is None:
        return Cell(str(told.get("reason") or NOTHING))
    sign = -1 if name.startswith("neg_") else 1
    ends = sorted(sign * told[end] for end in ("low", "high") if told.get(end) is not None)
    return Cell(figure(sign * told["value"]), " to ".join(map(figure, ends)) if len(ends) == 2 else "")


def _gap(gap: Mapping[str, Any]) -> Gap:
    untold = [str(name) for name in gap.get("untold") or ()]
    less = f"; of {', '.join(untold)} it cannot be told, so that the gap may be larger" if untold else ""
    if gap.get("value") is None:
        return Gap(metric_words(gap["metric"]), NOTHING, f"fewer than two groups can be told{less}")
    ends = [gap.get("least"), gap.get("greatest")]
    if str(gap["metric"]).startswith("neg_"):
        ends.reverse()
    interval = ""
    if gap.get("low") is not None and gap.get("high") is not None:
        interval = f", interval {figure(gap['low'])} to {figure(gap['high'])}"
    said = f"least for {ends[0]}, greatest for {ends[1]}{interval}{less}"
    return Gap(metric_words(gap["metric"]), figure(gap["value"]), said)
