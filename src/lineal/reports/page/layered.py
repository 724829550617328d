"""Layered layout of a directed graph, from left to right, after Sugiyama: layers, order within them, coordinates.

Pure geometry: boxes of given sizes and edges in, places and routes out; the same input gives the same picture. Edges
run through the gaps between layers, and across a layer only where room was kept for them, so that none crosses a box.

`grandalf`, the one pure-Python library for this, was weighed: its last release is of January 2023, under the GPL or
EPL, without types; it lays out one connected part at a time, from the top down, and leaves it to its caller to lead
edges around boxes. What would have been left to write is about what stands here.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

_SWEEPS = 12
_SETTLINGS = 24
# How strongly an edge pulls straight: within a long edge, where it begins or ends, between two boxes.
_PULL = {2: 8.0, 1: 2.0, 0: 1.0}


@dataclass(frozen=True, slots=True)
class Box:
    """A node that is to be placed."""

    id: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A node in its place.

    Attributes:
        x: of its left side.
        y: of its upper side.
        layer: counted from the left.
    """

    id: str
    x: float
    y: float
    width: float
    height: float
    layer: int


@dataclass(frozen=True, slots=True)
class Route:
    """The way of an edge, as points from the right side of its source to the left side of its target.

    Between the points of an even and the next odd place (the first and second, the third and fourth, …) it is level,
    through a layer; between the others it may rise or fall, through a gap.
    """

    source: str
    target: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where all lies, within a frame that begins at 0, 0."""

    width: float
    height: float
    boxes: Mapping[str, Placed]
    routes: tuple[Route, ...]
    layers: int


def layered(
    boxes: Sequence[Box], edges: Iterable[tuple[str, str]], *, gap: float = 36.0, between: float = 18.0
) -> Layout:
    """Place boxes so that every edge goes from left to right.

    Args:
        boxes: of the nodes; of what is free, the order is kept.
        edges: from source to target.
        gap: between two layers.
        between: of two boxes of a layer.

    Raises:
        ValueError: an edge leads to a node that is not there, or edges lead round in a circle.
    """
    sizes = {box.id: box for box in boxes}
    distinct = list(dict.fromkeys(edges))
    for edge in distinct:
        if edge[0] not in sizes or edge[1] not in sizes:
            raise ValueError(f"the edge {edge} leads to a node that is not there")
    if not boxes:
        return Layout(0.0, 0.0, {}, (), 0)
    layer_of = _layers(list(sizes), distinct)
    grid = _Grid(sizes, distinct, layer_of)
    grid.order()
    return grid.placed(gap, between)


def _layers(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Each node's layer: by the longest way that leads to it; what nothing leads to lies just before what it leads to.

    Raises:
        ValueError: edges lead round in a circle.
    """
    after, before = defaultdict(list), defaultdict(list)
    for source, target in edges:
        after[source].append(target)
        before[target].append(source)
    waiting = {node: len(before[node]) for node in nodes}
    ready = [node for node in nodes if not waiting[node]]
    found = dict.fromkeys(ready, 0)
    for node in ready:  # grows while it is walked
        for target in after[node]:
            found[target] = max(found.get(target, 0), found[node] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if len(ready) < len(nodes):
        raise ValueError("edges lead round in a circle")
    for node in nodes:
        if not before[node] and after[node]:
            found[node] = min(found[target] for target in after[node]) - 1
    return {node: found[node] for node in nodes}


class _Grid:
    """Layers of items: the boxes, and a place kept in each layer that a long edge goes through."""

    def __init__(self, sizes: Mapping[str, Box], edges: Sequence[tuple[str, str]], layer_of: Mapping[str, int]) -> None:
        self.layers: list[list[int]] = [[] for _ in range(max(layer_of.values()) + 1)]
        self.box: list[Box | None] = []
        self.layer: list[int] = []
        self.left: list[list[int]] = []
        self.right: list[list[int]] = []
        items = {name: self._add(layer_of[name], box) for name, box in sizes.items()}
        self.items = items
        self.chains: list[tuple[str, str, list[int]]] = []
        for source, target in edges:
            chain = [items[source]]
            chain += [self._add(layer, None) for layer in range(layer_of[source] + 1, layer_of[target])]
            chain.append(items[target])
            for one, next_one in pairwise(chain):
                self.right[one].append(next_one)
                self.left[next_one].append(one)
            self.chains.append((source, target, chain))

    def _add(self, layer: int, box: Box | None) -> int:
        item = len(self.box)
        self.box.append(box)
        self.layer.append(layer)
        self.left.append([])
        self.right.append([])
        self.layers[layer].append(item)
        return item

    def order(self) -> None:
        """Put the items of each layer into an order with few crossings: medians, then swaps of neighbours."""
        best, fewest = [list(layer) for layer in self.layers], self.crossings()
        for sweep in range(_SWEEPS):
            if not fewest:
                break
            forward = sweep % 2 == 0
            for layer in self.layers if forward else self.layers[::-1]:
                self._by_median(layer, self.left if forward else self.right)
            self._swap()
            count = self.crossings()
            if count < fewest:
                best, fewest = [list(layer) for layer in self.layers], count
        self.layers = best

    def crossings(self) -> int:
        """How many pairs of edges cross."""
        return sum(self._crossings_after(layer) for layer in self.layers)

    def _crossings_after(self, layer: Sequence[int]) -> int:
        place = self._places()
        ends = [place[target] for item in layer for target in sorted(self.right[item], key=place.__getitem__)]
        return sum(1 for at, end in enumerate(ends) for other in ends[:at] if other > end)

    def _places(self) -> dict[int, int]:
        return {item: place for layer in self.layers for place, item in enumerate(layer)}

    def _by_median(self, layer: list[int], beside: Sequence[Sequence[int]]) -> None:
        place = self._places()
        wanted = {
            item: (
                (median(found := [place[other] for other in beside[item]]), sum(found) / len(found))
                if beside[item]
                else (float(place[item]), float(place[item]))
            )
            for item in layer
        }
        layer.sort(key=lambda item: (*wanted[item], place[item]))

    def _swap(self) -> None:
        """Swap neighbours while that takes away crossings."""
        better = True
        while better:
            better = False
            place = self._places()
            for layer in self.layers:
                for at in range(len(layer) - 1):
                    one, two = layer[at], layer[at + 1]
                    now = self._between(one, two, place)
                    if now and self._between(two, one, place) < now:
                        layer[at], layer[at + 1] = two, one
                        place[one], place[two] = at + 1, at
                        better = True

    def _between(self, upper: int, lower: int, place: Mapping[int, int]) -> int:
        """Crossings of two neighbours' edges, as they stand."""
        return sum(
            1
            for beside in (self.left, self.right)
            for one in beside[upper]
            for two in beside[lower]
            if place[one] > place[two]
        )

    def placed(self, gap: float, between: float) -> Layout:
        """Give every item its place."""
        centre = self._centres(between)
        widths = [max((self._width(item) for item in layer), default=0.0) for layer in self.layers]
        starts = [sum(widths[:place]) + gap * place for place in range(len(widths))]
        top = min(centre[item] - self._height(item) / 2 for item in range(len(self.box)))
        bottom = max(centre[item] + self._height(item) / 2 for item in range(len(self.box)))
        found = {}
        for name, item in self.items.items():
            box, layer = self.box[item], self.layer[item]
            assert box is not None  # noqa: S101 - each name has its box
            x = starts[layer] + (widths[layer] - box.width) / 2
            y = centre[item] - box.height / 2 - top
            found[name] = Placed(name, x, y, box.width, box.height, layer)
        routes = []
        for source, target, chain in self.chains:
            points: list[tuple[float, float]] = []
            for item in chain:
                y = centre[item] - top
                left = starts[self.layer[item]]
                points += [(left, y), (left + widths[self.layer[item]], y)]
            first, last = found[source], found[target]
            points[0], points[-1] = (first.x + first.width, points[0][1]), (last.x, points[-1][1])
            routes.append(Route(source, target, tuple(points)))
        return Layout(starts[-1] + widths[-1], bottom - top, found, tuple(routes), len(widths))

    def _width(self, item: int) -> float:
        box = self.box[item]
        return box.width if box else 0.0

    def _height(self, item: int) -> float:
        box = self.box[item]
        return box.height if box else 0.0

    def _centres(self, between: float) -> list[float]:
        """The height of each item's middle: near those of what it is linked to, in the order of its layer."""
        centre = [0.0] * len(self.box)
        for layer in self.layers:
            at = 0.0
            for item in layer:
                centre[item] = at + self._height(item) / 2
                at += self._height(item) + between
        for turn in range(_SETTLINGS):
            # Both sides pull at the end, so that what has one neighbour only does not drag the others along.
            sides = (self.left,) if turn % 3 == 0 else (self.right,) if turn % 3 == 1 else (self.left, self.right)
            for layer in self.layers if turn % 2 == 0 else self.layers[::-1]:
                self._settle(layer, sides, centre, between)
        for _, _, chain in self.chains:
            self._straighten(chain[1:-1], centre, between)
        return centre

    def _straighten(self, inner: Sequence[int], centre: list[float], between: float) -> None:
        """Make a long edge level all the way between its ends, where all layers have room for that."""
        if len(inner) < 2:
            return
        low, high = -math.inf, math.inf
        for item in inner:
            layer = self.layers[self.layer[item]]
            at = layer.index(item)
            if at:
                low = max(low, centre[layer[at - 1]] + self._height(layer[at - 1]) / 2 + between)
            if at + 1 < len(layer):
                high = min(high, centre[layer[at + 1]] - self._height(layer[at + 1]) / 2 - between)
        if low <= high:
            level = min(max(sum(centre[item] for item in inner) / len(inner), low), high)
            for item in inner:
                centre[item] = level

    def _settle(
        self, layer: Sequence[int], sides: Sequence[Sequence[Sequence[int]]], centre: list[float], between: float
    ) -> None:
        """Move a layer's items to where they are pulled, as near as their order and the room between them allow.

        That is a regression under an order, which pooling neighbours that would overlap solves exactly.
        """
        offsets = [0.0]
        for one, next_one in pairwise(layer):
            offsets.append(offsets[-1] + (self._height(one) + self._height(next_one)) / 2 + between)
        pools: list[tuple[float, float, int]] = []
        for item, offset in zip(layer, offsets, strict=True):
            pulls = [(self._pull(item, other), centre[other]) for side in sides for other in side[item]]
            weight = sum(pull for pull, _ in pulls) or 0.01
            goal = (sum(pull * at for pull, at in pulls) / weight if pulls else centre[item]) - offset
            count = 1
            while pools and pools[-1][0] > goal:
                before, heft, members = pools.pop()
                goal = (before * heft + goal * weight) / (heft + weight)
                weight, count = weight + heft, count + members
            pools.append((goal, weight, count))
        places = iter(zip(layer, offsets, strict=True))
        for goal, _, count in pools:
            for _ in range(count):
                item, offset = next(places)
                centre[item] = goal + offset

    def _pull(self, one: int, other: int) -> float:
        return _PULL[(self.box[one] is None) + (self.box[other] is None)]
