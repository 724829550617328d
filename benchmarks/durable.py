"""Is an event ever lost? `python benchmarks/durable.py` kills programs, under a consumer that comes and goes.

Programs record runs, plain ones and Prefect flows with tasks, and note each event that was said to be on disk; they are
killed with SIGKILL at random moments. Afterwards one sweep is made and the log is delivered. Printed: events that were
noted and are not in the log, events that the consumer has not got, runs left open, and what the checker finds wrong
(`--check TOOL`, a program that reads NDJSON and prints `errors=N`).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from main_job import machine

from tests.parts.consumer import Consumer, consumer


def main() -> None:
    """Run and kill programs until enough runs were begun, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--flows", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--check", type=Path)
    parser.add_argument("--program", choices=["plain", "flow"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.program:
        program(arguments.program)
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"LINEAL_HOME": f"{folder}/.lineal", "PREFECT_HOME": folder, "ACKNOWLEDGED": f"{folder}/noted"}
        from lineal.orchestration.server import embedded_server, quiet_environment

        quiet_environment()
        with embedded_server() as api, consumer() as there:
            api.wait_ready()
            os.environ["OPENLINEAGE_URL"] = there.url
            chance = random.Random(arguments.seed)  # noqa: S311 - no secret
            stop = threading.Event()
            weather = threading.Thread(target=come_and_go, args=(there, stop, random.Random(arguments.seed)))  # noqa: S311
            weather.start()
            kills = kill_programs("flow", arguments.flows, chance)
            kills += kill_programs("plain", arguments.runs, chance)
            stop.set()
            weather.join()
            there.accept()
            there.come_back()
            report(there, kills, arguments.check)


def program(kind: str) -> None:
    """Record runs until killed; note each event after it was said to be on disk."""
    import logging

    from lineal import Dataset, traced
    from lineal.store.log import Store

    logging.disable(logging.CRITICAL)
    noted = os.open(os.environ["ACKNOWLEDGED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    append = Store.append

    def noting(self, event, body=None, **options):  # type: ignore[no-untyped-def]
        seq = append(self, event, body, **options)
        if seq is not None:
            os.write(noted, f"{event['run']['runId']} {event['eventType']} {event['job']['name']}\n".encode())
            print("begun", flush=True)
        return seq

    Store.append = noting  # type: ignore[method-assign]

    def step(data):  # type: ignore[no-untyped-def]
        time.sleep(random.random() / 100)  # noqa: S311
        return data

    table = Dataset("s3://bucket/table", version="1")
    if kind == "plain":

        @traced
        def outer(data: Any) -> None:
            traced(step)(data)

        while True:
            outer(table)
    from prefect import flow, task
    from prefect.cache_policies import NO_CACHE

    work = task(traced(step), name="step", cache_policy=NO_CACHE)

    @flow
    @traced
    def killed(data: Any) -> None:
        work(work(data))

    while True:
        killed(table)


def kill_programs(kind: str, wanted: int, chance: random.Random) -> int:
    """Start programs two at a time and kill each after a while, until so many of their runs were begun."""
    kills = 0
    while begun(kind) < wanted:
        programs = [
            subprocess.Popen(
                [sys.executable, __file__, "--program", kind],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for _ in range(2)
        ]
        for each in programs:
            assert each.stdout is not None
            each.stdout.readline()  # it has begun its first run
        for each in programs:
            time.sleep(chance.uniform(0.0, 2.0))
            each.kill()
            each.communicate()
            kills += 1
    return kills


def begun(kind: str) -> int:
    """How many runs of a kind were begun: flow runs, or plain runs of both levels."""
    prefix = "killed" if kind == "flow" else "outer"
    path = Path(os.environ["ACKNOWLEDGED"])
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    starts = [line.split() for line in lines if line.split()[1] == "START"]
    if kind == "flow":
        return sum(job == "killed" for _, _, job in starts)
    return sum(job.startswith(prefix) for _, _, job in starts)


def come_and_go(there: Consumer, stop: threading.Event, chance: random.Random) -> None:
    """Let the consumer be well, down, slow, silent and cross in turn."""
    while not stop.wait(chance.uniform(0.2, 1.5)):
        there.accept()
        there.come_back()
        chance.choice(
            [
                there.accept,
                there.refuse,
                lambda: there.hang(1),
                lambda: there.answer(503),
                lambda: there.slow(0.05),
                lambda: there.cut("response"),
                lambda: there.cut("request"),
            ]
        )()


def report(there: Consumer, kills: int, check: Path | None) -> None:
    """Sweep once, deliver, and count what is missing."""
    from lineal.store.delivery import deliver
    from lineal.store.log import Store
    from lineal.store.runs import open_runs
    from lineal.tracing.sweep import sweep

    store = Store()
    ended = sweep(store)
    left = len(open_runs(store))
    delivery = deliver.deliver_all(store, deliver.required()[0])
    bodies = list(store.events())
    log = {mark(json.loads(body)) for body in bodies}
    noted = {tuple(line.split()[:2]) for line in Path(os.environ["ACKNOWLEDGED"]).read_text().split("\n")[:-1]}
    got = {mark(event) for event in there.events}
    runs = {run for run, _ in log}
    flows = sum(json.loads(body)["job"]["name"] == "killed" for body in bodies if '"START"' in body)
    print(f"{len(runs)} runs ({flows} of them Prefect flow runs), {len(bodies)} events, {kills} programs killed")
    print(
        f"lost: {len(noted - log)} noted and not in the log; "
        f"{len(log - got)} not at the consumer ({delivery.waiting} wait)"
    )
    print(f"open after one sweep: {left} (it ended {len(ended)})")
    if check is not None:
        done = subprocess.run(
            [sys.executable, check, "-"], input="\n".join(bodies), capture_output=True, text=True, check=False
        )
        print(f"checker: {done.stdout.strip().splitlines()[-1]}")


def mark(event: dict[str, object]) -> tuple[str, str]:
    """What tells an event: its run and its type."""
    run = event["run"]
    assert isinstance(run, dict)
    return str(run["runId"]), str(event["eventType"])


if __name__ == "__main__":
    main()
