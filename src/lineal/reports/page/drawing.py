"""A pedigree as plain SVG, from left to right for a screen or a projector, from the top down for a phone or paper.

Colours and fonts are the page's, by class. Each text is cut to the box that it stands in, and in full in its `<title>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from markupsafe import Markup

from lineal.reports.page.layered import Box, Layout, Placed, Route, layered
from lineal.reports.page.pedigree import Mark, Pedigree
from lineal.reports.page.words import fitting, short, width

_NAME, _DETAIL, _RUN = 13.0, 11.0, 11.5
_PAD = 9.0
_ROOM = {"run": 96.0, "more": 140.0}
_MOST_ROOM = 190.0
_LEAST = 92.0
_RUN_HEIGHT = 24.0
_LINE = 15.5
_MARGIN = 6.0
_GAP, _BETWEEN = 22.0, 16.0
_ARROW = 5.0
_FOLD = 9.0
_LEAST_SCALE = 0.7


def across(pedigree: Pedigree, ids: str) -> Markup:
    """Draw a pedigree from left to right.

    Args:
        pedigree: what is to be drawn.
        ids: begins the id of the picture, and those of the table's lines, which the boxes lead to.
    """
    boxes = {mark.id: _box(mark) for mark in pedigree.marks}
    found = layered(list(boxes.values()), pedigree.edges, gap=_GAP, between=_BETWEEN)
    return _svg(pedigree, found, found.width, found.height, [_curve(route) for route in found.routes], ids, "across")


def down(pedigree: Pedigree, ids: str) -> Markup:
    """Draw a pedigree from the top down.

    Args:
        pedigree: what is to be drawn.
        ids: begins the id of the picture, and those of the table's lines, which the boxes lead to.
    """
    boxes = [_box(mark) for mark in pedigree.marks]
    turned = [Box(box.id, box.height, box.width) for box in boxes]
    found = layered(turned, pedigree.edges, gap=_GAP, between=_BETWEEN)
    placed = {name: Placed(name, box.y, box.x, box.height, box.width, box.layer) for name, box in found.boxes.items()}
    routes = [replace(route, points=tuple((y, x) for x, y in route.points)) for route in found.routes]
    whole = replace(found, boxes=placed)
    paths = [_curve(route, upright=True) for route in routes]
    return _svg(pedigree, whole, found.height, found.width, paths, ids, "down")


def least(pedigree: Markup, ids: str) -> str:
    """The rule of a style sheet that keeps a wide picture from shrinking until it cannot be read: it is scrolled."""
    found = re.search(r' width="([\d.]+)"', pedigree)
    return f"#{ids}across {{ min-width: {float(found[1]) * _LEAST_SCALE:.0f}px; }}\n" if found else ""


def _box(mark: Mark) -> Box:
    if mark.kind == "run":
        wide = min(width(short(mark.label, 40), _RUN), _ROOM["run"]) + 2 * _PAD
        return Box(mark.id, round(wide, 1), _RUN_HEIGHT)
    room = _ROOM.get(mark.kind, _MOST_ROOM)
    texts = [width(short(mark.label, 60), _NAME), *(width(line, _DETAIL) for line in mark.details)]
    fold = _FOLD if mark.kind == "file" else 0.0
    wide = min(max(_LEAST - 2 * _PAD, *texts), room) + 2 * (_PAD + fold)
    return Box(mark.id, round(wide, 1), round(_LINE * (1 + len(mark.details)) + 2 * _PAD - 3, 1))


def _curve(route: Route, *, upright: bool = False) -> str:
    """The way of an edge: level through a layer, bent through a gap; it ends where its arrow begins."""
    points = list(route.points)
    x, y = points[-1]
    points[-1] = (x, y - _ARROW) if upright else (x - _ARROW, y)
    way = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for place in range(1, len(points)):
        (ax, ay), (bx, by) = points[place - 1], points[place]
        level = place % 2 == 1
        if (ax, ay) == (bx, by):
            continue
        if level or (ax == bx if upright else ay == by):
            way.append(f"L{_n(bx)} {_n(by)}")
        elif upright:
            middle = (ay + by) / 2
            way.append(f"C{_n(ax)} {_n(middle)} {_n(bx)} {_n(middle)} {_n(bx)} {_n(by)}")
        else:
            middle = (ax + bx) / 2
            way.append(f"C{_n(middle)} {_n(ay)} {_n(middle)} {_n(by)} {_n(bx)} {_n(by)}")
    head = f"{_n(x)} {_n(y)}"
    if upright:
        way.append(f"M{_n(x - _ARROW + 1)} {_n(y - _ARROW - 1)}L{head}L{_n(x + _ARROW - 1)} {_n(y - _ARROW - 1)}")
    else:
        way.append(f"M{_n(x - _ARROW - 1)} {_n(y - _ARROW + 1)}L{head}L{_n(x - _ARROW - 1)} {_n(y + _ARROW - 1)}")
    return "".join(way)


def _svg(
    pedigree: Pedigree, found: Layout, wide: float, high: float, paths: Iterable[str], ids: str, way: str
) -> Markup:
    parts = [Markup('<path class="edge" d="%s"/>') % path for path in paths]
    parts += [_drawn(mark, found.boxes[mark.id], ids) for mark in pedigree.marks]
    view = f"{-_MARGIN:g} {-_MARGIN:g} {_n(wide + 2 * _MARGIN)} {_n(high + 2 * _MARGIN)}"
    return Markup(
        '<svg id="{id}" class="pedigree {way}" viewBox="{view}" width="{wide}" height="{high}" role="group" '
        'aria-label="{said}">'
        "{inner}</svg>"
    ).format(
        id=f"{ids}{way}",
        way=way,
        view=view,
        wide=_n(wide + 2 * _MARGIN),
        high=_n(high + 2 * _MARGIN),
        said="The pedigree, drawn; the table below says the same.",
        inner=Markup("").join(parts),
    )


def _drawn(mark: Mark, box: Placed, ids: str) -> Markup:
    centre = box.x + box.width / 2
    classes = f"mark {mark.kind}{' recalled' if mark.recalled else ''}{' subject' if mark.subject else ''}"
    title = Markup("<title>%s</title>") % short(f"{mark.title}{' (recalled)' if mark.recalled else ''}", 400)
    if mark.kind == "run":
        shape = _rect(box, box.height / 2)
        y = box.y + box.height / 2 + _RUN * 0.35
        text = _text(centre, y, "job", fitting(mark.label, box.width - 2 * _PAD + 0.5, _RUN))
    else:
        shape = _sheet(box) if mark.kind == "file" else _rect(box, 10 if mark.kind == "model" else 4)
        room = box.width - 2 * (_PAD + (_FOLD if mark.kind == "file" else 0.0)) + 0.5
        y = box.y + _PAD + _NAME * 0.8
        text = _text(centre, y, "name", fitting(mark.label, room, _NAME))
        for place, line in enumerate(mark.details, 1):
            text += _text(centre, y + place * _LINE, "detail", fitting(line, room, _DETAIL))
    inner = Markup('<g class="%s">%s%s%s</g>') % (classes, title, shape, text)
    return inner if mark.step is None else Markup('<a href="#%s%d">%s</a>') % (ids, mark.step, inner)


def _rect(box: Placed, radius: float) -> Markup:
    return Markup('<rect x="%s" y="%s" width="%s" height="%s" rx="%s"/>') % (
        _n(box.x),
        _n(box.y),
        _n(box.width),
        _n(box.height),
        _n(radius),
    )


def _sheet(box: Placed) -> Markup:
    """A sheet of paper with a corner turned down."""
    fold, right, bottom = _FOLD, box.x + box.width, box.y + box.height
    outline = (
        f"M{_n(box.x)} {_n(box.y)}H{_n(right - fold)}L{_n(right)} {_n(box.y + fold)}V{_n(bottom)}H{_n(box.x)}Z"
        f"M{_n(right - fold)} {_n(box.y)}V{_n(box.y + fold)}H{_n(right)}"
    )
    return Markup('<path d="%s"/>') % outline


def _text(x: float, y: float, kind: str, text: str) -> Markup:
    return Markup('<text class="%s" x="%s" y="%s">%s</text>') % (kind, _n(x), _n(y), text)


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
