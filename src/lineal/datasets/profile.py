"""Profile a dataset version: statistics of its columns, never a value that names a row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineal.datasets.dataset import Dataset
from lineal.datasets.read import BATCH_ROWS, opened
from lineal.datasets.types import ROW

DISTINCT_BOUND = 10_000
"""Distinct values are counted exactly up to this many; a column with more has no count."""


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """Statistics of one column.

    Attributes:
        nulls: missing values.
        distinct: different values, missing ones apart; None above `DISTINCT_BOUND`.
        min: of numbers.
        max: of numbers.
        mean: of numbers.
        std: of numbers, the sample's (n - 1); None below two values.
    """

    nulls: int
    distinct: int | None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None


@dataclass(frozen=True, slots=True)
class TableProfile:
    """Statistics of a table.

    Attributes:
        rows: how many.
        bytes: of the file.
        columns: by name, in order.
    """

    rows: int
    bytes: int | None
    columns: Mapping[str, ColumnProfile]


class _Running:
    """A column's statistics while batches go past; mean and spread by Chan's pairwise update."""

    def __init__(self) -> None:
        self.nulls = self.count = 0
        self.mean = self.squares = 0.0
        self.low, self.high = math.inf, -math.inf
        self.distinct: pa.Array | None = None
        self.many = False

    def take(self, column: pa.Array) -> None:
        floating = pa.types.is_floating(column.type)
        if floating:
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
            # -0.0 becomes 0.0: Arrow tells them apart, and they are one value.
            column = pc.add(column, pa.scalar(0.0, column.type))
        self.nulls += column.null_count
        found = column.drop_null()
        if not len(found):
            return
        if not self.many:
            seen = [found] if self.distinct is None else [self.distinct, found]
            self.distinct = pc.unique(pa.chunked_array(seen))
            self.many = len(self.distinct) > DISTINCT_BOUND
            if self.many:
                self.distinct = None
        if floating or pa.types.is_integer(column.type):
            self._numbers(found.to_numpy(zero_copy_only=False).astype(np.float64))

    def _numbers(self, found: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
        self.low, self.high = min(self.low, float(found.min())), max(self.high, float(found.max()))
        with np.errstate(invalid="ignore", over="ignore"):
            # An infinite value makes mean and spread not finite; they are left out then.
            mean, count = float(found.mean()), len(found)
            squares = float(np.square(found - mean).sum())
            total, gap = self.count + count, mean - self.mean
            self.mean += gap * count / total
            self.squares += squares + gap * gap * self.count * count / total
            self.count = total

    def profile(self) -> ColumnProfile:
        distinct = None if self.many else 0 if self.distinct is None else len(self.distinct)
        if not self.count:
            return ColumnProfile(self.nulls, distinct)
        std = math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else None
        numbers = (self.low, self.high, self.mean, std)
        low, high, mean, std = (None if value is None or not math.isfinite(value) else value for value in numbers)
        return ColumnProfile(self.nulls, distinct, low, high, mean, std)


def profile(dataset: Dataset) -> TableProfile:
    """Take the statistics of a version, in one pass and constant memory; a split's `_lineal_row` is left out.

    Raises:
        SourceError: its file is gone.
    """
    with opened(dataset) as parquet:
        names = [name for name in parquet.schema_arrow.names if name != ROW]
        running = {name: _Running() for name in names}
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=names):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                running[name].take(column)
        rows = parquet.metadata.num_rows
    size = dataset.size
    if size is None and dataset.path is not None:
        size = dataset.path.stat().st_size
    return TableProfile(rows, size, {name: found.profile() for name, found in running.items()})
