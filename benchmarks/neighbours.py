"""Explain a row against a large training table: the nearest training rows, and each column's contribution.

    python benchmarks/neighbours.py            # 1,000,000 training rows of 16 numbers and 4 categories
    python benchmarks/neighbours.py 200000

The models are fitted to 20,000 of the rows, which changes nothing in what is measured: each row of the whole table is
compared. Printed are seconds, and how far resident memory grew. Each model is measured in a process of its own.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa

MB = 1 << 20
MODELS = {
    "sklearn.ensemble.RandomForestClassifier": "{ n_estimators = 100, max_depth = 5 }",
    "sklearn.ensemble.HistGradientBoostingClassifier": "{}",
    "sklearn.linear_model.LogisticRegression": "{ max_iter = 200 }",
    "sklearn.neighbors.KNeighborsClassifier": "{}",
}


def table(count: int) -> pa.Table:
    """Return `count` rows of 16 columns of numbers, 4 of text and a target."""
    draw = np.random.default_rng(0)
    columns = {f"x{number}": pa.array(draw.normal(size=count)) for number in range(16)}
    words = pa.array(["red", "green", "blue", "white"])
    columns |= {f"c{number}": words.take(pa.array(draw.integers(0, 4, count))) for number in range(4)}
    columns["target"] = pa.array(np.where(columns["x0"].to_numpy() > 0, "yes", "no"))
    return pa.table(columns)


def measure(estimator: str, count: int) -> None:
    """Fit, explain a row, and print what it took."""
    from lineal.datasets.read import to_frame
    from lineal.datasets.table import write_table
    from lineal.models.attribution import attribute
    from lineal.models.fitting import fit
    from lineal.models.neighbours import nearest
    from lineal.models.training_rows import TrainingRows
    from lineal.pipeline import parse

    text = f'name = "it"\n[source]\nuri = "a.csv"\ntarget = "target"\n[model]\nestimator = "{estimator}"\n'
    plan = parse(f"{text}params = {MODELS[estimator]}\n", Path("it.toml").absolute())
    train = write_table(table(count), "it.train")
    some = to_frame(write_table(table(20_000), "it.some"))
    model, row = fit(plan, some).estimator, some.iloc[[5]]
    before = psutil.Process().memory_info().rss
    began = time.perf_counter()
    training = TrainingRows(model, train)
    near = nearest(model, row, training)
    middle = time.perf_counter()
    found = attribute(model, row, training, target="target")
    end = time.perf_counter()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    name = estimator.rpartition(".")[2]
    print(
        f"{name:32} nearest by {near.measure:9} {middle - began:6.2f} s   contributions, {found.method:8} "
        f"{end - middle:5.2f} s   grown by at most {grown / MB:4.0f} MB",
        flush=True,
    )


def main() -> None:
    """Measure each model in a process of its own."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    if len(sys.argv) > 2:
        measure(sys.argv[2], count)
        return
    for estimator in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"LINEAL_HOME": folder}
            subprocess.run([sys.executable, __file__, str(count), estimator], env=environment, check=True)


if __name__ == "__main__":
    main()
