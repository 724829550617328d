"""What an audit costs in a large store: `python benchmarks/audit.py`.

`lineal audit` of one model with all policies as a whole process, in a store of a million events beside the events of a
model that a pipeline trained (`--pipeline`), all under checkpoints; then of one of the store's made-up models.
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
from store import fill

BIN = Path(sys.executable).parent
ROUNDS = 7


def main() -> None:
    """Fill a store, train in it, and audit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--pipeline", default="pipelines/breast_cancer.toml")
    parser.add_argument("--model", default="model:breast-cancer@champion")
    parser.add_argument("--folder", type=Path, help="where the store is made; a temporary folder where it is left out")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        os.environ["LINEAL_HOME"] = folder
        os.environ.pop("LINEAL_STORE", None)
        fill(0, arguments.events // 2)
        subprocess.run([str(BIN / "lineal"), "run", arguments.pipeline], check=True, stdout=subprocess.DEVNULL)
        fill(arguments.events // 2, arguments.events)
        sealed()
        for subject in (arguments.model, "model:chain@7"):
            times = [audit(subject) for _ in range(ROUNDS)]
            print(f"lineal audit {subject}: {statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f})")


def sealed() -> None:
    """Put all events under checkpoints."""
    from lineal.store import checkpoints
    from lineal.store.log import Store

    checkpoints.make(Store())


def audit(subject: str) -> float:
    """Seconds of an audit as a whole process."""
    start = time.perf_counter()
    done = subprocess.run(
        [str(BIN / "lineal"), "audit", subject, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    assert '"verdict": "pass"' in done.stdout
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
