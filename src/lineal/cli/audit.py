"""`lineal audit`."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from lineal.cli.app import NOT_HELD, OK
from lineal.store.log import Store
from lineal.subjects import Subject


def audit(
    subject: str | None = None,
    /,
    *,
    policy: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    format: Literal["table", "json", "sarif", "oscal"] = "table",
    strict: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Hold a model to policies: what the record supports, contradicts, or does not show.

    It judges the record, never whether a law is met: what stays with a person is said. A verdict is pass, fail, review
    (the facts are there, a person must judge), open (a fact is missing) or n/a. Exit status 0: no control fails; 1: one
    does that is not waived.

    Args:
        subject: model:NAME@VERSION_OR_ALIAS; every model that holds an alias where it is left out.
        policy: a policy's name (eu-ai-act, gdpr, nist-ai-rmf, house, or one of the project's policies/) or file; may be
            given several times. All of them where it is left out. A policy of your own project may name Python files
            of that project as checks, which are run.
        format: table, json, sarif (for code hosts and CI) or oscal (assessment results, for governance tools).
        strict: count open as fail.
        json: the same as --format json.
    """
    from lineal.questions import audit as question
    from lineal.reports import terminal
    from lineal.reports.audit import render

    asked = Subject.parse(subject, allowed=question.KINDS) if subject is not None else None
    answer = question.audit(Store(create=False), question.chosen(policy), asked, strict=strict)
    if format == "sarif":
        from lineal.reports.sarif import sarif

        terminal.for_programs().write(terminal.to_json(sarif(answer)) + "\n")
    elif format == "oscal":
        from lineal.reports.oscal import assessment_results

        terminal.for_programs().write(terminal.to_json(assessment_results(answer)) + "\n")
    else:
        terminal.show(answer, render, as_json=json or format == "json")
    return OK if answer.holds else NOT_HELD
