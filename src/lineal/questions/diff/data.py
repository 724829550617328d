"""How two dataset versions differ: rows by an id or by content, columns, types and distributions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from lineal.questions.diff import distribution
from lineal.questions.diff.interface import Cell, ColumnChange, TableDiff
from lineal.questions.diff.values import (
    Columns,
    Keys,
    Numbers,
    Pair,
    Places,
    differing,
    keys_by_content,
    keys_by_id,
    keys_by_value,
    pair,
    shown,
)

# How many values and ids an answer gives as examples.
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Named:
    """One side's name and version."""

    name: str
    version: str


def compare_tables(left: Columns, right: Columns, names: tuple[Named, Named], id_column: str | None) -> TableDiff:
    """Compare two tables, a column at a time.

    Args:
        left: one table.
        right: the other.
        names: what they are called, for the answer.
        id_column: the column that names a record across versions; without one, or where it cannot, rows are matched
            by what they hold in the columns that both have.
    """
    common = [name for name in left.names if name in right.types]
    keys, by, notes = _keys(left, right, common, id_column)
    rows = _Rows.of(keys, by)
    compared = [name for name in common if name != by]
    columns, changed, examples = _columns(left, right, compared, rows, by)
    only = [ColumnChange(name, str(left.types[name]), None) for name in left.names if name not in right.types]
    only += [ColumnChange(name, None, str(right.types[name])) for name in right.names if name not in left.types]
    if by is not None and left.types[by] != right.types[by]:
        only.append(ColumnChange(by, str(left.types[by]), str(right.types[by]), cells=0))
    found = TableDiff(
        left_name=names[0].name,
        right_name=names[1].name,
        left_version=names[0].version,
        right_version=names[1].version,
        left_rows=left.rows,
        right_rows=right.rows,
        added=rows.added,
        removed=rows.removed,
        changed=changed,
        unchanged=rows.both - changed,
        id=by,
        columns=(*only, *columns),
        equal_columns=len(common) - len(columns) - sum(change.name == by for change in only),
        examples=tuple(examples),
        added_ids=_ids(right, by, keys.only_right()) if by and rows.added else (),
        removed_ids=_ids(left, by, keys.only_left()) if by and rows.removed else (),
    )
    return replace(found, notes=(*notes, *_order(left, right, keys, found)))


@dataclass(frozen=True, slots=True)
class _Rows:
    """How the rows match.

    The places are those of matched rows, whose values may differ. By content these are equal: where as many rows went
    as came, the places are those of the rows that went and that came instead, which are pairs where it is one.
    """

    added: int
    removed: int
    both: int
    left: Places
    right: Places

    @classmethod
    def of(cls, keys: Keys, by: str | None) -> _Rows:
        if by is None:
            removed, added, both = keys.counts()
            gone, new = keys.only_left(), keys.only_right()
            if not len(gone) == len(new) == added == removed:
                gone = new = np.zeros(0, np.int64)
            return cls(added, removed, both, gone, new)
        left, right = keys.matched()
        return cls(len(keys.right) - len(left), len(keys.left) - len(left), len(left), left, right)


def _keys(
    left: Columns, right: Columns, common: Sequence[str], id_column: str | None
) -> tuple[Keys, str | None, list[str]]:
    """What rows are matched by, and why that is not the id where it cannot be."""
    notes = []
    if id_column is not None:
        without = [side for side, table in (("left", left), ("right", right)) if id_column not in table.types]
        if without:
            notes.append(f"the {' and the '.join(without)} has no column {id_column}: rows are compared by content")
        else:
            keys = keys_by_id(left.column(id_column), right.column(id_column))
            repeated = [
                f"{count} values of it more than once on the {side}"
                for side, count in zip(("left", "right"), keys.repeated(), strict=True)
                if count
            ]
            if not repeated:
                return keys, id_column, notes
            notes.append(f"{id_column} names no single row, {' and '.join(repeated)}: rows are compared by content")
    if not common:
        notes.append("no column is on both sides: no row can be matched")
        # Nothing in common is nothing equal.
        return Keys(np.zeros(left.rows, np.int64), np.ones(right.rows, np.int64), 2), None, notes
    return keys_by_content(left, right, sorted(common)), None, notes


def _columns(
    left: Columns, right: Columns, names: Sequence[str], rows: _Rows, by: str | None
) -> tuple[list[ColumnChange], int, list[Cell]]:
    """The columns that differ, how many matched rows do, and some of their values."""
    any_differs = np.zeros(len(rows.left), bool)
    others = bool(rows.added or rows.removed)
    changes: list[ColumnChange] = []
    found: list[Cell] = []
    tested = 0
    for name in names:
        types = str(left.types[name]), str(right.types[name])
        left_column, right_column = left.column(name), right.column(name)
        both = pair(left_column, right_column)
        if by or len(rows.left) == 1:
            differs = differing(both, rows.left, rows.right)
            cells = int(differs.sum())
            any_differs |= differs
            found += _cells(left, by, name, (left_column, right_column), rows, differs) if cells else ()
        else:
            cells = _unlike(both, rows)
        if cells or others:
            tested += 1
            changes.append(_change(name, types, cells if by or len(rows.left) else None, both))
        elif types[0] != types[1]:
            figures = distribution.figures(both)
            changes.append(ColumnChange(name, *types, cells=0 if by else None, left=figures[0], right=figures[1]))
    settled = (_settled(change, tested) for change in changes)
    told = [change for change in settled if change.cells or change.moved or change.left_type != change.right_type]
    told.sort(key=lambda change: (not change.moved, -(change.psi or 0), -(change.cells or 0)))
    return told, int(any_differs.sum()) if by else 0, found[:EXAMPLES]


def _unlike(both: Pair, rows: _Rows) -> int:
    """How many values of the rows that went are not among those of the rows that came, each as often as it comes."""
    left_there, right_there = both.left_there[rows.left], both.right_there[rows.right]
    left, right = both.left[rows.left][left_there], both.right[rows.right][right_there]
    _, _, alike = keys_by_value(left, right).counts()
    gaps = min(int((~left_there).sum()), int((~right_there).sum()))
    return len(rows.left) - alike - gaps


def _change(name: str, types: tuple[str, str], cells: int | None, both: Pair) -> ColumnChange:
    left, right = distribution.figures(both)
    shift = distribution.shift(both)
    return ColumnChange(
        name,
        *types,
        cells=cells,
        left=left,
        right=right,
        test=shift.test,
        statistic=shift.statistic,
        p_value=shift.p_value,
        psi=shift.psi,
    )


def _settled(change: ColumnChange, tested: int) -> ColumnChange:
    """Many columns are tested: one of them moves by chance now and then."""
    p_value = change.p_value
    return replace(change, moved=p_value is not None and p_value * tested < distribution.LEVEL)


def _cells(
    left: Columns,
    by: str | None,
    name: str,
    columns: tuple[pa.ChunkedArray, pa.ChunkedArray],
    rows: _Rows,
    differs: Numbers,
) -> Iterator[Cell]:
    some = np.flatnonzero(differs)[:EXAMPLES]
    ids = shown(left.column(by), rows.left[some]) if by else [f"row {place + 1}" for place in rows.left]
    before, after = shown(columns[0], rows.left[some]), shown(columns[1], rows.right[some])
    for each in zip(ids, before, after, strict=True):
        yield Cell(str(each[0]), name, each[1], each[2])


def _ids(table: Columns, by: str, places: Places) -> tuple[str, ...]:
    return tuple(str(value) for value in shown(table.column(by), places[:EXAMPLES]))


def _order(left: Columns, right: Columns, keys: Keys, found: TableDiff) -> Iterator[str]:
    """What differs where nothing else does."""
    if not found.equal or found.left_version == found.right_version:
        return
    if left.names != right.names:
        yield "the same columns in another order"
    elif not np.array_equal(keys.left, keys.right):
        yield "the same rows in another order"
    else:
        yield "the same rows and columns, written in another way"
