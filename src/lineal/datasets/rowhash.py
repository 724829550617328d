"""A number for each row that its values alone decide: the same in every table, batch, order and process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lineal.datasets.dataset import Dataset
from lineal.datasets.read import batches

if TYPE_CHECKING:
    Hashes = np.ndarray[tuple[int], np.dtype[np.uint64]]


def row_hashes(
    part: Dataset, columns: Sequence[str], cast: Mapping[str, pa.DataType] | None = None, *, seed: int = 0
) -> Hashes:
    """Hash each row's values in some columns.

    A whole number is the same as an integer or a fraction, since a column of integers is one of fractions once a value
    is missing. Of 64 bits: two different rows of a billion hardly ever share one.

    Args:
        part: the table; it is read batch by batch.
        columns: that count, in this order.
        cast: types that columns are taken as.
        seed: another one gives other hashes.

    Raises:
        SourceError, VersionError: the table's file is gone, or was altered.
    """
    import pandas as pd

    found = []
    for batch in batches(part, columns):
        hashed = np.full(batch.num_rows, seed, np.uint64)
        for name in columns:
            column = batch.column(name)
            if cast and name in cast:
                column = column.cast(cast[name])
            # Of unsigned integers this mixes the bits, so that each column's place counts.
            hashed = pd.util.hash_array(hashed ^ _hashed(column))
        found.append(hashed)
    return np.concatenate(found) if found else np.empty(0, np.uint64)


def _hashed(column: pa.Array) -> Hashes:
    import pandas as pd

    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        text = column if pa.types.is_string(column.type) else column.cast(pa.string())
        return pd.util.hash_array(text.to_numpy(zero_copy_only=False))
    values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    # One zero and one NaN for all that there are.
    hashed = pd.util.hash_array(np.where(np.isnan(values), np.nan, values + 0.0))
    if pa.types.is_integer(column.type) and (np.abs(values) >= 2**53).any():
        exact = pd.util.hash_array(column.fill_null(0).to_numpy())
        hashed = np.where(np.abs(values) >= 2**53, exact, hashed)
    return hashed
