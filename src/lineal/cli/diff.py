"""`lineal diff`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lineal.store.log import Store
from lineal.subjects import Subject


def diff(
    before: str,
    after: str,
    /,
    *,
    id: Annotated[str | None, Parameter(name="--id")] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show what differs between two models, two dataset versions or two runs, and what may explain a change in metric.

    Args:
        before: model:NAME@VERSION_OR_ALIAS, dataset:NAME@VERSION or run:ID.
        after: another of the same kind.
        id: the column that names a record across versions; the pipeline's own where it is left out.
        json: print one JSON object.
    """
    from lineal.questions import diff as question
    from lineal.reports import terminal
    from lineal.reports.diff import render

    left, right = (Subject.parse(text, allowed=question.KINDS) for text in (before, after))
    answer = question.diff(Store(create=False), left, right, id)
    terminal.show(answer, render, as_json=json)
