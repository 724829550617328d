"""What a consumer costs the traced program, and how fast it is served: `python benchmarks/delivery.py`.

Traced calls (two events each) with no consumer, a healthy, a dead and a hanging one, in turn with the same events sent
by the official client's own transports: milliseconds a call (median), and the whole program's seconds with its end.
Then the rate at which a healthy consumer is sent a log that waits.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from main_job import machine
from traced import consumer as elsewhere

from tests.parts.consumer import consumer

COLUMNS = 30
STATES = ("healthy", "dead", "hanging")


def main() -> None:
    """Run every program in a process of its own, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--dead-calls", type=int, default=4, help="for transports that block while nobody answers")
    parser.add_argument("--program", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.program:
        program(arguments.program, arguments.calls)
        return
    print(machine())
    print(f"{'':26}" + "".join(f"{f'{state} consumer':>28}" for state in STATES))
    print(f"{'':26}" + f"{'ms a call   s in all':>28}" * len(STATES))
    for name in ("lineal without a consumer", "lineal", "official http", "official async_http", "official file"):
        cells = []
        for state in STATES:
            blocks = name == "official http" and state != "healthy"
            cells.append(run(name, arguments.dead_calls if blocks else arguments.calls, state))
        print(f"{name:26}" + "".join(f"{ms:>17.2f}{seconds:>11.1f}" for ms, seconds in cells))
    print(f"a log that waits: {rate(arguments.calls * 5):.0f} events/s to a healthy consumer")


def run(name: str, calls: int, state: str) -> tuple[float, float]:
    """Milliseconds a call, and seconds of the whole program."""
    with server(state) as url, tempfile.TemporaryDirectory() as folder:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("OPENLINEAGE", "LINEAL"))}
        environment |= {"LINEAL_HOME": folder, "BENCHMARK_URL": url}
        if name == "lineal":
            environment["OPENLINEAGE_URL"] = url
        command = [sys.executable, __file__, "--program", name, "--calls", str(calls)]
        start = time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder)
        seconds = time.perf_counter() - start
        if done.returncode:
            sys.exit(f"{name} failed:\n{done.stderr}")
        return float(done.stdout.split()[-1]), seconds


@contextmanager
def server(state: str) -> Iterator[str]:
    """A consumer's URL; nobody listens there, where it is dead, and nobody answers, where it hangs."""
    with consumer() as made:
        if state == "dead":
            made.refuse()
        elif state == "hanging":
            made.hang(60)
        yield made.url


def program(name: str, calls: int) -> None:
    """One program: time each of its calls, and print the median in milliseconds."""
    logging.disable(logging.CRITICAL)
    call = traced_call() if name.startswith("lineal") else official_call(name.removeprefix("official "))
    call()
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    print(statistics.median(times) * 1000)


def traced_call() -> Callable[[], Any]:
    """A call that is recorded, within a run, as a task is within its flow."""
    from lineal import Column, Dataset, traced

    columns = tuple(Column(f"column {number}", "double") for number in range(COLUMNS))
    table = Dataset("s3://bucket/table.parquet", version="1", columns=columns)

    @traced
    def step(data: Dataset) -> Dataset:
        return data

    inside: list[Any] = []

    def call() -> None:
        if not inside:
            from lineal.tracing.recording import recording

            # As within a flow: the run that ends last is the one that waits for its consumers.
            inside.append(recording(step, step, (), {}))
            inside[0].__enter__()
            import atexit

            atexit.register(inside[0].__exit__, None, None, None)
        step(table)

    return call


def official_call(kind: str) -> Callable[[], Any]:
    """The same two events, sent by the official client."""
    import requests
    from openlineage.client import OpenLineageClient

    from lineal.store.delivery.senders import as_event
    from lineal.store.log import Store

    traced_call()()
    bodies = [json.loads(body) for body in Store().events()]
    events = [as_event(body) for body in bodies if body["job"]["name"].endswith(".step")]
    config: dict[str, Any] = {"type": kind, "url": os.environ["BENCHMARK_URL"]}
    if kind == "file":
        config = {"type": "file", "log_file_path": "events.ndjson", "append": True}
    transport = OpenLineageClient(config={"transport": config}).transport
    assert len(events) == 2

    def call() -> None:
        for event in events:
            with suppress(requests.RequestException):  # what a program has to do that must go on
                transport.emit(event)

    return call


def rate(events: int) -> float:
    """Events a second that a healthy consumer is sent."""
    with tempfile.TemporaryDirectory() as folder:
        for name in [name for name in os.environ if name.startswith(("OPENLINEAGE", "LINEAL"))]:
            del os.environ[name]
        os.environ["LINEAL_HOME"] = folder
        call = traced_call()
        for _ in range(events // 2):
            call()
        from lineal.store.delivery import deliver
        from lineal.store.log import Store

        # In a process of its own, as a consumer is: else sending would wait for serving.
        with elsewhere() as url:
            os.environ["OPENLINEAGE_URL"] = url
            start = time.perf_counter()
            sent = deliver.deliver_all(Store(), deliver.required()[0]).sent
            seconds = time.perf_counter() - start
            del os.environ["OPENLINEAGE_URL"]
        return sent / seconds


if __name__ == "__main__":
    main()
