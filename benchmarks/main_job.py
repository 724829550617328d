"""The main job beside the same job written by hand, without lineage: `python benchmarks/main_job.py HANDWRITTEN.py`.

Both run in turn, each from an empty folder and an empty home: cold, with nothing started first; then warm, with one
Prefect server running for both. HANDWRITTEN.py takes a CSV and a target column, as the quickstarts of Prefect, MLflow
and scikit-learn would have it. Prints seconds (wall clock of whole processes) and their ratio, the median of the runs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def main() -> None:
    """Run both jobs, cold and warm."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("handwritten", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(machine())
    for label, server in (("cold", False), ("with a Prefect server running", True)):
        times: dict[str, list[float]] = {"handwritten": [], "lineal run": []}
        for _ in range(arguments.rounds):
            for name in times:
                times[name].append(timed(name, arguments.handwritten.resolve(), server=server))
        by_hand, ours = (statistics.median(found) for found in times.values())
        spread = "  ".join(f"{name} {min(found):.1f} to {max(found):.1f} s" for name, found in times.items())
        print(f"{label}: handwritten {by_hand:.1f} s, lineal run {ours:.1f} s, ratio {ours / by_hand:.2f}  ({spread})")


def timed(name: str, handwritten: Path, *, server: bool) -> float:
    """Time one job in an empty home and folder, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        work, home = Path(folder) / "work", Path(folder) / "home"
        home.mkdir()
        shutil.copytree(ROOT / "pipelines", work / "pipelines")
        for part in ("flows", "tasks"):
            shutil.copytree(ROOT / part, work / part)
        shutil.copy(ROOT / "prefect.yaml", work)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MLFLOW_", "LINEAL_"))}
        environment |= {"HOME": str(home), "DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
        data = "pipelines/data/breast_cancer.csv"
        command = {
            "handwritten": [sys.executable, str(handwritten), data, "diagnosis"],
            "lineal run": [str(BIN / "lineal"), "run", "pipelines/breast_cancer.toml"],
        }[name]
        with running_server(environment) if server else nothing():
            start = time.perf_counter()
            done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
            seconds = time.perf_counter() - start
        if done.returncode:
            sys.exit(f"{name} failed:\n{done.stdout}\n{done.stderr}")
        return seconds


@contextmanager
def nothing() -> Iterator[None]:
    """Start nothing."""
    yield


@contextmanager
def running_server(environment: dict[str, str]) -> Iterator[None]:
    """A Prefect server, warm, that the environment points to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(BIN / "prefect"), "server", "start", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    environment["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{environment['PREFECT_API_URL']}/health", timeout=5)  # noqa: S310 - loopback
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        time.sleep(5)  # its services settle
        yield
    finally:
        process.terminate()
        process.wait()


def machine() -> str:
    """What the figures were taken on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown CPU",
    )
    return f"{os.cpu_count()} cores of {model}, Python {sys.version.split()[0]}"


if __name__ == "__main__":
    main()
