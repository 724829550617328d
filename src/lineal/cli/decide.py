"""`lineal decide`."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from lineal.cli.app import NOT_HELD, OK
from lineal.cli.deciding import day, say, text_of


def decide(
    subject: str,
    action: Literal["approve", "reject", "waive", "withdraw"],
    control: str | None = None,
    /,
    *,
    reason: str,
    until: str | None = None,
    evidence: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Approve or reject a subject, waive a control of it, or take that back: an event of the log, with your name.

    It rests on what is on record of the subject now (the model's digest, its data's versions, metrics and gates), and
    counts only as long as that stands. An approval of a model whose pipeline file says `approval = "other-person"`
    moves the alias, and is refused to whoever started the training. Exit status 1 where the approval is on record and
    the alias could not move.

    Args:
        subject: model:NAME@VERSION_OR_ALIAS, dataset:NAME@VERSION, file:PATH or run:ID.
        action: approve, reject, waive, or withdraw to take back what was decided before.
        control: what is waived, POLICY.CONTROL as `lineal audit` has it, or CONTROL alone where one policy has it; with
            withdraw, take back the waiver of this control alone.
        reason: why, for whoever meets the decision; - reads it from standard input.
        until: the last day, in UTC, on which it counts, as 2026-12-31; a waiver needs one.
        evidence: how the digest begins of the evidence that you looked at, as `lineal trace` shows it; refused where
            what is on record is another by now.
        json: print one JSON object.
    """
    from lineal.errors import DecisionError, TrackingError
    from lineal.reports import terminal
    from lineal.reports.decision import said

    if action == "waive" and control is None:
        raise DecisionError(
            f"{subject}: name the control to waive: lineal decide {subject} waive CONTROL", subject=subject
        )
    if control is not None and action not in ("waive", "withdraw"):
        raise DecisionError(f"{subject}: {action} takes no control; leave {control!r} out", subject=subject)
    why = text_of(reason, subject, "--reason")
    done = say(subject, action, why, control=control, until=day(until, subject), evidence=evidence)
    terminal.show(done, said, as_json=json)
    if done.recorded.done.failed:
        raise TrackingError(
            f"{done.decided.decision.subject} is approved, but {'; '.join(done.recorded.done.failed)}; "
            "run the same again when that is mended"
        )
    return NOT_HELD if done.stays or done.recorded.done.left else OK
