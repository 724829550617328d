"""Metrics of groups that moved between two models, and those that only did so by chance."""

from dataclasses import replace

import pytest

from lineal.questions.diff.groups import groups
from lineal.questions.groups import Figure, Group, Grouping, Groups, gap_of
from lineal.reports.groups import group_changes, lines
from lineal.reports.terminal import console


def told(by="sex", width=0.1, **values):
    members = []
    for name, value in values.items():
        figure = Figure("recall", value, value and value - width, value and value + width, "" if value else "too few")
        members.append(Group((name,), 50 if value else 3, 100, (figure,)))
    gap = gap_of(members, "recall")
    if gap.value is not None:
        gap = replace(gap, low=gap.value - width, high=gap.value + width)
    return Groups((), (Grouping((by,), tuple(members), (gap,)),), ("recall",), 20, 0.95, 100, 7, 100, 200)


def shown(renderable):
    made = console()
    with made.capture() as captured:
        made.print(renderable)
    return [" ".join(line.split()) for line in captured.get().splitlines()]


def test_a_group_that_moved_and_one_that_did_not():
    found = groups(told(f=0.4, m=0.8), told(f=0.8, m=0.85))
    assert [(change.group, change.metric) for change in found.moved] == [("f", "recall"), (None, "recall")]
    assert found.compared == 3
    first = found.moved[0]
    assert (first.left, first.right, first.left_rows, first.right_rows) == (0.4, 0.8, 50, 50)
    # Two intervals of 0.2 at 95 %: each a standard error of 0.051.
    assert first.noise == pytest.approx(0.0722, abs=1e-4)
    assert shown(group_changes(found))[1:] == [
        "f recall 0.4000 0.8000 +0.4000 ± 0.0722 50 → 50",
        "gap by sex recall 0.4000 0.0500 -0.3500 ± 0.0722",
    ]


def test_what_differs_by_chance_only_did_not_move():
    assert groups(told(f=0.6, m=0.8), told(f=0.65, m=0.75)).moved == ()


def test_many_figures_are_allowed_for():
    few = groups(told(f=0.5, m=0.8), told(f=0.68, m=0.8))
    assert [change.group for change in few.moved] == ["f", None]
    names = {f"g{n}": 0.8 for n in range(40)}
    assert groups(told(f=0.5, **names), told(f=0.68, **names)).moved == ()


def test_a_group_that_one_side_cannot_tell_of_is_told():
    found = groups(told(f=0.6, m=0.8), told(f=0.6, m=None))
    assert [(change.group, change.left, change.right, change.note) for change in found.moved] == [
        ("m", 0.8, None, "too few")
    ]
    found = groups(told(f=0.6, m=0.8), told(f=0.6, m=0.8, x=0.7))
    assert [(change.group, change.note) for change in found.moved] == [("x", "the group is only after")]
    assert shown(group_changes(found))[1] == "x recall - 0.7000 the group is only after - → 50"


def test_columns_that_one_side_groups_by():
    found = groups(told("sex", f=0.6, m=0.8), told("age", f=0.6, m=0.8))
    assert shown(group_changes(found)) == ["by sex: only before", "by age: only after"]
    assert groups(None, None) is None
    assert shown(group_changes(groups(None, told(f=0.6, m=0.8)))) == ["by sex: only after"]


def test_lines_for_a_person():
    assert list(lines(told(f=0.6, m=0.8, x=None))) == [
        "by sex: recall f 0.6000 (50 rows), m 0.8000 (50 rows); x: too few; gaps recall 0.2000"
    ]
    many = told(**{f"g{n}": 0.5 + n / 100 for n in range(9)}, x=None)
    assert list(lines(many)) == [
        "by sex: 10 groups, recall 0.5000 (g0) to 0.5800 (g8); 1 cannot be told; gaps recall 0.0800"
    ]
    assert list(lines(told(f=None, m=None))) == ["by sex: no recall can be told; f: too few; m: too few"]
    problem = Groups((), (Grouping(("a", "b"), problem="too many"),), ("recall",), 20, 0.95, 100, 7, 9, 9)
    assert list(lines(problem)) == ["by a & b: too many"]
