"""Hold a batch to what the model takes: its columns, their kinds, their ids, and the pipeline's checks on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lineal.datasets.checks import CheckResult, run_checks
from lineal.datasets.contract import require_ids
from lineal.datasets.read import batches, opened
from lineal.datasets.snapshot import Snapshot, places
from lineal.datasets.sources.base import near
from lineal.errors import DataError
from lineal.models.loaded import estimator_of
from lineal.models.model import Model
from lineal.models.raw import ColumnKind, as_dates, as_texts
from lineal.pipeline import Check, Pipeline

_FIRST = 5
_CALLED = {"number": "numbers", "boolean": "true and false", "text": "text", "date": "dates"}


@dataclass(frozen=True, slots=True)
class Taken:
    """A raw column that a fitted pipeline takes.

    Attributes:
        name: of the column.
        kind: what it was when it was learnt.
        values: those that were learnt, of text; those beyond `MAX_CATEGORIES` are among them.
    """

    name: str
    kind: ColumnKind
    values: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Held:
    """What came of holding a batch to its model.

    Attributes:
        checks: what came of each of the pipeline's checks that speak of the batch.
        notes: what is as well to know, a sentence each: columns that are ignored, rows without an id.
        id: the column that names the rows; None where they go by number.
    """

    checks: tuple[CheckResult, ...]
    notes: tuple[str, ...]
    id: str | None


def signature(estimator: Any) -> tuple[Taken, ...]:
    """The raw columns that a fitted pipeline makes features from, in the order that it learnt them."""
    found: dict[str, Taken] = {}
    for kind, steps, names in estimator.named_steps["preprocess"].transformers_:
        if kind not in _CALLED:
            continue
        learnt = steps["encode"].categories_ if kind == "text" else [()] * len(names)
        for name, values in zip(names, learnt, strict=True):
            found[str(name)] = Taken(str(name), kind, frozenset(str(value) for value in values))
    return tuple(found[str(name)] for name in estimator.feature_names_in_ if str(name) in found)


def learnt_types(model: Model, *, trusted: Collection[str] = ()) -> dict[str, str]:
    """The types of the raw columns that a model takes, for `lineal.datasets.sources.read` to keep to.

    Where the lineage does not know the model, it is loaded, and tells which are text.

    Args:
        model: the handle.
        trusted: classes beyond Lineal's own list that the user named, those of the pipeline file.
    """
    if model.columns:
        return {column.name: column.type for column in model.columns}
    taken = signature(estimator_of(model, trusted=trusted))
    return {each.name: str(pa.string()) for each in taken if each.kind == "text"}


def hold(estimator: Any, pipeline: Pipeline, batch: Snapshot) -> Held:
    """Hold a batch to the model's signature and to the pipeline's checks, before a row is scored.

    Checks of the number of rows are about what is trained on, and those of the target about what is not known yet:
    neither is asked of a batch; nor is one of a column that the model does not take and the batch does not have.

    Args:
        estimator: the fitted pipeline.
        pipeline: that it was made by.
        batch: what is to be scored, and what it was read from.

    Returns:
        What came of the checks, whether they hold or not (`lineal.datasets.checks.require` insists), and notes.

    Raises:
        DataError: a column is missing, or holds something else than was learnt; an id is missing or comes twice.
    """
    taken = signature(estimator)
    _columns_there(taken, batch)
    names = [column.name for column in batch.dataset.columns]
    for each in taken:
        _hold_kind(each, batch)
    _finite([each.name for each in taken if each.kind in ("number", "boolean")], batch)
    key = pipeline.source.id if pipeline.source.id in names else None
    if key is not None:
        require_ids(key, batch)
    asked = [check for check in pipeline.checks if _is_about(check, pipeline, names)]
    results = run_checks(pipeline.model_copy(update={"checks": tuple(asked)}), batch.dataset, batch.sources)
    return Held(results, tuple(_notes(taken, pipeline, names)), key)


def _is_about(check: Check, pipeline: Pipeline, names: Sequence[str]) -> bool:
    return check.column is not None and check.column != pipeline.source.target and check.column in names


def _columns_there(taken: Sequence[Taken], batch: Snapshot) -> None:
    names = [column.name for column in batch.dataset.columns]
    absent = [each.name for each in taken if each.name not in names]
    if absent:
        source = batch.sources[0].location if batch.sources else "the batch"
        shown = ", ".join(map(repr, absent[:_FIRST])) + (f" and {len(absent) - _FIRST} more" if absent[_FIRST:] else "")
        hint = near(absent[0], [name for name in names if name not in {each.name for each in taken}])
        raise DataError(
            f"{source} lacks {'a column' if len(absent) == 1 else 'columns'} that the model takes: {shown}"
            f"{hint or '; add what is missing'}",
            column=absent[0],
        )


def _notes(taken: Sequence[Taken], pipeline: Pipeline, names: Sequence[str]) -> Iterator[str]:
    source = pipeline.source
    if source.target in names:
        yield f"the target {source.target!r} is in the batch; it is not looked at"
    if source.id is not None and source.id not in names:
        yield f"the batch has no id column {source.id!r}; its rows go by their number"
    known = {each.name for each in taken} | {source.target, source.id, pipeline.split.group, *source.drop}
    extra = [name for name in names if name not in known]
    if extra:
        shown = ", ".join(map(repr, extra[:_FIRST])) + (f" and {len(extra) - _FIRST} more" if extra[_FIRST:] else "")
        are = (
            "column that the model does not take is" if len(extra) == 1 else "columns that the model does not take are"
        )
        yield f"{len(extra)} {are} ignored: {shown}"


def _hold_kind(taken: Taken, batch: Snapshot) -> None:
    kind = _kind(next(column.type for column in batch.dataset.columns if column.name == taken.name))
    if kind == taken.kind:
        return
    judges: dict[tuple[str, str], Callable[[pa.Array], Any]] = {
        ("number", "text"): _no_numbers,
        ("boolean", "text"): _no_numbers,
        ("number", "boolean"): _nothing,
        ("boolean", "number"): _no_booleans,
        ("date", "text"): _no_dates,
    }
    if taken.kind == "text":
        if _any_known(taken, batch):
            return
        raise _retyped(taken, kind, "and none of them is a value that was learnt")
    judge = judges.get((taken.kind, kind), pc.is_valid)
    count, first, start = 0, list[int](), 0
    for rows in batches(batch.dataset, [taken.name]):
        offends = np.asarray(pc.fill_null(pa.array(judge(rows.column(0))), False), dtype=bool)
        count += int(offends.sum())
        first += [start + int(row) for row in np.flatnonzero(offends)[: _FIRST - len(first)]]
        start += rows.num_rows
    if count:
        raise _retyped(taken, kind, f"in {count} of {start} rows ({places(batch.sources, first, count)})")


def _retyped(taken: Taken, kind: str, where: str) -> DataError:
    return DataError(
        f"column {taken.name!r} holds {_CALLED[kind]} where the model learnt {_CALLED[taken.kind]}, {where}; "
        "correct the column, or leave those values empty",
        column=taken.name,
    )


def _kind(arrow: str) -> ColumnKind:
    if arrow == "bool":
        return "boolean"
    if arrow.startswith(("int", "uint", "double", "float")):
        return "number"
    return "date" if arrow.startswith(("date", "timestamp")) else "text"


def _nothing(values: pa.Array) -> Any:
    return np.zeros(len(values), dtype=bool)


def _no_booleans(values: pa.Array) -> Any:
    known = pc.is_in(values.cast(pa.float64(), safe=False), value_set=pa.array([0.0, 1.0]))
    return pc.and_(pc.is_valid(values), pc.invert(known))


def _no_numbers(values: pa.Array) -> Any:
    return [value is not None and not _reads(value) for value in values.to_pylist()]


def _reads(text: str) -> bool:
    if text.strip().lower() in ("true", "false"):
        return True
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _no_dates(values: pa.Array) -> Any:
    texts = values.to_pylist()
    try:
        as_dates(pd.Series(texts, dtype=object))
    except DataError:
        return [text is not None and not _is_date(text) for text in texts]
    return np.zeros(len(texts), dtype=bool)


def _is_date(text: str) -> bool:
    try:
        as_dates(pd.Series([text], dtype=object))
    except DataError:
        return False
    return True


def _any_known(taken: Taken, batch: Snapshot) -> bool:
    """Whether a value of the column, as text, is one that was learnt; also where the column has no value at all."""
    empty = True
    for rows in batches(batch.dataset, [taken.name]):
        values = pc.unique(rows.column(0)).drop_null().to_pandas()
        empty = empty and not len(values)
        if taken.values.intersection(as_texts(values)):
            return True
    return empty


def _finite(names: Sequence[str], batch: Snapshot) -> None:
    """Refuse infinite numbers; the footer says whether there are any, so that most batches need not be read for it."""
    with opened(batch.dataset) as parquet:
        schema = parquet.schema_arrow
        wanted = [name for name in names if pa.types.is_floating(schema.field(name).type)]
        suspect = [name for name in wanted if _may_be_infinite(parquet, schema.names.index(name))]
    for name in suspect:
        count, first, start = 0, list[int](), 0
        for rows in batches(batch.dataset, [name]):
            infinite = np.isinf(rows.column(0).to_numpy(zero_copy_only=False))
            count += int(infinite.sum())
            first += [start + int(row) for row in np.flatnonzero(infinite)[: _FIRST - len(first)]]
            start += rows.num_rows
        if count:
            raise DataError(
                f"column {name!r} is infinite in {count} of {start} rows ({places(batch.sources, first, count)}); "
                "correct these values, or leave them empty",
                column=name,
            )


def _may_be_infinite(parquet: Any, place: int) -> bool:
    for group in range(parquet.metadata.num_row_groups):
        found = parquet.metadata.row_group(group).column(place).statistics
        if found is None or not found.has_min_max:
            if found is None or found.num_values:
                return True
        elif not (math.isfinite(found.min) and math.isfinite(found.max)):
            return True
    return False
