"""How a model does on groups, a line for each column and combination; and what moved between two models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from lineal.questions.groups import Grouping, Groups
from lineal.reports.terminal import figure

if TYPE_CHECKING:
    # Whoever asks where a model came from does not load what compares rows.
    from lineal.questions.diff.interface import GroupChange, GroupsDiff

# More groups than these are told of by the least and the greatest.
_MOST_GROUPS, _MOST_GAPS, _MOST_MOVED = 6, 4, 8


def lines(groups: Groups) -> Iterator[str]:
    """Tell of each grouping by the first metric, and how far apart its groups are by all."""
    for grouping in groups.groupings:
        yield f"by {grouping.name}: " + "; ".join(_parts(groups, grouping))


def _parts(groups: Groups, grouping: Grouping) -> Iterator[str]:
    if grouping.problem or not groups.metrics:
        yield grouping.problem or "no metric is on record"
        return
    metric = groups.metrics[0]
    values = {
        group: each.value for group in grouping.groups if (each := group.figure(metric)) and each.value is not None
    }
    untold = [group for group in grouping.groups if group not in values]
    if len(grouping.groups) <= _MOST_GROUPS:
        told = ", ".join(f"{group.name} {figure(value)} ({group.rows:,} rows)" for group, value in values.items())
        yield f"{metric} {told}" if told else f"no {metric} can be told"
        # The reason has the rows in it.
        yield from (f"{group.name}: {each.reason}" for group in untold if (each := group.figure(metric)))
    else:
        gap = grouping.gap(metric)
        if gap is not None and gap.value is not None and gap.least and gap.greatest:
            ends = [
                next(value for group, value in values.items() if group.name == n) for n in (gap.least, gap.greatest)
            ]
            said = f"{figure(ends[0])} ({gap.least}) to {figure(ends[1])} ({gap.greatest})"
            yield f"{len(grouping.groups)} groups, {metric} {said}"
        else:
            yield f"{len(grouping.groups)} groups"
        if untold:
            yield f"{len(untold)} cannot be told"
    known = [gap for gap in grouping.gaps if gap.value is not None]
    if known:
        more = f" and {len(known) - _MOST_GAPS} more" if len(known) > _MOST_GAPS else ""
        yield "gaps " + "  ".join(f"{gap.metric} {figure(gap.value)}" for gap in known[:_MOST_GAPS]) + more


def group_changes(diff: GroupsDiff) -> RenderableType:
    """The metrics of groups that moved by more than chance, and what is told on one side only."""
    parts: list[RenderableType] = []
    if diff.moved:
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for name in ("", "before", "after", "difference", "rows"):
            table.add_column(name, overflow="fold")
        for change in diff.moved[:_MOST_MOVED]:
            table.add_row(*_change(change))
        parts.append(table)
        if len(diff.moved) > _MOST_MOVED:
            parts.append(Text(f"  … {len(diff.moved) - _MOST_MOVED} more; --json names them all", style="dim"))
    for setting in diff.only:
        side = "before" if setting.left else "after"
        parts.append(Text(f"  by {setting.key}: only {side}"))
    return Lines(*parts)


def _change(change: GroupChange) -> tuple[str, ...]:
    what = f"gap by {' & '.join(change.by)}" if change.group is None else change.group
    both = change.left is not None and change.right is not None
    difference = f"{(change.right or 0) - (change.left or 0):+.4f}" if both else change.note
    noise = f" ± {figure(change.noise)}" if both and change.noise is not None else ""
    rows = "" if change.group is None else f"{_rows(change.left_rows)} → {_rows(change.right_rows)}"
    return f"  {what}  {change.metric}", figure(change.left), figure(change.right), difference + noise, rows


def _rows(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"
