"""How far a consumer has the log, and who delivers to it now: one process at a time, so that order is kept.

A consumer's position moves only over events that it took or refused for good. What was sent and not yet noted is sent
again; nothing is ever left out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from lineal.processes import Process, is_gone, this_process
from lineal.store import tables
from lineal.store.log import Store

_C = tables.consumers.c
_R = tables.refusals.c


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the log."""

    seq: int
    body: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that a consumer refused for good, with its answer; times are ISO 8601 in UTC."""

    seq: int
    run_id: str | None
    event_type: str | None
    status: int | None
    answer: str
    refused_at: str


@dataclass(frozen=True, slots=True)
class Status:
    """How a consumer stands; times are ISO 8601 in UTC.

    Attributes:
        waiting: how many events it has still to get.
        refused: how many were set aside.
        problem: what kept the last attempt from it.
    """

    consumer: str
    waiting: int
    refused: int
    failures: int
    problem: str | None
    retry_at: str | None
    delivered_at: str | None


class Queue:
    """What one consumer has still to get out of one store."""

    def __init__(self, store: Store, consumer: str) -> None:
        self.store, self.consumer = store, consumer
        self._holder = json.dumps(asdict(this_process()) | {"token": uuid4().hex})
        self._mine = sa.and_(_C.name == consumer, _C.holder == self._holder)

    def take(self, seconds: float) -> bool:
        """Become the one that delivers; False where another process is."""
        query = sa.select(_C.holder, _C.held_until).where(_C.name == self.consumer)
        if any(_is_held(row) for row in self.store.read(query)):
            return False
        new = {"name": self.consumer, "position": 0, "failures": 0}

        def write(connection: sa.Connection) -> bool:
            found = connection.execute(query).first()
            if found is None:
                connection.execute(sa.insert(tables.consumers), new)
            elif _is_held(found):
                return False
            mine = {"holder": self._holder, "held_until": time.time() + seconds}
            connection.execute(sa.update(tables.consumers).where(_C.name == self.consumer).values(**mine))
            return True

        return self.store.write(write)

    def release(self) -> None:
        """Let another process deliver."""
        self._update(holder=None, held_until=None)

    def waits_for(self) -> str | None:
        """What the consumer had said when it asked to be left alone until a time that is still to come."""
        query = sa.select(_C.problem).where(_C.name == self.consumer, _C.retry_at > time.time())
        found = self.store.read(query)
        return (found[0].problem or "it is busy") if found else None

    def read(self, count: int) -> list[Entry]:
        """The next events, in order."""
        events = tables.events.c
        after = sa.select(_C.position).where(_C.name == self.consumer).scalar_subquery()
        query = sa.select(events.seq, events.body).where(events.seq > after).order_by(events.seq).limit(count)
        return [Entry(row.seq, row.body) for row in self.store.read(query)]

    def refused_entries(self, count: int, after: int = 0) -> list[Entry]:
        """The next events behind a place in the log that were set aside, in order."""
        query = (
            sa.select(tables.events.c.seq, tables.events.c.body)
            .join(tables.refusals, _R.seq == tables.events.c.seq)
            .where(_R.consumer == self.consumer, _R.seq > after)
            .order_by(_R.seq)
            .limit(count)
        )
        return [Entry(row.seq, row.body) for row in self.store.read(query)]

    def delivered(self, seq: int, seconds: float) -> bool:
        """Note that everything up to `seq` is done; False where another process has taken over meanwhile."""
        now = time.time()
        return self._update(
            position=seq, failures=0, problem=None, retry_at=None, delivered_at=now, held_until=now + seconds
        )

    def set_aside(self, seq: int, status: int | None, answer: str, seconds: float) -> bool:
        """Note that `seq` was refused for good, with the answer, and go on behind it."""
        now = time.time()
        row = {"consumer": self.consumer, "seq": seq, "status": status, "answer": answer, "refused_at": now}

        def write(connection: sa.Connection) -> bool:
            connection.execute(sa.delete(tables.refusals).where(_R.consumer == self.consumer, _R.seq == seq))
            connection.execute(sa.insert(tables.refusals), row)
            behind = sa.case((_C.position < seq, seq), else_=_C.position)
            moved = sa.update(tables.consumers).where(self._mine)
            return bool(
                connection.execute(moved.values(position=behind, failures=0, held_until=now + seconds)).rowcount
            )

        return self.store.write(write)

    def taken_after_all(self, seqs: Sequence[int]) -> None:
        """Note that the consumer has taken events that it had refused."""
        done = sa.delete(tables.refusals).where(_R.consumer == self.consumer, _R.seq.in_(seqs))
        self.store.write(lambda connection: connection.execute(done))
        self._update(delivered_at=time.time())

    def failed(self, problem: str, retry_after: float | None) -> None:
        """Note why the consumer took nothing, and when to ask it again."""
        failures = self.store.read(sa.select(_C.failures).where(_C.name == self.consumer))[0][0]
        wait = min(0.5 * 2 ** min(failures, 10), 60.0) if retry_after is None else min(retry_after, 3600.0)
        self._update(failures=failures + 1, problem=problem, retry_at=time.time() + wait)

    def skip(self) -> None:
        """Pass over everything that is in the log so far."""
        newest = sa.select(sa.func.coalesce(sa.func.max(tables.events.c.seq), 0)).scalar_subquery()
        self._update(position=newest, failures=0, problem=None, retry_at=None)

    def status(self) -> Status:
        """How the consumer stands."""
        found = self.store.read(sa.select(tables.consumers).where(_C.name == self.consumer))
        row: Any = found[0] if found else None
        position = row.position if row else 0
        events = sa.select(sa.func.count()).select_from(tables.events).where(tables.events.c.seq > position)
        refused = sa.select(sa.func.count()).select_from(tables.refusals).where(_R.consumer == self.consumer)
        return Status(
            consumer=self.consumer,
            waiting=self.store.read(events)[0][0],
            refused=self.store.read(refused)[0][0],
            failures=row.failures if row else 0,
            problem=row.problem if row else None,
            retry_at=_iso(row.retry_at) if row else None,
            delivered_at=_iso(row.delivered_at) if row else None,
        )

    def refusals(self, count: int) -> list[Refusal]:
        """The newest events that were set aside, with the answers."""
        query = (
            sa.select(_R.seq, tables.events.c.run_id, tables.events.c.event_type, _R.status, _R.answer, _R.refused_at)
            .join(tables.events, tables.events.c.seq == _R.seq)
            .where(_R.consumer == self.consumer)
            .order_by(_R.seq.desc())
            .limit(count)
        )
        rows = [row._mapping for row in self.store.read(query)]
        return [Refusal(**{**row, "refused_at": _iso(row["refused_at"]) or ""}) for row in rows]

    def forget(self) -> bool:
        """Keep nothing of the consumer; False where nothing was kept."""

        def write(connection: sa.Connection) -> bool:
            connection.execute(sa.delete(tables.refusals).where(_R.consumer == self.consumer))
            return bool(connection.execute(sa.delete(tables.consumers).where(_C.name == self.consumer)).rowcount)

        return self.store.write(write)

    def _update(self, **values: Any) -> bool:
        query = sa.update(tables.consumers).where(self._mine).values(**values)
        return self.store.write(lambda connection: bool(connection.execute(query).rowcount))


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def _is_held(row: Any) -> bool:
    """Whether a consumer's row names a process that delivers to it, and may still live."""
    if not row.holder or (row.held_until or 0) < time.time():
        return False
    values = json.loads(row.holder)
    values.pop("token", None)
    return not is_gone(Process(**values))
