"""Metrics that differ, and whether by more than chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineal.questions.diff.heldout import HeldOut
from lineal.questions.diff.interface import MetricChange
from lineal.questions.diff.record import Metric, Record

KINDS = ("held-out", "cross-validation")


def metrics(left: Record, right: Record, judged: HeldOut | None) -> tuple[tuple[MetricChange, ...], int]:
    """Compare the metrics of two runs.

    Returns:
        Those that differ, and how many are equal.
    """
    one, two = _by_name(left), _by_name(right)
    names = [key for key in dict.fromkeys([*one, *two]) if key[0] in KINDS]
    differing = [key for key in names if _value(one.get(key)) != _value(two.get(key))]
    held_out = [name for of, name in differing if of == "held-out" and (of, name) in one and (of, name) in two]
    noises = _noises(held_out, judged) if judged is not None and held_out else {}
    changes = tuple(_change(key, one.get(key), two.get(key), noises) for key in differing)
    return tuple(sorted(changes, key=lambda change: KINDS.index(change.of))), len(names) - len(differing)


def _by_name(record: Record) -> dict[tuple[str, str], Metric]:
    return {(metric.of, metric.name): metric for metric in record.metrics}


def _value(metric: Metric | None) -> float | None:
    return metric.value if metric else None


def _change(
    key: tuple[str, str], left: Metric | None, right: Metric | None, noises: dict[str, float | None]
) -> MetricChange:
    of, name = key
    one, two = _value(left), _value(right)
    if of == "held-out":
        noise = noises.get(name)
    else:
        spreads = [metric.spread for metric in (left, right) if metric is not None and metric.spread is not None]
        noise = max(spreads, default=None)
    within = None
    if one is not None and two is not None and noise is not None:
        within = abs(two - one) <= noise
    return MetricChange(name, of, one, two, noise, within)


def _noises(names: Sequence[str], judged: HeldOut) -> dict[str, float | None]:
    """What each metric may differ by chance; None where it cannot be told."""
    from lineal.models.resampling import Judged, noise, noise_between

    if judged.same_rows:
        one = Judged.of_table(judged.left.take(judged.left_rows))
        two = Judged.of_table(judged.right.take(judged.right_rows))
        return {name: noise_between(name, one, two) for name in names}
    one, two = Judged.of_table(judged.left), Judged.of_table(judged.right)
    alone = {name: (noise(name, one), noise(name, two)) for name in names}
    return {name: None if a is None or b is None else math.hypot(a, b) for name, (a, b) in alone.items()}
