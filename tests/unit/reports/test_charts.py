"""Plots are drawn within their frame, whatever they are named."""

import re

import pytest

from lineal.reports.page import charts, words


@pytest.mark.parametrize(
    "axis", ["score", "added to the log of yearly turnover in thousands", "added to the " + "w" * 90]
)
@pytest.mark.parametrize("name", ["x", "a column with quite a long name"])
def test_the_name_of_an_axis_lies_within_the_picture(axis, name):
    picture = charts.bars([(name, 1.0, None)], axis)
    x, said = re.findall(r'<text class="tick middle" x="([\d.]+)"[^>]*>([^<]*)</text>', picture)[-1]
    half = words.width(said, 11) / 2
    assert float(x) - half + 0.1 >= 0
    assert float(x) + half <= 360.1
    assert axis.startswith(said.rstrip("…"))
