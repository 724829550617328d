"""CSV and TSV."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv

from lineal.datasets.dialect import HEADER_BYTES, delimiter_of
from lineal.datasets.sources import text
from lineal.datasets.sources.base import BlockTooSmall, Plan, SourceFile, TypeChanged, agreed, planned
from lineal.datasets.sources.opening import lines_of, opened
from lineal.datasets.types import converted
from lineal.errors import LinealError, SourceError


class Csv:
    """Comma-separated values; also by `;`, tab or `|` where the header has those and no comma."""

    def guess(self, files: Sequence[SourceFile], block: int) -> Plan:
        """Plan from each file's first block."""
        schemas = []
        for file in files:
            with opened(file) as stream:
                reader = self._reader(file, stream, block, text.options())
                schemas.append(reader.schema)
                first = next(self._read(file, reader), None)
                if first is not None and any(map(_may_be_whole, first.columns)):
                    raise TypeChanged
        names = agreed(files, [schema.names for schema in schemas])
        kinds: dict[str, pa.DataType] = {}
        for name in names:
            found = {schema.field(name).type for schema in schemas} - {pa.null()}
            if len(found) > 1:
                raise TypeChanged
            kinds[name] = _plain(found.pop()) if found else pa.null()
        return planned(kinds)

    def infer(self, files: Sequence[SourceFile], block: int) -> Plan:
        """Plan from every value."""
        chains: dict[str, list[pa.DataType]] = {}
        names = []
        for file in files:
            with opened(file) as stream:
                as_text = pc_csv.ConvertOptions(default_column_type=pa.string(), strings_can_be_null=False)
                reader = self._reader(file, stream, block, as_text)
                names.append(reader.schema.names)
                for batch in self._read(file, reader):
                    for name, values in zip(batch.schema.names, batch.columns, strict=True):
                        chain = chains.setdefault(name, list(text.CHAIN))
                        if len(chain) > 1:
                            distinct = pc.unique(values)
                            chain[:] = [kind for kind in chain if text.fits(distinct, kind)]
        return planned(
            {name: chains[name][0] if name in chains else pa.null() for name in agreed(files, names)}, exact=True
        )

    def batches(self, file: SourceFile, stream: BinaryIO, plan: Plan, block: int) -> Iterator[pa.RecordBatch]:
        """Give the rows as the plan has them."""
        types = {field.name: field.type for field in plan.parsed}
        for batch in self._read(file, self._reader(file, stream, block, text.options(types))):
            columns = [converted(batch.column(field.name), field.type) for field in plan.schema]
            yield pa.RecordBatch.from_arrays(columns, schema=plan.schema)

    def _reader(
        self, file: SourceFile, stream: BinaryIO, block: int, options: pc_csv.ConvertOptions
    ) -> pc_csv.CSVStreamingReader:
        try:
            reader = pc_csv.open_csv(
                stream,
                pc_csv.ReadOptions(block_size=block),
                pc_csv.ParseOptions(delimiter=_delimiter(file), newlines_in_values=True),
                options,
            )
            reader.schema.names  # noqa: B018  # decodes the header
        except (pa.ArrowInvalid, UnicodeDecodeError) as problem:
            raise _told(problem, file) from problem
        return reader

    def _read(self, file: SourceFile, reader: pc_csv.CSVStreamingReader) -> Iterator[pa.RecordBatch]:
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except pa.ArrowInvalid as problem:
                raise _told(problem, file) from problem
            yield batch


def _may_be_whole(values: pa.Array) -> bool:
    """Whether pyarrow may have taken whole numbers beyond `int64` for floats; only all the text can tell."""
    if not pa.types.is_floating(values.type):
        return False
    largest = pc.max(values).as_py()
    return largest is not None and 2.0**63 <= largest <= 2.0**64


def _plain(kind: pa.DataType) -> pa.DataType:
    # A time of day is no type of a snapshot, bytes are found to be no text when they are read as such.
    return pa.string() if pa.types.is_time(kind) or pa.types.is_binary(kind) else kind


def _delimiter(file: SourceFile) -> str:
    if file.format == "TSV":
        return "\t"
    with opened(file) as stream:
        return delimiter_of(stream.read(HEADER_BYTES))


def _told(problem: Exception, file: SourceFile) -> Exception:
    """Return what pyarrow's refusal means: another reading may do, or an error with its line."""
    said = str(problem)
    if "straddl" in said:
        return BlockTooSmall()
    if "Empty CSV file" in said:
        return _bare(file)
    if "conversion error" in said and "UTF8" not in said:
        return TypeChanged()
    return _explained(file) or SourceError(
        f"{file.uri} cannot be read as CSV: a record is not closed, or it is no text file; check how it was written",
        uri=file.uri,
    )


def _explained(file: SourceFile) -> LinealError | None:
    """Find the line that is no UTF-8, or whose record has not the header's number of fields, by Python's own reader."""
    with opened(file) as stream, lines_of(stream) as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return SourceError(
                    f"{file.uri} line {number} is not UTF-8 text; save the file as UTF-8", uri=file.uri, line=number
                )
    # The limit is the whole process's; it is put back.
    limit = csv.field_size_limit(sys.maxsize)
    try:
        return _ragged(file)
    except csv.Error:
        return None
    finally:
        csv.field_size_limit(limit)


def _ragged(file: SourceFile) -> LinealError | None:
    with opened(file) as stream, lines_of(stream) as lines:
        reader = csv.reader((line.decode("utf-8-sig") for line in lines), delimiter=_delimiter(file))
        header, start = next((record for record in reader if record), []), reader.line_num + 1
        for record in reader:
            if record and len(record) != len(header):
                fields = "1 field" if len(record) == 1 else f"{len(record)} fields"
                return SourceError(
                    f"{file.uri} line {start} has {fields} where the header has {len(header)}; "
                    "correct that line, or quote the field that holds the delimiter",
                    uri=file.uri,
                    line=start,
                )
            start = reader.line_num + 1
    return None


def _bare(file: SourceFile) -> LinealError:
    with opened(file) as stream:
        header = stream.read(1 << 16).strip(b"\xef\xbb\xbf\r\n\t ")
    what = "has a header but no rows; add the data" if header else "is empty; it needs a header and rows"
    return SourceError(f"{file.uri} {what}", uri=file.uri)
