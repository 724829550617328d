"""Version a large Parquet file and bring it back, side by side with one MD5 pass and a copy, and with `dvc checkout`.

    python benchmarks/versioning.py            # 1000 MB, 3 rounds
    python benchmarks/versioning.py 200 --rounds 5

Versioning is `Cache.add`, as the library keeps any file; its measure is one MD5 pass by hashlib plus one copy by
`shutil.copyfile` (target: at most 1.3 of it; the second time, unchanged, under 100 ms). `lineal restore` and
`dvc checkout` are whole processes that write the same file from the same cache (target: at most 1.2 of `dvc checkout`).
All run in turn, and the medians count.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MB = 1_000_000
_ADD = """
import sys, time
from pathlib import Path
from lineal.datasets.cache import Cache
cache = Cache()
start = time.perf_counter()
cache.add(Path(sys.argv[1]))
print(time.perf_counter() - start)
"""
_RECORD = """
import sys
from pathlib import Path
from lineal import Dataset, traced
from lineal.datasets.cache import Cache
@traced
def keep() -> Dataset:
    path, marks = Cache().add(Path(sys.argv[1]))
    return Dataset(path, "large", version=marks.md5, sha256=marks.sha256, size=marks.size)
print(keep().version)
"""


def generate(path: Path, size: int) -> None:
    """Write a Parquet file of at least `size` bytes that does not compress."""
    draw = np.random.default_rng(0)
    schema = pa.schema([(f"c{number}", pa.float64()) for number in range(10)])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        while path.stat().st_size < size:
            writer.write_table(pa.table([pa.array(draw.normal(size=100_000)) for _ in schema], schema=schema))


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Run all in turn and print the medians."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("size", type=int, nargs="?", default=1000, help="of the Parquet file, in MB")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--folder", type=Path, help="where to write; default the system's temporary folder")
    given = arguments.parse_args()
    found: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        found.setdefault(name, []).append(seconds)

    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        large, copy = folder / "large.parquet", folder / "copy.parquet"
        generate(large, given.size * MB)
        tool = Path(sys.executable).parent
        (folder / "prefect.yaml").touch()
        environment = os.environ | {"LINEAL_HOME": str(folder / ".lineal"), "DVC_NO_ANALYTICS": "1"}
        environment["DVC_SITE_CACHE_DIR"] = str(folder / "site")

        def run(*command: str | Path) -> str:
            words = [str(word) for word in command]
            return subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout

        run(tool / "dvc", "init", "--no-scm", "--quiet")
        print(f"{large.stat().st_size / MB:.0f} MB; {platform.machine()}, {os.cpu_count()} cores")
        for _ in range(given.rounds):
            with large.open("rb") as stream:
                passed = timed(lambda stream=stream: hashlib.file_digest(stream, "md5"))
            note("md5 pass and copy", passed + timed(lambda: shutil.copyfile(large, copy)))
            copy.unlink()
            for left in (folder / ".dvc" / "cache", folder / ".lineal" / "fingerprints"):
                shutil.rmtree(left, ignore_errors=True)
            note("lineal, new", float(run(sys.executable, "-c", _ADD, large)))
            note("lineal, unchanged", float(run(sys.executable, "-c", _ADD, large)))
        version = run(sys.executable, "-c", _RECORD, large).strip()
        pointer = f"outs:\n- md5: {version}\n  size: {large.stat().st_size}\n  hash: md5\n  path: out.parquet\n"
        (folder / "out.dvc").write_text(pointer)
        for _ in range(given.rounds):
            note("dvc checkout", timed(lambda: run(tool / "dvc", "checkout", "out.dvc")))
            (folder / "out.parquet").unlink()
            note(
                "lineal restore", timed(lambda: run(tool / "lineal", "restore", "dataset:large", "--to", "out.parquet"))
            )
            (folder / "out.parquet").unlink()
    middle = {name: statistics.median(seconds) for name, seconds in found.items()}
    for name, seconds in middle.items():
        print(f"{name:18} {seconds:6.2f} s   ({min(found[name]):.2f} to {max(found[name]):.2f})")
    print(f"versioning  {middle['lineal, new'] / middle['md5 pass and copy']:.2f}   (target: at most 1.30)")
    print(f"restore     {middle['lineal restore'] / middle['dvc checkout']:.2f}   (target: at most 1.20)")


if __name__ == "__main__":
    main()
