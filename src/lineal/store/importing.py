"""Take in the events of other producers: none of a log with a broken line in it, and no event twice."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, BinaryIO

import sqlalchemy as sa

from lineal.errors import EventError, StoreError
from lineal.store import checking, index, tables
from lineal.store.checking import Event
from lineal.store.log import Store

_CHUNK = 500
_TRANSACTION = 5000
_INSERT = sa.insert(tables.events).returning(tables.events.c.seq, sort_by_parameter_order=True)


@dataclass(frozen=True, slots=True)
class Imported:
    """How many events of a log were new, and how many were on record."""

    new: int
    known: int


def import_events(store: Store, file: BinaryIO, name: str) -> Imported:
    """Add the events of a log to a store, but for those it has.

    An event is known by its content: the same JSON data, whatever the order of its keys and the space between them. The
    log is checked whole before any of it is written, and written some thousand events a transaction, so that other
    writers wait no longer than they must.

    Args:
        store: where to.
        file: OpenLineage events as NDJSON, in UTF-8.
        name: of the file, for errors.

    Raises:
        EventError: a line is no valid event; nothing was taken.
        StoreError: the store cannot be written any more; a second import takes what is left.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n") as checked:
        for text in _checked(file, name):
            checked.write(text + "\n")

        checked.seek(0)
        new = known = 0
        try:
            while lines := list(islice(checked, _TRANSACTION)):
                taken = store.write(partial(_take, lines=lines))
                new, known = new + taken.new, known + taken.known
        except StoreError as problem:
            raise StoreError(
                f"{problem.message}; {new} new events of {name} were taken before that: import it again, "
                "and those that are on record are passed over"
            ) from problem
        return Imported(new, known)


def _take(connection: sa.Connection, lines: list[str]) -> Imported:
    new = known = 0
    for start in range(0, len(lines), _CHUNK):
        chunk = [(json.loads(line), line.removesuffix("\n")) for line in lines[start : start + _CHUNK]]
        fresh = _unknown(connection, chunk)
        _add(connection, fresh)
        new, known = new + len(fresh), known + len(chunk) - len(fresh)
    return Imported(new, known)


def _checked(file: BinaryIO, name: str) -> Iterator[str]:
    """The events of a log as texts; each is valid."""
    number = 0
    while line := file.readline(checking.MAX_BYTES + 2):
        number += 1
        # Some editors of Windows begin a file by a mark of its encoding.
        line = (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip()
        if not line:
            continue
        try:
            yield checking.parse(line)
        except EventError as problem:
            raise EventError(f"{name}:{number}: {problem.message}; nothing was taken", line=number) from problem


def _unknown(connection: sa.Connection, chunk: list[tuple[Event, str]]) -> list[tuple[Event, str]]:
    """The events of a chunk that are neither on record nor earlier in it."""
    seen = _recorded(connection, (event for event, _ in chunk))
    fresh = []
    for event, text in chunk:
        like = seen.setdefault(_likeness(event), [])
        if event not in like:
            like.append(event)
            fresh.append((event, text))
    return fresh


def _recorded(connection: sa.Connection, events: Iterable[Event]) -> dict[tuple[Any, ...], list[Event]]:
    """What is on record that may be one of some events: of the same run, type and time."""
    wanted = {_likeness(event) for event in events}
    columns = tables.events.c
    runs = {run_id for run_id, _, _ in wanted if run_id is not None}
    times = {time for run_id, _, time in wanted if run_id is None}
    query = sa.select(columns.seq, columns.run_id, columns.event_type, columns.event_time)
    places = [
        row.seq
        for condition in (columns.run_id.in_(runs), columns.run_id.is_(None) & columns.event_time.in_(times))
        for row in connection.execute(query.where(condition))
        if (row.run_id, row.event_type, row.event_time) in wanted
    ]
    found: dict[tuple[Any, ...], list[Event]] = {}
    for start in range(0, len(places), _CHUNK):
        some = columns.seq.in_(places[start : start + _CHUNK])
        for row in connection.execute(sa.select(columns.body).where(some)):
            event = json.loads(row.body)
            found.setdefault(_likeness(event), []).append(event)
    return found


def _likeness(event: Event) -> tuple[Any, ...]:
    return (event.get("run") or {}).get("runId"), event.get("eventType"), event["eventTime"]


def _add(connection: sa.Connection, events: list[tuple[Event, str]]) -> None:
    if not events:
        return
    rows = [
        dict(zip(("run_id", "event_type", "event_time"), _likeness(event), strict=True), body=text)
        for event, text in events
    ]
    places = connection.execute(_INSERT, rows).scalars()
    index.merge(connection, index.rows_of_all((event, seq) for (event, _), seq in zip(events, places, strict=True)))
