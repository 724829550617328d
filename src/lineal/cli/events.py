"""`lineal events`."""

from __future__ import annotations

import sys

from lineal.store.log import Store


def events(*, run: str | None = None) -> None:
    """Print the event log as OpenLineage NDJSON, oldest first.

    Args:
        run: print only the events of this run and of those below it; an OpenLineage, Prefect or MLflow run id.
    """
    store = Store(create=False)
    chosen: tuple[str, ...] | None = None
    if run is not None:
        from lineal.questions.lookup import find_run
        from lineal.store.graph import runs_below
        from lineal.subjects import Subject

        chosen = runs_below(store, find_run(store, Subject("run", run)))
    for body in store.events(run_ids=chosen):
        sys.stdout.write(body + "\n")
    sys.stdout.flush()
