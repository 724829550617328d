"""The sections that say how a model is judged: metrics, groups, gates, and the champion to beat."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Self

from pydantic import Field, model_validator

from lineal.pipeline.section import Section
from lineal.pipeline.values import Bound, orderly

# What is told of groups and is no metric of a model as a whole: nobody can say which value is good.
RATES = ("selection_rate", "false_positive_rate")
MOST_COLUMNS = 5


def _unset(value: Any) -> bool:
    """Whether a file says nothing of groups here: then its digest is the one that it had before there were any."""
    return value is None or value == () or value == Grouping()


class Gate(Section):
    """A bound that a held-out metric must keep for the model to be registered.

    Attributes:
        metric: a scikit-learn scorer's name; with `max_gap` also `selection_rate` or `false_positive_rate`.
        min: the least it may be.
        max: the most it may be.
        max_gap: the most that it may differ between two groups; where the value of any group cannot be told, the gate
            does not hold.
        by: of `max_gap`: the columns whose groups are compared, several for their combinations. Left out, each column
            of `evaluate.groups` by itself.
        leave_out: of `max_gap`: groups that are not asked of, by their labels, such as `missing`.
    """

    metric: str
    min: float | None = None
    max: float | None = None
    max_gap: float | None = Field(default=None, ge=0, exclude_if=_unset)
    by: tuple[str, ...] | None = Field(default=None, min_length=1, exclude_if=_unset)
    leave_out: tuple[str, ...] = Field(default=(), exclude_if=_unset)

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None and self.max_gap is None:
            raise ValueError("a gate needs `min`, `max` or `max_gap`")
        if self.max_gap is None and (self.by is not None or self.leave_out):
            raise ValueError(f"{'by' if self.by is not None else 'leave_out'} is for a gate with `max_gap`")
        if self.metric in RATES and (self.min is not None or self.max is not None):
            raise ValueError(f"{self.metric} is told of groups only; give it `max_gap` instead of `min` or `max`")
        orderly("min", self.min, "max", self.max)
        return self


class Champion(Section):
    """What a challenger must beat the alias's holder in, on the same held-out rows.

    Attributes:
        metric: a scikit-learn scorer's name.
        margin: by how much more it must be better; the run tells how much of a difference may be chance.
    """

    metric: str
    margin: float = Field(default=0.0, ge=0)


class Grouping(Section):
    """How rows are grouped, and from how many rows on a group's figures are told.

    Attributes:
        min_rows: a group with fewer held-out rows has too few to be told of.
        max_groups: the most different values that a column of text may have; numbers and dates with more are cut into
            bins.
        bins: how many of them, parted evenly by the training rows.
        draws: of the bootstrap that gives the intervals.
        level: of the intervals.
        edges: where numbers or dates are cut instead, a list a column; each edge begins a bin.
    """

    min_rows: int = Field(default=20, ge=1)
    max_groups: int = Field(default=12, ge=2, le=50)
    bins: int = Field(default=4, ge=2, le=20)
    draws: int = Field(default=100, ge=20, le=10_000)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    edges: dict[str, tuple[Bound, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for column, edges in self.edges.items():
            if not edges:
                raise ValueError(f"edges.{column} names no edge")
            if len({type(edge) for edge in edges}) > 1:
                raise ValueError(f"edges.{column} mixes numbers, dates and times")
            if any(not low < high for low, high in pairwise(edges)):  # type: ignore[operator]  # of one type each
                raise ValueError(f"edges.{column} should rise from one edge to the next")
            if len(edges) >= self.max_groups:
                raise ValueError(f"edges.{column} makes {len(edges) + 1} groups, more than max_groups")
        return self


class Evaluate(Section):
    """How the model is judged.

    Attributes:
        metrics: scikit-learn scorer names, greater is better; the first ranks a search, and importances rest on it.
            Without any, those that suit the kind of problem.
        groups: columns whose groups, and their combinations, the metrics are told of as well. A column that `drop`
            names may be among them.
    """

    metrics: tuple[str, ...] = ()
    groups: tuple[str, ...] = Field(default=(), exclude_if=_unset)
    grouping: Grouping = Field(default=Grouping(), exclude_if=_unset)
    gates: tuple[Gate, ...] = ()
    champion: Champion | None = None

    @model_validator(mode="after")
    def _of_groups(self) -> Self:
        twice = [name for name in dict.fromkeys(self.groups) if self.groups.count(name) > 1]
        if twice:
            raise ValueError(f"groups names {twice[0]!r} twice")
        if len(self.groups) > MOST_COLUMNS:
            raise ValueError(f"groups names {len(self.groups)} columns, and {MOST_COLUMNS} is the most")
        others = [name for name in self.grouping.edges if name not in self.groups]
        if others:
            raise ValueError(f"grouping.edges names {others[0]!r}, which is not among groups; add it there")
        for place, gate in enumerate(self.gates):
            if gate.max_gap is not None and not self.groups:
                raise ValueError(
                    f"gates.{place} asks for max_gap, and there are no groups; name their columns in groups"
                )
            strange = [name for name in gate.by or () if name not in self.groups]
            if strange:
                raise ValueError(f"gates.{place}.by names {strange[0]!r}, which is not among groups; add it there")
            if len(set(gate.by or ())) < len(gate.by or ()):
                raise ValueError(f"gates.{place}.by names a column twice")
        return self
