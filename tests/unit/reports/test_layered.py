"""Laws of the layered layout: from left to right, nothing overlaps, nothing is crossed, the same again."""

from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineal.reports.page.layered import Box, layered

# How fast examples come says something of the machine, not of the layout.
laws = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def graphs(draw):
    """Boxes, and edges that lead round in no circle."""
    count = draw(st.integers(1, 14))
    sizes = st.floats(1, 200, allow_nan=False)
    boxes = [Box(f"n{place}", draw(sizes), draw(sizes)) for place in range(count)]
    order = draw(st.permutations(range(count)))
    pairs = [(order[a], order[b]) for a, b in combinations(range(count), 2)]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=24)) if pairs else []
    return boxes, [(f"n{a}", f"n{b}") for a, b in chosen]


def overlap(one, other):
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@laws
@given(graphs())
def test_edges_lead_from_left_to_right(graph):
    boxes, edges = graph
    found = layered(boxes, edges)
    for source, target in edges:
        one, other = found.boxes[source], found.boxes[target]
        assert one.layer < other.layer
        assert one.x + one.width < other.x
    assert {(route.source, route.target) for route in found.routes} == set(edges)
    for route in found.routes:
        one, other = found.boxes[route.source], found.boxes[route.target]
        xs = [x for x, _ in route.points]
        assert xs == sorted(xs)
        assert route.points[0] == pytest.approx((one.x + one.width, one.y + one.height / 2), abs=1e-6)
        assert route.points[-1] == pytest.approx((other.x, other.y + other.height / 2), abs=1e-6)


@laws
@given(graphs())
def test_no_two_boxes_overlap_and_all_lie_within_the_frame(graph):
    found = layered(*graph)
    for one, other in combinations(found.boxes.values(), 2):
        assert not overlap(one, other)
    for box in found.boxes.values():
        assert -1e-6 <= box.x <= found.width - box.width + 1e-6
        assert -1e-6 <= box.y <= found.height - box.height + 1e-6


@laws
@given(graphs())
def test_no_edge_runs_through_a_box(graph):
    found = layered(*graph)
    for route in found.routes:
        for (start, y), (end, level) in zip(route.points[::2], route.points[1::2], strict=True):
            assert y == level
            for box in found.boxes.values():
                if box.id in (route.source, route.target):
                    continue
                within = box.y < y < box.y + box.height and start < box.x + box.width and box.x < end
                assert not within, (route, box)


@laws
@given(graphs())
def test_the_same_graph_gives_the_same_picture(graph):
    boxes, edges = graph
    assert layered(boxes, edges) == layered(list(boxes), [*edges, *edges])


def test_what_can_be_drawn_without_a_crossing_is():
    """Two chains whose second halves are given in the wrong order."""
    boxes = [Box(name, 10, 10) for name in ("a", "b", "d", "c", "f", "e")]
    found = layered(boxes, [("a", "c"), ("b", "d"), ("c", "e"), ("d", "f")])
    heights = {name: found.boxes[name].y for name in "abcdef"}
    assert (heights["a"] < heights["b"]) == (heights["c"] < heights["d"]) == (heights["e"] < heights["f"])


def test_a_chain_is_level_and_a_long_edge_goes_around_it():
    boxes = [Box(name, 40, 20) for name in "abcd"]
    found = layered(boxes, [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])
    assert found.layers == 4
    assert abs(found.boxes["b"].y - found.boxes["c"].y) < 0.02
    (long,) = (route for route in found.routes if (route.source, route.target) == ("a", "d"))
    across = long.points[2:6]
    assert len({y for _, y in across}) == 1
    assert not any(box.y < across[0][1] < box.y + 20 for box in (found.boxes["b"], found.boxes["c"]))


def test_a_source_lies_just_before_what_is_made_of_it():
    boxes = [Box(name, 10, 10) for name in ("a", "b", "c", "late")]
    found = layered(boxes, [("a", "b"), ("b", "c"), ("late", "c")])
    assert found.boxes["late"].layer == 1


def test_many_boxes_are_laid_out_at_once():
    boxes = [Box(str(place), 30, 10) for place in range(120)]
    edges = [(str(place // 3), str(place)) for place in range(1, 120) if place // 3 != place]
    assert len(layered(boxes, edges).boxes) == 120


@pytest.mark.parametrize(
    ("edges", "said"),
    [([("a", "a")], "circle"), ([("a", "b"), ("b", "a")], "circle"), ([("a", "z")], "not there")],
)
def test_what_cannot_be_laid_out_is_refused(edges, said):
    with pytest.raises(ValueError, match=said):
        layered([Box("a", 1, 1), Box("b", 1, 1)], edges)
