"""Look up what a handle leaves out: the hashes, size, rows and schema of its file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lineal.datasets.dataset import Column, Dataset
from lineal.datasets.dialect import HEADER_BYTES, delimiter_of


def describe(dataset: Dataset) -> Dataset:
    """Fill in what `dataset` leaves out, where its bytes lie on this machine; otherwise give it back as it is.

    Raises:
        FileNotFoundError: the file has gone.
    """
    path = dataset.path
    if path is None or (dataset.version and dataset.columns):
        return dataset
    if path.is_dir():
        return dataset
    status = path.stat()
    found = _found(str(path.absolute()), status.st_size, status.st_mtime_ns, status.st_ino)
    return dataset.but(
        version=dataset.version or found.version,
        sha256=dataset.sha256 or found.sha256,
        size=found.size if dataset.size is None else dataset.size,
        rows=found.rows if dataset.rows is None else dataset.rows,
        columns=dataset.columns or found.columns,
    )


@lru_cache(maxsize=256)
def _found(path: str, size: int, _modified: int, _inode: int) -> Dataset:
    # A file that many runs read is hashed once, as long as its size, time and inode stay.
    from lineal.datasets.hashing import fingerprint

    marks = fingerprint(Path(path))
    columns, rows = _schema(path) if size else ((), 0)
    return Dataset(path, version=marks.md5, sha256=marks.sha256, size=size, rows=rows, columns=columns)


def _schema(path: str) -> tuple[tuple[Column, ...], int | None]:
    """The columns and, where the file tells, the rows of a Parquet, CSV or JSON lines file."""
    kind = Path(path.removesuffix(".gz")).suffix.lower()
    try:
        if kind in (".parquet", ".pq"):
            import pyarrow.parquet as pq

            file = pq.ParquetFile(path)
            return tuple(Column(field.name, str(field.type)) for field in file.schema_arrow), file.metadata.num_rows
        if kind in (".csv", ".tsv"):
            import pyarrow as pa
            import pyarrow.csv as csv

            with pa.input_stream(path) as stream:
                start = stream.read(HEADER_BYTES)
            options = csv.ParseOptions(delimiter="\t" if kind == ".tsv" else delimiter_of(start))
            with csv.open_csv(path, parse_options=options) as reader:
                return tuple(Column(field.name, str(field.type)) for field in reader.schema), None
    except (OSError, ValueError):
        pass  # no table that can be told from its first block: it has bytes and a hash all the same
    return (), None
