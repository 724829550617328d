"""Progress is an observer: whoever watches passes a function; the library works the same without one."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told how far a long piece of work has come."""

    def __call__(self, done: int, total: int | None) -> None:
        """Take note that `done` of `total` units (bytes, trials, features) are through; None: total unknown."""


def unwatched(done: int, total: int | None) -> None:
    """Watch nothing."""
