"""`lineal note`."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from lineal.cli.app import OK
from lineal.cli.deciding import say, text_of


def note(
    subject: str,
    text: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    kind: Literal["incident", "data-gap", "review"] | None = None,
    closes: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Note something about a subject, for whoever asks about it: an event of the log, with your name.

    Args:
        subject: model:NAME@VERSION_OR_ALIAS, dataset:NAME@VERSION, file:PATH, run:ID or prediction:ID.
        text: what there is to say; - reads it from standard input.
        kind: what it tells of, for `lineal audit`: an incident; a gap or shortcoming of the data; or that a person
            reviewed these predictions.
        closes: how the id begins of the incident that is over with this; the text says what was done.
        json: print one JSON object.
    """
    from lineal.errors import DecisionError
    from lineal.reports import terminal
    from lineal.reports.decision import said

    if kind is not None and closes is not None:
        raise DecisionError(
            f"{subject}: a note that closes an incident is of no kind; leave --kind out", subject=subject
        )
    done = say(subject, "note", text_of(text, subject, "the note"), kind=kind, closes=closes)
    terminal.show(done, said, as_json=json)
    return OK
