"""Snapshot: what ingestion leaves, and the way from each of its rows back to the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lineal.datasets.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of a pipeline's data: the table, and what it was read from.

    Attributes:
        dataset: the snapshot, a Parquet file in the cache.
        sources: the files (or the database) it was read from. The snapshot holds their rows one to one, in this order.
    """

    dataset: Dataset
    # Whoever is given the snapshot reads the table alone.
    sources: tuple[Dataset, ...] = field(metadata={"lineage": False})


def locate(sources: Sequence[Dataset], row: int) -> tuple[Dataset, int]:
    """Lead a snapshot's row back to where it was read.

    Args:
        sources: the snapshot's sources, in order, each with its `rows`.
        row: the row's 0-based number in the snapshot.

    Returns:
        The source, and the 1-based number of the record in it (a header, and lines without a record, do not count).

    Raises:
        IndexError: the sources have no such row.
    """
    left = row
    for source in sources if row >= 0 else ():
        if left < (source.rows or 0):
            return source, left + 1
        left -= source.rows or 0
    raise IndexError(f"row {row} is in none of the sources, which have {sum(s.rows or 0 for s in sources)} rows")


def where(sources: Sequence[Dataset], row: int) -> str:
    """Say for a person where a snapshot's row (0-based) comes from, as `records.csv record 7` or `row 7`."""
    if not sources:
        return f"row {row + 1}"
    source, record = locate(sources, row)
    name = source.location.rstrip("/").rpartition("/")[2] or source.location
    return f"{name} record {record}"


def places(sources: Sequence[Dataset], rows: Sequence[int], count: int) -> str:
    """Say for a person where the first of `count` rows come from."""
    text = ", ".join(where(sources, row) for row in rows)
    return f"{text}, …" if count > len(rows) else text
