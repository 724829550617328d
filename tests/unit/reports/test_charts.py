"""Plots are drawn within their frame, whatever they are named and however large what they measure is."""

import re
from itertools import pairwise

import pytest

from lineal.reports.page import charts, words

TEXT = re.compile(r'<text class="(tick|label) (middle|end)" x="([\d.-]+)" y="([\d.-]+)">([^<]*)</text>')


def texts(picture):
    """Every text that lies flat: where it begins and ends, how high it lies, and what it says."""
    found = []
    for _, anchor, x, y, said in TEXT.findall(picture):
        wide = words.width(said, 11)
        left = float(x) - (wide / 2 if anchor == "middle" else wide)
        found.append((left, left + wide, float(y), said))
    return found


def named(picture):
    """The lines of the name of the axis below."""
    height = float(re.search(r'viewBox="0 0 \S+ (\S+)"', picture)[1])
    return [each for each in texts(picture) if each[2] > height - 40 and not re.fullmatch(r"[\d.,]+", each[3])]


@pytest.mark.parametrize(
    "axis",
    [
        "score",
        "added to the log of yearly turnover in thousands",
        "fall of ROC AUC, each class against the rest when shuffled",
        "added to the " + "w" * 60,
    ],
)
@pytest.mark.parametrize("name", ["x", "a column with quite a long name"])
def test_the_name_of_an_axis_is_never_cut_off(axis, name):
    picture = charts.bars([(name, 1.0, None)], axis)
    for left, right, _, _ in named(picture):
        assert left + 0.1 >= 0
        assert right <= 360.1
    assert "".join(said for *_, said in named(picture)).replace(" ", "") == axis.replace(" ", "")


def test_a_name_without_an_end_is_cut_and_says_so():
    picture = charts.bars([("x" * 500, 1.0, None)], "y" * 500)
    assert all(left + 0.1 >= 0 and right <= 360.1 for left, right, *_ in texts(picture))
    assert [said[-1] for *_, said in named(picture)] == ["y", "y", "…"]


def test_a_long_name_of_a_column_takes_two_lines_that_meet_no_others():
    rows = [(f"od280/od315_of_diluted_wine_{place}", 1.0, None) for place in range(5)]
    picture = charts.bars(rows, "score")
    labels = [(float(y), said) for kind, _, _, y, said in TEXT.findall(picture) if kind == "label"]
    said = [text for _, text in labels]
    assert "…" not in "".join(said)
    assert ["".join(pair) for pair in zip(said[::2], said[1::2], strict=True)] == [name for name, *_ in rows]
    heights = [height for height, _ in labels]
    assert min(after - before for before, after in pairwise(heights)) > 10


@pytest.mark.parametrize("scale", [1e-6, 1.0, 9_000.0, 250_000.0, 3.4e6, 7e11])
def test_numbers_of_an_axis_lie_within_the_picture_and_clear_of_its_name(scale):
    bars = charts.bars([("x", scale, scale / 10)], "score")
    points = charts.points([(scale * 0.1, scale * 0.2), (scale, scale * 0.9)])
    for left, right, _, said in (*texts(bars), *texts(points)):
        assert left >= 0, said
        assert right <= 360.1, said
    # The name of the upright axis has the first 20.
    assert all(left >= 20 for left, _, y, said in texts(points) if said != "actual")


def test_large_numbers_are_written_as_people_do():
    said = [text for *_, text in texts(charts.points([(0.0, 0.0), (2.4e6, 2.4e6), (2.5e5, 2.5e5)]))]
    assert "2 M" in said
    assert not [text for text in said if "e+" in text]
