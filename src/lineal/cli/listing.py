"""`lineal list`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, validators

from lineal import settings


def listing(
    what: Literal["pipelines", "datasets", "models", "runs", "predictions"],
    /,
    *,
    limit: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 20,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show what there is, newest first.

    Args:
        what: pipelines, datasets, models, runs or predictions.
        limit: show at most so many.
        json: print one JSON object.
    """
    from lineal.errors import NothingRecordedError
    from lineal.questions import listing as question
    from lineal.reports import listing as report
    from lineal.reports import terminal
    from lineal.store.log import Store

    if what == "pipelines":
        files = question.pipelines(settings.project_of(Path.cwd()) / "pipelines")[:limit]
        terminal.show({what: files}, lambda _: report.pipelines(files), as_json=json)
        return
    try:
        store = Store(create=False)
    except NothingRecordedError as nothing:
        said = str(nothing)
        terminal.show({what: []}, lambda _: said, as_json=json)
        return
    if what == "datasets":
        tables = question.datasets(store, limit)
        terminal.show({what: tables}, lambda _: report.datasets(tables), as_json=json)
    elif what == "models":
        models = question.models(store, limit=limit)
        bad = question.recalled(store, models)
        rows = [asdict(model) | {"recalled": bad.get(model)} for model in models]
        terminal.show({what: rows}, lambda _: report.models(models, bad), as_json=json)
    elif what == "predictions":
        batches = question.predictions(store, limit)
        terminal.show({what: batches}, lambda _: report.predictions(batches), as_json=json)
    else:
        runs = question.runs(store, limit)
        terminal.show({what: runs}, lambda _: report.runs(runs), as_json=json)
