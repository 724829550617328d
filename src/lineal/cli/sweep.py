"""`lineal sweep`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lineal.cli.app import NOT_HELD, OK


def sweep(*, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """End the runs that were killed before they could tell their end, and deliver what is left to deliver.

    Events that are under no checkpoint yet are put under one; see `lineal verify`.

    Safe at any time, many at once, on several machines. Exit status 1 where events wait for a consumer that takes none.

    Args:
        json: print one JSON object.
    """
    from lineal.errors import NothingRecordedError
    from lineal.orchestration.server import quiet_environment
    from lineal.reports import sweep as report
    from lineal.reports import terminal
    from lineal.store import checkpoints
    from lineal.store.delivery import deliver as delivery
    from lineal.store.delivery.consumers import configured
    from lineal.store.log import Store
    from lineal.tracing.sweep import sweep as end_dead_runs

    quiet_environment()
    try:
        store = Store(create=False)
    except NothingRecordedError as nothing:
        # A schedule may come before the first run; that is nothing to be woken for.
        said = str(nothing)
        terminal.show({"ended": [], "deliveries": []}, lambda _: said, as_json=json)
        return OK
    ended = end_dead_runs(store)
    deliveries = [delivery.deliver_all(store, consumer) for consumer in configured()]
    made = checkpoints.make(store)
    answer = {"ended": ended, "deliveries": deliveries, "checkpoints": made}
    terminal.show(answer, lambda _: report.swept(ended, deliveries, made), as_json=json)
    return OK if all(each.complete for each in deliveries) else NOT_HELD
