"""`lineal run`."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from lineal.cli.app import NOT_HELD, OK


def run(
    pipeline: str,
    /,
    *,
    data: str | None = None,
    set: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    out: Path | None = None,
    allow_recalled: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Run a whole pipeline: ingest, check, split, train, evaluate, explain, register.

    Nothing needs to be started first. Exit status 1 where a gate fails: the model is then logged, not registered.

    Args:
        pipeline: the pipeline file.
        data: a source that takes the place of the file's: a path, folder, glob or URI.
        set: KEY=VALUE in place of the file's value, such as model.params.max_depth=3; may be given several times.
        out: a folder for the held-out metrics, predictions, ROC curves and importances as files, for DVC's metrics and
            plots.
        allow_recalled: train on data that was recalled, too; the run says so.
        json: print one JSON object.
    """
    # Before anything heavy is imported: what is wrong with the file is told at once.
    from lineal.pipeline import load

    planned = load(pipeline, data=data, overrides=set)
    from lineal.datasets.sources.resolve import require_there

    if planned.source.query is None:
        require_there(planned.source.uri, planned.project)
    from lineal.orchestration.project import flow_entrypoint
    from lineal.orchestration.server import embedded_server, quiet_environment

    entrypoint = flow_entrypoint(planned.path, Path.cwd())
    quiet_environment()
    with embedded_server() as api:
        api.require_given()
        # The server starts in a process of its own while this one imports what the flow needs.
        result = _run(entrypoint, api, planned, data, set, allow_recalled)
    from lineal.reports import files, terminal
    from lineal.reports.training import Result, render

    if not isinstance(result, Result):
        return OK
    if out is not None:
        files.write(result, out)
    terminal.show(result, render, as_json=json)
    return OK if result.passed else NOT_HELD


def _run(
    entrypoint: Any, api: Any, planned: Any, data: str | None, overrides: tuple[str, ...], allow_recalled: bool
) -> Any:
    with loading():
        from lineal.models import tracking
        from lineal.models.estimators import validate
        from lineal.orchestration.project import load_flow

        flow = load_flow(entrypoint)
        # What can be known to fail is told before a run is begun.
        validate(planned)
        tracking.check_reachable()
        tracking.connect()
        api.wait_ready()
    with api.settings():
        # A project's own flow may know nothing of it, and is asked for it only where it is wanted.
        allowed = {"allow_recalled": True} if allow_recalled else {}
        return flow(pipeline=planned.path, data=data, overrides=list(overrides), **allowed)


@contextmanager
def loading() -> Iterator[None]:
    """Import without looking for garbage: nothing that importing creates is any, and looking takes a sixth of a run."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
