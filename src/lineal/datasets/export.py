"""Copy a dataset version out of the cache, as Parquet or CSV, whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from lineal.datasets.dataset import Dataset
from lineal.datasets.newfile import new_file, require_free
from lineal.datasets.read import batches, opened

FORMATS = (".parquet", ".csv")


def export(dataset: Dataset, path: Path, *, force: bool = False) -> Dataset:
    """Write a copy of a version to a path of the user's own.

    Args:
        dataset: the version.
        path: its ending says the format, `.parquet` or `.csv`.
        force: whether a file that is there may be replaced.

    Raises:
        StorageError: as `require_free`; or the disk is full, or not ours to write.
        SourceError: the version's file is gone.
    """
    require_free(path, force=force, endings=FORMATS)
    with new_file(path, force=force) as made:
        if path.suffix.lower() == ".csv":
            _write_csv(dataset, made)
        else:
            with opened(dataset):
                shutil.copyfile(str(dataset.path), made)
    return Dataset(path.absolute())


def _write_csv(dataset: Dataset, made: Path) -> None:
    import pyarrow.csv as csv

    names = [column.name for column in dataset.columns]
    writer: csv.CSVWriter | None = None
    try:
        for rows in batches(dataset, names):
            if writer is None:
                writer = csv.CSVWriter(made, rows.schema)
            writer.write_batch(rows)
    finally:
        if writer is not None:
            writer.close()
