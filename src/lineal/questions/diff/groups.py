"""Metrics of groups that moved by more than chance.

Chance is told by the bootstrap intervals of both sides, as if their held-out rows had nothing in common: where they are
the same rows, a difference must be larger than it need be to be told. Many figures are compared, and some of them
differ much by chance: that is allowed for (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

from lineal.questions.diff.interface import GroupChange, GroupsDiff, Setting
from lineal.questions.groups import Figure, Gap, Group, Grouping, Groups

# The chance that any figure of two models that do alike is told as one that moved.
_CHANCE = 0.05


def groups(left: Groups | None, right: Groups | None) -> GroupsDiff | None:
    """Compare how two models do on groups; None where no side tells of any."""
    if left is None and right is None:
        return None
    one, two = _by(left), _by(right)
    only = [
        Setting(" & ".join(by), *("grouped by" if by in side else None for side in (one, two)))
        for by in dict.fromkeys([*one, *two])
        if (by in one) != (by in two)
    ]
    found = [change for by in one if by in two for change in _changes(one[by], two[by], _spread(left), _spread(right))]
    compared = sum(change.left is not None and change.right is not None for change in found)
    reach = NormalDist().inv_cdf(1 - _CHANCE / 2 / max(compared, 1))
    moved = [change for change in found if _moved(change, reach)]
    moved.sort(key=lambda each: (each.left is None or each.right is None, -_times(each)))
    return GroupsDiff(tuple(moved), compared, tuple(only))


def _by(groups: Groups | None) -> dict[tuple[str, ...], Grouping]:
    return {grouping.by: grouping for grouping in groups.groupings} if groups else {}


def _spread(groups: Groups | None) -> float:
    """How many standard errors wide an interval is."""
    level = groups.level if groups and 0 < groups.level < 1 else 0.95
    return 2 * NormalDist().inv_cdf((1 + level) / 2)


def _changes(left: Grouping, right: Grouping, one: float, two: float) -> Iterator[GroupChange]:
    names = dict.fromkeys(group.name for side in (left, right) for group in side.groups)
    for name in names:
        a, b = left.group(name), right.group(name)
        metrics = dict.fromkeys(each.name for side in (a, b) if side for each in side.figures)
        for metric in metrics:
            x, y = (side.figure(metric) if side else None for side in (a, b))
            note = (x.reason if x else "") or (y.reason if y else "") or ("" if a and b else _absent(a))
            yield GroupChange(
                left.by,
                name,
                metric,
                x.value if x else None,
                y.value if y else None,
                _rows(a),
                _rows(b),
                _noise(x, y, one, two),
                note,
            )
    for metric in dict.fromkeys(gap.metric for side in (left, right) for gap in side.gaps):
        p, q = left.gap(metric), right.gap(metric)
        if p and q and p.value is not None and q.value is not None:
            yield GroupChange(left.by, None, metric, p.value, q.value, noise=_noise(p, q, one, two))


def _absent(left: Group | None) -> str:
    return "the group is only after" if left is None else "the group is only before"


def _rows(group: Group | None) -> int | None:
    return group.rows if group else None


def _noise(left: Figure | Gap | None, right: Figure | Gap | None, one: float, two: float) -> float | None:
    errors = []
    for side, width in ((left, one), (right, two)):
        if side is None or side.low is None or side.high is None:
            return None
        errors.append((side.high - side.low) / width)
    return math.hypot(*errors)


def _moved(change: GroupChange, reach: float) -> bool:
    if (change.left is None) != (change.right is None):
        return True  # what can be told of it differs, which a reader must know
    if change.left is None or change.right is None or change.noise is None:
        return False
    return abs(change.right - change.left) > reach * change.noise


def _times(change: GroupChange) -> float:
    if change.left is None or change.right is None:
        return 0.0
    return abs(change.right - change.left) / (change.noise or math.inf)
