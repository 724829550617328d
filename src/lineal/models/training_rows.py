"""The rows that a model learnt from, some at a time: raw, as the model's features, and what these are on average."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.datasets.dataset import Dataset
from lineal.datasets.frame import as_frame
from lineal.datasets.read import batches
from lineal.models.preprocessing import feature_names
from lineal.models.scoring import taken_columns

if TYPE_CHECKING:
    import pandas as pd

Floats = np.ndarray[Any, np.dtype[np.float64]]
# Features are kept for a second look while all of them take no more than this.
KEPT_BYTES = 256 << 20
# So many numbers are worked on at a time, whatever they are numbers of.
CHUNK_NUMBERS = 1 << 22


class TrainingRows:
    """The rows that a fitted pipeline learnt from.

    Args:
        estimator: from raw columns to prediction.
        dataset: the version that it was fitted to.
    """

    def __init__(self, estimator: Any, dataset: Dataset) -> None:
        self.dataset = dataset
        self.columns = taken_columns(estimator)
        self._width = max(len(self.columns), len(feature_names(estimator)), 1)
        self._preprocess = estimator[:-1]
        self._kept: list[tuple[int, Floats]] | None = None

    def frames(self, width: int = 1) -> Iterator[tuple[int, pd.DataFrame]]:
        """Give the raw columns that the model takes, some rows at a time, each part with its first row's number.

        Args:
            width: how many numbers a row will be turned into.

        Raises:
            SourceError: the file is gone.
        """
        most = max(1, CHUNK_NUMBERS // max(width, self._width))
        start = 0
        for rows in batches(self.dataset, self.columns):
            for first in range(0, rows.num_rows, most):
                part = rows.slice(first, most)
                yield start + first, as_frame(part)
            start += rows.num_rows

    def features(self, width: int = 1) -> Iterator[tuple[int, Floats]]:
        """Give the features, as the model is given them, some rows at a time.

        Args:
            width: how many numbers a row of features will be turned into.
        """
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[tuple[int, Floats]] | None = []
        size = 0
        for start, frame in self.frames(width):
            made = self.transform(frame)
            size += made.nbytes
            if kept is not None and size <= KEPT_BYTES:
                kept.append((start, made))
            else:
                kept = None
            yield start, made
        self._kept = kept

    def transform(self, frame: pd.DataFrame) -> Floats:
        """Turn raw rows into the model's features."""
        made = self._preprocess.transform(frame[self.columns])
        return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)

    @cached_property
    def moments(self) -> tuple[Floats, Floats]:
        """Mean and standard deviation of each feature (Chan's pairwise update, Stanford STAN-CS-79-773)."""
        count, mean, squares = 0, np.zeros(0), np.zeros(0)
        for _, part in self.features():
            here, own = len(part), part.mean(axis=0)
            if not count:
                mean, squares = np.zeros(part.shape[1]), np.zeros(part.shape[1])
            gap = own - mean
            total = count + here
            squares = squares + np.square(part - own).sum(axis=0) + np.square(gap) * count * here / total
            mean = mean + gap * here / total
            count = total
        return mean, np.sqrt(squares / max(count, 1))

    def sample(self, count: int, seed: int) -> pd.DataFrame:
        """Draw rows, without putting them back, in the order of the table; all where there are no more."""
        import pandas as pd
        import pyarrow as pa

        from lineal.datasets.read import opened

        with opened(self.dataset) as parquet:
            total = parquet.metadata.num_rows
        wanted = np.arange(total)
        if total > count:
            wanted = np.sort(np.random.default_rng(seed).choice(total, count, replace=False))
        parts, start = [], 0
        for rows in batches(self.dataset, self.columns):
            here = wanted[(wanted >= start) & (wanted < start + rows.num_rows)] - start
            if len(here):
                parts.append(rows.take(pa.array(here)))
            start += rows.num_rows
        return as_frame(pa.Table.from_batches(parts)) if parts else pd.DataFrame(columns=self.columns)
