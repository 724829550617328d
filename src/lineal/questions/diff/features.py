"""The features that a model takes, and what its predictions rest on."""

from __future__ import annotations

from lineal.questions.diff.interface import ImportanceChange, Setting
from lineal.questions.diff.record import Record, bytes_of


def features(left: Record, right: Record) -> tuple[Setting, ...]:
    """The columns that only one of two models takes."""
    if not left.features or not right.features:
        return ()
    names = dict.fromkeys([*left.features, *right.features])
    return tuple(
        Setting(name, "taken" if name in left.features else None, "taken" if name in right.features else None)
        for name in names
        if (name in left.features) != (name in right.features)
    )


def importances(left: Record, right: Record) -> tuple[ImportanceChange, ...] | None:
    """Compare permutation importances, the greatest difference first; None where a side has none.

    Raises:
        VersionError: the bytes of one are gone.
        SourceError: the bytes of one are damaged.
    """
    tables = left.table("importances"), right.table("importances")
    if tables[0] is None or tables[1] is None:
        return None
    from lineal.datasets.read import to_table

    sides = [
        {row["feature"]: row for row in to_table(bytes_of(table)).to_pylist() if row["kind"] == "permutation"}
        for table in tables
        if table is not None
    ]
    found = []
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        rows = sides[0].get(name), sides[1].get(name)
        one, two = (row and row["importance"] for row in rows)
        if one == two:
            continue
        spread = max((row["std"] for row in rows if row and row["std"] is not None), default=None)
        size = abs((two or 0.0) - (one or 0.0))
        found.append(ImportanceChange(name, one, two, spread, spread is None or size > 2 * spread))
    return tuple(
        sorted(found, key=lambda each: (not each.beyond_noise, -abs((each.right or 0.0) - (each.left or 0.0))))
    )
