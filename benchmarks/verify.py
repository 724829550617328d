"""What proof costs: `python benchmarks/verify.py`.

What a checkpoint adds to a run of sixteen events, on a store that has many; then `lineal verify` of a whole store of a
million events as a process, its memory, and the same of the exported log alone.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from main_job import machine
from store import chain_events, fill

BIN = Path(sys.executable).parent


def main() -> None:
    """Measure checkpoints, then verification."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--folder", type=Path, help="where the store is made; a temporary folder where it is left out")
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fill:
        # `lineal verify` would look for its models in MLflow.
        fill(0, arguments.events, registered=False)
        return
    print(machine())
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        os.environ["LINEAL_HOME"] = folder
        os.environ.pop("LINEAL_STORE", None)
        first, rest = checkpoint(arguments.runs)
        print(f"a checkpoint of a run: the first, with its key, {first * 1000:.1f} ms")
        print(f"  then {statistics.median(rest) * 1000:.1f} ms in the median, at most {max(rest) * 1000:.1f} ms")
        # Elsewhere: what a process has had in memory is counted for those that it starts as well.
        subprocess.run([sys.executable, __file__, "--fill", "--events", str(arguments.events)], check=True)
        print(f"a checkpoint over what was imported: {made():.1f} s")
        _, rest = checkpoint(arguments.runs)
        print(f"a checkpoint of a run beside that: {statistics.median(rest) * 1000:.1f} ms")
        print("lineal verify: {:.1f} s, {:.0f} MB".format(*process("verify")))
        log = Path(folder) / "log.ndjson"
        print("lineal events --checkpoints: {:.1f} s, {:.0f} MB".format(*process("events", "--checkpoints", to=log)))
        seconds, memory = process("verify", "--log", str(log), "--public-key", f"{folder}/keys/log.pub")
        print(f"lineal verify --log, {log.stat().st_size / 1e9:.2f} GB: {seconds:.1f} s, {memory:.0f} MB")


def checkpoint(runs: int) -> tuple[float, list[float]]:
    """Seconds that a checkpoint takes after each of some runs: the first, and the others."""
    from lineal.store import checkpoints
    from lineal.store.log import Store

    store, spans = Store(), []
    for run in range(runs):
        for number in range(8):
            for event in chain_events(10**9 + run * 8 + number, "apart", registered=False):
                store.append(event)
        start = time.perf_counter()
        checkpoints.make(store, most=2000, patience=2)
        spans.append(time.perf_counter() - start)
    return spans[0], spans[1:]


def made() -> float:
    """Seconds to put all that is under no checkpoint under some."""
    from lineal.store import checkpoints
    from lineal.store.log import Store

    start = time.perf_counter()
    checkpoints.make(Store())
    return time.perf_counter() - start


def process(*words: str, to: Path | None = None) -> tuple[float, float]:
    """Seconds, and the most memory in MB, of a command as a whole process, which must end with status 0."""
    start = time.perf_counter()
    with (to or Path(os.devnull)).open("wb") as out:
        started = subprocess.Popen([str(BIN / "lineal"), *words], stdout=out)
        # This one alone: what else was started here had its own memory.
        _, status, used = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    assert started.returncode == 0
    return time.perf_counter() - start, used.ru_maxrss / 1000


if __name__ == "__main__":
    main()
