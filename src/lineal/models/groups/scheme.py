"""Which groups there are: learnt from the training rows, and the same for the held-out rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from lineal.models.groups.interface import MISSING
from lineal.pipeline import Pipeline

Labels = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Cut:
    """How the values of one column become labels.

    Attributes:
        column: its name.
        kind: `values`, `quantiles` or `edges`.
        edges: where it is cut, rising; numbers, or moments in microseconds since 1970.
        names: the edges as they are shown.
        moments: whether the column is of dates or times.
    """

    column: str
    kind: str
    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    moments: bool = False

    def bins(self) -> tuple[str, ...]:
        """The labels of the bins, from the least on."""
        if not self.names:
            return ("any value",)
        low, high, over = ("before", "to before", "from") if self.moments else ("under", "to under", "and over")
        between = [f"{one} {high} {two}" for one, two in zip(self.names, self.names[1:], strict=False)]
        last = f"{over} {self.names[-1]}" if self.moments else f"{self.names[-1]} {over}"
        return (f"{low} {self.names[0]}", *between, last)

    def labels(self, values: pd.Series[Any]) -> Labels:
        """A label for each value; what is missing has one of its own."""
        absent = values.isna().to_numpy(dtype=bool)
        made = np.full(len(values), MISSING, dtype=object)
        present = values[~absent]
        if self.kind == "values":
            made[~absent] = _named(present)
        elif len(present):
            places = np.searchsorted(np.array(self.edges), _numbers(present), side="right")
            made[~absent] = np.array(self.bins(), dtype=object)[places]
        return made


@dataclass(frozen=True)
class Scheme:
    """The groups of a pipeline's training rows.

    Attributes:
        cuts: a column each.
        cells: how many training rows have each combination of labels.
        rows: of training.
    """

    cuts: tuple[Cut, ...]
    cells: tuple[tuple[tuple[str, ...], int], ...]
    rows: int

    def labels(self, frame: pd.DataFrame) -> dict[str, Labels]:
        """The labels of other rows, a column each."""
        return {cut.column: cut.labels(frame[cut.column]) for cut in self.cuts}

    def counts(self, by: Sequence[str]) -> Counter[tuple[str, ...]]:
        """How many training rows have each combination of labels in some of the columns."""
        places = [next(place for place, cut in enumerate(self.cuts) if cut.column == name) for name in by]
        found: Counter[tuple[str, ...]] = Counter()
        for labels, count in self.cells:
            found[tuple(labels[place] for place in places)] += count
        return found

    def known(self, column: str) -> list[str]:
        """The labels of a column in the order to show them in: bins as they rise, what is missing last."""
        cut = next(each for each in self.cuts if each.column == column)
        found = {labels[0] for labels in self.counts([column])}
        return ordered(found, cut)


def ordered(labels: set[str], cut: Cut) -> list[str]:
    """Labels in the order to show them in: bins as they rise, all of them; what is missing last."""
    if cut.kind != "values":
        return [*cut.bins(), *([MISSING] if MISSING in labels else [])]
    return sorted(labels, key=lambda label: (label == MISSING, _number(label), label))


def learn(pipeline: Pipeline, frame: pd.DataFrame) -> Scheme | None:
    """Learn the groups of training rows; None where the pipeline asks for none.

    Args:
        pipeline: names the columns, and how they are cut.
        frame: the training rows, with all columns of the source.
    """
    columns = pipeline.evaluate.groups
    if not columns:
        return None
    cuts = tuple(_cut(pipeline, frame[name], name) for name in columns)
    labels = [cut.labels(frame[cut.column]) for cut in cuts]
    cells = Counter(zip(*labels, strict=True))
    return Scheme(cuts, tuple(sorted(cells.items())), len(frame))


def _cut(pipeline: Pipeline, values: pd.Series[Any], name: str) -> Cut:
    asked = pipeline.evaluate.grouping
    moments = bool(types.is_datetime64_any_dtype(values.dtype))
    edges = asked.edges.get(name)
    if edges is not None:
        numbers = tuple(_moment(edge) if isinstance(edge, date) else float(edge) for edge in edges)
        shown = tuple(edge.isoformat() if isinstance(edge, date) else f"{edge:.6g}" for edge in edges)
        return Cut(name, "edges", numbers, shown, moments)
    if not moments and (not types.is_numeric_dtype(values.dtype) or types.is_bool_dtype(values.dtype)):
        return Cut(name, "values")
    present = values.dropna()
    distinct = present.nunique()
    # As many values as rows, or nearly, are no groups, however few rows there are.
    if distinct <= asked.max_groups and distinct * 2 <= len(present):
        return Cut(name, "values")
    found = _quantiles(_numbers(present), asked.bins)
    return Cut(name, "quantiles", found, _shown(found, moments), moments)


def _quantiles(numbers: np.ndarray[Any, Any], bins: int) -> tuple[float, ...]:
    """Edges that part numbers evenly, each one of them; fewer where many are equal."""
    finite = np.sort(numbers[np.isfinite(numbers)])
    above = finite[finite > finite[0]] if len(finite) else finite
    if not len(above):
        return ()
    edges = np.quantile(finite, np.arange(1, bins) / bins, method="higher")
    # Below the least value there is nothing: what many rows share is a bin of its own.
    return tuple(float(edge) for edge in np.unique(np.maximum(edges, above[0])))


def _numbers(values: pd.Series[Any]) -> np.ndarray[Any, Any]:
    if types.is_datetime64_any_dtype(values.dtype):
        plain = values.dt.tz_convert("UTC").dt.tz_localize(None) if getattr(values.dt, "tz", None) else values
        return plain.to_numpy(dtype="datetime64[us]").astype(np.int64).astype(np.float64)
    return values.to_numpy(dtype=np.float64)


def _moment(edge: date) -> float:
    stamp = pd.Timestamp(edge)
    plain = stamp.tz_convert("UTC").tz_localize(None) if stamp.tzinfo is not None else stamp
    return float(plain.to_datetime64().astype("datetime64[us]").astype(np.int64))


def _shown(edges: Sequence[float], moments: bool) -> tuple[str, ...]:
    if not moments:
        return _distinctly(edges)
    stamps = [pd.Timestamp(int(edge), unit="us") for edge in edges]
    days = all(stamp == stamp.normalize() for stamp in stamps)
    return tuple(_day(stamp) if days else stamp.isoformat(sep=" ") for stamp in stamps)


def _day(stamp: pd.Timestamp) -> str:
    return stamp.strftime("%Y-%m-%d")


def _distinctly(numbers: Sequence[float]) -> tuple[str, ...]:
    """Numbers as short as they can be told apart."""
    for digits in (4, 6, 9, 17):
        shown = tuple(f"{number:.{digits}g}" for number in numbers)
        whole = all(float(text) == number for text, number in zip(shown, numbers, strict=True) if number.is_integer())
        if whole and len(set(shown)) == len(shown):
            return shown
    return tuple(map(repr, numbers))


def _named(values: pd.Series[Any]) -> list[str]:
    if types.is_bool_dtype(values.dtype):
        return ["true" if value else "false" for value in values]
    if types.is_datetime64_any_dtype(values.dtype):
        return [_day(value) if value == value.normalize() else value.isoformat(sep=" ") for value in values]
    if types.is_numeric_dtype(values.dtype):
        return [str(int(value)) if float(value).is_integer() else repr(float(value)) for value in values]
    return [_text(str(value)) for value in values]


def _text(value: str) -> str:
    shown = " ".join(value.split())
    if not shown:
        return "(empty)"
    # A value that reads so is not a value that is not there.
    return f'"{shown}"' if shown.lower() == MISSING else shown


def _number(label: str) -> float:
    try:
        return float(label)
    except ValueError:
        return float("inf")
