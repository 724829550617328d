"""Deliver: send a consumer what it has not got, in the order of the log, until it has all or takes no more."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from lineal.errors import DeliveryError
from lineal.store import tables
from lineal.store.delivery.consumers import Consumer, configured, is_disabled
from lineal.store.delivery.queue import Entry, Queue, Refusal, Status
from lineal.store.delivery.senders import Refused, Sender, Unavailable, sender_of
from lineal.store.log import Store

_BATCH = 100
# A consumer that is slow has its progress noted as often, in seconds.
_NOTE_SECONDS = 1.0
_HOLD_SECONDS = 30.0
# How long a command waits for another process that delivers, in seconds.
_BUSY_SECONDS = 60.0
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of an attempt to deliver.

    Attributes:
        sent: how many events the consumer took.
        refused: how many it refused for good; they are set aside.
        waiting: how many it has still to get.
        set_aside: how many it refused, now or before.
        problem: why it takes no more now; None where it has all.
        busy: another process delivers to it.
        interrupted: its time was over before it had all.
    """

    consumer: str
    sent: int = 0
    refused: int = 0
    waiting: int = 0
    set_aside: int = 0
    problem: str | None = None
    busy: bool = False
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Whether the consumer has all that it was to get."""
        return not (self.refused or self.set_aside or self.waiting or self.busy or self.problem)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a consumer stands, and its newest refusals."""

    status: Status
    refusals: tuple[Refusal, ...]
    configured: bool


def required() -> tuple[Consumer, ...]:
    """The configured consumers.

    Raises:
        DeliveryError: there is none, or the configuration cannot be used.
    """
    found = configured()
    if not found and is_disabled():
        raise DeliveryError("delivery is turned off by OPENLINEAGE_DISABLED; unset it to send events")
    if not found:
        raise DeliveryError(
            "no consumer is configured; set OPENLINEAGE_URL=http://HOST:PORT, or write openlineage.yml as for any "
            "OpenLineage client"
        )
    return found


def standings(store: Store) -> list[Standing]:
    """How all consumers stand that are configured, or ever got something out of this store."""
    names = {consumer.name: True for consumer in configured()}
    for row in store.read(sa.select(tables.consumers.c.name).order_by(tables.consumers.c.name)):
        names.setdefault(row.name, False)
    queues = [(Queue(store, name), here) for name, here in names.items()]
    return [Standing(queue.status(), tuple(queue.refusals(_SHOWN)), here) for queue, here in queues]


def deliver_all(store: Store, consumer: Consumer, *, again: bool = False) -> Delivery:
    """Deliver, and wait for a while where another process does so just now.

    Args:
        store: the log.
        consumer: who gets it.
        again: send what it had refused, too.
    """
    end = time.monotonic() + _BUSY_SECONDS
    while (result := deliver(store, consumer)).busy and time.monotonic() < end:
        time.sleep(0.1)
    if again and not result.busy and result.problem is None:
        second = deliver_refused(store, consumer)
        result = replace(
            result,
            sent=result.sent + second.sent,
            refused=result.refused + second.refused,
            problem=second.problem,
            busy=second.busy,
        )
    status = Queue(store, consumer.name).status()
    return replace(result, waiting=status.waiting, set_aside=status.refused)


def skip(store: Store, consumer: Consumer) -> int:
    """Have a consumer begin with what comes from now on.

    Returns:
        How many events it will not get.

    Raises:
        DeliveryError: another process is delivering to it.
    """
    queue = Queue(store, consumer.name)
    if not queue.take(_HOLD_SECONDS):
        raise DeliveryError(f"{consumer.name}: another process is delivering to it; try again when that has ended")
    try:
        waiting = queue.status().waiting
        queue.skip()
    finally:
        queue.release()
    return waiting


def forget(store: Store, name: str) -> None:
    """Keep no place in the log and no refusals of a consumer any more.

    Raises:
        DeliveryError: none of that name is known.
    """
    if not Queue(store, name).forget():
        known = ", ".join(row.name for row in store.read(sa.select(tables.consumers.c.name))) or "none"
        raise DeliveryError(f"no consumer is known as {name!r}; there is {known}")


def deliver(store: Store, consumer: Consumer, *, insist: bool = True, seconds: float | None = None) -> Delivery:
    """Send a consumer what it has not got.

    Args:
        store: the log.
        consumer: who gets it.
        insist: ask it even if it has asked to be left alone until later.
        seconds: begin nothing more after so long; otherwise go on until it has all.
    """
    end = None if seconds is None else time.monotonic() + seconds
    queue, sender = Queue(store, consumer.name), sender_of(consumer)
    hold = max(_HOLD_SECONDS, sender.patience * 2)
    try:
        waits = None if insist else queue.waits_for()
        if waits is not None:
            return Delivery(consumer.name, problem=waits)
        if not queue.take(hold):
            return Delivery(consumer.name, busy=True)
        try:
            return _Attempt(queue, sender, hold, end).run()
        finally:
            queue.release()
    finally:
        sender.close()


def deliver_refused(store: Store, consumer: Consumer) -> Delivery:
    """Send a consumer once more what it had refused; what it refuses again stays set aside with the newer answer."""
    queue, sender = Queue(store, consumer.name), sender_of(consumer)
    hold = max(_HOLD_SECONDS, sender.patience * 2)
    sent = refused = 0
    try:
        if not queue.take(hold):
            return Delivery(consumer.name, busy=True)
        try:
            for entry in _refused(queue):
                try:
                    sender.send(json.loads(entry.body))
                    sender.flush()
                except Refused as answer:
                    refused += 1
                    queue.set_aside(entry.seq, answer.status, answer.answer, hold)
                else:
                    sent += 1
                    queue.taken_after_all([entry.seq])
        except Unavailable as why:
            return Delivery(consumer.name, sent, refused, problem=why.problem)
        finally:
            queue.release()
    finally:
        sender.close()
    return Delivery(consumer.name, sent, refused)


def _refused(queue: Queue) -> Iterator[Entry]:
    """What was set aside, in order, some at a time; each once, whatever becomes of it."""
    after = 0
    while some := queue.refused_entries(_BATCH, after):
        yield from some
        after = some[-1].seq


class _Attempt:
    def __init__(self, queue: Queue, sender: Sender, hold: float, end: float | None) -> None:
        self._queue, self._sender, self._hold, self._end = queue, sender, hold, end
        self._sent = self._refused = 0
        self._unnoted: int | None = None
        self._pending = 0
        self._noted_at = time.monotonic()

    def run(self) -> Delivery:
        try:
            while entries := self._queue.read(_BATCH):
                for entry in entries:
                    if self._over():
                        break
                    self._send(entry.seq, json.loads(entry.body))
                    if time.monotonic() - self._noted_at > _NOTE_SECONDS and not self._note():
                        return self._result(busy=True)
                if not self._note():
                    return self._result(busy=True)
                if self._over():
                    return replace(self._result(), interrupted=True)
        except Unavailable as why:
            self._note(flush=False)
            self._queue.failed(why.problem, why.retry_after)
            return self._result(problem=why.problem)
        return self._result()

    def _over(self) -> bool:
        return self._end is not None and time.monotonic() > self._end

    def _send(self, seq: int, event: dict[str, Any]) -> None:
        try:
            self._sender.send(event)
        except Refused as answer:
            # What was sent before must be known to have arrived, or this would move the position over it.
            self._note()
            self._refused += 1
            self._queue.set_aside(seq, answer.status, answer.answer, self._hold)
        else:
            self._pending += 1
            self._unnoted = seq

    def _note(self, *, flush: bool = True) -> bool:
        """Note how far the consumer is; False where another process has taken over."""
        self._noted_at = time.monotonic()
        if self._unnoted is None:
            return True
        if flush:
            self._sender.flush()
        elif not self._sender.immediate:
            # Sent, but not known to have arrived: it is sent again.
            return True
        seq, self._unnoted = self._unnoted, None
        self._sent, self._pending = self._sent + self._pending, 0
        return self._queue.delivered(seq, self._hold)

    def _result(self, *, problem: str | None = None, busy: bool = False) -> Delivery:
        return Delivery(self._queue.consumer, self._sent, self._refused, problem=problem, busy=busy)
