"""Wait for what lies elsewhere, but not for ever."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, Queue
from threading import Thread
from typing import TypeVar

from lineal.errors import UnreachableError

SECONDS = 25.0
"""How long one answer may take; drivers' own limits, where they have any, run to minutes."""

T = TypeVar("T")


def within(work: Callable[[], T], name: str, seconds: float | None = None) -> T:
    """Return what `work` returns, or raise what it raises, if it ends in time.

    Args:
        work: called in a thread of its own, which is left behind where it does not end.
        name: what it speaks to, without credentials.
        seconds: how long to wait; default `SECONDS`.

    Raises:
        UnreachableError: it did not answer in time.
    """
    limit = SECONDS if seconds is None else seconds
    answers: Queue[tuple[T | None, BaseException | None]] = Queue()

    def call() -> None:
        try:
            answers.put((work(), None))
        except BaseException as problem:  # noqa: BLE001  # it is raised again, where it is waited for
            answers.put((None, problem))

    Thread(target=call, daemon=True, name="lineal-remote").start()
    try:
        value, problem = answers.get(timeout=limit)
    except Empty:
        raise UnreachableError(
            f"{name} did not answer within {limit:g} s; check the address and that it can be reached from here",
            uri=name,
        ) from None
    if problem is not None:
        raise problem
    return value  # type: ignore[return-value]  # None only where `work` returns None
