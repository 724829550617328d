"""`lineal events`."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lineal.errors import EventError, LinealError
from lineal.store.log import Store


def events(
    *,
    run: str | None = None,
    checkpoints: Annotated[bool, Parameter(negative=())] = False,
    import_from: Annotated[str | None, Parameter(name="--import", allow_leading_hyphen=True)] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Print the event log as OpenLineage NDJSON, oldest first, or take in another producer's.

    Args:
        run: print only the events of this run and of those below it; an OpenLineage, Prefect or MLflow run id.
        checkpoints: print the whole log with its checkpoints instead, for `lineal verify --log FILE` on another
            machine; the lines are not OpenLineage but hold it: {"seq": ..., "body": "..."}, {"checkpoint": {...}}.
        import_from: add the events of this NDJSON file (`-`: of standard input) that are not on record yet, such as
            dbt, Airflow and Spark write it; a file with a line that is no valid event is not taken at all.
        as_json: with `--import`, print one JSON object.
    """
    if import_from is not None and checkpoints:
        raise EventError("--checkpoints prints the log, and --import prints no events; leave one of them out")
    if import_from is not None and run is not None:
        raise EventError("--run chooses what is printed, and --import prints no events; leave one of them out")
    if import_from is not None:
        _take_in(import_from, as_json)
        return
    if checkpoints and run is not None:
        raise EventError("--checkpoints prints the whole log, and --run a part of it; leave one of them out")
    from lineal.reports import terminal

    store, out = Store(create=False), terminal.for_programs()
    if checkpoints:
        from lineal.store.checkpoints.exporting import export

        for line in export(store):
            out.write(line + "\n")
        out.flush()
        return
    chosen: tuple[str, ...] | None = None
    if run is not None:
        from lineal.questions.lookup import find_run
        from lineal.store.graph import ids_below
        from lineal.subjects import Subject

        chosen = tuple(ids_below(store, find_run(store, Subject("run", run)).run_id))
    for body in store.events(run_ids=chosen):
        out.write(body + "\n")
    out.flush()


def _take_in(source: str, as_json: bool) -> None:
    from lineal.store import checkpoints
    from lineal.store.importing import import_events

    name = "standard input" if source == "-" else source
    try:
        with sys.stdin.buffer if source == "-" else Path(source).open("rb") as file:
            store = Store()
            done = import_events(store, file, name)
        try:
            checkpoints.make(store)
        except LinealError as problem:
            # The events are on record, and come under a checkpoint with the next run or sweep.
            logging.getLogger("lineal").warning("no checkpoint was made: %s", problem)
    except OSError as problem:
        raise EventError(f"{name}: cannot be read: {problem.strerror or problem}") from problem
    if as_json:
        sys.stdout.write(json.dumps({"store": str(store), "file": source, "new": done.new, "known": done.known}) + "\n")
    else:
        sys.stdout.write(f"{store}: {done.new} events are new, {done.known} were known; see `lineal list datasets`\n")
