"""Check an event from elsewhere: what the specification requires, and what the index rests on.

Facets that Lineal does not know stay as they are; that they hold to their own schemas is their producer's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import inf
from typing import Any, NoReturn

from sqlalchemy import BigInteger, Column, Integer

from lineal.errors import EventError
from lineal.store import index, tables
from lineal.store.text import scrubbed, storable

Event = dict[str, Any]
MAX_BYTES = 16 * 1024 * 1024
_TYPES = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
# Longer than any file system's paths; an index of PostgreSQL takes no more than 2,704 bytes.
_MAX_NAME_BYTES = 2600
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def parse(line: bytes) -> str:
    """Check one line of an event log; the text that goes into the log.

    Raises:
        EventError: no valid OpenLineage event; the message says why, and leaves out where.
    """
    if len(line) > MAX_BYTES:
        raise EventError(f"is larger than {MAX_BYTES // 2**20} MiB; no event needs that")
    try:
        text = line.decode()
        event = json.loads(text, parse_constant=_no_json)
    except UnicodeDecodeError as problem:
        raise EventError(f"is not UTF-8 (byte {problem.start + 1}); write the log anew in UTF-8") from problem
    except json.JSONDecodeError as problem:
        raise EventError(
            f"is not JSON ({problem.msg}, column {problem.colno}); a log has one whole event on each line"
        ) from problem
    except (ValueError, RecursionError) as problem:
        raise EventError(f"is not JSON ({problem})") from problem
    if not isinstance(event, dict):
        many = isinstance(event, list)
        raise EventError(
            "is a JSON array of events; write each on a line of its own, as `jq -c '.[]'` does"
            if many
            else "is no JSON object; a log has one whole event on each line"
        )
    if not storable(text):
        event = scrubbed(event)
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    check(event)
    return text


def check(event: Event) -> None:
    """See that an event is one that the log and its index can hold.

    Raises:
        EventError: what the specification requires is missing or wrong.
    """
    _check_time(event)
    for key in ("producer", "schemaURL"):
        if not isinstance(event.get(key), str):
            raise EventError(f"has no {key}, which OpenLineage requires")
    if "run" in event or "eventType" in event:
        _check_run(event)
    elif "dataset" in event:
        _check_named(event["dataset"], "dataset")
    elif "job" in event:
        _check_named(event["job"], "job")
    else:
        raise EventError("is no OpenLineage event: it names no run, job or dataset")
    for side in ("inputs", "outputs"):
        datasets = event.get(side)
        if not isinstance(datasets, (list, type(None))):
            raise EventError(f"has {side} that are no list")
        for dataset in datasets or ():
            _check_named(dataset, f"dataset of its {side}")
    _check_rows(event)


def _check_time(event: Event) -> None:
    time = event.get("eventTime")
    if time is None:
        raise EventError("has no eventTime, which OpenLineage requires")
    example = "write one such as 2026-01-31T12:00:00Z"
    found = _TIME.fullmatch(time) if isinstance(time, str) and len(time) <= 40 else None
    try:
        if found is None:
            raise ValueError("not of the form of RFC 3339")
        moment = datetime.fromisoformat(str(time))
        if moment.tzinfo is not None:
            moment.astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise EventError(f"has the eventTime {_short(time)}, which is no time; {example}") from problem
    if moment.tzinfo is None:
        raise EventError(f"has the eventTime {_short(time)}, which has no zone; {example}")


def _check_run(event: Event) -> None:
    kind = event.get("eventType")
    if kind is not None and kind not in _TYPES:
        raise EventError(f"has the eventType {_short(kind)}; OpenLineage knows {', '.join(_TYPES)}")
    run = event.get("run")
    if not isinstance(run, dict):
        raise EventError("has no run, which an event with an eventType must have")
    _check_id(run.get("runId"), "runId")
    if not isinstance(event.get("job"), dict):
        raise EventError("has no job, which the event of a run must have")
    _check_named(event["job"], "job")
    facets = _facets(run, "run")
    parent = facets.get("parent")
    if parent:
        _check_id(_inner(parent, "run").get("runId"), "runId of its parent")
        root = _inner(parent, "root")
        if root:
            _check_id(_inner(root, "run").get("runId"), "runId of its parent's root")


def _check_named(thing: object, what: str) -> None:
    if not isinstance(thing, dict):
        raise EventError(f"has a {what} that is no object")
    for key in ("namespace", "name"):
        if not isinstance(thing.get(key), str) or not thing[key]:
            raise EventError(f"has a {what} without a {key}")
        if len(thing[key].encode()) > _MAX_NAME_BYTES:
            raise EventError(f"has a {what} with a {key} of more than {_MAX_NAME_BYTES} bytes")
    facets = _facets(thing, what)
    for facet, key in (("version", "datasetVersion"), ("datasetType", "datasetType")):
        if facets.get(facet) and not isinstance(facets[facet].get(key), str):
            raise EventError(f"has a {what} with a facet {facet} whose {key} is no text")


def _facets(thing: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    facets = thing.get("facets")
    if facets is None:
        return {}
    if not isinstance(facets, dict):
        raise EventError(f"has a {what} whose facets are no object")
    for name, facet in facets.items():
        if not isinstance(facet, (dict, type(None))):
            raise EventError(f"has a {what} with a facet {_short(name)} that is no object")
    return facets


def _inner(thing: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = thing.get(key)
    return value if isinstance(value, dict) else {}


def _check_id(value: object, what: str) -> None:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise EventError(f"has the {what} {_short(value)}, which is no UUID")


def _check_rows(event: Event) -> None:
    """See that the rows which the event stands for are ones that every database takes."""
    try:
        rows = index.rows_of(event, 1)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise EventError(f"has a facet of Lineal's that is not as Lineal writes it ({problem!r})") from problem
    for part, columns in _COLUMNS.items():
        for row in getattr(rows, part):
            for name, value in row.items():
                if not _fits(value, *columns[name]):
                    raise EventError(f"gives {_short(value)} for the {name} of one of its {part}")


def _fits(value: object, kind: type, most: float, nullable: bool) -> bool:
    if value is None:
        return nullable
    if kind is int:
        return isinstance(value, int) and abs(value) <= most
    return isinstance(value, str) and len(value) <= most


def _limits(column: Column[Any]) -> tuple[type, float, bool]:
    """The type of a column's values, the most that a value or its length may be, and whether there may be none."""
    if isinstance(column.type, BigInteger):
        return int, 2**63 - 1, bool(column.nullable)
    if isinstance(column.type, Integer):
        return int, 2**31 - 1, bool(column.nullable)
    indexed = column.primary_key or any(column.name in each.columns for each in column.table.indexes)
    return str, (column.type.length or (_MAX_NAME_BYTES if indexed else inf)), bool(column.nullable)  # type: ignore[attr-defined]


_COLUMNS = {
    table.name.removeprefix("lineal_"): {column.name: _limits(column) for column in table.columns}
    for table in tables.INDEX_TABLES
}


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON")


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
