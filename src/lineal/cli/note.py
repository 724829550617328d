"""`lineal note`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lineal.cli.app import OK
from lineal.cli.deciding import say, text_of


def note(
    subject: str,
    text: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Note something about a subject, for whoever asks about it: an event of the log, with your name.

    Args:
        subject: model:NAME@VERSION_OR_ALIAS, dataset:NAME@VERSION, file:PATH or run:ID.
        text: what there is to say; - reads it from standard input.
        json: print one JSON object.
    """
    from lineal.reports import terminal
    from lineal.reports.decision import said

    done = say(subject, "note", text_of(text, subject, "the note"))
    terminal.show(done, said, as_json=json)
    return OK
