"""What became of a run: by what its function returned or raised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lineal.orchestration import context
from lineal.tracing.statements import EventType


@dataclass(frozen=True, slots=True)
class Ending:
    """The last event of a run.

    Attributes:
        kind: its type; RUNNING for a run that is left open, to be taken up again.
        message: why it is no success, where an exception does not say it.
        state: the name of the Prefect state that was returned.
    """

    kind: EventType = "COMPLETE"
    message: str | None = None
    state: str | None = None


def of_result(result: Any) -> Ending:
    """The end that a returned value stands for; a Prefect state speaks for itself."""
    verdict = context.verdict_on(result)
    return Ending() if verdict is None else Ending(verdict.kind, verdict.message, verdict.state)


def of_error(error: BaseException, function: Callable[..., Any]) -> Ending:
    """The end that an exception stands for.

    Cancelled and terminated runs ABORT, and so does a generator that is closed before its end; what fails, crashes or
    takes longer than it may, FAILs. A flow run that is suspended has not ended: Prefect will call its function anew for
    the same attempt. What runs within it has: it will be another run.

    Args:
        error: what was raised.
        function: what Prefect has as the flow's or task's function.
    """
    if isinstance(error, asyncio.CancelledError):
        limit = context.overrun(function)
        return Ending("ABORT") if limit is None else Ending("FAIL", f"it took longer than its timeout of {limit:g} s")
    if context.is_suspension(error):
        run = context.execution_of(function)
        return Ending("RUNNING" if isinstance(run, context.FlowRun) and not run.nested else "ABORT", "it was suspended")
    if isinstance(error, GeneratorExit):
        return Ending("ABORT", "it was closed before its end")
    if isinstance(error, KeyboardInterrupt) or context.is_cancellation(error):
        return Ending("ABORT")
    return Ending("FAIL")
