"""`lineal trace`."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from lineal.cli.past import asked_of
from lineal.subjects import Subject


def trace(
    subject: str,
    /,
    *,
    column: str | None = None,
    depth: Annotated[int | None, Parameter(validator=validators.Number(gte=0))] = None,
    as_of: str | None = None,
    plot: Path | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    explain: Annotated[bool, Parameter(negative="--no-explain")] = True,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show where a subject came from, down to source files, code and people.

    Args:
        subject: model:NAME@VERSION_OR_ALIAS, dataset:NAME@VERSION, prediction:ID, file:PATH or run:ID.
        column: only this column of a dataset, model or file: which columns it was made of, and how, down to those of
            source files.
        depth: how many runs to go back; all the way where it is left out.
        as_of: answer from the log as it stood then: an ISO date (its end) or date and time, in UTC where no zone is
            given; events count by their own times, in the order of the log.
        plot: of a prediction: draw what each column adds to it, into this PNG file.
        force: let --plot replace a file.
        explain: of a prediction: say why it is what it is, which loads the model and its training rows.
        json: print one JSON object; what several ways lead to has its inputs once, nearest to the subject, and is
            marked `above` wherever else it stands.
    """
    from lineal.errors import MomentError
    from lineal.questions import trace as question
    from lineal.reports import terminal

    asked = Subject.parse(subject, allowed=(*question.KINDS, "prediction"))
    if column is not None:
        from lineal.questions.columns import trace_column
        from lineal.reports.columns import render_trace

        with asked_of(as_of) as (store, then):
            found = trace_column(store, asked, column, depth)
        terminal.show(found, render_trace, as_json=json, as_of=then)
        return
    if asked.kind == "prediction":
        from lineal.cli.trace_prediction import trace_prediction

        if as_of is not None:
            raise MomentError(f"{subject}: what was predicted once stays as it was; leave --as-of out")
        trace_prediction(asked, plot=plot, force=force, explain=explain, json=json)
        return
    from lineal.questions import decisions, lookup
    from lineal.reports.trace import further, render
    from lineal.store import tables

    with asked_of(as_of) as (store, then):
        answer = question.trace(store, asked, depth)
        answer = decisions.added(
            store, answer, whole=depth is None, at=datetime.fromisoformat(then[0]) if then else None
        )
        first = further(answer)
        shared = lookup.shared(store, tables.datasets, [first.name] if first else [])
    terminal.show(answer, partial(render, shared=shared), as_json=json, as_of=then)
