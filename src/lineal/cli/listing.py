"""`lineal list`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, validators

from lineal import settings
from lineal.cli.past import asked_of
from lineal.store.log import Store


def listing(
    what: Literal["pipelines", "datasets", "models", "runs", "predictions", "decisions"],
    /,
    *,
    limit: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 20,
    as_of: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show what there is, newest first.

    Args:
        what: pipelines, datasets, models, runs, predictions or decisions.
        limit: show at most so many.
        as_of: answer from the log as it stood then: an ISO date (its end) or date and time, in UTC where no zone is
            given; events count by their own times, in the order of the log.
        json: print one JSON object.
    """
    from lineal.errors import MomentError, NothingRecordedError
    from lineal.questions import listing as question
    from lineal.questions.lookup import shared
    from lineal.reports import listing as report
    from lineal.reports import terminal
    from lineal.store import tables

    if what == "pipelines":
        if as_of is not None:
            raise MomentError("pipeline files are no part of the log; leave --as-of out, or ask the files' history")
        try:
            kept = Store(create=False)
        except NothingRecordedError:
            kept = None
        files = question.pipelines(settings.project_of(Path.cwd()), kept)[:limit]
        terminal.show({what: files}, lambda _: report.pipelines(files), as_json=json)
        return
    with ExitStack() as stack:
        try:
            store, then = stack.enter_context(asked_of(as_of))
        except NothingRecordedError as nothing:
            said = str(nothing)
            terminal.show({what: []}, lambda _: said, as_json=json)
            return
        found: Sequence[Any]
        if what == "datasets":
            found = datasets = question.datasets(store, limit)
            rendered = report.datasets(datasets, shared(store, tables.datasets, [each.name for each in datasets]))
        elif what == "models":
            models = question.models(store, limit=limit)
            bad = question.recalled(store, models)
            found = [asdict(model) | {"recalled": bad.get(model)} for model in models]
            rendered = report.models(models, bad, shared(store, tables.models, [each.name for each in models]))
        elif what == "predictions":
            found = batches = question.predictions(store, limit)
            rendered = report.predictions(batches)
        elif what == "decisions":
            from datetime import datetime

            from lineal.questions import decisions
            from lineal.reports.decision import listed

            found = taken = decisions.listed(store, limit, at=datetime.fromisoformat(then[0]) if then else None)
            rendered = listed(taken)
        else:
            found = runs = question.runs(store, limit)
            rendered = report.runs(runs)
    terminal.show({what: found}, lambda _: rendered, as_json=json, as_of=then)
