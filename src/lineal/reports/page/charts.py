"""Plots of a model as plain SVG: bars with their spread, curves in the unit square, points. Colours are the page's."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from lineal.models.answers import Curve
from lineal.reports.page.words import lines, width

# As wide as a phone's page, so that letters keep their size there.
_WIDE = 360.0
_SMALL = 11.0
_LABELS = 150.0
_BAR, _STEP = 12.0, 24.0
_LINE = 12.0


def bars(rows: Sequence[tuple[str, float, float | None]], axis: str) -> Markup:
    """Draw a bar a row, the first on top, each with its spread.

    Args:
        rows: name, value, spread.
        axis: what is measured.
    """
    low = min([0.0, *(value - (spread or 0.0) for _, value, spread in rows)])
    high = max([0.0, *(value + (spread or 0.0) for _, value, spread in rows)]) or 1.0
    room = min(max((width(name, _SMALL) for name, _, _ in rows), default=0.0) + 10, _LABELS)
    ticks = [tick for tick in _ticks(low, high, 4) if low <= tick <= high]
    span = _WIDE - room - _edge(ticks)

    def x(value: float) -> float:
        return room + (value - low) / (high - low) * span

    bottom = len(rows) * _STEP + 4
    parts = [_line(x(tick), 0, x(tick), bottom, "grid") for tick in ticks]
    parts += [_text(x(tick), bottom + 14, _said(tick), "tick middle") for tick in ticks]
    for place, (name, value, spread) in enumerate(rows):
        middle = place * _STEP + _STEP / 2
        left, right = sorted((x(0), x(value)))
        title = f"{name}: {value:.4g}" + (f" ± {spread:.2g}" if spread is not None else "")
        label = lines(name, room - 8, _SMALL, 2)
        above = middle + 4 - (len(label) - 1) * _LINE / 2
        parts += [_text(room - 8, above + _LINE * line, said, "label end") for line, said in enumerate(label)]
        parts.append(
            Markup('<rect class="bar" x="%s" y="%s" width="%s" height="%s" rx="2"><title>%s</title></rect>')
            % (_n(left), _n(middle - _BAR / 2), _n(max(right - left, 0.5)), _n(_BAR), title)
        )
        if spread:
            ends = x(value - spread), x(value + spread)
            parts.append(_line(ends[0], middle, ends[1], middle, "whisker"))
            parts += [_line(end, middle - 3, end, middle + 3, "whisker") for end in ends]
    parts.append(_line(x(0), 0, x(0), bottom, "axis"))
    named = lines(axis, _WIDE, _SMALL, 3)
    half = max(width(said, _SMALL) for said in named) / 2
    # Under the bars where there is room for it, else as far to the left as it needs.
    centre = min(room + span / 2, _WIDE - half)
    parts += [_text(centre, bottom + 32 + 14 * line, said, "tick middle") for line, said in enumerate(named)]
    high_enough = bottom + 40 + 14 * (len(named) - 1)
    return _svg(high_enough, f"Bars: {axis}, for {len(rows)} columns; the table says the same.", parts)


def roc(curves: Sequence[Curve]) -> Markup:
    """Draw the true against the false positive rate."""
    chance = [(0.0, 0.0), (1.0, 1.0)]
    said = "ROC curves: " + "; ".join(f"{curve.label}, area {curve.area:.3f}" for curve in curves)
    return _square([curve.roc for curve in curves], "false positive rate", "true positive rate", said, chance)


def precision_recall(curves: Sequence[Curve]) -> Markup:
    """Draw precision against recall."""
    said = "Precision and recall: " + "; ".join(
        f"{curve.label}, average precision {curve.average_precision:.3f}" for curve in curves
    )
    return _square([curve.precision_recall for curve in curves], "recall", "precision", said, ())


def points(pairs: Sequence[tuple[float, float]]) -> Markup:
    """Draw each row's predicted over its actual value; on the line they are equal."""
    values = [value for pair in pairs for value in pair]
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 1, high + 1
    edge = (high - low) * 0.04
    low, high = low - edge, high + edge
    ticks = [tick for tick in _ticks(low, high, 4) if low <= tick <= high]
    # The axis' name, then the widest number; to the right half of the last one.
    left, top = max(52.0, 30 + max(width(_said(tick), _SMALL) for tick in ticks)), 6.0
    side = _WIDE - left - max(18.0, _edge(ticks))

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * side

    def y(value: float) -> float:
        return top + side - (value - low) / (high - low) * side

    parts = _frame(left, top, side, [(x(tick), y(tick), _said(tick)) for tick in ticks])
    parts.append(_line(x(low), y(low), x(high), y(high), "chance"))
    parts += [Markup('<circle class="point" cx="%s" cy="%s" r="2.6"/>') % (_n(x(a)), _n(y(p))) for a, p in pairs]
    parts += _axes(left, top, side, "actual", "predicted")
    return _svg(top + side + 40, f"Predicted over actual value of {len(pairs)} held-out rows.", parts)


def _square(
    lines: Sequence[Sequence[tuple[float, float]]],
    across: str,
    up: str,
    said: str,
    chance: Sequence[tuple[float, float]],
) -> Markup:
    left, top, side = 44.0, 6.0, 300.0

    def at(point: tuple[float, float]) -> str:
        return f"{_n(left + point[0] * side)},{_n(top + side - point[1] * side)}"

    ticks = [(left + t * side, top + side - t * side, f"{t:g}") for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    parts = _frame(left, top, side, ticks)
    if chance:
        parts.append(Markup('<polyline class="chance" points="%s"/>') % " ".join(map(at, chance)))
    for place, line in enumerate(lines):
        parts.append(Markup('<polyline class="curve c%d" points="%s"/>') % (place, " ".join(map(at, line))))
    return _svg(top + side + 40, said, [*parts, *_axes(left, top, side, across, up)])


def _frame(left: float, top: float, side: float, ticks: Sequence[tuple[float, float, str]]) -> list[Markup]:
    parts = []
    for x, y, said in ticks:
        parts += [_line(left, y, left + side, y, "grid"), _line(x, top, x, top + side, "grid")]
        parts += [_text(x, top + side + 15, said, "tick middle"), _text(left - 6, y + 4, said, "tick end")]
    return parts


def _axes(left: float, top: float, side: float, across: str, up: str) -> list[Markup]:
    x, y = 13.0, top + side / 2
    turned = Markup('<text class="tick middle" transform="translate(%s %s) rotate(-90)">%s</text>') % (_n(x), _n(y), up)
    return [
        _line(left, top + side, left + side, top + side, "axis"),
        _line(left, top, left, top + side, "axis"),
        _text(left + side / 2, top + side + 33, across, "tick middle"),
        turned,
    ]


def _said(tick: float) -> str:
    """A number of an axis, never in powers of ten where people do not write it so."""
    for power, word in ((1e9, " bn"), (1e6, " M")):
        if abs(tick) >= power and abs(tick) < 1e12:
            return f"{tick / power:g}{word}"
    return f"{tick:,g}"


def _edge(ticks: Sequence[float]) -> float:
    """What has to be free at the right for the last number."""
    return max(14.0, width(_said(ticks[-1]), _SMALL) / 2 + 2) if ticks else 14.0


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round values from low to high."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough)
    first = math.ceil(low / step)
    return [round(place * step, 12) for place in range(first, math.floor(high / step) + 1)]


def _svg(high: float, said: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg class="chart" viewBox="0 0 %s %s" role="img" aria-label="%s">%s</svg>') % (
        _n(_WIDE),
        _n(high),
        said,
        Markup("").join(parts),
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>') % (kind, _n(x1), _n(y1), _n(x2), _n(y2))


def _text(x: float, y: float, text: str, kind: str) -> Markup:
    return Markup('<text class="%s" x="%s" y="%s">%s</text>') % (kind, _n(x), _n(y), text)


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
