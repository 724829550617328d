"""What a pack costs: `python benchmarks/export.py`.

`lineal export` of an example model as a whole process, without and with the data's rows, and `lineal verify` of it.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from main_job import machine

BIN = Path(sys.executable).parent
ROUNDS = 5


def main() -> None:
    """Train, export and verify."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pipeline", default="pipelines/breast_cancer.toml")
    parser.add_argument("--model", default="model:breast-cancer@champion")
    parser.add_argument("--folder", type=Path, help="where the store is made; a temporary folder where it is left out")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        os.environ["LINEAL_HOME"] = folder
        os.environ.pop("LINEAL_STORE", None)
        lineal("run", arguments.pipeline)
        pack = Path(folder) / "pack.zip"
        words = ("export", arguments.model, "--to", str(pack), "--force")
        tell("lineal export", words)
        tell("lineal export --with-data", (*words, "--with-data"))
        print(f"the pack with data: {pack.stat().st_size / 1e6:.1f} MB")
        tell("lineal verify", ("verify", str(pack)))


def tell(what: str, words: tuple[str, ...]) -> None:
    """Run a command several times, and print what it takes; on a busy machine the processor's time tells more."""
    before = worked()
    times = [lineal(*words) for _ in range(ROUNDS)]
    work = (worked() - before) / ROUNDS
    print(
        f"{what}: {statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f}), {work:.2f} s of a processor"
    )


def worked() -> float:
    """Seconds that processes which have ended worked on a processor."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def lineal(*words: str) -> float:
    """Seconds of a command as a whole process."""
    start = time.perf_counter()
    done = subprocess.run([str(BIN / "lineal"), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
