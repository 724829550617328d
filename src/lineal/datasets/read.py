"""Open a dataset version as a table or a frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from lineal.datasets.cache import Cache
from lineal.datasets.dataset import Dataset
from lineal.datasets.frame import as_frame
from lineal.datasets.remembered import fingerprint_of
from lineal.datasets.types import ROW
from lineal.datasets.versioning import pointer_of
from lineal.errors import DataError, SourceError, VersionError
from lineal.redaction import redact

if TYPE_CHECKING:
    import pandas as pd

BATCH_ROWS = 1 << 16


@contextmanager
def opened(dataset: Dataset) -> Iterator[pq.ParquetFile]:
    """Give a version's Parquet file, from this disk, DVC's cache or remote, or any fsspec URI.

    Raises:
        SourceError: its file is gone, or is no Parquet.
        VersionError: its file was altered, and the version is nowhere else to be had.
    """
    shown = redact(dataset.location)
    try:
        if dataset.path is not None:
            with pq.ParquetFile(_whole(dataset, dataset.path), buffer_size=1 << 20, pre_buffer=False) as parquet:
                yield parquet
            return
        import fsspec

        with fsspec.open(dataset.location, "rb") as stream, pq.ParquetFile(stream) as parquet:
            yield parquet
    except FileNotFoundError as problem:
        raise SourceError(
            f"the bytes of {_called(dataset)} are gone from {shown}; bring them back (lineal restore), or run again",
            uri=shown,
        ) from problem
    except ImportError as problem:
        raise SourceError(f"{shown} cannot be read without another package: {problem}", uri=shown) from problem
    except pa.ArrowInvalid as problem:
        raise SourceError(
            f"{_called(dataset)} at {shown} is not a readable Parquet file; it was damaged, or is of another format",
            uri=shown,
        ) from problem


def _whole(dataset: Dataset, path: Path) -> Path:
    """The file of a version; a cache's is what its name says, and is had from a cache or remote where it is not there.

    A file of the user's own is theirs to change: it is read as it is.
    """
    version = dataset.version
    if version is None or (path.is_file() and pointer_of(dataset) is None):
        return path
    if path.is_file() and fingerprint_of(path).md5 == version:
        return path
    # A handle from another machine, a file that was removed, or one that was altered.
    try:
        return Cache().get(version)
    except VersionError as problem:
        if path.is_file():
            raise
        raise FileNotFoundError(problem.message) from problem


def batches(dataset: Dataset, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Give some columns of a version, some rows at a time, in order.

    Raises:
        DataError: it has no such column.
        SourceError: its file is gone.
    """
    with opened(dataset) as parquet:
        _all_there(dataset, columns, parquet.schema_arrow.names)
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
            # Parquet gives them in the file's order.
            yield batch.select(list(columns))


def to_table(dataset: Dataset, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a version whole.

    Args:
        dataset: a version in Parquet.
        columns: those to read, in this order; default all but a split's `_lineal_row`.

    Raises:
        DataError: it has no such column.
        SourceError: its file is gone.
    """
    with opened(dataset) as parquet:
        names = parquet.schema_arrow.names
        wanted = [name for name in names if name != ROW] if columns is None else list(columns)
        _all_there(dataset, wanted, names)
        return parquet.read(columns=wanted).select(wanted)


def to_frame(dataset: Dataset, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a version whole as a pandas frame.

    Integers and booleans with missing values become pandas' nullable `Int64` and `boolean`, so that no integer turns
    into a float; without, `int64` and `bool`. Text is pandas' `str`, dates and times are `datetime64`.

    Args:
        dataset: a version in Parquet.
        columns: those to read, in this order; default all but a split's `_lineal_row`.

    Raises:
        DataError: it has no such column.
        SourceError: its file is gone.
    """
    return as_frame(to_table(dataset, columns))


def _all_there(dataset: Dataset, wanted: Sequence[str], names: Sequence[str]) -> None:
    from lineal.datasets.sources.base import near

    for name in wanted:
        if name not in names:
            raise DataError(f"{_called(dataset)} has no column {name!r}{near(name, names)}", column=name)


def _called(dataset: Dataset) -> str:
    name = dataset.name or redact(dataset.location)
    return f"{name}@{dataset.version[:8]}" if dataset.version else name
