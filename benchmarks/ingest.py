"""Ingest a large CSV, side by side with pyarrow's own conversion to Parquet and one MD5 pass.

    python benchmarks/ingest.py            # 1000 MB
    python benchmarks/ingest.py 300 --repeat 3

Each runs in a process of its own, in turn. Printed are wall-clock seconds, their ratio (target: at most 1.5), and how
far resident memory grew over what the imports took (target: at most 400 MB).
"""

from __future__ import annotations

import argparse
import hashlib
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

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

MB = 1_000_000
ROWS = 100_000


def generate(path: Path, size: int) -> int:
    """Write a CSV of mixed columns, of at least `size` bytes; return its rows."""
    draw = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(500)])
    start = 0
    with path.open("wb") as out:
        while out.tell() < size:
            table = pa.table(
                {
                    "id": np.arange(start, start + ROWS),
                    "measure": draw.normal(size=ROWS),
                    "amount": pa.array(np.round(draw.normal(100, 30, ROWS), 2), mask=draw.random(ROWS) < 0.05),
                    "count": draw.integers(0, 1000, ROWS),
                    "flag": draw.random(ROWS) < 0.5,
                    "region": np.array(["north", "south", "east", "west"])[draw.integers(0, 4, ROWS)],
                    "day": np.datetime64("2020-01-01") + draw.integers(0, 1000, ROWS),
                    "seen": (np.datetime64("2020-01-01T00:00:00") + draw.integers(0, 10**8, ROWS)).astype("M8[s]"),
                    "note": [" ".join(some) for some in words[draw.integers(0, 500, (ROWS, 3))]],
                }
            )
            pa_csv.write_csv(table, out, pa_csv.WriteOptions(include_header=start == 0))
            start += ROWS
    return start


def by_lineal(source: Path, folder: Path) -> int:
    """Ingest as `lineal run` does."""
    from lineal.datasets.cache import Cache
    from lineal.datasets.sources import read

    return read(str(source), "benchmark.snapshot", cache=Cache(folder / "cache")).dataset.rows or 0


def by_pyarrow(source: Path, folder: Path) -> int:
    """Convert as pyarrow's documentation does, then hash the source."""
    rows = 0
    reader = pa_csv.open_csv(source)
    with pq.ParquetWriter(folder / "plain.parquet", reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    with source.open("rb") as stream:
        hashlib.file_digest(stream, "md5")
    return rows


WAYS: dict[str, Callable[[Path, Path], int]] = {"lineal": by_lineal, "pyarrow": by_pyarrow}


def measure(way: str, source: Path, folder: Path) -> None:
    """Run one way in this process and print its figures as JSON."""
    import lineal.datasets.sources  # noqa: F401  # its import is no part of the conversion

    before = psutil.Process().memory_info().rss
    start, cpu = time.perf_counter(), time.process_time()
    rows = WAYS[way](source, folder)
    seconds, busy = time.perf_counter() - start, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu": busy, "growth": (peak() - before) / MB, "rows": rows}))


def peak() -> int:
    """Return the most memory this process has held, in bytes."""
    if sys.platform == "linux":
        # Not ru_maxrss: there it starts at what the parent held when it started this process.
        (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run(way: str, source: Path) -> dict[str, float]:
    """Measure one way in a fresh process and an empty folder."""
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        command = [sys.executable, __file__, "--measure", way, str(source), folder]
        found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return found


def main() -> None:
    """Generate the source, run both ways in turn, print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("size", type=int, nargs="?", default=1000, help="of the CSV, in MB")
    arguments.add_argument("--repeat", type=int, default=1, help="how often each way runs; the median counts")
    arguments.add_argument("--folder", type=Path, help="where to write; default the system's temporary folder")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        source = Path(folder) / "large.csv"
        rows = generate(source, given.size * MB)
        print(f"{source.stat().st_size / MB:.0f} MB, {rows} rows; {platform.machine()}, {os.cpu_count()} cores")
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(given.repeat):
            for way, results in found.items():
                results.append(run(way, source))
                assert results[-1]["rows"] == rows
        middle = {way: statistics.median(one["seconds"] for one in results) for way, results in found.items()}
        for way, results in found.items():
            growth, cpu = (max(one[what] for one in results) for what in ("growth", "cpu"))
            print(f"{way:8} {middle[way]:6.2f} s   cpu {cpu:6.2f} s   memory +{growth:.0f} MB")
        print(f"ratio    {middle['lineal'] / middle['pyarrow']:6.2f}     (target: at most 1.50)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
