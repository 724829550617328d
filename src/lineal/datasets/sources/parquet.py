"""Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from lineal.datasets.sources.base import Plan, SourceFile, agreed, planned
from lineal.datasets.types import converted, unified
from lineal.errors import SourceError

_ROWS = 1 << 16


class Parquet:
    """Parquet files; their types are told, not guessed."""

    def guess(self, files: Sequence[SourceFile], block: int) -> Plan:
        """Plan from the files' own schemas."""
        schemas = []
        for file in files:
            with _open(file) as parquet:
                schemas.append(parquet.schema_arrow)
        names = agreed(files, [schema.names for schema in schemas])
        return planned({name: unified(schema.field(name).type for schema in schemas) for name in names})

    infer = guess

    def batches(self, file: SourceFile, stream: BinaryIO, plan: Plan, block: int) -> Iterator[pa.RecordBatch]:
        """Give the rows as the plan has them; the file is read by its own footer, not through `stream`."""
        with _open(file) as parquet:
            rows = parquet.iter_batches(batch_size=_ROWS)
            while True:
                try:
                    batch = next(rows, None)
                except (OSError, pa.ArrowException) as problem:
                    raise _broken(file) from problem
                if batch is None:
                    return
                yield pa.RecordBatch.from_arrays(
                    [_column(file, batch, field) for field in plan.schema], schema=plan.schema
                )


def _column(file: SourceFile, batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    try:
        return converted(batch.column(field.name), field.type)
    except pa.ArrowInvalid as problem:
        kind = batch.schema.field(field.name).type
        raise SourceError(
            f"{file.uri}: column {field.name!r} holds {kind} values that cannot be kept as {field.type}; "
            "write that column as text or numbers",
            uri=file.uri,
            column=field.name,
        ) from problem


def _open(file: SourceFile) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file.path, buffer_size=1 << 20, pre_buffer=False)
    except pa.ArrowInvalid as problem:
        if not file.path.stat().st_size:
            raise SourceError(f"{file.uri} is empty; write it again", uri=file.uri) from problem
        raise _broken(file) from problem
    except OSError as problem:
        raise _broken(file) from problem


def _broken(file: SourceFile) -> SourceError:
    return SourceError(
        f"{file.uri} is not a readable Parquet file; write it again, or correct its suffix", uri=file.uri
    )
