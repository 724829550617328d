"""`lineal history`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

from lineal.store.log import Store
from lineal.subjects import Subject


def history(
    subject: str,
    /,
    *,
    limit: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 15,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show all versions of a model or dataset, or all moves of an alias, and what changed each time.

    Args:
        subject: model:NAME, model:NAME@ALIAS or dataset:NAME.
        limit: show at most so many, the newest.
        json: print one JSON object.
    """
    from lineal.questions import history as question
    from lineal.reports import terminal
    from lineal.reports.history import render

    asked = Subject.parse(subject, allowed=question.KINDS)
    answer = question.history(Store(create=False), asked, limit)
    terminal.show(answer, render, as_json=json)
