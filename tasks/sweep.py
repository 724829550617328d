"""The upkeep of the lineage store."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal.orchestration.log import run_logger
from lineal.store import checkpoints
from lineal.store.delivery.consumers import configured
from lineal.store.delivery.deliver import Delivery, deliver_all
from lineal.store.log import Store
from lineal.tracing.sweep import Ended
from lineal.tracing.sweep import sweep as end_dead_runs


@task(cache_policy=NO_CACHE)
def end_killed_runs() -> list[Ended]:
    """End the runs that were killed before they could tell their end."""
    ended = end_dead_runs(Store())
    for each in ended:
        run_logger().info("%s %s: %s, %s", each.job, each.run_id, each.state, each.reason)
    return ended


@task(cache_policy=NO_CACHE)
def deliver_what_is_left() -> list[Delivery]:
    """Send the configured consumers what they have not got."""
    store = Store()
    deliveries = [deliver_all(store, consumer) for consumer in configured()]
    for each in deliveries:
        level = run_logger().info if each.complete else run_logger().warning
        level("%s: %s events sent, %s wait (%s)", each.consumer, each.sent, each.waiting, each.problem or "it has all")
    return deliveries


@task(cache_policy=NO_CACHE)
def seal_the_log() -> None:
    """Put the events that are under no checkpoint yet under one."""
    for made in checkpoints.make(Store()):
        run_logger().info("checkpoint %s: %s events", made.number, made.count)
