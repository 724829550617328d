"""Send versions to the default DVC remote; what it does not take now is sent with what comes later."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lineal import settings
from lineal.datasets import versioning
from lineal.datasets.cache import Cache
from lineal.errors import VersionError


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of a push.

    Attributes:
        remote: the default remote's name; None where there is none.
        sent: how many versions it had not and has now.
        waiting: how many it did not take.
        problem: why it did not take them, in one sentence; None where it did.
    """

    remote: str | None
    sent: int = 0
    waiting: int = 0
    problem: str | None = None


def push(versions: Iterable[str], cache: Cache | None = None) -> Pushed:
    """Send versions to the default DVC remote, and with them those that an earlier push left.

    A remote that refuses or is away breaks nothing: what it did not take waits in `unpushed` under
    `lineal.settings.home()`.

    Args:
        versions: by MD5.
        cache: that holds them.
    """
    cache = cache or Cache()
    repository = cache.repository
    if repository is None or repository.remote is None:
        return Pushed(None)
    new = set(versions)
    try:
        wanted = {version for version in new | waiting() if _at_hand(cache, version)}
        sent = versioning.push(repository, wanted) if wanted else 0
    except (VersionError, OSError) as problem:
        _wait(new)
        return Pushed(repository.remote, waiting=len(waiting()), problem=str(problem))
    for version in wanted:
        _place(version).unlink(missing_ok=True)
    return Pushed(repository.remote, sent=sent)


def waiting() -> set[str]:
    """The versions that an earlier push left."""
    try:
        return {file.name for file in _place("").iterdir()}
    except OSError:
        return set()


def _at_hand(cache: Cache, version: str) -> bool:
    """See that the bytes of a version are in the cache that is pushed from, and are its own."""
    try:
        path = cache.get(version)
    except VersionError:
        return False
    if path != cache.path(version):
        cache.add(path)
    return True


def _wait(versions: set[str]) -> None:
    with contextlib.suppress(OSError):
        _place("").mkdir(parents=True, exist_ok=True)
        for version in versions:
            _place(version).touch()


def _place(version: str) -> Path:
    return settings.home() / "unpushed" / version
