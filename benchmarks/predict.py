"""Score a large batch, side by side with a bare loop that reads Parquet, calls `predict_proba` and writes Parquet.

    python benchmarks/predict.py                  # 1,000,000 rows of 20 columns
    python benchmarks/predict.py 200000 --repeat 3

The model is of the shipped kind: a random forest of 100 trees of depth 5, with the preprocessing of `lineal run`.
`lineal` is the library's work of `lineal predict`: the source is read into a version of its own, held to the model's
columns, scored and compared with the training rows, and the predictions, each with an id, become a version. Each runs
in a process of its own, in turn. Printed are wall-clock seconds, their ratio (target: at most 1.25), and how far
resident memory grew over what imports and the loaded model took (target: at most 300 MB).
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
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

MB = 1_000_000
CHUNK = 1 << 16
RUN = UUID("01a210e4-32ad-74cb-b29a-0a0b84309b6f")
PIPELINE = """
name = "benchmark"
[source]
uri = "train.parquet"
target = "target"
id = "id"
[model]
estimator = "sklearn.ensemble.RandomForestClassifier"
params = { n_estimators = 100, max_depth = 5 }
"""


def rows(count: int, seed: int, start: int = 0) -> pa.Table:
    """Return `count` rows of an id, 16 columns of numbers, 3 of text and one of flags, and a target."""
    draw = np.random.default_rng(seed)
    columns: dict[str, Any] = {"id": np.arange(start, start + count)}
    columns |= {f"x{number}": draw.normal(size=count) for number in range(16)}
    columns |= {f"c{number}": draw.choice(["red", "green", "blue", "white"], count) for number in range(3)}
    columns["flag"] = draw.random(count) < 0.3
    columns["target"] = np.where(columns["x0"] + columns["x1"] + draw.normal(size=count) > 0, "yes", "no")
    return pa.table(columns)


def generate(folder: Path, count: int) -> None:
    """Write the batch as Parquet, and the pipeline's model and training profile."""
    from lineal.models import storage
    from lineal.models.fitting import fit
    from lineal.models.profile import profile_of
    from lineal.pipeline import parse

    with pq.ParquetWriter(folder / "batch.parquet", rows(1, 0).drop_columns("target").schema) as writer:
        for start in range(0, count, 100_000):
            some = rows(min(100_000, count - start), start + 1, start)
            writer.write_table(some.drop_columns("target"))
    train = rows(5000, 0).to_pandas()
    fitted = fit(parse(PIPELINE, folder / "benchmark.toml"), train)
    storage.save(fitted.estimator, folder / "model.skops")
    (folder / "profile.json").write_text(profile_of(fitted.estimator, train).to_json())


def by_lineal(folder: Path, model: Any) -> int:
    """Score as `lineal predict` does."""
    from lineal.datasets.cache import Cache
    from lineal.datasets.checks import require
    from lineal.datasets.sources import read
    from lineal.models.batch import hold
    from lineal.models.drift import compare
    from lineal.models.profile import Profile
    from lineal.models.scoring import score
    from lineal.pipeline import parse

    pipeline = parse(PIPELINE, folder / "benchmark.toml")
    with tempfile.TemporaryDirectory(dir=folder) as home:
        cache = Cache(Path(home))
        batch = read(str(folder / "batch.parquet"), "benchmark.batch", cache=cache)
        timed("read")
        held = hold(model, pipeline, batch)
        require(held.checks)
        timed("check")
        scores = score(
            model, batch.dataset, "benchmark.predictions", run_id=RUN, version=1, id_column=held.id, cache=cache
        )
        timed("score")
        compare(Profile.from_json((folder / "profile.json").read_text()), batch.dataset, pipeline.drift)
        timed("drift")
    return scores.predictions.rows or 0


def by_loop(folder: Path, model: Any) -> int:
    """Score as one would by hand."""
    writer, count = None, 0
    source = pq.ParquetFile(folder / "batch.parquet")
    with tempfile.TemporaryDirectory(dir=folder) as home:
        for batch in source.iter_batches(batch_size=CHUNK):
            frame = batch.to_pandas()
            told = model.predict_proba(frame)
            columns = {f"probability_{label}": told[:, place] for place, label in enumerate(model.classes_)}
            table = pa.table({"id": batch.column("id"), "prediction": model.classes_[told.argmax(axis=1)], **columns})
            writer = writer or pq.ParquetWriter(Path(home) / "out.parquet", table.schema)
            writer.write_table(table)
            count += len(frame)
        if writer is not None:
            writer.close()
    return count


WAYS: dict[str, Callable[[Path, Any], int]] = {"lineal": by_lineal, "loop": by_loop}
_steps: dict[str, float] = {}
_since = time.perf_counter()


def timed(step: str) -> None:
    """Note how long a step took."""
    global _since
    now = time.perf_counter()
    _steps[step], _since = now - _since, now


def measure(way: str, folder: Path) -> None:
    """Run one way in this process and print its figures as JSON."""
    import lineal.datasets.sources
    import lineal.models.drift
    import lineal.models.scoring  # noqa: F401  # their import is no part of the scoring
    from lineal.models import storage

    model = storage.load(folder / "model.skops")
    model.predict_proba(rows(10, 0).to_pandas())
    before = psutil.Process().memory_info().rss
    start, cpu = time.perf_counter(), time.process_time()
    timed("")
    count = WAYS[way](folder, model)
    seconds, busy = time.perf_counter() - start, time.process_time() - cpu
    _steps.pop("")
    figures = {"seconds": seconds, "cpu": busy, "growth": (peak() - before) / MB, "rows": count, "steps": _steps}
    print(json.dumps(figures))


def peak() -> int:
    """Return the most memory this process has held, in bytes."""
    if sys.platform == "linux":
        # Not ru_maxrss: there it starts at what the parent held when it started this process.
        (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Generate the batch, run both ways in turn, print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("rows", type=int, nargs="?", default=1_000_000)
    arguments.add_argument("--repeat", type=int, default=3, help="how often each way runs; the median counts")
    arguments.add_argument("--folder", type=Path, help="where to write; default the system's temporary folder")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        generate(folder, given.rows)
        size = (folder / "batch.parquet").stat().st_size / MB
        print(f"{given.rows} rows of 20 columns, {size:.0f} MB; {platform.machine()}, {os.cpu_count()} cores")
        found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
        for _ in range(given.repeat):
            for way, results in found.items():
                command = [sys.executable, __file__, "--measure", way, str(folder)]
                results.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
                assert results[-1]["rows"] == given.rows
        middle = {way: statistics.median(one["seconds"] for one in results) for way, results in found.items()}
        for way, results in found.items():
            steps = "  ".join(f"{step} {seconds:.2f}" for step, seconds in results[-1]["steps"].items())
            cpu, growth = statistics.median(one["cpu"] for one in results), max(one["growth"] for one in results)
            print(f"{way:8} {middle[way]:6.2f} s   cpu {cpu:6.2f} s   memory +{growth:.0f} MB   {steps}")
        print(f"ratio    {middle['lineal'] / middle['loop']:6.2f}     (target: at most 1.25)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
