"""A picture of how a model does on groups: a point with its interval for each, and how many rows it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineal.models.groups.interface import Figure, Group, Grouping, Groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

_COLOUR, _GREY = "#0072B2", "#8A8A8A"
# More of them are in the table.
_MOST_METRICS, _MOST_GROUPS = 4, 40
_LABEL_LENGTH = 44


def picture(groups: Groups) -> Drawing:
    """Draw the first metrics of each group, group below group, the whole as a line."""
    from matplotlib.figure import Figure as Drawing

    names = groups.metrics[:_MOST_METRICS]
    shown = _lines(groups)
    drawing = Drawing(figsize=(3.2 + 2.9 * max(len(names), 1), 1.5 + 0.3 * max(len(shown), 2)), layout="constrained")
    every = drawing.subplots(1, max(len(names), 1), sharey=True, squeeze=False)[0]
    for axes, name in zip(every, names, strict=False):
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.set_axisbelow(True)
        axes.grid(axis="x", color="#E6E6E6", linewidth=0.8)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(name)
        for place, line in enumerate(shown):
            if isinstance(line, Group):
                _point(axes, place, line.figure(name))
    first = every[0]
    first.set_yticks(range(len(shown)), [_label(line) for line in shown])
    first.set_ylim(len(shown) - 0.4, -0.6)
    for text, line in zip(first.get_yticklabels(), shown, strict=True):
        text.set_fontweight("bold" if isinstance(line, Grouping) else "normal")
    left = sum(len(each.groups) for each in groups.groupings) - sum(isinstance(line, Group) for line in shown)
    more = f"; {left} more groups are in the table" if left > 0 else ""
    drawing.suptitle(
        f"Metrics of groups\n{groups.rows:,} held-out rows, {groups.level:.0%} bootstrap intervals{more}",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    return drawing


def _lines(groups: Groups) -> list[Group | Grouping]:
    found: list[Group | Grouping] = []
    for grouping in groups.groupings:
        if len(found) + 1 + len(grouping.groups) > _MOST_GROUPS and found:
            continue
        found += [grouping, *grouping.groups[:_MOST_GROUPS]]
    return found


def _point(axes: Axes, place: int, figure: Figure | None) -> None:
    if figure is None or figure.value is None:
        axes.text(
            0.02, place, "cannot be told", transform=axes.get_yaxis_transform(), va="center", color=_GREY, fontsize=8
        )
        return
    if figure.low is not None and figure.high is not None:
        axes.plot([figure.low, figure.high], [place, place], color=_COLOUR, linewidth=1.6, solid_capstyle="butt")
    axes.plot([figure.value], [place], "o", color=_COLOUR, markersize=5)


def _label(line: Group | Grouping) -> str:
    if isinstance(line, Grouping):
        return _short(f"by {line.name}{f': {line.problem}' if line.problem else ''}")
    return f"{_short(line.name)}  ({line.rows:,})"


def _short(text: str) -> str:
    # A dollar sign would start matplotlib's mathematics.
    cut = text if len(text) <= _LABEL_LENGTH else f"{text[: _LABEL_LENGTH - 1]}…"
    return cut.replace("$", r"\$")
