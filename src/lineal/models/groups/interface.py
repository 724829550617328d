"""What is known of groups: plain frozen data, as a run records it and as it is read back. Nothing heavy is imported."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Between the labels of a combination, and between the columns that it is of.
AND = " & "
# What rows without a value are called.
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric of one group.

    Attributes:
        name: of the metric.
        value: None where it cannot be told.
        low: the lower end of its bootstrap interval; None where there is none.
        high: the upper end.
        reason: why there is no value; empty where there is one.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """One group of rows.

    Attributes:
        labels: its label in each column of its grouping.
        rows: held-out rows that are of it.
        train_rows: training rows that are of it.
        figures: a metric each.
    """

    labels: tuple[str, ...]
    rows: int
    train_rows: int
    figures: tuple[Figure, ...] = ()

    @property
    def name(self) -> str:
        """Its labels as one."""
        return AND.join(self.labels)

    def figure(self, metric: str) -> Figure | None:
        """One of its metrics."""
        return next((each for each in self.figures if each.name == metric), None)


@dataclass(frozen=True, slots=True)
class Gap:
    """How far a metric is apart between groups.

    Attributes:
        metric: its name.
        value: the largest difference between two of the groups that can be told; None where fewer than two can.
        least: the group that has the least value.
        greatest: the group that has the greatest.
        ratio: of the two values' sizes, the smaller to the greater; None where it says nothing.
        low: the lower end of the gap's bootstrap interval; None where there is none.
        high: the upper end.
        untold: the groups whose value cannot be told, so that the gap may be larger than it seems.
    """

    metric: str
    value: float | None
    least: str | None = None
    greatest: str | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    untold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grouping:
    """The groups of one column, or the combinations of several.

    Attributes:
        by: the columns.
        groups: all of them, those without a held-out row among them.
        gaps: a metric each.
        problem: why there are no groups; empty where there are.
    """

    by: tuple[str, ...]
    groups: tuple[Group, ...] = ()
    gaps: tuple[Gap, ...] = ()
    problem: str = ""

    @property
    def name(self) -> str:
        """Its columns as one."""
        return AND.join(self.by)

    def group(self, name: str) -> Group | None:
        """One of its groups."""
        return next((each for each in self.groups if each.name == name), None)

    def gap(self, metric: str) -> Gap | None:
        """How far a metric is apart between its groups."""
        return next((each for each in self.gaps if each.metric == metric), None)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that rows are grouped by.

    Attributes:
        name: of it.
        kind: `values`, each a group; `quantiles`, cut where the training rows are parted evenly; or `edges`, cut where
            the pipeline file says.
        edges: where it is cut; empty for `values`.
        missing: held-out rows without a value; they are a group of their own.
        train_missing: training rows without one.
    """

    name: str
    kind: str
    edges: tuple[str, ...] = ()
    missing: int = 0
    train_missing: int = 0


@dataclass(frozen=True, slots=True)
class Groups:
    """How a model does on groups of held-out rows.

    Attributes:
        columns: that rows are grouped by.
        groupings: of each column, then of combinations.
        metrics: the names of all metrics, the pipeline's own first.
        min_rows: a group with fewer held-out rows has no figures.
        level: of the intervals.
        draws: of the bootstrap.
        seed: of the draws.
        rows: held-out rows in all.
        train_rows: training rows in all.
        run_id: of the run that recorded it; None before it is recorded.
    """

    columns: tuple[Column, ...]
    groupings: tuple[Grouping, ...]
    metrics: tuple[str, ...]
    min_rows: int
    level: float
    draws: int
    seed: int
    rows: int
    train_rows: int
    run_id: str | None = None

    def by(self, *columns: str) -> Grouping | None:
        """The grouping by some columns, in whatever order."""
        return next((each for each in self.groupings if sorted(each.by) == sorted(columns)), None)


def gap_of(groups: Sequence[Group], metric: str, leave_out: Collection[str] = ()) -> Gap:
    """Measure how far a metric is apart between groups; those whose value cannot be told are named, never passed over.

    Args:
        groups: of one grouping.
        metric: its name.
        leave_out: groups, or labels of theirs, that are not asked of.
    """
    asked = [each for each in groups if each.name not in leave_out and not set(each.labels) & set(leave_out)]
    # By their places: two combinations may read alike.
    values: list[tuple[float, str]] = []
    untold = []
    for group in asked:
        figure = group.figure(metric)
        if figure is None or figure.value is None:
            untold.append(group.name)
        else:
            values.append((figure.value, group.name))
    if len(values) < 2:
        return Gap(metric, None, untold=tuple(untold))
    (low, least), (high, greatest) = min(values), max(values)
    sizes = sorted((abs(low), abs(high)))
    return Gap(
        metric=metric,
        value=high - low,
        least=least,
        greatest=greatest,
        ratio=None if low * high < 0 else sizes[0] / sizes[1] if sizes[1] else 1.0,
        untold=tuple(untold),
    )


def told(gap: Gap, grouping: Grouping) -> str:
    """A gap in a phrase."""
    if gap.value is None:
        return "cannot be told: " + why(gap, grouping)
    low, high = (_value_of(grouping, name, gap.metric) for name in (gap.least, gap.greatest))
    return f"{gap.value:.4g} ({gap.least} {low:.4g}, {gap.greatest} {high:.4g})"


def why(gap: Gap, grouping: Grouping) -> str:
    """Why the values of some groups cannot be told."""
    if grouping.problem:
        return grouping.problem
    said = []
    for name in gap.untold[:2]:
        group = grouping.group(name)
        figure = group.figure(gap.metric) if group else None
        said.append(f"{name}: {figure.reason if figure and figure.reason else 'not on record'}")
    more = f" and {len(gap.untold) - 2} more" if len(gap.untold) > 2 else ""
    return ("; ".join(said) + more) or "there are not two groups to compare"


def expected_gap(metric: str, by: Sequence[str], max_gap: float, leave_out: Sequence[str] = ()) -> str:
    """A gate on a gap, as it is recorded."""
    without = f" without {', '.join(leave_out)}" if leave_out else ""
    return f"gap of {metric} by {AND.join(by)}{without} <= {max_gap:g}"


def _value_of(grouping: Grouping, name: str | None, metric: str) -> float:
    group = grouping.group(name or "")
    figure = group.figure(metric) if group else None
    return figure.value if figure is not None and figure.value is not None else math.nan


def to_facet(groups: Groups) -> dict[str, Any]:
    """As the facet `lineal_groups` has it."""
    return {
        "columns": [
            {
                "name": each.name,
                "kind": each.kind,
                "edges": list(each.edges),
                "missing": each.missing,
                "trainMissing": each.train_missing,
            }
            for each in groups.columns
        ],
        "metrics": list(groups.metrics),
        "minRows": groups.min_rows,
        "level": groups.level,
        "draws": groups.draws,
        "seed": groups.seed,
        "rows": groups.rows,
        "trainRows": groups.train_rows,
        "groupings": [_grouping(each) for each in groups.groupings],
    }


def _grouping(grouping: Grouping) -> dict[str, Any]:
    return {
        "by": list(grouping.by),
        "problem": grouping.problem or None,
        "groups": [
            {
                "labels": list(group.labels),
                "rows": group.rows,
                "trainRows": group.train_rows,
                "figures": [
                    {"name": each.name, "value": each.value, "low": each.low, "high": each.high}
                    | {"reason": each.reason or None}
                    for each in group.figures
                ],
            }
            for group in grouping.groups
        ],
        "gaps": [
            {"metric": each.metric, "value": each.value, "least": each.least, "greatest": each.greatest}
            | {"ratio": each.ratio, "low": each.low, "high": each.high, "untold": list(each.untold)}
            for each in grouping.gaps
        ],
    }


def of_facet(facet: Mapping[str, Any], run_id: str | None = None) -> Groups:
    """Read the facet `lineal_groups`; what it leaves out, as one that was cut does, is not there."""
    return Groups(
        columns=tuple(
            Column(
                str(each.get("name", "")),
                str(each.get("kind", "")),
                _texts(each.get("edges")),
                int(each.get("missing") or 0),
                int(each.get("trainMissing") or 0),
            )
            for each in _tables(facet.get("columns"))
        ),
        groupings=tuple(
            Grouping(
                _texts(each.get("by")),
                tuple(
                    Group(
                        _texts(group.get("labels")),
                        int(group.get("rows") or 0),
                        int(group.get("trainRows") or 0),
                        tuple(_figure(figure) for figure in _tables(group.get("figures"))),
                    )
                    for group in _tables(each.get("groups"))
                ),
                tuple(_gap(gap) for gap in _tables(each.get("gaps"))),
                str(each.get("problem") or ""),
            )
            for each in _tables(facet.get("groupings"))
        ),
        metrics=_texts(facet.get("metrics")),
        min_rows=int(facet.get("minRows") or 0),
        level=float(facet.get("level") or 0),
        draws=int(facet.get("draws") or 0),
        seed=int(facet.get("seed") or 0),
        rows=int(facet.get("rows") or 0),
        train_rows=int(facet.get("trainRows") or 0),
        run_id=run_id,
    )


def _figure(said: Mapping[str, Any]) -> Figure:
    reason = str(said.get("reason") or "")
    return Figure(str(said.get("name", "")), said.get("value"), said.get("low"), said.get("high"), reason)


def _gap(said: Mapping[str, Any]) -> Gap:
    return Gap(
        str(said.get("metric", "")),
        said.get("value"),
        said.get("least"),
        said.get("greatest"),
        said.get("ratio"),
        said.get("low"),
        said.get("high"),
        _texts(said.get("untold")),
    )


def _texts(said: Any) -> tuple[str, ...]:
    return tuple(map(str, said)) if isinstance(said, (list, tuple)) else ()


def _tables(said: Any) -> Iterator[Mapping[str, Any]]:
    return (each for each in said or () if isinstance(each, Mapping)) if isinstance(said, (list, tuple)) else iter(())
