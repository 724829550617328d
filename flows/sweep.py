"""The upkeep of lineage: runs that were killed get an end, and consumers what they missed."""

from __future__ import annotations

from prefect import flow

from tasks.sweep import deliver_what_is_left, end_killed_runs


@flow(name="sweep", flow_run_name="sweep")
def sweep() -> int:
    """End killed runs and deliver what is left; not recorded itself, as it would fill the log with its own runs.

    Returns:
        How many runs it has ended.
    """
    ended = end_killed_runs()
    deliver_what_is_left()
    return len(ended)
