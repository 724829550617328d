"""Read a source, whatever its format and size, into a snapshot, in constant memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from lineal.datasets.cache import Cache
from lineal.datasets.dataset import Dataset
from lineal.datasets.hashing import Fingerprint, HashingReader
from lineal.datasets.snapshot import Snapshot
from lineal.datasets.sources import sql
from lineal.datasets.sources.base import BLOCK, BlockTooSmall, Format, Plan, SourceFile, TypeChanged
from lineal.datasets.sources.csv import Csv
from lineal.datasets.sources.jsonlines import JsonLines
from lineal.datasets.sources.opening import opened
from lineal.datasets.sources.parquet import Parquet
from lineal.datasets.sources.resolve import expanded, resolved
from lineal.datasets.types import NAMED, columns_of
from lineal.datasets.writer import TableWriter
from lineal.errors import SourceError
from lineal.pipeline import Pipeline
from lineal.progress import Progress, unwatched

FORMATS: dict[str, Format] = {"CSV": Csv(), "TSV": Csv(), "Parquet": Parquet(), "JSON lines": JsonLines()}
_LONGEST = 512 << 20


def ingest(pipeline: Pipeline, cache: Cache | None = None, on_progress: Progress = unwatched) -> Snapshot:
    """Read the pipeline's source into a snapshot.

    Args:
        pipeline: whose source is read, and whose `snapshot` table it becomes.
        cache: where the snapshot is kept.
        on_progress: told the source's bytes that are through (a query's rows).

    Returns:
        The snapshot, with every row of the source in the source's order, and what it was read from.

    Raises:
        SourceError: the source is missing, empty or broken; where and how is told.
        UnreachableError: it lies elsewhere and does not answer.
        DataError: a column has a name that Lineal keeps for itself.
        StorageError: the snapshot cannot be written.
    """
    return read(
        pipeline.source.uri,
        pipeline.table("snapshot"),
        query=pipeline.source.query,
        folder=pipeline.project,
        cache=cache,
        on_progress=on_progress,
    )


def read(
    uri: str,
    name: str,
    *,
    query: str | None = None,
    learnt: Mapping[str, str] | None = None,
    folder: Path | None = None,
    cache: Cache | None = None,
    on_progress: Progress = unwatched,
) -> Snapshot:
    """Read any source into a snapshot called `name`; as `ingest`, for a source that no pipeline file names.

    Args:
        uri: a file, folder, glob or fsspec URI, or with `query` a database URL; `${NAME}` is read from the environment.
        name: the snapshot's logical name.
        query: the SQL that gives the rows.
        learnt: the types of columns that a model takes, as a snapshot's columns name them: what was learnt as text is
            text, whatever these rows of it look like, and a column without any value is of its type.
        folder: where a relative path starts; default the working folder.
        cache: where the snapshot is kept.
        on_progress: told the source's bytes that are through (a query's rows).
    """
    cache, types = cache or Cache(), {name: NAMED[kind] for name, kind in (learnt or {}).items() if kind in NAMED}
    uri, folder = expanded(uri), folder or Path.cwd()
    with cache.temporary(".parquet") as made:
        if query is not None:
            found, schema, sources = _from_query(uri, query, types, folder, made, cache, on_progress)
        else:
            with resolved(uri, folder, cache, on_progress) as files:
                found, schema, sources = _from_files(files, types, made, on_progress)
        path, _ = cache.put(made, found)
    dataset = Dataset(
        uri=path,
        name=name,
        version=found.md5,
        sha256=found.sha256,
        size=found.size,
        rows=sum(source.rows or 0 for source in sources),
        columns=columns_of(schema),
    )
    return Snapshot(dataset, sources)


def _from_query(
    url: str,
    query: str,
    types: Mapping[str, pa.DataType],
    folder: Path,
    made: Path,
    cache: Cache,
    on_progress: Progress,
) -> tuple[Fingerprint, pa.Schema, tuple[Dataset, ...]]:
    with cache.temporary(".arrows") as spool:
        shown, plan = sql.spool(url, query, folder, spool, on_progress)
        plan = _as_learnt(plan, types, "SQL")
        with TableWriter(made, plan.schema) as writer:
            for batch in sql.spooled(spool, plan):
                writer.write(batch)
            found = writer.finish()
    # A query's rows have no bytes of their own; those of the snapshot follow from them alone.
    source = Dataset(
        uri=shown, version=found.md5, sha256=found.sha256, rows=writer.rows, columns=columns_of(plan.schema)
    )
    return found, plan.schema, (source,)


def _from_files(
    files: Sequence[SourceFile], types: Mapping[str, pa.DataType], made: Path, on_progress: Progress
) -> tuple[Fingerprint, pa.Schema, tuple[Dataset, ...]]:
    before = [_stamp(file) for file in files]
    plan, conversion = _converted(files, types, made, on_progress)
    for file, stamp in zip(files, before, strict=True):
        if _stamp(file) != stamp:
            raise SourceError(f"{file.uri} changed while it was read; run again once it is written", uri=file.uri)
    if not sum(conversion.rows):
        what = "is without rows" if files[0].format in ("Parquet", "JSON lines") else "has a header but no rows"
        raise SourceError(f"{files[0].uri} {what}; add the data", uri=files[0].uri)
    columns = columns_of(plan.schema)
    sources = tuple(
        Dataset(uri=file.uri, version=known.md5, sha256=known.sha256, size=known.size, rows=rows, columns=columns)
        for file, known, rows in zip(files, conversion.sources, conversion.rows, strict=True)
    )
    return conversion.snapshot, plan.schema, sources


@dataclass(frozen=True, slots=True)
class _Conversion:
    """What was written: the snapshot's fingerprint, and each file's with its rows."""

    snapshot: Fingerprint
    sources: list[Fingerprint]
    rows: list[int]


def _converted(
    files: Sequence[SourceFile], types: Mapping[str, pa.DataType], made: Path, on_progress: Progress
) -> tuple[Plan, _Conversion]:
    """Convert by what the first blocks say; where that does not hold, look at every value and convert again."""
    reader = FORMATS[files[0].format]
    block, exact, plan = BLOCK, False, None
    while True:
        try:
            if plan is None:
                plan = (reader.infer if exact else reader.guess)(files, block)
                plan = _as_learnt(plan, types, files[0].format)
            return plan, _write(reader, files, plan, block, made, on_progress)
        except TypeChanged as problem:
            if exact:
                raise SourceError(
                    f"{files[0].uri} cannot be read as {files[0].format}; check how it was written", uri=files[0].uri
                ) from problem
            exact, plan = True, None
        except BlockTooSmall as problem:
            block *= 8
            if block > _LONGEST:
                raise SourceError(
                    f"{files[0].uri} (or a file beside it) has a record of more than {_LONGEST >> 20} MB; "
                    "a quote may be left open",
                    uri=files[0].uri,
                ) from problem


def _as_learnt(plan: Plan, types: Mapping[str, pa.DataType], source: str) -> Plan:
    """Keep to the types that were learnt where the plan rests on no value, or on what text looks like."""
    for field in plan.parsed:
        kind = types.get(field.name)
        # All that a CSV holds is text, and so is a time in JSON.
        of_text = source in ("CSV", "TSV") or (source == "JSON lines" and pa.types.is_temporal(field.type))
        if kind is not None and pa.types.is_string(kind) and of_text:
            plan = plan.but(field.name, kind, kind)
        elif kind is not None and pa.types.is_null(field.type):
            plan = plan.but(field.name, kind, field.type)
    return plan


def _write(
    reader: Format, files: Sequence[SourceFile], plan: Plan, block: int, made: Path, on_progress: Progress
) -> _Conversion:
    total, done = sum(file.path.stat().st_size for file in files), 0
    prints, rows = [], []

    def on_read(count: int) -> None:
        # Called by pyarrow's own thread: only counted here, told below.
        nonlocal done
        done += count

    with TableWriter(made, plan.schema) as writer:
        for file in files:
            start = writer.rows
            raw = HashingReader(file.path.open("rb", buffering=0), on_read)
            with raw, opened(file, cast("BinaryIO", raw)) as stream:
                for batch in reader.batches(file, stream, plan, block):
                    writer.write(batch)
                    on_progress(done, total)
                prints.append(raw.finish())
            rows.append(writer.rows - start)
            on_progress(done, total)
        return _Conversion(writer.finish(), prints, rows)


def _stamp(file: SourceFile) -> tuple[int, int]:
    state = file.path.stat()
    return state.st_mtime_ns, state.st_size
