"""Ask a person in Prefect's UI: the flow run pauses, and shows a form, until it is answered or need not be any more."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from prefect.input import RunInput

    F = TypeVar("F", bound=RunInput)

POLL_SECONDS = 5.0
# Prefect fails a run whose pause is over; this process lets it go on before.
_MARGIN_SECONDS = 600
logger = logging.getLogger(__name__)


def ask(form: type[F], seconds: float, settled: Callable[[], bool]) -> F | None:
    """Pause the flow run that is going on until somebody answers; None where nobody did.

    Args:
        form: whose fields are asked for.
        seconds: how long to wait.
        settled: tells whether the answer is not needed any more; asked every few seconds.
    """
    from prefect.flow_runs import pause_flow_run
    from pydantic import ValidationError

    from lineal.orchestration.context import enclosing_flow

    flow = enclosing_flow()
    if flow is None:
        raise RuntimeError("there is no flow run here that could pause")
    answered = threading.Event()
    # Prefect's settings are those of this context.
    here = contextvars.copy_context()
    watch = threading.Thread(target=here.run, args=(_let_go, flow.id, seconds, settled, answered), daemon=True)
    watch.start()
    try:
        answer: F = pause_flow_run(
            wait_for_input=form, timeout=int(seconds + _MARGIN_SECONDS), poll_interval=int(POLL_SECONDS)
        )
    except ValidationError:
        # It goes on without an answer: the fields are empty.
        return None
    else:
        return answer
    finally:
        answered.set()
        watch.join()


def _let_go(flow_run: object, seconds: float, settled: Callable[[], bool], answered: threading.Event) -> None:
    """Let a paused flow run go on when the time is over, or when its answer is not needed any more."""
    from prefect.client.orchestration import get_client
    from prefect.states import Running

    end = time.monotonic() + seconds
    while not answered.wait(min(POLL_SECONDS, max(end - time.monotonic(), 0.1))):
        try:
            if time.monotonic() < end and not settled():
                continue
            with get_client(sync_client=True) as client:
                state = client.read_flow_run(flow_run).state  # type: ignore[arg-type]
                if state is not None and state.is_paused():
                    client.set_flow_run_state(flow_run, Running(), force=True)  # type: ignore[arg-type]
        except Exception:  # a server or store that is away for a moment: what cannot be asked now is asked again
            logger.warning("Whether the run may go on could not be told", exc_info=True)
