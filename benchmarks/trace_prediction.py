"""Trace a prediction in a large batch, each time as a process of its own, as a user does.

    python benchmarks/trace_prediction.py                  # a batch of 10,000,000 rows
    python benchmarks/trace_prediction.py 1000000 --repeat 3

A random forest is trained by `lineal run` on 20,000 rows of 6 columns, a batch is scored by `lineal predict`, and rows
all over the batch are traced by `lineal trace prediction:ID`, with and without an explanation. Printed are wall-clock
and processor seconds (targets: at most 1.5 s of wall-clock without explanation, 6 s with it), beside those of a process
that only imports what an explanation needs and of one that only prints `lineal --version`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
LINEAL = [str(Path(sys.executable).parent / "lineal")]
IMPORTS = [sys.executable, "-c", "import pandas, sklearn.ensemble, skops.io, shap"]
PIPELINE = """
name = "benchmark"
[source]
uri = "train.parquet"
target = "target"
id = "id"
[model]
estimator = "sklearn.ensemble.RandomForestClassifier"
params = { n_estimators = 20, max_depth = 6 }
[register]
name = "benchmark"
alias = "champion"
"""


def rows(count: int, seed: int, start: int = 0) -> dict[str, Any]:
    """Return `count` rows of an id, four columns of numbers and one of text."""
    draw = np.random.default_rng(seed)
    columns: dict[str, Any] = {"id": np.arange(start, start + count)}
    columns |= {f"x{number}": draw.normal(size=count) for number in range(4)}
    columns["colour"] = pa.array(["red", "green", "blue"]).take(pa.array(draw.integers(0, 3, count)))
    return columns


def generate(project: Path, count: int) -> None:
    """Write a project: the shipped flows, a pipeline, its training rows and a batch."""
    for name in ("flows", "tasks"):
        (project / name).symlink_to(ROOT / name)
    (project / "prefect.yaml").write_text((ROOT / "prefect.yaml").read_text())
    (project / "benchmark.toml").write_text(PIPELINE)
    train = rows(20_000, 0)
    train["target"] = np.where(train["x0"] + train["x1"] ** 2 > 1, "yes", "no")
    pq.write_table(pa.table(train), project / "train.parquet")
    with pq.ParquetWriter(project / "batch.parquet", pa.table(rows(1, 0)).schema) as writer:
        for start in range(0, count, 500_000):
            writer.write_table(pa.table(rows(min(500_000, count - start), start + 1, start)))


def run(project: Path, words: Sequence[str]) -> tuple[str, float, float]:
    """Run a command; return its output, wall-clock and processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stderr}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, took, used


def main() -> None:
    """Set up, trace, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="a folder to set up in, or one that was, which is used again")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(("LINEAL_", "MLFLOW_", "OPENLINEAGE_", "PREFECT_"))]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as folder:
        project = given.keep or Path(folder)
        if not (project / "predicted.json").exists():
            project.mkdir(exist_ok=True)
            generate(project, given.rows)
            run(project, [*LINEAL, "run", "benchmark.toml"])
            told, took, _ = run(
                project, [*LINEAL, "predict", "model:benchmark@champion", "--data", "batch.parquet", "--json"]
            )
            (project / "predicted.json").write_text(told)
            print(f"the batch was scored in {took:.0f} s")
        predicted = json.loads((project / "predicted.json").read_text())
        measure(project, predicted["example"].removesuffix("1"), predicted["rows"], given.repeat)


def measure(project: Path, prefix: str, count: int, repeat: int) -> None:
    """Trace rows all over the batch, in turn with what is only there to compare with."""
    places = np.random.default_rng(0).integers(1, count, size=repeat)
    took: dict[str, list[tuple[float, float]]] = {}
    for place in places:
        subject = f"prediction:{prefix}{place}"
        asked = {
            "lineal --version": [*LINEAL, "--version"],
            "trace, without explanation": [*LINEAL, "trace", subject, "--no-explain", "--json"],
            "imports alone": IMPORTS,
            "trace, with explanation": [*LINEAL, "trace", subject, "--json"],
        }
        for name, words in asked.items():
            out, wall, used = run(project, words)
            took.setdefault(name, []).append((wall, used))
            if "trace" in name:
                # The batch's rows are numbered from 0 by their id: that it is the right one is seen here.
                assert json.loads(out)["prediction"]["input"]["id"] == place - 1
                assert json.loads(out)["prediction"]["source"]["row"] == place
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{count:,} rows, {repeat} rows traced, {machine}")
    for name, figures in took.items():
        walls, used = zip(*figures, strict=True)
        print(
            f"  {name:28} {statistics.median(walls):6.2f} s wall-clock (least {min(walls):.2f}) "
            f"{statistics.median(used):6.2f} s of processor"
        )


if __name__ == "__main__":
    main()
