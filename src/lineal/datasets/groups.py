"""What columns must be to group rows by them: named there, of few values, and of no single row."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from lineal.datasets.read import batches
from lineal.datasets.snapshot import Snapshot
from lineal.errors import DataError
from lineal.pipeline import Pipeline

# A longer text is prose, or a key: no name of a group.
LONGEST_LABEL = 60


def require_groups(pipeline: Pipeline, snapshot: Snapshot) -> None:
    """Hold the columns that `evaluate.groups` names to be such that rows can be grouped by them.

    Their values become names in the record, so that none may name a single row.

    Raises:
        DataError: a column has one value only, or is of text with too many, or too long, values; or cannot be cut
            where `evaluate.grouping.edges` says.
    """
    for name in pipeline.evaluate.groups:
        _require(name, pipeline, snapshot)


def _require(name: str, pipeline: Pipeline, snapshot: Snapshot) -> None:
    asked = pipeline.evaluate.grouping
    named = f"evaluate.groups: column {name!r}"
    edges = asked.edges.get(name)
    seen: pa.Array | None = None
    missing = rows = 0
    kind = None
    for batch in batches(snapshot.dataset, [name]):
        values = batch.column(0)
        kind, rows, missing = values.type, rows + len(values), missing + values.null_count
        found = pc.unique(pc.drop_null(values))
        seen = found if seen is None else pc.unique(pa.chunked_array([seen, found]))
        if len(seen) > asked.max_groups:
            break  # how many more is not told: there are too many, or they are cut into bins
    distinct = len(seen) if seen is not None else 0
    if distinct + bool(missing) < 2:
        has = "no value" if not distinct else "one value only"
        raise DataError(
            f"{named} has {has} in all {rows} rows, so that there are no groups to compare; name another column",
            column=name,
        )
    text = kind is not None and (pa.types.is_string(kind) or pa.types.is_boolean(kind))
    dated = kind is not None and pa.types.is_temporal(kind)
    if edges is not None and (text or dated == isinstance(edges[0], float)):
        holds = "text or truth values" if text else "dates" if dated else "numbers"
        cut = "numbers" if isinstance(edges[0], float) else "dates"
        raise DataError(
            f"evaluate.grouping.edges: column {name!r} holds {holds}, which cannot be cut at {cut}; "
            + ("leave its edges out" if text else f"give edges that are {holds}"),
            column=name,
        )
    if seen is None or not pa.types.is_string(seen.type):
        return
    if distinct > asked.max_groups:
        raise DataError(
            f"{named} has more than {asked.max_groups} different values, too many for groups; gather them into fewer "
            "in the source (ages into bands, places into regions), or raise evaluate.grouping.max_groups",
            column=name,
        )
    if distinct * 2 > rows - missing:
        raise DataError(
            f"{named} has {distinct} different values in {rows} rows: it names single rows rather than groups, and "
            "their names would be on record; name another column",
            column=name,
        )
    longest = pc.max(pc.utf8_length(seen)).as_py()
    if longest > LONGEST_LABEL:
        raise DataError(
            f"{named} has values of up to {longest} characters, which are no names of groups ({LONGEST_LABEL} is the "
            "most); give the groups short names in the source",
            column=name,
        )
