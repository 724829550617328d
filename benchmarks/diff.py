"""Compare two dataset versions, beside pandas reading both and merging them on the id.

    python benchmarks/diff.py              # 1 million rows, 20 columns
    python benchmarks/diff.py 300000 --repeat 3

`lineal diff` runs as a command in a process of its own, by id and by content; pandas does the least that answers how
many rows were added, removed and changed. Printed are wall-clock seconds of the whole process (target: at most
10), seconds of CPU once all is imported, and how far resident memory grew over what the imports took, in units of one
table in memory (target: at most 4).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

COLUMNS = 20
MB = 1_000_000


def tables(rows: int) -> tuple[pa.Table, pa.Table]:
    """Two versions of a table: some rows went, some came, some cells changed, one column moved."""
    draw = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(500)])
    made: dict[str, object] = {"id": np.arange(rows)}
    made |= {f"measure{number}": draw.normal(size=rows) for number in range(9)}
    made |= {f"gap{number}": pa.array(draw.normal(size=rows), mask=draw.random(rows) < 0.05) for number in range(2)}
    made |= {f"count{number}": draw.integers(0, 1000, rows) for number in range(3)}
    made |= {f"word{number}": pa.array(words[draw.integers(0, 500, rows)]) for number in range(2)}
    made |= {"flag": draw.random(rows) < 0.5}
    made |= {"day": (np.datetime64("2020-01-01") + draw.integers(0, 1000, rows)).astype("M8[D]")}
    made |= {"note": pa.array([f"note {number} of a user" for number in range(rows)])}
    before = pa.table(made)
    assert before.num_columns == COLUMNS
    measure = before["measure3"].to_numpy().copy()
    measure[::100] += 1.0
    after = before.set_column(before.schema.get_field_index("measure3"), "measure3", pa.array(measure))
    moved = before["measure5"].to_numpy() * 1.1
    after = after.set_column(after.schema.get_field_index("measure5"), "measure5", pa.array(moved))
    later = after.slice(0, rows // 50).set_column(0, "id", pa.array(np.arange(rows, rows + rows // 50)))
    return before, pa.concat_tables([later, after.slice(rows // 100)]).combine_chunks()


RECORD = """
import sys, pyarrow as pa
sys.path.insert(0, {here!r})
from diff import tables
from lineal import traced
from lineal.datasets.table import write_table

@traced
def keep(table):
    return write_table(table, "big")

for table in tables({rows}):
    kept = keep(table)
    print(kept.version, kept.size, table.nbytes, kept.location)
"""
LINEAL = """
import resource, sys, time
import pyarrow.parquet, numpy, lineal.cli.diff, lineal.questions.diff.question, lineal.reports.diff, scipy.special
from lineal.cli.app import main
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
used = time.process_time()
try:
    main(sys.argv[1:])
finally:
    took = time.process_time() - used
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(f"{took} {grown}", file=sys.stderr)
"""
PANDAS = """
import resource, sys, time
import pandas as pd, pyarrow.parquet
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
used = time.process_time()
one, two = (pd.read_parquet(path) for path in sys.argv[1:3])
merged = one.merge(two, on="id", how="outer", suffixes=("", "_after"), indicator=True)
both = merged[merged["_merge"] == "both"]
changed = False
for name in one.columns.drop("id"):
    a, b = both[name], both[f"{name}_after"]
    changed = changed | ((a != b) & ~(a.isna() & b.isna()))
print((merged["_merge"] == "right_only").sum(), (merged["_merge"] == "left_only").sum(), changed.sum())
took = time.process_time() - used
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
print(f"{took} {grown}", file=sys.stderr)
"""


def run(code: str, *arguments: str) -> tuple[str, float, float, float]:
    """Run a program; give what it said, its seconds of CPU, of wall clock with all imports, and memory's growth."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    whole = time.perf_counter() - start
    took, grown = done.stderr.strip().splitlines()[-1].split()
    return done.stdout, float(took), whole, float(grown)


def main() -> None:
    """Measure, side by side and in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"LINEAL_HOME": folder, "DO_NOT_TRACK": "true"}
        os.chdir(folder)
        here = str(Path(__file__).resolve().parent)
        recorded = subprocess.run(
            [sys.executable, "-c", RECORD.format(here=here, rows=arguments.rows)],
            capture_output=True,
            text=True,
            check=True,
        )
        versions, sizes, in_memory, paths = zip(*(line.split() for line in recorded.stdout.splitlines()), strict=True)
        table = max(map(int, in_memory))
        subjects = [f"dataset:big@{version}" for version in versions]
        ways = {
            "lineal diff, by id": (LINEAL, "diff", *subjects, "--id", "id", "--json"),
            "lineal diff, by content": (LINEAL, "diff", *subjects, "--json"),
            "pandas, merged on the id": (PANDAS, *paths),
        }
        found: dict[str, list[tuple[float, float, float]]] = {way: [] for way in ways}
        said = {}
        for _ in range(arguments.repeat):
            for way, command in ways.items():
                said[way], *figures = run(*command)
                found[way].append(tuple(figures))
        by_id = json.loads(said["lineal diff, by id"])["tables"][0]
        counted = f"{by_id['added']} {by_id['removed']} {by_id['changed']}"
        assert said["pandas, merged on the id"].strip() == counted, (said["pandas, merged on the id"], counted)
        print(f"{platform.platform()}, {os.cpu_count()} cores; {arguments.rows:,} rows x {COLUMNS} columns, ", end="")
        print(
            f"{int(sizes[0]) / MB:.0f} MB in Parquet, {table / MB:.0f} MB in memory; added, removed, changed: {counted}"
        )
        for way, rounds in found.items():
            took, whole, grown = (statistics.median(each) for each in zip(*rounds, strict=True))
            spread = f"{min(each[1] for each in rounds):.1f} to {max(each[1] for each in rounds):.1f}"
            print(
                f"{way:26} {whole:5.1f} s ({spread}), of CPU without imports {took:5.1f} s, "
                f"memory + {grown / MB:5.0f} MB = {grown / table:.1f} tables"
            )


if __name__ == "__main__":
    main()
