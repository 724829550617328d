"""`lineal impact`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from cyclopts import Parameter, validators

from lineal.cli.past import asked_of
from lineal.subjects import Subject


def impact(
    subject: str,
    /,
    *,
    column: str | None = None,
    depth: Annotated[int | None, Parameter(validator=validators.Number(gte=0))] = None,
    as_of: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show what came of a subject: dataset versions, models and the aliases they held, batches of predictions.

    A file is known by its content, wherever it lies now.

    Args:
        subject: file:PATH, dataset:NAME@VERSION, model:NAME@VERSION_OR_ALIAS, run:ID, or one record by its id,
            record:PIPELINE/ID; of a pipeline without an id column by file and row, record:PIPELINE/FILE#ROW.
        column: only this column of a file, dataset or model: which columns, models and prediction columns use it.
        depth: how many runs to go forward; all the way where it is left out.
        as_of: answer from the log as it stood then: an ISO date (its end) or date and time, in UTC where no zone is
            given; events count by their own times, in the order of the log.
        json: print one JSON object.
    """
    from lineal.questions import impact as question
    from lineal.questions import lookup
    from lineal.reports import terminal
    from lineal.reports.impact import further, render
    from lineal.store import tables

    asked = Subject.parse(subject, allowed=question.KINDS)
    if column is not None:
        from lineal.questions.columns import column_impact
        from lineal.reports.columns import render_impact

        with asked_of(as_of) as (store, then):
            used = column_impact(store, asked, column, depth)
        terminal.show(used, render_impact, as_json=json, as_of=then)
        return
    if asked.kind == "record":
        from lineal.questions.records import record_impact
        from lineal.reports.records import render as render_record

        with asked_of(as_of) as (store, then):
            found = record_impact(store, asked)
        terminal.show(found, render_record, as_json=json, as_of=then)
        return
    with asked_of(as_of) as (store, then):
        answer = question.impact(store, asked, depth)
        last = further(answer)
        among = tables.models if isinstance(last, question.ModelReached) else tables.datasets
        shared = lookup.shared(store, among, [last.name] if last else [])
    terminal.show(answer, partial(render, shared=shared), as_json=json, as_of=then)
