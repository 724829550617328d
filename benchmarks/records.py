"""How long `lineal impact record:…` takes: `python benchmarks/records.py`.

A hundred snapshots of a million rows and five columns, each with its split and a batch of predictions; the ids stand
in order, in none, and as text in none. The files lie in the page cache, as after being written.
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

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))
from main_job import machine

BIN = Path(sys.executable).parent


def main() -> None:
    """Make snapshots, then ask for a record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--snapshots", type=int, default=100)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print(machine())
    here = Path.cwd()
    for kind in ("ordered", "shuffled", "text"):
        with tempfile.TemporaryDirectory() as folder:
            os.environ |= {"LINEAL_HOME": folder, "LINEAL_STORE": f"sqlite:///{folder}/lineal.db"}
            os.chdir(folder)
            fill(kind, arguments.snapshots, arguments.rows)
            wanted = f"id-{arguments.rows // 2:012}" if kind == "text" else str(arguments.rows // 2)
            whole = []
            for _ in range(3):
                start = time.perf_counter()
                command = [str(BIN / "lineal"), "impact", f"record:demo/{wanted}"]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                whole.append(time.perf_counter() - start)
            os.chdir(here)
            said = next(line for line in done.stdout.splitlines() if "snapshots," in line)
            print(
                f"{arguments.snapshots} x {arguments.rows:,} rows, {kind} ids: {said}: {statistics.median(whole):.2f} s"
            )


def fill(kind: str, snapshots: int, rows: int) -> None:
    """Make snapshots that differ, each with its split, a model, and predictions."""
    from lineal import Dataset, Model, current_run, traced
    from lineal.datasets.table import write_table
    from lineal.datasets.types import ROW

    draw = np.random.default_rng(7)

    @traced
    def ingest(table: pa.Table) -> Dataset:
        current_run().input(Dataset("s3://lake/data.parquet", version="0" * 32, rows=rows))
        return write_table(table, "demo.snapshot")

    @traced
    def split(snapshot: Dataset, table: pa.Table) -> list[Dataset]:
        numbered = table.append_column(ROW, pa.array(np.arange(rows)))
        held = np.arange(rows) % 4 == 0
        return [
            write_table(numbered.filter(pa.array(mask)), f"demo.{part}")
            for part, mask in (("train", ~held), ("test", held))
        ]

    @traced
    def fit(train: Dataset) -> Model:
        return Model("demo.model", (train.version or "") * 2, "models:/m-1")

    @traced
    def score(model: Model, ids: pa.Array) -> Dataset:
        table = pa.table({"id": ids, "prediction": draw.normal(size=len(ids))})
        return write_table(table, "demo.predictions")

    @traced
    def pipeline() -> None:
        current_run().parameters({"source.id": "id"})
        numbers = np.arange(rows) if kind == "ordered" else draw.permutation(rows)
        ids = pa.array([f"id-{number:012}" for number in numbers] if kind == "text" else numbers)
        table = pa.table({"id": ids, **{f"x{number}": draw.normal(size=rows) for number in range(4)}})
        model = fit(split(ingest(table), table)[0])
        score(model, ids.slice(0, 1000))

    for _ in range(snapshots):
        pipeline()


if __name__ == "__main__":
    main()
