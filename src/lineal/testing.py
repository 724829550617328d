"""For tests of flows that are traced: a store of their own, and what was recorded in it.

In pytest: `pytest_plugins = ["lineal.testing"]` in `conftest.py`, then the fixture `lineage`. Elsewhere: `recording()`.
The store lies in a temporary folder rather than in memory, so that task runners' other threads, processes and
machines' workers write to it as well. LINEAL_HOME is a folder beside it, so that keys, data and models are the test's
own; and nothing is sent to the consumers that are configured (OPENLINEAGE_DISABLED).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lineal.store.log import Store
from lineal.tracing import sealing

Event = dict[str, Any]


class Lineage:
    """What was recorded in a test's own store."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def store(self) -> Store:
        """The store itself."""
        return Store(self.url)

    def events(self, job: str | None = None, kind: str | None = None) -> list[Event]:
        """The events so far, in order.

        Args:
            job: only those of a job, such as `my-flow.my-task`.
            kind: only those of a type, such as `COMPLETE`.
        """
        events = (json.loads(body) for body in self.store.events())
        return [
            event
            for event in events
            if (job is None or event["job"]["name"] == job) and (kind is None or event.get("eventType") == kind)
        ]

    def event(self, job: str, kind: str = "COMPLETE") -> Event:
        """The one event of a type of a job.

        Raises:
            AssertionError: there is none, or more than one.
        """
        found = self.events(job, kind)
        if len(found) != 1:
            seen = ", ".join(f"{event['eventType']} {event['job']['name']}" for event in self.events()) or "nothing"
            raise AssertionError(f"{len(found)} {kind} events of {job}; recorded: {seen}")
        return found[0]

    def inputs(self, job: str) -> list[str]:
        """The names of what the one completed run of a job read."""
        return [dataset["name"] for dataset in self.event(job)["inputs"]]

    def outputs(self, job: str) -> list[str]:
        """The names of what the one completed run of a job wrote."""
        return [dataset["name"] for dataset in self.event(job)["outputs"]]

    def ndjson(self) -> str:
        """The whole log."""
        return "".join(f"{body}\n" for body in self.store.events())


@contextmanager
def recording(folder: Path | None = None, *, url: str | None = None) -> Iterator[Lineage]:
    """Record all traced calls within the context in a store of its own.

    Args:
        folder: where to put it; a temporary one that is gone afterwards, where it is left out.
        url: a database to record in instead, such as an empty one on your own PostgreSQL.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        place = folder or Path(temporary)
        url = url or f"sqlite:///{place / 'lineage.db'}"
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("LINEAL_STORE", url)
            environment.setenv("LINEAL_HOME", str(place / ".lineal"))
            environment.setenv("OPENLINEAGE_DISABLED", "true")
            try:
                yield Lineage(url)
            finally:
                sealing.forget(url)


@pytest.fixture
def lineage(tmp_path: Path) -> Iterator[Lineage]:
    """The lineage that the test records."""
    with recording(tmp_path) as recorded:
        yield recorded
