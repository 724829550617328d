"""Hold rows out: stratified, by groups, by time or plainly at random; reproducible to the byte.

What is drawn is drawn by a hash of each record and the seed, the least of them first, and not by its place: a record
keeps its side, but for a few at the boundary, when rows are added, removed or sorted anew, so that models of different
snapshots are judged on the same records, and hardly on any that one of them learned.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineal.datasets.cache import Cache
from lineal.datasets.dataset import Dataset
from lineal.datasets.read import BATCH_ROWS, opened, to_table
from lineal.datasets.rowhash import row_hashes
from lineal.datasets.types import ROW, columns_of
from lineal.datasets.writer import TableWriter
from lineal.errors import DataError
from lineal.pipeline import Pipeline

if TYPE_CHECKING:
    Counts = np.ndarray[tuple[int], np.dtype[np.int64]]
    Hashes = np.ndarray[tuple[int], np.dtype[np.uint64]]
    Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

MANY_CLASSES = 20


@dataclass(frozen=True, slots=True)
class Split:
    """Two parts of a snapshot. Each row stands in one of them, in the snapshot's order.

    Attributes:
        train: to fit on; the snapshot's columns, and last `_lineal_row`, each row's 0-based number in the snapshot.
        test: held out; the same columns.
        method: `stratified`, `group`, `time` or `random`.
        seed: of the draw.
        note: what a person should know of it, such as rows that share the boundary's time; None where there is nothing.
    """

    train: Dataset
    test: Dataset
    method: str
    seed: int
    note: str | None = None


def is_classification(target: pa.ChunkedArray | pa.Array) -> bool:
    """Say whether a target names classes: text, booleans, or few different whole numbers.

    Few is at most 20, and at most one for every five values, so that ten different counts in ten rows are left to
    regression. Whole numbers that are kept as floats count as such.
    """
    kind = target.type
    if pa.types.is_string(kind) or pa.types.is_boolean(kind):
        return True
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return False
    values = pc.drop_null(pc.unique(target))
    if not 0 < len(values) <= max(2, min(MANY_CLASSES, (len(target) - target.null_count) // 5)):
        return False
    return bool(pa.types.is_integer(kind) or pc.all(pc.equal(values, pc.floor(values))).as_py())


def split(
    pipeline: Pipeline, snapshot: Dataset, classification: bool | None = None, cache: Cache | None = None
) -> Split:
    """Split a snapshot as the pipeline asks.

    Args:
        pipeline: whose split it is, and whose `train` and `test` tables the parts become.
        snapshot: the version to split.
        classification: whether the target names classes; None: as `is_classification` says.
        cache: where the parts are kept.

    Raises:
        DataError: what should be classes is continuous, a class is too small to stratify, a part would be empty, there
            is one group only, or a value that the split needs is missing.
        SourceError: the snapshot's file is gone.
        StorageError: a part cannot be written.
    """
    asked = pipeline.split
    note = None
    if asked.group is not None:
        method, held = "group", _by_group(snapshot, asked.group, pipeline)
    elif asked.time is not None:
        method = "time"
        held, note = _by_time(_whole(snapshot, asked.time, "time"), asked.time, asked.test_size)
    else:
        target = to_table(snapshot, [pipeline.source.target]).column(0)
        stratify = asked.stratify
        if stratify is None:
            stratify = is_classification(target) if classification is None else classification
        method = "stratified" if stratify else "random"
        if classification:
            _require_classes(target, pipeline)
        drawn = _drawn(snapshot, pipeline)
        held = _stratified(target, drawn, pipeline) if stratify else _at_random(drawn, pipeline)
    train, test = _written(pipeline, snapshot, held, cache or Cache())
    return Split(train, test, method, asked.seed, note)


def _whole(snapshot: Dataset, name: str, way: str) -> pa.ChunkedArray:
    column = to_table(snapshot, [name]).column(0)
    if column.null_count:
        first = int(np.flatnonzero(column.is_null().to_numpy())[0]) + 1
        raise DataError(
            f"split.{way}: column {name!r} has {column.null_count} missing values (the first in row {first}), so those "
            "rows belong to neither part; fill them in, or split another way",
            column=name,
        )
    return column


def _drawn(snapshot: Dataset, pipeline: Pipeline) -> Hashes:
    """Each row's number in the draw: by its id, or by all its values where it has none."""
    key = pipeline.source.id
    columns = [key] if key is not None else [column.name for column in snapshot.columns]
    return row_hashes(snapshot, columns, seed=pipeline.split.seed)


def _at_random(drawn: Hashes, pipeline: Pipeline) -> Mask:
    test = _neither_empty(len(drawn), pipeline.split.test_size, "rows")
    held = np.zeros(len(drawn), dtype=np.bool_)
    held[np.argsort(drawn, kind="stable")[:test]] = True
    return held


def _require_classes(target: pa.ChunkedArray, pipeline: Pipeline) -> None:
    """Stop at a target with fractions, which scikit-learn takes for no class."""
    if not pa.types.is_floating(target.type) or pc.all(pc.equal(target, pc.floor(target))).as_py() is not False:
        return
    name, count = pipeline.source.target, pc.count_distinct(target).as_py()
    raise DataError(
        f"the target {name!r} is continuous ({count} different numbers in {len(target)} rows), and "
        f"{pipeline.model.estimator} tells classes apart; take a regressor, such as "
        "sklearn.ensemble.RandomForestRegressor, or make classes of the target in the source",
        column=name,
    )


def _stratified(target: pa.ChunkedArray, drawn: Hashes, pipeline: Pipeline) -> Mask:
    asked, name = pipeline.split, pipeline.source.target
    if target.null_count:
        raise DataError(
            f"the target {name!r} has {target.null_count} missing values and cannot be stratified by; fill them in",
            column=name,
        )
    encoded = target.combine_chunks().dictionary_encode()
    codes = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    sizes = np.bincount(codes)
    instead = "or set split.stratify = false"
    if sizes.min() < 2:
        alone = int((sizes < 2).sum())
        raise DataError(
            f"the target {name!r} cannot be stratified by: {alone} of its {len(sizes)} "
            f"{'classes has' if alone == 1 else 'classes have'} one row only, which cannot stand in both parts; "
            f"add rows or merge classes, {instead}",
            column=name,
        )
    test = int(np.ceil(asked.test_size * len(codes)))
    if min(test, len(codes) - test) < len(sizes):
        part, size = ("held-out", test) if test < len(codes) - test else ("training", len(codes) - test)
        raise DataError(
            f"the target {name!r} cannot be stratified by: its {len(sizes)} classes do not all fit into {size} {part} "
            f"rows; change split.test_size, {instead}",
            column=name,
        )
    # Class by class, and within each in the order of the draw.
    order = np.lexsort((drawn, codes))
    place = np.arange(len(codes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    held = np.zeros(len(codes), dtype=np.bool_)
    held[order[place < np.repeat(_shares(sizes, test), sizes)]] = True
    return held


def _shares(sizes: Counts, test: int) -> Counts:
    """How many rows of each class are held out: its share, rounded so that they add up, and never none or all."""
    exact = sizes * (test / sizes.sum())
    shares: Counts = np.clip(np.floor(exact).astype(np.int64), 1, sizes - 1)
    while (left := test - int(shares.sum())) != 0:
        step = 1 if left > 0 else -1
        # The class that is furthest from its share; of several the first.
        open_ = shares < sizes - 1 if step > 0 else shares > 1
        shares[np.argmax(np.where(open_, step * (exact - shares), -np.inf))] += step
    return shares


def _by_group(snapshot: Dataset, name: str, pipeline: Pipeline) -> Mask:
    _whole(snapshot, name, "group")
    drawn = row_hashes(snapshot, [name], seed=pipeline.split.seed)
    groups = np.unique(drawn)
    if len(groups) < 2:
        raise DataError(
            f"split.group: column {name!r} has one group only, which cannot stand on both sides; name another column",
            column=name,
        )
    test = _neither_empty(len(groups), pipeline.split.test_size, "groups", name)
    return np.asarray(drawn < groups[test], dtype=np.bool_)


def _by_time(column: pa.ChunkedArray, name: str, test_size: float) -> tuple[Mask, str | None]:
    """Hold the newest out. Rows of one time stay together, so the share held out is the nearest that allows it."""
    kind = column.type
    if not (pa.types.is_temporal(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise DataError(
            f"split.time: column {name!r} holds {kind} values, which have no order in time; name a column of dates or "
            "numbers (write dates as 2026-01-31)",
            column=name,
        )
    times = column.to_numpy()
    values, counts = np.unique(times, return_counts=True)
    if len(values) < 2:
        raise DataError(
            f"split.time: all rows have one time in column {name!r}, so none is newer; name another column", column=name
        )
    # How many rows are held out if the values from each one on are; never all of them.
    newer = np.cumsum(counts[::-1])[::-1][1:]
    wanted = test_size * len(times)
    cut = int(np.argmin(np.abs(newer - wanted)[::-1]))
    cut = len(newer) - cut
    held = np.asarray(times >= values[cut], dtype=np.bool_)
    note = None
    if abs(int(newer[cut - 1]) - wanted) >= 1:
        note = (
            f"rows of one time stay together, so {int(newer[cut - 1])} of {len(times)} rows are held out "
            f"where split.test_size asks for {wanted:.0f}"
        )
    return held, note


def _neither_empty(count: int, test_size: float, what: str, column: str | None = None) -> int:
    """How many are held out."""
    test = int(np.ceil(test_size * count))
    if not 0 < test < count:
        part = "training" if test else "held-out"
        raise DataError(
            f"split.test_size = {test_size} of {count} {what} leaves the {part} part empty; change it, or add data",
            column=column,
        )
    return test


def _written(pipeline: Pipeline, snapshot: Dataset, held: Mask, cache: Cache) -> tuple[Dataset, Dataset]:
    """Stream the rows into the two parts, in the snapshot's order."""
    with ExitStack() as stack:
        parquet = stack.enter_context(opened(snapshot))
        schema = parquet.schema_arrow.append(pa.field(ROW, pa.int64()))
        files = [stack.enter_context(cache.temporary(".parquet")) for _ in range(2)]
        writers = [stack.enter_context(TableWriter(file, schema)) for file in files]
        start = 0
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS):
            stop = start + batch.num_rows
            numbered = batch.append_column(ROW, pa.array(np.arange(start, stop, dtype=np.int64)))
            test = held[start:stop]
            for writer, mask in zip(writers, (~test, test), strict=True):
                writer.write(numbered.filter(pa.array(mask)))
            start = stop
        parts = []
        for part, writer, file in zip(("train", "test"), writers, files, strict=True):
            path, found = cache.put(file, writer.finish())
            parts.append(
                Dataset(
                    uri=path,
                    name=pipeline.table(part),
                    version=found.md5,
                    sha256=found.sha256,
                    size=found.size,
                    rows=writer.rows,
                    columns=columns_of(schema),
                )
            )
        return parts[0], parts[1]
