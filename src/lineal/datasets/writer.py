"""Write Parquet so that the same rows in the same order give the same bytes, however they arrive."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lineal.datasets.hashing import Fingerprint, HashingWriter
from lineal.errors import StorageError

# Where a row group ends follows from the rows alone: at so many rows, or at the row that fills so many bytes.
GROUP_ROWS = 1 << 17
GROUP_BYTES = 32 << 20


class TableWriter:
    """Write record batches of one schema to a Parquet file.

    Rows are gathered into row groups cut by their own content, each written as one contiguous chunk with fixed
    options and no metadata, so neither the batches' sizes nor where they came from leave a trace in the bytes.

    Args:
        path: the file to write.
        schema: of the batches; metadata is left out.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = pa.schema([pa.field(field.name, field.type) for field in schema])
        self.rows = 0
        self._texts = [number for number, field in enumerate(schema) if pa.types.is_string(field.type)]
        self._width = 8 * len(schema)
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = self._pending_bytes = 0
        self._sink = HashingWriter(path)
        self._writer = pq.ParquetWriter(
            self._sink,
            self.schema,
            version="2.6",
            compression="snappy",
            data_page_version="1.0",
            # Numbers seldom repeat enough to pay for a dictionary; text does.
            use_dictionary=[self.schema.field(number).name for number in self._texts],
            write_statistics=True,
            # Every type here is Parquet's own: Arrow's copy of the schema would add nothing but its own bytes.
            store_schema=False,
        )

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows.

        Raises:
            StorageError: the disk is full, or may not be written.
        """
        start = 0
        ends = self._bytes_by_row(batch)
        while start < batch.num_rows:
            used = int(ends[start - 1]) if start else 0
            room = GROUP_BYTES - self._pending_bytes + used
            stop = min(int(np.searchsorted(ends, room)) + 1, start + GROUP_ROWS - self._pending_rows, batch.num_rows)
            self._pending.append(batch.slice(start, stop - start))
            self._pending_rows += stop - start
            self._pending_bytes += int(ends[stop - 1]) - used
            start = stop
            if self._pending_rows == GROUP_ROWS or self._pending_bytes >= GROUP_BYTES:
                self._flush()
        self.rows += batch.num_rows

    def finish(self) -> Fingerprint:
        """Write what is left and the footer; return what the file is known by.

        Raises:
            StorageError: the disk is full, or may not be written.
        """
        if self._pending:
            self._flush()
        self._writer.close()
        found = self._sink.finish()
        self._sink.close()
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._sink.closed:
            # Left half-way: let go of the file without a word more, its owner removes it.
            for end in (self._writer.close, self._sink.close):
                with contextlib.suppress(OSError, ValueError, StorageError):
                    end()

    def _flush(self) -> None:
        table = pa.Table.from_batches(self._pending, self.schema).combine_chunks()
        self._writer.write_table(table, row_group_size=table.num_rows)
        self._pending, self._pending_rows, self._pending_bytes = [], 0, 0

    def _bytes_by_row(self, batch: pa.RecordBatch) -> np.ndarray[Any, np.dtype[np.int64]]:
        """How many bytes the rows up to and with each one take, by a measure that knows only their values."""
        sizes = np.full(batch.num_rows, self._width, dtype=np.int64)
        for number in self._texts:
            lengths = pc.fill_null(pc.binary_length(batch.column(number)), 0)
            sizes += lengths.to_numpy(zero_copy_only=False)
        return np.cumsum(sizes)
