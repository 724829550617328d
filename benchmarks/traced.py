"""What lineage costs a task: a flow of 200 tasks with `@traced` against the same without.

`python benchmarks/traced.py` runs both in turn in one process against a Prefect server of its own, tasks that do
nothing and tasks of 100 ms, and prints the difference of the median task (median of the rounds).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from main_job import machine


def main() -> None:
    """Run both flows in turn and print what tracing adds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"PREFECT_HOME": folder, "LINEAL_HOME": f"{folder}/.lineal"}
        from lineal.orchestration.server import embedded_server, quiet_environment

        quiet_environment()
        with embedded_server() as api:
            api.wait_ready()
            print(machine())
            measure(arguments.tasks, arguments.rounds, Path(folder))


def measure(tasks: int, rounds: int, folder: Path) -> None:
    """Time the plain and the traced flow in turn."""
    from prefect import flow, task
    from prefect.cache_policies import NO_CACHE

    from lineal import Dataset, traced

    table = folder / "table.csv"
    table.write_text("a,b\n1,2\n")

    def work(data: Dataset, seconds: float) -> Dataset:
        time.sleep(seconds)
        return data

    plain_task = task(work, name="work", cache_policy=NO_CACHE)
    traced_task = task(traced(work), name="work", cache_policy=NO_CACHE)

    def timed(each: Callable[..., Any], count: int, seconds: float) -> float:
        times = []
        for _ in range(count):
            start = time.perf_counter()
            each(Dataset(table), seconds)
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    # Tasks are timed one by one: the end of a flow waits up to a second for the thread that sends Prefect's heartbeats,
    # which spread over 200 tasks is more than what is measured here.
    @flow
    def plain(count: int, seconds: float) -> float:
        return timed(plain_task, count, seconds)

    @flow
    @traced
    def recorded(count: int, seconds: float) -> float:
        return timed(traced_task, count, seconds)

    plain(5, 0.0)
    recorded(5, 0.0)
    for seconds in (0.0, 0.1):
        differences = []
        bases = []
        for _ in range(rounds):
            times = [each(tasks, seconds) for each in (plain, recorded)]
            bases.append(times[0])
            differences.append(times[1] - times[0])
        added, base = statistics.median(differences), statistics.median(bases)
        spread = f"{min(differences) * 1000:+.2f} to {max(differences) * 1000:+.2f}"
        print(
            f"tasks of {seconds * 1000:.0f} ms: {base * 1000:.2f} ms a task without, "
            f"{added * 1000:+.2f} ms with @traced ({added / base:+.1%}; {spread})"
        )


if __name__ == "__main__":
    main()
