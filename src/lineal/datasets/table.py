"""Keep a table that was made here as a dataset version."""

from __future__ import annotations

import pyarrow as pa

from lineal.datasets.cache import Cache
from lineal.datasets.dataset import Dataset
from lineal.datasets.types import columns_of
from lineal.datasets.writer import TableWriter


def write_table(table: pa.Table, name: str, cache: Cache | None = None) -> Dataset:
    """Write a table to the cache; the same rows give the same version.

    Args:
        table: with plain column types.
        name: of the dataset, such as `breast-cancer.evaluation`.
        cache: where it is kept.

    Raises:
        StorageError: the disk is full, read-only or not ours to write.
    """
    cache = cache or Cache()
    with cache.temporary(".parquet") as file:
        with TableWriter(file, table.schema) as writer:
            for batch in table.to_batches():
                writer.write(batch)
            marks = writer.finish()
        path, marks = cache.put(file, marks)
    return Dataset(
        path,
        name=name,
        version=marks.md5,
        sha256=marks.sha256,
        size=marks.size,
        rows=table.num_rows,
        columns=columns_of(table.schema),
    )
