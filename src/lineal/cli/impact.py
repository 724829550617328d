"""`lineal impact`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

from lineal.store.log import Store
from lineal.subjects import Subject


def impact(
    subject: str,
    /,
    *,
    depth: Annotated[int | None, Parameter(validator=validators.Number(gte=0))] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show what came of a subject: dataset versions, models and the aliases they held, batches of predictions.

    A file is known by its content, wherever it lies now.

    Args:
        subject: file:PATH, dataset:NAME@VERSION, model:NAME@VERSION_OR_ALIAS or run:ID.
        depth: how many runs to go forward; all the way where it is left out.
        json: print one JSON object.
    """
    from lineal.questions import impact as question
    from lineal.reports import terminal
    from lineal.reports.impact import render

    asked = Subject.parse(subject, allowed=question.KINDS)
    answer = question.impact(Store(create=False), asked, depth)
    terminal.show(answer, render, as_json=json)
