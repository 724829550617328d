"""`lineal search`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

from lineal.store.log import Store


def search(
    *words: Annotated[str, Parameter(allow_leading_hyphen=True)],
    limit: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 20,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Find runs, decisions, notes and descriptions that have all words, best first.

    Args:
        words: plain words: of a name, parameter, error message, reason or description; the last may be only begun.
        limit: show at most so many.
        json: print one JSON object.
    """
    from lineal.questions.search import search as question
    from lineal.reports import terminal
    from lineal.reports.search import render

    terminal.show(question(Store(create=False), " ".join(words), limit), render, as_json=json)
