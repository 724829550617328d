"""What the two sides of a split have in common: rows, ids, and values; counted in memory of a few bytes a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lineal.datasets.dataset import Dataset
from lineal.datasets.frame import as_frame
from lineal.datasets.read import batches
from lineal.datasets.types import ROW
from lineal.pipeline import Pipeline

if TYPE_CHECKING:
    Hashes = np.ndarray[tuple[int], np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What stands on both sides.

    Attributes:
        rows: rows of the snapshot that are in both parts.
        ids: held-out rows whose id a training row has; None where the pipeline has no id column.
        repeats: held-out rows that are the same as a training row in every feature and the target.
        held_out: how many rows are held out.
    """

    rows: int
    ids: int | None
    repeats: int
    held_out: int


def overlap(pipeline: Pipeline, train: Dataset, test: Dataset) -> Overlap:
    """Compare the two sides of a split.

    Args:
        pipeline: whose split it is.
        train: to fit on.
        test: held out.

    Raises:
        SourceError: a part's file is gone.
    """
    aside = {pipeline.source.id, *pipeline.source.drop, ROW}
    values = [column.name for column in test.columns if column.name not in aside]
    key = pipeline.source.id
    return Overlap(
        rows=_common(train, test, [ROW]),
        ids=None if key is None else _common(train, test, [key]),
        repeats=_common(train, test, values),
        held_out=test.rows or 0,
    )


def _common(train: Dataset, test: Dataset, columns: Sequence[str]) -> int:
    """How many rows of the held-out part have the values of a training row in some columns."""
    return int(np.isin(_hashes(test, columns), np.unique(_hashes(train, columns))).sum())


def _hashes(part: Dataset, columns: Sequence[str]) -> Hashes:
    """A hash of each row's values. Of 64 bits: two different rows of a billion hardly ever share one."""
    import pandas as pd

    found = [
        pd.util.hash_pandas_object(as_frame(batch), index=False).to_numpy(np.uint64) for batch in batches(part, columns)
    ]
    return np.concatenate(found) if found else np.empty(0, np.uint64)
