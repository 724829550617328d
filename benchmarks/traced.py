"""What lineage costs a task: a flow of 200 tasks with `@traced` against the same without.

`python benchmarks/traced.py` runs both in turn in one process against a Prefect server of its own, tasks that do
nothing and tasks of 100 ms, and prints the difference of the median task (median of the rounds). With `--consumer` a
third flow is traced as well while a healthy consumer, in a process of its own, is sent the events.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from main_job import machine


def main() -> None:
    """Run both flows in turn and print what tracing adds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--consumer", action="store_true", help="measure beside a healthy consumer, too")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"PREFECT_HOME": folder, "LINEAL_HOME": f"{folder}/.lineal"}
        from lineal.orchestration.server import embedded_server, quiet_environment

        quiet_environment()
        with embedded_server() as api:
            api.wait_ready()
            print(machine())
            if arguments.consumer:
                with consumer() as url:
                    measure(arguments.tasks, arguments.rounds, Path(folder), url)
            else:
                measure(arguments.tasks, arguments.rounds, Path(folder))


@contextmanager
def consumer() -> Iterator[str]:
    """A healthy consumer's URL."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def serve() -> None:
    """Be the consumer, until nobody needs it."""
    from tests.parts import consumer as parts

    with parts.consumer() as made:
        print(made.url, flush=True)
        sys.stdin.read()


def measure(tasks: int, rounds: int, folder: Path, url: str | None = None) -> None:
    """Time the flows in turn."""
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

    def delivered(count: int, seconds: float) -> float:
        from lineal.store.delivery.deliver import deliver_all, required
        from lineal.store.log import Store

        os.environ["OPENLINEAGE_URL"] = url or ""
        try:
            return recorded(count, seconds)
        finally:
            # What is left is not sent while the next flow is timed.
            deliver_all(Store(), *required())
            del os.environ["OPENLINEAGE_URL"]

    flows = {"with @traced": recorded} | ({"with @traced and a consumer": delivered} if url else {})
    for each in (plain, *flows.values()):
        each(5, 0.0)
    for seconds in (0.0, 0.1):
        bases = []
        added: dict[str, list[float]] = {name: [] for name in flows}
        for _ in range(rounds):
            bases.append(plain(tasks, seconds))
            for name, each in flows.items():
                added[name].append(each(tasks, seconds) - bases[-1])
        base = statistics.median(bases)
        print(f"tasks of {seconds * 1000:.0f} ms: {base * 1000:.2f} ms a task without")
        for name, differences in added.items():
            more = statistics.median(differences)
            spread = f"{min(differences) * 1000:+.2f} to {max(differences) * 1000:+.2f}"
            print(f"  {more * 1000:+.2f} ms {name} ({more / base:+.1%}; {spread})")


if __name__ == "__main__":
    main()
