"""Put the events so far under a checkpoint when the outermost run has ended: cheaply, and never to the run's harm."""

from __future__ import annotations

import atexit
import logging
import os
import time
from pathlib import Path

from lineal import settings
from lineal.errors import StoreError
from lineal.redaction import redact
from lineal.store import checkpoints
from lineal.store.checkpoints import Checkpoint
from lineal.store.log import Store

# Of outermost runs that end in quick succession not each makes a checkpoint; the last one does when the process ends.
_EVERY_SECONDS = 1.0
# What another process has imported may be very much: the sweep, or that process itself, sees to it.
_MOST = 2000
_PATIENCE_SECONDS = 2.0
logger = logging.getLogger("lineal")
_last: dict[tuple[int, str, Path | None], float] = {}
_owed: set[tuple[int, str, Path | None]] = set()


def seal(url: str, home: Path | None) -> None:
    """Make a checkpoint over a store's events that are under none yet, unless one was made a moment ago.

    Args:
        url: the store.
        home: the folder with the key that they are to be signed by; None where it could not be known.
    """
    here = os.getpid(), url, home
    if time.monotonic() - _last.get(here, -_EVERY_SECONDS) < _EVERY_SECONDS:
        if not _owed:
            atexit.register(_seal_owed)
        _owed.add(here)
        return
    _owed.discard(here)
    _make(url, home)
    _last[here] = time.monotonic()


def forget(url: str) -> None:
    """Make no more checkpoints of a store that is about to go."""
    _owed.difference_update([each for each in _owed if each[:2] == (os.getpid(), url)])


def sealed() -> Checkpoint | None:
    """Make a checkpoint, and give the newest one, to be written down elsewhere; None where that cannot be had."""
    store = _make(settings.store_url(), settings.home())
    try:
        return checkpoints.newest(store) if store is not None else None
    except StoreError:
        return None


def _make(url: str, home: Path | None) -> Store | None:
    # Where nothing is recorded there is nothing to load it for.
    from lineal.tracing.begin import store_of

    try:
        if (url, home) != (settings.store_url(), settings.home()):
            return None  # the working folder is another project's by now, and so is the key that is found from here
        store = store_of(url)
        checkpoints.make(store, most=_MOST, patience=_PATIENCE_SECONDS)
    except Exception as problem:  # noqa: BLE001 - the events are on record; a later checkpoint covers them
        logger.warning("lineage: no checkpoint was made, the next run or `lineal sweep` will: %s", redact(str(problem)))
        return None
    return store


def _seal_owed() -> None:
    for here in list(_owed):
        _owed.discard(here)
        if here[0] == os.getpid():
            _make(*here[1:])
