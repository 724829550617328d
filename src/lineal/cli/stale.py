"""`lineal stale`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lineal.store.log import Store


def stale(
    *,
    all: Annotated[bool, Parameter(name="--all", negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show which models and predictions rest on data, code or a pipeline file that is no longer the newest.

    Exit status 0: none does; 1: some do.

    Args:
        all: look at every registered model, not only at those that hold an alias.
        json: print one JSON object.
    """
    from lineal.questions import stale as question
    from lineal.reports import terminal
    from lineal.reports.stale import render

    answer = question.stale(Store(create=False), everything=all)
    terminal.show(answer, render, as_json=json)
    return 1 if answer.items else 0
