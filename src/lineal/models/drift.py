"""Drift: a batch's columns beside those that the model learnt from, in one pass and constant memory.

Numbers, booleans and dates are compared by the population stability index (PSI) over ten bins of equal training weight
and by the Kolmogorov-Smirnov distance (KS), text by PSI and the chi-square test over its 49 most frequent values and
one group of all others. KS is taken at the edges of 128 bins of equal training weight, and on both sides of each value
that would fill one alone, so it may be too small by the weight of a bin, under 0.016, never too large. PSI is
Σ (q - p) ln(q / p) over the bins' shares in batch (q) and training rows (p), half a row added to each bin so that an
empty one does not make it infinite. Of more than 250,000 rows, PSI and KS of numbers are taken on every k-th, the least
k that leaves no more; all else is counted in every row.

A small batch differs from any table by chance. So a figure counts as drift only where it is above the pipeline's limit
and the difference is significant at the batch's size: PSI by the chi-square test, KS by its asymptotic distribution,
shares by the binomial test, with `significance` divided by the number of columns (Bonferroni). PSI and KS are asked of
50 rows or more. Time moves on: a date's distribution is shown, and held to no limit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineal.datasets.dataset import Dataset
from lineal.datasets.frame import as_frame
from lineal.datasets.read import batches
from lineal.models.profile import Kind, Learnt, Profile, numbers_of
from lineal.models.raw import as_texts
from lineal.pipeline import Drift as Limits
from lineal.progress import Progress, unwatched

FEWEST_ROWS = 50
# So many rows tell KS to 0.002; more would only take longer.
ENOUGH_ROWS = 250_000
_GROUPS = 10

Measure = Literal["psi", "ks", "missing", "unseen"]


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How one column of a batch compares with the training rows.

    Attributes:
        column: its name.
        kind: what it holds.
        psi: population stability index; None where the batch or the training rows have no value.
        ks: Kolmogorov-Smirnov distance, of numbers, booleans and dates.
        chi2: the chi-square statistic, of text.
        p_value: of the KS or the chi-square test: the chance of such a difference where there is none.
        missing: the share of missing values in the batch.
        missing_training: in the training rows.
        unseen: of text, the share of the batch's values that were never learnt; of numbers, that lie outside what was.
            None where that is not known.
        over: the measures that are over their limits.
    """

    column: str
    kind: Kind
    psi: float | None
    ks: float | None
    chi2: float | None
    p_value: float | None
    missing: float
    missing_training: float
    unseen: float | None
    over: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """How a batch compares with the training rows.

    Attributes:
        rows: of the batch.
        training_rows: that the model learnt from.
        columns: those with a measure over its limit first, then by PSI.
        notes: what is as well to know, a sentence each.
    """

    rows: int
    training_rows: int
    columns: tuple[ColumnDrift, ...]
    notes: tuple[str, ...] = ()

    @property
    def drifted(self) -> tuple[ColumnDrift, ...]:
        """The columns that are over a limit."""
        return tuple(column for column in self.columns if column.over)


def compare(profile: Profile, batch: Dataset, limits: Limits, on_progress: Progress = unwatched) -> Drift:
    """Compare a batch with the rows that a model learnt from.

    Args:
        profile: of the training rows.
        batch: a version with the model's columns.
        limits: of the pipeline.
        on_progress: told the rows that are through.

    Raises:
        DataError: the batch lacks a column.
        SourceError: its file is gone.
    """
    step = 1 + (batch.rows or 0) // ENOUGH_ROWS
    counting = [_Counting(learnt, step) for learnt in profile.columns]
    done = 0
    for rows in batches(batch, [each.learnt.name for each in counting]):
        for each in counting:
            each.take(rows.select([each.learnt.name]))
        done += rows.num_rows
        on_progress(done, batch.rows)
    alpha = limits.significance / max(len(counting), 1)
    columns = [_compared(each, limits, alpha) for each in counting]
    columns.sort(key=lambda column: (not column.over, -(column.psi or 0.0)))
    return Drift(done, profile.rows, tuple(columns), tuple(_notes(done, counting)))


class _Counting:
    """One column of a batch, counted into the training rows' bins as it goes past."""

    def __init__(self, learnt: Learnt, step: int) -> None:
        self.learnt, self._step = learnt, step
        self.counts = np.zeros(len(learnt.counts), dtype=np.int64)
        self.rows = self.missing = self.present = self.unseen = 0
        self._edges = np.array(learnt.edges)
        self._places = {value: place for place, value in enumerate(learnt.values)}

    def take(self, rows: pa.RecordBatch) -> None:
        skipped = -self.rows % self._step
        self.rows += rows.num_rows
        if self.learnt.kind == "text":
            self._take_texts(rows.column(0))
            return
        numbers = numbers_of(self.learnt.kind, as_frame(rows)[self.learnt.name])
        missing = int(np.count_nonzero(np.isnan(numbers)))
        self.missing += missing
        self.present += len(numbers) - missing
        if self.learnt.low is not None and self.learnt.high is not None:
            self.unseen += int(np.count_nonzero((numbers < self.learnt.low) | (numbers > self.learnt.high)))
        present = numbers[skipped :: self._step]
        present = present[~np.isnan(present)]
        self.counts += np.bincount(np.searchsorted(self._edges, present, side="left"), minlength=len(self.counts))

    def _take_texts(self, column: pa.Array) -> None:
        counted = pc.value_counts(column)
        values, counts = as_texts(counted.field("values").to_pandas()), counted.field("counts").to_numpy()
        for value, count in zip(values, counts, strict=True):
            if not isinstance(value, str):
                self.missing += int(count)
                continue
            self.present += int(count)
            self.counts[self._places.get(value, -1)] += int(count)
            if self.learnt.seen is not None and value not in self.learnt.seen:
                self.unseen += int(count)


def _compared(found: _Counting, limits: Limits, alpha: float) -> ColumnDrift:
    learnt, compared = found.learnt, int(found.counts.sum())
    trained = np.array(learnt.counts)
    psi = ks = chi2 = p_psi = p_ks = None
    if compared and learnt.present:
        groups = _groups(trained) if learnt.kind != "text" else list(range(len(trained)))
        grouped = [np.bincount(groups, weights=counts) for counts in (trained, found.counts)]
        psi = _psi(*grouped)
        statistic, p_psi = _chi_square(*grouped)
        if learnt.kind == "text":
            chi2 = statistic
        else:
            ks = float(np.abs(np.cumsum(trained) / learnt.present - np.cumsum(found.counts) / compared).max())
            p_ks = _ks_chance(ks, learnt.present, compared)
    missing, missing_training = (
        _share(found.missing, found.rows),
        _share(learnt.missing, learnt.missing + learnt.present),
    )
    # Where none was missing in training, one in the rows that there were plus one is the most that is plain.
    usual = max(missing_training, 1 / (learnt.missing + learnt.present + 1))
    known = learnt.seen is not None if learnt.kind == "text" else learnt.low is not None
    unseen = _share(found.unseen, found.present) if known and found.present else None
    limit = limits.of(learnt.name)
    over: list[Measure] = []
    if learnt.kind != "date" and found.rows >= FEWEST_ROWS:
        if psi is not None and psi > limit.psi and p_psi is not None and p_psi < alpha:
            over.append("psi")
        if ks is not None and ks > limit.ks and p_ks is not None and p_ks < alpha:
            over.append("ks")
    if missing - missing_training > limit.missing and _chance(found.missing, found.rows, usual) < alpha:
        over.append("missing")
    # A new row is the smallest or the largest of all with this chance, and has a new value with no greater one.
    strange = 2 / (learnt.present + 1)
    judged = learnt.kind != "date" and unseen is not None and unseen > limit.unseen
    if judged and _chance(found.unseen, found.present, strange) < alpha:
        over.append("unseen")
    return ColumnDrift(
        learnt.name,
        learnt.kind,
        psi,
        ks,
        chi2,
        p_psi if learnt.kind == "text" else p_ks,
        missing,
        missing_training,
        unseen,
        tuple(over),
    )


def _groups(trained: np.ndarray[Any, Any]) -> list[int]:
    """The group of each bin, so that the groups hold about equal parts of the training rows."""
    middles = (np.cumsum(trained) - trained / 2) / trained.sum()
    return np.minimum((middles * _GROUPS).astype(int), _GROUPS - 1).tolist()  # type: ignore[no-any-return]


def _psi(trained: np.ndarray[Any, Any], found: np.ndarray[Any, Any]) -> float:
    used = (trained > 0) | (found > 0)
    trained, found = trained[used] + 0.5, found[used] + 0.5
    p, q = trained / trained.sum(), found / found.sum()
    return float(((q - p) * np.log(q / p)).sum())


def _chi_square(trained: np.ndarray[Any, Any], found: np.ndarray[Any, Any]) -> tuple[float, float]:
    """The chi-square statistic of two rows of counts, and the chance of it."""
    from scipy.stats import chi2 as distribution

    used = (trained > 0) | (found > 0)
    counts = np.array([trained[used], found[used]])
    if counts.shape[1] < 2:
        return 0.0, 1.0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    statistic = float((np.square(counts - expected) / expected).sum())
    return statistic, float(distribution.sf(statistic, counts.shape[1] - 1))


def _ks_chance(distance: float, trained: int, found: int) -> float:
    from scipy.stats import kstwobign

    return float(kstwobign.sf(distance * math.sqrt(trained * found / (trained + found))))


def _chance(count: int, of: int, usual: float) -> float:
    """The chance of so many or more, where each has the usual one."""
    from scipy.stats import binom

    return float(binom.sf(count - 1, of, min(usual, 1.0)))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _notes(rows: int, counting: Sequence[_Counting]) -> list[str]:
    notes = []
    if rows < FEWEST_ROWS:
        notes.append(f"{rows} rows are too few to tell a drift from chance; only missing and unseen values are judged")
    for each in counting:
        if each.learnt.kind == "text" and each.unseen:
            share = _share(each.unseen, each.present)
            notes.append(
                f"column {each.learnt.name!r} holds values that were not learnt in {each.unseen} rows ({share:.1%}); "
                "they are scored as a rare or as no known value"
            )
    return notes
