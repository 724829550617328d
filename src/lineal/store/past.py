"""The store as it stood at a time: the same questions, answered from the log up to there.

Time is cut in the order of the log, by the clocks of those who wrote it: the log as it stood at a time is all that
comes before the first event that is later than it. So nothing that became known later gets in, even where clocks
differ; a log of another system that was imported counts from where it stands in ours, for nobody knew it before.

The index keeps what is, not what was. That is told from the places in the log which it keeps: a run that ended later
had not ended yet, an alias that moved later was where it had been.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NoReturn, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from lineal.errors import MomentError
from lineal.store import tables
from lineal.store.log import Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in the log.

    Attributes:
        time: as ISO 8601 in UTC.
        seq: of the last event that was recorded then.
    """

    time: str
    seq: int


def moment(store: Store, text: str) -> Moment:
    """Find a time in the log.

    Args:
        store: the lineage store.
        text: an ISO date, of which the end is meant (today: now), or date and time; in UTC where it names no zone.

    Raises:
        MomentError: it is no such time, lies ahead, or before the first event.
    """
    asked, now = _read(text), datetime.now(UTC)
    if asked > now:
        raise MomentError(f"{text}: lies ahead, and nothing of it is on record; leave --as-of out to ask about now")
    when = asked.isoformat(timespec="microseconds")
    columns = tables.runs.c
    # What is dated ahead of now has a wrong clock, and says nothing of when it was recorded.
    later = [
        sa.select(sa.func.min(place)).where(at > when, at <= now.isoformat(timespec="microseconds"))
        for place, at in ((columns.first_seq, columns.started_at), (columns.last_seq, columns.ended_at))
    ]
    places = [row[0] for query in later for row in store.read(query) if row[0] is not None]
    newest = store.read(sa.select(sa.func.max(tables.events.c.seq)))[0][0] or 0
    seq = min(places, default=newest + 1) - 1
    if not store.read(sa.select(tables.events.c.seq).where(tables.events.c.seq <= seq).limit(1)):
        first = store.read(sa.select(sa.func.min(columns.started_at)))[0][0]
        since = f"; the first event is of {first[:19].replace('T', ' ')} UTC" if first else ""
        raise MomentError(f"{text}: nothing was recorded yet then{since}")
    return Moment(when, int(seq))


def _read(text: str) -> datetime:
    try:
        if len(text) == len("2026-01-31"):
            day = datetime.combine(date.fromisoformat(text), time.max, UTC)
            now = datetime.now(UTC)
            return now if day.date() == now.date() else day
        given = datetime.fromisoformat(text)
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        example = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M+00:00")
        raise MomentError(
            f"{text!r} is no time; write an ISO date or date and time, such as {example[:10]} or {example}"
        ) from problem


@contextmanager
def as_of(store: Store, moment: Moment) -> Iterator[Store]:
    """Give the store as it stood at a time, to be asked like any other, and not to be written.

    Raises:
        StoreError: it cannot be read.
    """
    past = _Past(store, moment.seq)
    try:
        yield past
    finally:
        past.close()


class _Past(Store):
    """A store whose tables are hidden, on its one connection, by temporary views of what they held."""

    def __init__(self, store: Store, seq: int) -> None:
        self.url, self.engine = store.url, store.engine
        self._file, self._known = store._file, set()
        try:
            self._connection = self.engine.connect()
            self._connection.begin()
            for name, query in _views(self._schema(), seq).items():
                text = query.compile(dialect=self.engine.dialect, compile_kwargs={"literal_binds": True})
                self._connection.exec_driver_sql(f"CREATE TEMPORARY VIEW {name} AS {text}")
        except SQLAlchemyError as problem:
            raise self._error("cannot be read", problem) from problem

    def write(self, work: Callable[[sa.Connection], T], *, patience: float | None = None) -> NoReturn:
        """Refuse: the past cannot be written."""
        raise self._error("cannot be written", ValueError("this is how it stood at an earlier time"))

    def close(self) -> None:
        """Let go of the connection, and with it of the views."""
        self._connection.rollback()
        self._connection.close()

    def _read(self, query: sa.Select[Any]) -> list[Any]:
        return list(self._connection.execute(query).all())

    def _schema(self) -> str:
        if self.engine.dialect.name == "sqlite":
            return "main"
        return str(self._connection.exec_driver_sql("SELECT current_schema()").scalar_one())


def _views(schema: str, seq: int) -> dict[str, sa.Select[Any]]:
    """What each table held, by its name."""
    there = sa.MetaData()
    events, runs, versions, datasets, edges, models, aliases, recalls = (
        table.to_metadata(there, schema=schema)
        for table in (
            tables.events,
            tables.runs,
            tables.versions,
            tables.datasets,
            tables.edges,
            tables.models,
            tables.aliases,
            tables.recalls,
        )
    )
    told = runs.c.last_seq <= seq
    newest = events.select().where(events.c.run_id == runs.c.run_id, events.c.seq <= seq)
    newest_type = newest.with_only_columns(events.c.event_type).order_by(events.c.seq.desc()).limit(1)
    changed: dict[str, Any] = {
        "state": sa.case((told, runs.c.state), else_=newest_type.scalar_subquery()),
        "ended_at": sa.case((told, runs.c.ended_at), else_=None),
        "last_seq": sa.case(
            (told, runs.c.last_seq), else_=newest.with_only_columns(sa.func.max(events.c.seq)).scalar_subquery()
        ),
    }
    of_run = runs.select().where(runs.c.run_id == edges.c.run_id)
    known = versions.select().where(versions.c.key == edges.c.version, versions.c.first_seq <= seq)
    # Of a run that went on later, what it had read by then; what it wrote was told when it ended.
    open_then = sa.and_(edges.c.role == "i", of_run.where(runs.c.first_seq <= seq).exists(), known.exists())
    return {
        tables.events.name: events.select().where(events.c.seq <= seq),
        tables.runs.name: sa.select(*(changed.get(column.name, column).label(column.name) for column in runs.c)).where(
            runs.c.first_seq <= seq
        ),
        tables.versions.name: versions.select().where(versions.c.first_seq <= seq),
        tables.datasets.name: datasets.select().where(
            versions.select().where(versions.c.dataset == datasets.c.key, versions.c.first_seq <= seq).exists()
        ),
        tables.edges.name: edges.select().where(sa.or_(of_run.where(told).exists(), open_then)),
        tables.models.name: models.select().where(runs.select().where(runs.c.run_id == models.c.run_id, told).exists()),
        tables.aliases.name: aliases.select().where(aliases.c.seq <= seq),
        tables.recalls.name: recalls.select().where(recalls.c.seq <= seq),
    }
