"""Lineal beside `openlineage-prefect`, on the same flows: which events come, and which are valid.

`python benchmarks/against_openlineage_prefect.py PYTHON --check TOOL`, where PYTHON is of an environment
of its own with it (`pip install openlineage-prefect==0.0.1b22 "httpx<1" "fastapi<0.151" "sqlalchemy<2.1"`), and TOOL a
program that reads NDJSON and prints a line for each finding and `errors=N`. Every flow is run by a Prefect server as a
deployment, unless it says otherwise, once traced by Lineal, and once as it is with the listener beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from main_job import machine

from tests.parts.consumer import Consumer, consumer

# What each flow's runs should leave, each attempt a run of its own.
EXPECTED = {
    "ok": {"START": 2, "COMPLETE": 2},
    "fail": {"START": 2, "FAIL": 2},
    "retry": {"START": 3, "FAIL": 1, "COMPLETE": 2},
    "cached": {"START": 3, "COMPLETE": 3},
    "timeout": {"START": 2, "FAIL": 2},
    "cancelled": {"START": 2, "ABORT": 2},
    "subflow": {"START": 3, "COMPLETE": 3},
    "no deployment": {"START": 2, "COMPLETE": 2},
    "consumer down": {"START": 2, "COMPLETE": 2},
}
LISTENER = """
import asyncio
from openlineage_prefect.prefect_adapter.listener import PrefectOpenLineageListener
asyncio.run(PrefectOpenLineageListener().collect_and_process_runs())
"""
FLOWS = Path(__file__).with_name("compared_flows.py")
SETTLE_SECONDS = 6


def main() -> None:
    """Run every flow both ways."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("python")
    parser.add_argument("--check", type=Path)
    parser.add_argument("--flows", nargs="*", default=list(EXPECTED))
    arguments = parser.parse_args()
    # What is asked is what the listener does, not whether it is there.
    subprocess.run([arguments.python, "-c", "import openlineage_prefect.prefect_adapter.listener"], check=True)
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"PREFECT_HOME": folder, "LINEAL_HOME": f"{folder}/.lineal"}
        from lineal.orchestration.server import embedded_server, quiet_environment

        quiet_environment()
        with embedded_server() as api:
            api.wait_ready()
            print(
                f"| {'flow':14} | expected | lineal: missing | too many | invalid | openlineage-prefect: missing "
                "| too many | invalid |"
            )
            print("|---|---|---|---|---|---|---|---|")
            for name in arguments.flows:
                expected = EXPECTED[name]
                cells = [str(sum(expected.values()))]
                for way in ("traced", "plain"):
                    events = record(name, way, arguments.python, Path(folder))
                    cells += [str(number) for number in judged(events, expected, arguments.check)]
                print(f"| {name:14} | {' | '.join(cells)} |", flush=True)


def record(name: str, way: str, python: str, folder: Path) -> list[dict[str, Any]]:
    """The events that one flow leaves at a consumer."""
    with consumer() as there:
        environment = {
            **os.environ,
            "OPENLINEAGE_NAMESPACE": "benchmark",
            "OPENLINEAGE__TRANSPORT__TYPE": "http",
            "OPENLINEAGE__TRANSPORT__URL": there.url,
            "OPENLINEAGE__TRANSPORT__ENDPOINT": "api/v1/lineage",
            "LINEAL_HOME": str(folder / f"lineal-{name.replace(' ', '-')}"),
            "PYTHONPATH": str(Path(__file__).parent),
        }
        with listener(python, environment) if way == "plain" else nothing():
            run(name, way, there, environment)
            if way == "traced":
                # What a consumer that was down gets by the next run, or by this.
                lineal = [str(Path(sys.executable).parent / "lineal"), "sweep"]
                subprocess.run(lineal, env=environment, capture_output=True, check=False)
            time.sleep(SETTLE_SECONDS)
        return list(there.events)


def run(name: str, way: str, there: Consumer, environment: dict[str, str]) -> None:
    """Run one flow to its end."""
    if name == "no deployment":
        once = [sys.executable, str(FLOWS), "once"]
        subprocess.run(once, env=environment | {"COMPARED": way}, capture_output=True, check=False)
        return
    from prefect.client.orchestration import get_client
    from prefect.deployments import run_deployment
    from prefect.states import Cancelling

    if name == "consumer down":
        there.refuse()
    with serving(way, environment), get_client(sync_client=True) as client:
        flow = {"consumer down": "ok"}.get(name, name)
        state = run_deployment(f"{flow}/{flow}", timeout=0)
        begun = time.monotonic()
        while True:
            found = client.read_flow_run(state.id)
            if found.state is not None and found.state.is_final():
                break
            if name == "cancelled" and found.state is not None and found.state.is_running():
                time.sleep(3)
                client.set_flow_run_state(state.id, Cancelling())
                name = "being cancelled"
            if time.monotonic() - begun > 120:
                sys.exit(f"{name} has not ended: {found.state}")
            time.sleep(0.5)
        time.sleep(SETTLE_SECONDS)
    there.come_back()


@contextmanager
def listener(python: str, environment: dict[str, str]) -> Iterator[None]:
    """The listener beside Prefect."""
    process = subprocess.Popen(
        [python, "-c", LISTENER], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(SETTLE_SECONDS)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def serving(way: str, environment: dict[str, str]) -> Iterator[None]:
    """A process that runs the deployments."""
    process = subprocess.Popen(
        [sys.executable, str(FLOWS), "serve"],
        env=environment | {"COMPARED": way},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(SETTLE_SECONDS)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def nothing() -> Iterator[None]:
    """Start nothing."""
    yield


def judged(events: Sequence[dict[str, Any]], expected: dict[str, int], check: Path | None) -> tuple[int, int, str]:
    """How many events are missing, how many are too many, and how many findings the checker has."""
    marks = {(event["run"]["runId"], event.get("eventType")) for event in events}
    kinds = Counter(kind for _, kind in marks)
    missing = sum(max(0, count - kinds[kind]) for kind, count in expected.items())
    more = sum(max(0, kinds[kind] - expected.get(kind, 0)) for kind in kinds)
    if check is None:
        return missing, more, "-"
    lines = "\n".join(json.dumps(event) for event in events)
    done = subprocess.run([sys.executable, check, "-"], input=lines, capture_output=True, text=True, check=False)
    found = [word for word in done.stdout.split() if word.startswith("errors=")]
    return missing, more, found[-1].removeprefix("errors=") if found else "-"


if __name__ == "__main__":
    main()
