"""What the two sides of a split have in common: rows, ids, and values; counted in memory of a few bytes a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lineal.datasets.dataset import Dataset
from lineal.datasets.read import opened
from lineal.datasets.rowhash import row_hashes
from lineal.datasets.types import ROW
from lineal.pipeline import Pipeline

if TYPE_CHECKING:
    Marks = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What stands on both sides.

    Attributes:
        rows: rows of the snapshot that are in both parts.
        ids: held-out rows whose id a training row has; None where the pipeline has no id column.
        repeats: held-out rows that are the same as a training row in every feature and the target.
        held_out: how many rows are held out.
    """

    rows: int
    ids: int | None
    repeats: int
    held_out: int


def overlap(pipeline: Pipeline, train: Dataset, test: Dataset) -> Overlap:
    """Compare the two sides of a split.

    Args:
        pipeline: whose split it is.
        train: to fit on.
        test: held out.

    Raises:
        SourceError: a part's file is gone.
    """
    key = pipeline.source.id
    return Overlap(
        rows=int(_common(train, test, [ROW]).sum()),
        ids=None if key is None else int(_common(train, test, [key]).sum()),
        repeats=int(_common(train, test, _values(pipeline, test)).sum()),
        held_out=test.rows or 0,
    )


def learned(pipeline: Pipeline, train: Dataset, test: Dataset) -> Marks:
    """Tell which held-out rows stand among the training rows of some model, perhaps of another split or snapshot.

    A record is known by its id where both tables have the pipeline's id column, else by its values in every feature and
    the target, as far as both have them.

    Args:
        pipeline: whose rows are held out.
        train: what the model learned from.
        test: held out.

    Returns:
        For each row of `test` whether `train` has it.

    Raises:
        SourceError, VersionError: a table's file is gone, or was altered.
    """
    types = [_types(part) for part in (train, test)]
    key = pipeline.source.id
    columns = [key] if key is not None and all(key in each for each in types) else _values(pipeline, test)
    shared = [name for name in columns if name in types[0]]
    # A column of numbers is one of text once a value is odd.
    unlike = {
        name: pa.string()
        for name in shared
        if types[0][name] != types[1][name] and not all(_is_number(each[name]) for each in types)
    }
    return _common(train, test, shared, unlike) if shared else np.zeros(test.rows or 0, np.bool_)


def _types(part: Dataset) -> dict[str, pa.DataType]:
    with opened(part) as parquet:
        return {field.name: field.type for field in parquet.schema_arrow}


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _values(pipeline: Pipeline, test: Dataset) -> list[str]:
    aside = {pipeline.source.id, *pipeline.source.drop, ROW}
    return [column.name for column in test.columns if column.name not in aside]


def _common(
    train: Dataset, test: Dataset, columns: Sequence[str], cast: Mapping[str, pa.DataType] | None = None
) -> Marks:
    """Which rows of the held-out part have the values of a training row in some columns."""
    return np.isin(row_hashes(test, columns, cast), np.unique(row_hashes(train, columns, cast)))
