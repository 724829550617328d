"""How far held-out figures are to be trusted: bootstrap intervals, out of the answers that an evaluation kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

LEVEL, DRAWS, SEED = 0.95, 300, 0
# Of more rows the draws would take minutes, and an interval would be as narrow as the figure's last digits.
MOST_ROWS = 20_000
_LEAST_ROWS = 10
# In so many of the draws a metric must be defined.
_DEFINED = 0.9


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure would lie in 95 of 100 samples of as many rows, by percentiles of the bootstrap."""

    low: float
    high: float


def intervals(table: pa.Table, values: Mapping[str, float]) -> dict[str, Interval]:
    """Find the intervals of held-out figures, by drawing the held-out rows again with replacement (B. Efron, 1979).

    Args:
        table: an evaluation's predictions: `actual`, `prediction`, and of a classifier `probability_…` or `score_…`.
        values: the figures on record, by scikit-learn's scorer names.

    Returns:
        By name; without those that the answers do not give again, that are defined in too few draws, that are the
        same in all of them, or of which there are too few or too many rows.
    """
    import numpy as np

    from lineal.models.resampling import Judged

    rows = table.num_rows
    if not _LEAST_ROWS <= rows <= MOST_ROWS or not {"actual", "prediction"} <= set(table.column_names):
        return {}
    judged = Judged.of_table(table)
    whole = [np.arange(rows)]
    names = [name for name in values if judged.gives(name)]
    # The others are scorers of another release, or of rows that are not these.
    names = [name for name, (found,) in judged.drawn(names, whole).items() if _same(found, values[name])]
    made = np.random.default_rng(SEED)
    drawn = judged.drawn(names, (made.integers(0, rows, rows) for _ in range(DRAWS)))
    told = {name: found[np.isfinite(found)] for name, found in drawn.items()}
    edge = (1 - LEVEL) / 2
    return {
        name: Interval(*(float(each) for each in np.quantile(found, (edge, 1 - edge))))
        for name, found in told.items()
        # Where no draw differs, as with all answers right, the draws say nothing of rows that were not there.
        if len(found) >= _DEFINED * DRAWS and found.min() < found.max()
    }


def _same(found: float, value: float) -> bool:
    return math.isclose(found, value, rel_tol=1e-9, abs_tol=1e-9)
