"""One row of a version, by its number: the footer says which row group holds it, and only that is read."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lineal.datasets.dataset import Dataset
from lineal.datasets.read import opened
from lineal.errors import VersionError


def row_of(dataset: Dataset, row: int) -> pa.Table:
    """Read one row of a version, as a table.

    Args:
        dataset: a version in Parquet, of any size.
        row: its 0-based number.

    Raises:
        SourceError: its file is gone or is no Parquet.
        VersionError: it has no such row.
    """
    with opened(dataset) as parquet:
        start = 0
        for group in range(parquet.metadata.num_row_groups):
            count = parquet.metadata.row_group(group).num_rows
            if row < start + count:
                return parquet.read_row_group(group, use_threads=False).slice(row - start, 1)
            start += count
    raise VersionError(
        f"{dataset.name}@{(dataset.version or '')[:8]} at {dataset.location} has {start} rows, and no row {row + 1}; "
        "it is not the recorded one (see `lineal verify`)",
        version=dataset.version,
    )


def as_values(row: pa.Table) -> dict[str, Any]:
    """The one row of a table, by column; a float that is no number is a missing value."""
    (found,) = row.to_pylist()
    return {name: None if isinstance(value, float) and value != value else value for name, value in found.items()}
