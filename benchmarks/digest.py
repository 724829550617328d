"""Take the digest of a large random forest, side by side with saving it in skops's format.

    python benchmarks/digest.py            # 500 trees of depth 12, 100,000 rows
    python benchmarks/digest.py --trees 100 --repeat 7

Both run in turn in one process on one fitted model. Printed are wall-clock seconds, medians of the rounds, and the
median of each round's own ratio (target: at most 0.3).
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import RandomForestClassifier

from lineal.models.digest import leaves, of_leaves, to_csv

COLUMNS = 20


def forest(rows: int, trees: int, depth: int) -> RandomForestClassifier:
    """Fit a forest to rows whose classes its trees cannot tell apart early."""
    draw = np.random.default_rng(0)
    table = draw.normal(size=(rows, COLUMNS))
    classes = (table[:, :5].sum(axis=1) + draw.normal(size=rows) * 2 > 0).astype(int)
    return RandomForestClassifier(trees, max_depth=depth, random_state=0, n_jobs=-1).fit(table, classes)


def timed(work: Callable[[], Any]) -> float:
    """How long one call takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Fit once, then take both in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trees", type=int, default=500)
    parser.add_argument("--depth", type=int, default=12)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    model = forest(given.rows, given.trees, given.depth)
    nodes = sum(tree.tree_.node_count for tree in model.estimators_)
    taken: dict[str, list[float]] = {"digest": [], "with its table as CSV": [], "skops.io.dumps": []}
    for _ in range(given.repeat):
        taken["digest"].append(timed(lambda: of_leaves(leaves(model))))
        taken["with its table as CSV"].append(timed(lambda: to_csv(leaves(model))))
        taken["skops.io.dumps"].append(timed(lambda: skops.io.dumps(model)))
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    sys.stdout.write(
        f"{given.trees} trees of depth {given.depth}, {nodes:,} nodes; Python {platform.python_version()}\n"
    )
    for name, seconds in taken.items():
        spread = f"{min(seconds):.3f} to {max(seconds):.3f} s"
        sys.stdout.write(f"{name:24} {medians[name]:7.3f} s   ({spread})\n")
    # What else the machine does meets both of a round.
    rounds = zip(taken["digest"], taken["skops.io.dumps"], strict=True)
    ratio = statistics.median(one / other for one, other in rounds)
    sys.stdout.write(f"digest / skops.io.dumps: {ratio:.2f} (target: at most 0.3)\n")
    sys.stdout.write(json.dumps({"medians": medians, "ratio": ratio}) + "\n")


if __name__ == "__main__":
    main()
