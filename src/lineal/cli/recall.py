"""`lineal recall`."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from lineal.cli.app import NOT_HELD, OK
from lineal.store.log import Store
from lineal.subjects import Subject

Flag = Annotated[bool, Parameter(negative=())]


def recall(subject: str, /, *, reason: str, yes: Flag = False, undo: Flag = False, json: Flag = False) -> int:
    """Mark a dataset version, file or model as bad: from then on nothing is trained on it or predicted with it.

    Shows what came of it first, and asks. Aliases that a model which rests on it holds go back to the newest version
    that does not, or are taken away. The decision is an event; the same bytes under another name are meant as well.
    Exit status 1 where the answer is no: nothing has changed then.

    Args:
        subject: file:PATH, dataset:NAME@VERSION or model:NAME@VERSION_OR_ALIAS.
        reason: why, for whoever meets the recall.
        yes: do not ask.
        undo: trust it again; aliases that the recall moved go back, unless they were moved since.
        json: print one JSON object.
    """
    from lineal.errors import SubjectError, TrackingError
    from lineal.questions import recalls as question
    from lineal.reports import recall as report
    from lineal.reports import terminal
    from lineal.tracing.recalling import record

    if not reason.strip():
        raise SubjectError("--reason is empty; say why, for whoever meets the recall", subject=subject)
    asked = Subject.parse(subject, allowed=question.KINDS)
    store = Store(create=False)
    plan = question.plan_undo(store, asked) if undo else question.plan(store, asked)
    if not yes:
        if not sys.stdin.isatty():
            raise SubjectError(
                f"{subject}: there is no terminal to ask on; give --yes to do it unasked", subject=subject
            )
        terminal.console(stderr=True).print(report.planned(plan, reason))
        sys.stderr.write("Go on? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            sys.stderr.write("nothing has changed\n")
            return NOT_HELD
    about = plan.version
    done = record(
        plan.subject, question.handle_of(store, about), about.namespace, about.name, plan.moves, reason.strip(), undo
    )
    answer = report.Recalled(plan.subject, undo, reason.strip(), plan.impact.counts, done)
    terminal.show(answer, lambda _: report.done(answer), as_json=json)
    if done.failed:
        raise TrackingError(
            f"{plan.subject} is {'trusted again' if undo else 'recalled'}, but {'; '.join(done.failed)}; "
            "run the same again when that is mended"
        )
    return OK
