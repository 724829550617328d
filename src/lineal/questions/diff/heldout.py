"""Two models' answers on held-out rows, out of the evaluations' dataset versions, and which rows are in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lineal.datasets.dataset import Dataset
from lineal.datasets.types import ROW
from lineal.questions.diff.record import Record, Table, bytes_of
from lineal.questions.diff.values import Keys, Places, columns_of, keys_by_content, keys_by_id, keys_by_value


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Both sides' evaluation, and the places of the rows that are in both.

    Attributes:
        matched_by: for a person.
        ids: of the matched rows, for a person.
    """

    left: pa.Table
    right: pa.Table
    left_rows: Places
    right_rows: Places
    matched_by: str
    ids: tuple[str, ...] | None

    @property
    def same_rows(self) -> bool:
        """Whether both were judged on the very same rows."""
        return bool(len(self.left_rows) == self.left.num_rows == self.right.num_rows)

    def id_of(self, place: int) -> str:
        """How a person would name a matched row."""
        return self.ids[place] if self.ids is not None else f"row {int(self.left_rows[place]) + 1}"


def held_out(left: Record, right: Record, id_column: str | None) -> HeldOut | None:
    """Read both evaluations, and match their rows; None where a side has none.

    Raises:
        VersionError: the bytes of one are gone.
        SourceError: the bytes of one are damaged.
    """
    evaluations = left.table("evaluation"), right.table("evaluation")
    if evaluations[0] is None or evaluations[1] is None:
        return None
    one, two = (_whole(bytes_of(table)) for table in evaluations if table is not None)
    keys, matched_by, ids = _matched(left, right, one, two, id_column)
    left_rows, right_rows = keys.matched()
    named = tuple(str(ids[int(place)]) for place in left_rows) if ids is not None else None
    return HeldOut(one, two, left_rows, right_rows, matched_by, named)


def _matched(
    left: Record, right: Record, one: pa.Table, two: pa.Table, id_column: str | None
) -> tuple[Keys, str, list[Any] | None]:
    tests = left.table("test"), right.table("test")
    snapshots = left.table("snapshot"), right.table("snapshot")
    ids: list[Any] | None = None
    if tests[0] is not None and tests[1] is not None and id_column is not None:
        with columns_of(bytes_of(tests[0]), bytes_of(tests[1])) as (a, b):
            if id_column in a.types and id_column in b.types and (a.rows, b.rows) == (one.num_rows, two.num_rows):
                ids = a.column(id_column).to_pylist()
                keys = keys_by_id(a.column(id_column), b.column(id_column))
                if keys.repeated() == (0, 0):
                    return keys, f"by {id_column}", ids
                ids = None
    if _same(*snapshots) and ROW in one.column_names and ROW in two.column_names:
        return (
            keys_by_value(one.column(ROW).to_numpy(), two.column(ROW).to_numpy()),
            "by their row of the snapshot",
            None,
        )
    if tests[0] is not None and tests[1] is not None:
        with columns_of(bytes_of(tests[0]), bytes_of(tests[1])) as (a, b):
            common = sorted(set(a.names) & set(b.names))
            return keys_by_content(a, b, common), "by content", None
    return keys_by_value(np.zeros(0), np.zeros(0)), "by nothing", None


def _same(left: Table | None, right: Table | None) -> bool:
    return left is not None and right is not None and bool(left.version) and left.version == right.version


def _whole(dataset: Dataset) -> pa.Table:
    from lineal.datasets.read import opened

    with opened(dataset) as file:
        return file.read()
