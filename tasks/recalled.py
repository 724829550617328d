"""Use nothing that was recalled."""

from __future__ import annotations

from lineal import Model, current_run, settings
from lineal.datasets.snapshot import Snapshot
from lineal.errors import RecalledError, StoreError
from lineal.orchestration.log import run_logger
from lineal.questions.recalls import require_model_not_recalled, require_not_recalled
from lineal.store.log import Store
from lineal.tracing.naming import name_of


def refuse_recalled(thing: Snapshot | Model, *, allowed: bool) -> None:
    """See that a table and its sources, or a registered model, are not recalled and rest on nothing that is.

    Args:
        thing: that is to be used.
        allowed: use it all the same; the run then says so.

    Raises:
        RecalledError: it is, and is not allowed.
    """
    try:
        _require(Store(), thing)
    except RecalledError as problem:
        if not allowed:
            raise
        current_run().tag("allow-recalled", problem.subject or "true")
        run_logger().warning("used all the same, as it is allowed: %s", problem)
    except StoreError as problem:
        # Lineage that cannot be had never stops the work, unless it is to.
        if settings.strict():
            raise
        run_logger().warning("whether anything is recalled cannot be told: %s", problem)


def _require(store: Store, thing: Snapshot | Model) -> None:
    if isinstance(thing, Model):
        if thing.number is not None:
            require_model_not_recalled(
                store, thing.namespace or settings.namespace(), thing.name.removeprefix("models/"), thing.number
            )
        return
    tables = (*thing.sources, thing.dataset)
    require_not_recalled(store, *((*name_of(table), table.version or "") for table in tables))
