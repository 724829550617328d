"""The courier: delivers beside the work, in a thread of the process that records, and never holds the work up.

It is woken by each recorded event. A consumer that takes nothing is left alone for a while; what it has missed stays in
the log, for this process's next event, the next run, `lineal deliver` or the sweep.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from lineal.redaction import redact
from lineal.store.delivery.consumers import Consumer, configured
from lineal.store.delivery.deliver import Delivery, deliver
from lineal.store.log import Store

# What all consumers together may cost a run at its end, in seconds.
GRACE_SECONDS = 1.5
# Another process delivers: look again whether it has taken what was recorded here, in seconds.
_LOOK_AGAIN = 0.1
# While the work goes on, a round waits until there is something to gather, and is short: it shares the interpreter, and
# the store's one lock for writers, with the work. At the end of the work it takes all the time there is.
_GATHER, _SLICE = 0.25, 0.05
# How long a consumer that takes nothing is left alone, in seconds: at first, doubled each time, and at most.
_PATIENCE, _MOST_PATIENCE = 1.0, 60.0
logger = logging.getLogger("lineal")

_couriers: dict[tuple[str, tuple[Consumer, ...]], Courier] = {}
_lock = threading.Lock()
_said: set[str] = set()


def wake(store: Store) -> None:
    """Have what is new in the log delivered, where a consumer is configured; return at once, and raise nothing."""
    _ask(store, Courier.wake)


def finish(store: Store, seconds: float = GRACE_SECONDS) -> None:
    """Wait until the consumers have what was recorded, as long as they take events, and no longer than that."""
    _ask(store, lambda courier: courier.finish(seconds))


def _ask(store: Store, what: Callable[[Courier], None]) -> None:
    try:
        consumers = configured()
        if consumers:
            key = store.url, consumers
            with _lock:
                if key not in _couriers:
                    _couriers[key] = Courier(store, consumers)
            what(_couriers[key])
    except Exception as problem:  # noqa: BLE001 - the seam that shields the user's work from delivery
        _say_once(f"lineage: events are recorded but not delivered: {redact(str(problem))}")


def _say_once(message: str) -> None:
    if message not in _said:
        _said.add(message)
        logger.warning("%s", message)


class Courier:
    """Delivers one store's events to some consumers."""

    def __init__(self, store: Store, consumers: tuple[Consumer, ...]) -> None:
        self._rounds = [_Rounds(store, consumer) for consumer in consumers]

    def wake(self) -> None:
        """Have a round made to each consumer; return at once."""
        for rounds in self._rounds:
            rounds.wake()

    def finish(self, seconds: float) -> None:
        """Wait for the rounds that get on."""
        end = time.monotonic() + seconds
        self.wake()
        for rounds in self._rounds:
            rounds.finish(end)


class _Rounds:
    """One consumer's rounds, each until it has all or takes no more. In a thread, so that one waits for no other."""

    def __init__(self, store: Store, consumer: Consumer) -> None:
        self._store, self._consumer = store, consumer
        self._changed = threading.Condition()
        self._asked = self._done = 0
        self._failures = 0
        self._awaited = 0
        self._idle = False
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        with self._changed:
            self._asked += 1
            # A thread that gathers is not woken for each event: each time it would take the interpreter from the work.
            if self._idle:
                self._changed.notify_all()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="lineal-courier", daemon=True)
            self._thread.start()

    def finish(self, end: float) -> None:
        with self._changed:
            asked = self._asked
            self._awaited += 1
            self._changed.notify_all()
            done = self._changed.wait_for(
                lambda: self._done >= asked or self._failures > 0, timeout=max(0.0, end - time.monotonic())
            )
            self._awaited -= 1
        if not done:
            _say_once(
                f"lineage: {self._consumer.name} has not taken all events yet; the next run, or `lineal deliver`, "
                "sends the rest"
            )

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._failures:
                    # Left alone for a while, whatever it is woken for, and asked again even if it is not.
                    self._changed.wait_for(lambda: False, min(_PATIENCE * 2 ** min(self._failures, 10), _MOST_PATIENCE))
                else:
                    self._idle = True
                    self._changed.wait_for(lambda: self._asked > self._done)
                    self._idle = False
                    self._changed.wait_for(lambda: self._awaited > 0, _GATHER)
                asked = self._asked
                seconds = None if self._awaited else _SLICE
            try:
                result = deliver(self._store, self._consumer, insist=False, seconds=seconds)
            except Exception as problem:  # noqa: BLE001 - the seam that shields the user's work from delivery
                result = Delivery(self._consumer.name, problem=str(problem))
            if result.busy:
                time.sleep(_LOOK_AGAIN)
                continue
            self._tell(result)
            if result.interrupted:
                continue
            with self._changed:
                self._done = asked
                self._failures = self._failures + 1 if result.problem is not None else 0
                self._changed.notify_all()

    def _tell(self, result: Delivery) -> None:
        if result.problem is not None and not self._failures:
            logger.warning(
                "lineage: %s takes no events: %s; the next run, or `lineal deliver`, sends what stays in the log",
                result.consumer,
                result.problem,
            )
        if result.refused:
            logger.warning(
                "lineage: %s refused %s events; `lineal deliver --status` shows its answers",
                result.consumer,
                result.refused,
            )


def _forget() -> None:
    """In a forked child: its parent's threads are not there."""
    global _lock  # one that another thread held when the process was forked would stay held
    _lock = threading.Lock()
    _couriers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
