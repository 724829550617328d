"""`lineal deliver`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lineal.cli.app import NOT_HELD, OK

Flag = Annotated[bool, Parameter(negative=())]


def deliver(
    *, status: Flag = False, again: Flag = False, skip: Flag = False, forget: str | None = None, json: Flag = False
) -> int:
    """Send the events of the log to the configured consumers, as far as they have not got them.

    Consumers are configured as for any OpenLineage client: OPENLINEAGE_URL, openlineage.yml, OPENLINEAGE__TRANSPORT__….
    Exit status 1 where events wait because a consumer takes none, or where some that it refused are set aside.

    Args:
        status: only show how each consumer stands, and what it refused with which answer.
        again: send once more what was refused.
        skip: send nothing that is in the log so far; begin with what comes.
        forget: a consumer, by its name as --status shows it, whose place in the log is not to be kept any more.
        json: print one JSON object.
    """
    from lineal.errors import DeliveryError, NothingRecordedError
    from lineal.reports import delivery as report
    from lineal.reports import terminal
    from lineal.store.delivery import deliver as delivery
    from lineal.store.log import Store

    if status + again + skip + (forget is not None) > 1:
        raise DeliveryError("--status, --again, --skip and --forget are four things to do; give one of them")
    try:
        store = Store(create=False)
    except NothingRecordedError as nothing:
        said = str(nothing)
        terminal.show({"consumers": [], "deliveries": []}, lambda _: said, as_json=json)
        return OK
    if status:
        standings = delivery.standings(store)
        terminal.show({"consumers": standings}, lambda _: report.standings(standings), as_json=json)
        return OK
    if forget is not None:
        delivery.forget(store, forget)
        terminal.show({"forgotten": forget}, lambda _: f"{forget}: forgotten", as_json=json)
        return OK
    if skip:
        skipped = {consumer.name: delivery.skip(store, consumer) for consumer in delivery.required()}
        terminal.show({"skipped": skipped}, lambda _: report.skipped(skipped), as_json=json)
        return OK
    deliveries = [delivery.deliver_all(store, consumer, again=again) for consumer in delivery.required()]
    terminal.show({"deliveries": deliveries}, lambda _: report.deliveries(deliveries), as_json=json)
    return OK if all(each.complete for each in deliveries) else NOT_HELD
