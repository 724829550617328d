"""`lineal deliver`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lineal.cli.app import NOT_HELD, OK

Flag = Annotated[bool, Parameter(negative=())]


def deliver(*, status: Flag = False, again: Flag = False, skip: Flag = False, json: Flag = False) -> int:
    """Send the events of the log to the configured consumers, as far as they have not got them.

    Consumers are configured as for any OpenLineage client: OPENLINEAGE_URL, openlineage.yml, OPENLINEAGE__TRANSPORT__….
    Exit status 1 where events wait because a consumer takes none, or where it refused some of them.

    Args:
        status: only show how each consumer stands, and what it refused with which answer.
        again: send once more what was refused.
        skip: send nothing that is in the log so far; begin with what comes.
        json: print one JSON object.
    """
    from lineal.reports import delivery as report
    from lineal.reports import terminal
    from lineal.store.delivery import deliver as delivery
    from lineal.store.log import Store

    store = Store(create=False)
    if status:
        standings = delivery.standings(store)
        terminal.show({"consumers": standings}, lambda _: report.standings(standings), as_json=json)
        return OK
    deliveries = [
        delivery.skip(store, consumer) if skip else delivery.deliver_all(store, consumer, again=again)
        for consumer in delivery.required()
    ]
    terminal.show({"deliveries": deliveries}, lambda _: report.deliveries(deliveries), as_json=json)
    return OK if all(each.complete for each in deliveries) else NOT_HELD
