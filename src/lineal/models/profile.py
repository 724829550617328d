"""The training profile: how the columns that a model learnt from were distributed, small enough to travel with it.

It holds counts, and of text columns the more frequent values; it is kept beside the model, never in an event.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from lineal.errors import TrackingError
from lineal.models.batch import signature
from lineal.models.raw import as_days, as_numbers, as_texts

FOLDER, FILE = "profile", "training.json"
_FORM = 1
# Numbers fall into this many bins of equal weight; a value that would fill one has a bin of its own.
_BINS = 128
# Of a text column so many values are told apart, and so many are known to have been seen.
_TOLD_APART = 49
_SEEN = 10_000

Kind = Literal["number", "boolean", "text", "date"]
_Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Learnt:
    """One column of the training rows.

    Attributes:
        name: of the column.
        kind: what it held; a boolean counts as 0 and 1, a date as days since 1970.
        missing: rows without a value.
        counts: rows in each bin; of text, of each of `values`, and last of all others.
        edges: of numbers, the upper bounds of all bins but the last, each within its bin.
        low: the smallest number.
        high: the largest.
        values: of text, the most frequent, most frequent first.
        seen: of text, all values; None where there were too many to keep.
    """

    name: str
    kind: Kind
    missing: int
    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    seen: frozenset[str] | None = None

    @property
    def present(self) -> int:
        """Rows with a value."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Profile:
    """The training rows that a model learnt from, column by column."""

    rows: int
    columns: tuple[Learnt, ...]

    def to_json(self) -> str:
        """The profile as text."""
        columns = [
            {**asdict(column), "seen": sorted(column.seen) if column.seen is not None else None}
            for column in self.columns
        ]
        return json.dumps({"form": _FORM, "rows": self.rows, "columns": columns}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Profile:
        """Read what `to_json` wrote.

        Raises:
            TrackingError: the text is something else.
        """
        try:
            tree = json.loads(text)
            if tree["form"] != _FORM:
                raise ValueError(tree["form"])
            return cls(int(tree["rows"]), tuple(_learnt(column) for column in tree["columns"]))
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            raise TrackingError(
                f"the training profile that MLflow keeps with the model cannot be read ({problem}); "
                "train the model again"
            ) from problem


def profile_of(estimator: Any, rows: pd.DataFrame) -> Profile:
    """Take the profile of the rows that a fitted pipeline learnt from."""
    columns = []
    for taken in signature(estimator):
        column = rows[taken.name]
        if taken.kind == "text":
            columns.append(_of_text(taken.name, column))
        else:
            columns.append(_of_numbers(taken.name, numbers_of(taken.kind, column), _kind(taken.kind)))
    return Profile(len(rows), tuple(columns))


def numbers_of(kind: str, column: pd.Series[Any]) -> _Floats:
    """A column as the numbers that are compared, NaN where a value is missing."""
    return as_days(column) if kind == "date" else as_numbers(column)


def _of_numbers(name: str, numbers: _Floats, kind: Kind) -> Learnt:
    present = numbers[~np.isnan(numbers)]
    missing = len(numbers) - len(present)
    if not len(present):
        return Learnt(name, kind, missing, (0,))
    shares = np.linspace(0, 1, _BINS + 1)[1:-1]
    values, times = np.unique(present, return_counts=True)
    # What is next to a frequent value must not be counted with it.
    below = np.nextafter(values[times * _BINS >= len(present)], -np.inf)
    # The last bin holds what is larger than all that was learnt.
    edges = np.unique([*np.quantile(present, shares, method="inverted_cdf"), *below, present.max()])
    counts = np.bincount(np.searchsorted(edges, present, side="left"), minlength=len(edges) + 1)
    low, high = float(present.min()), float(present.max())
    return Learnt(name, kind, missing, tuple(counts.tolist()), tuple(edges.tolist()), low, high)


def _of_text(name: str, column: pd.Series[Any]) -> Learnt:
    texts = as_texts(column)
    counted = pd.Series(texts, dtype=object).value_counts()
    # Of equally frequent values the first in the alphabet: the profile must follow from the rows alone.
    ordered = sorted(((str(value), int(count)) for value, count in counted.items()), key=lambda one: (-one[1], one[0]))
    told, rest = ordered[:_TOLD_APART], ordered[_TOLD_APART:]
    return Learnt(
        name,
        "text",
        len(column) - int(counted.sum()),
        (*(count for _, count in told), sum(count for _, count in rest)),
        values=tuple(value for value, _ in told),
        seen=frozenset(value for value, _ in ordered) if len(ordered) <= _SEEN else None,
    )


def _learnt(tree: dict[str, Any]) -> Learnt:
    several: Iterable[str] = ("counts", "edges", "values")
    seen = tree["seen"]
    return Learnt(
        **{**tree, **{key: tuple(tree[key]) for key in several}, "seen": None if seen is None else frozenset(seen)}
    )


def _kind(kind: str) -> Kind:
    return "date" if kind == "date" else "boolean" if kind == "boolean" else "number"
