"""The upkeep of lineage: runs that were killed get an end, and consumers what they missed."""

from __future__ import annotations

from prefect import flow

from tasks.sweep import deliver_what_is_left, end_killed_runs, seal_the_log


@flow(name="sweep", flow_run_name="sweep")
def sweep() -> int:
    """End killed runs, deliver what is left and seal the log.

    It is not recorded itself, as it would fill the log with its own runs.

    Returns:
        How many runs it has ended.
    """
    ended = end_killed_runs()
    deliver_what_is_left()
    seal_the_log()
    return len(ended)
