"""Copy a dataset version out of the cache, as Parquet or CSV, whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from lineal.datasets.dataset import Dataset
from lineal.datasets.hashing import writing
from lineal.datasets.read import batches, opened
from lineal.errors import StorageError

FORMATS = (".parquet", ".csv")


def require_free(path: Path, *, force: bool = False) -> None:
    """See that a file can be written to a path, before anything is computed for it.

    Args:
        path: its ending says the format, `.parquet` or `.csv`.
        force: whether a file that is there may be replaced.

    Raises:
        StorageError: it may not; or the ending is another, or there is no such folder.
    """
    if "://" in str(path) or str(path).startswith(("s3:/", "gs:/", "http:/", "https:/")):
        raise StorageError(f"{path} is no path on this machine; write there, and copy it on")
    if path.suffix.lower() not in FORMATS:
        raise StorageError(f"the format of {path} cannot be told from its name; name it *.parquet or *.csv")
    if path.is_dir():
        raise StorageError(f"{path} is a folder; name a file in it")
    if path.exists() and not force:
        raise StorageError(f"{path} is there already; name another file, or replace it with --force")
    if not path.absolute().parent.is_dir():
        raise StorageError(f"there is no folder {path.absolute().parent} to write {path.name} to; make it first")


def export(dataset: Dataset, path: Path, *, force: bool = False) -> Dataset:
    """Write a copy of a version to a path of the user's own.

    Args:
        dataset: the version.
        path: as for `require_free`.
        force: as for `require_free`.

    Raises:
        StorageError: as `require_free`; or the disk is full, or not ours to write.
        SourceError: the version's file is gone.
    """
    require_free(path, force=force)
    path = path.absolute()
    with writing(path), tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        made = Path(folder) / path.name
        if path.suffix.lower() == ".csv":
            _write_csv(dataset, made)
        else:
            with opened(dataset):
                shutil.copyfile(str(dataset.path), made)
        if force:
            made.replace(path)
        else:
            _put(made, path)
    return Dataset(path)


def _put(made: Path, path: Path) -> None:
    """Give a finished file its name, unless another has taken it meanwhile."""
    try:
        os.link(made, path)
    except FileExistsError:
        raise StorageError(f"{path} is there already; name another file, or replace it with --force") from None
    except OSError:
        # Some file systems have no links.
        made.replace(path)


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
