"""`--as-of`: the store that a reading question is asked of, now or as it stood."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lineal.store.log import Store


@contextmanager
def asked_of(as_of: str | None) -> Iterator[tuple[Store, tuple[str, int] | None]]:
    """Give the store, as it stood at a time where one is given, and that time with its place in the log."""
    store = Store(create=False)
    if as_of is None:
        yield store, None
        return
    from lineal.store import past

    when = past.moment(store, as_of)
    with past.as_of(store, when) as then:
        yield then, (when.time, when.seq)
