"""`lineal reproduce`."""

from __future__ import annotations

import signal
import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from lineal.cli.app import NOT_HELD, OK


def reproduce(
    model: str,
    /,
    *,
    env: Literal["present", "locked"] = "present",
    expect: Literal["identical", "equivalent"] = "identical",
    set: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Make a model again from its record alone, and say whether it is the same.

    The recorded data, commit (with what was not committed), pipeline file and seeds are put together in a throw-away
    place, and the flow is run there; then digest, metrics and held-out predictions are compared. Nothing but the
    verdict is left behind. Exit status 0 only for what is expected, else 1.

    Args:
        model: the model, as model:NAME@VERSION_OR_ALIAS.
        env: present: with the packages that are installed here; locked: in a new environment that uv makes from the
            recorded lock file.
        expect: identical: the same digest; equivalent: the same predictions within a tolerance will do.
        set: KEY=VALUE: make a variation instead, a new run on the recorded data and code that differs in this; may be
            given several times.
        json: print one JSON object.
    """
    from lineal.errors import ReproductionError
    from lineal.orchestration.server import quiet_environment
    from lineal.reports import reproduction as report
    from lineal.reports import terminal
    from lineal.reproduction.reproduce import Request, reproduce_model
    from lineal.reproduction.varying import vary
    from lineal.store.log import Store
    from lineal.subjects import Subject

    # Also who is told to end leaves nothing behind.
    signal.signal(signal.SIGTERM, _end)
    asked = Subject.parse(model, allowed=("model",))
    quiet_environment()
    if set:
        varied = vary(Store(create=False), asked, set, env, tell=_tell)
        terminal.show(varied, report.variation, as_json=json)
        return OK if varied.passed else NOT_HELD
    try:
        answer = reproduce_model(Store(create=False), asked, Request(env, expect), tell=_tell)
    except ReproductionError as problem:
        if problem.status is not None:
            # It was tried and came to nothing, which answers the question.
            problem.exit_status = NOT_HELD
        raise
    terminal.show(answer, report.render, as_json=json)
    return OK if answer.held else NOT_HELD


def _end(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
