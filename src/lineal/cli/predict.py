"""`lineal predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from lineal.cli.app import OK
from lineal.cli.run import loading


def predict(
    model: str,
    /,
    *,
    data: str,
    query: str | None = None,
    out: Path | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    allow_recalled: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Score a batch with a registered model; each row gets an id that leads back to where it came from.

    The batch is held to the model's columns and to the pipeline's checks first, and compared with the training rows.

    Args:
        model: model:NAME@VERSION_OR_ALIAS; without a version, the newest.
        data: the rows: a path, folder, glob or URI of CSV, Parquet or JSON lines; with --query, a database URL.
        query: the SQL that gives the rows.
        out: write a copy of the predictions here, as Parquet or CSV by the ending.
        force: let --out replace a file.
        allow_recalled: predict with a model, or for data, that was recalled, too; the run says so.
        json: print one JSON object.
    """
    # Before anything heavy is imported: what is plainly wrong is told at once.
    from lineal.subjects import Subject

    subject = Subject.parse(model, allowed=("model",))
    if out is not None:
        from lineal.datasets.export import FORMATS
        from lineal.datasets.newfile import require_free

        require_free(out, force=force, endings=FORMATS)
    if query is None:
        from lineal.datasets.sources.resolve import require_there

        require_there(data, Path.cwd())
    from lineal.orchestration.project import prediction_entrypoint
    from lineal.orchestration.server import embedded_server, quiet_environment

    entrypoint = prediction_entrypoint(subject.name, Path.cwd())
    quiet_environment()
    with embedded_server() as api:
        api.require_given()
        # The server starts in a process of its own while this one imports what the flow needs.
        asked = {"model": model, "data": data, "query": query, "out": out, "force": force}
        # A project's own flow may know nothing of it, and is asked for it only where it is wanted.
        result = _predict(entrypoint, api, asked | ({"allow_recalled": True} if allow_recalled else {}))
    from lineal.reports import terminal
    from lineal.reports.prediction import Predicted, render

    if isinstance(result, Predicted):
        terminal.show(result, render, as_json=json)
    return OK


def _predict(entrypoint: Any, api: Any, asked: dict[str, Any]) -> Any:
    with loading():
        from lineal.models import tracking
        from lineal.models.chosen import choose
        from lineal.orchestration.project import load_flow
        from lineal.subjects import Subject

        flow = load_flow(entrypoint)
        # What can be known to fail is told before a run is begun.
        tracking.check_reachable()
        choose(Subject.parse(asked["model"], allowed=("model",)))
        api.wait_ready()
    with api.settings():
        return flow(**{name: value for name, value in asked.items() if value is not None})
