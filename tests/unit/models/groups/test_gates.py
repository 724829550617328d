"""Gates on gaps: what holds, what does not, and what cannot be told."""

import math

import pytest

from lineal.errors import EstimatorError
from lineal.models.estimators import validate
from lineal.models.evaluation import hold_gates
from lineal.models.groups.interface import Figure, Group, Grouping, Groups, gap_of

TREE = "sklearn.tree.DecisionTreeClassifier"


def grouping(by, **values):
    groups = tuple(
        Group((name,), 50, 50, (Figure("recall", value, reason="" if value is not None else "too few rows"),))
        for name, value in values.items()
    )
    return Grouping(by, groups)


def groups(*groupings):
    return Groups((), groupings, ("recall",), 20, 0.95, 100, 0, 100, 100)


@pytest.fixture
def held(make_pipeline):
    def run(gate, *groupings):
        pipeline = make_pipeline(more=f'[evaluate]\ngroups = ["sex", "age"]\n[[evaluate.gates]]\n{gate}\n')
        return hold_gates(pipeline, {"recall": 0.8}, groups(*groupings))

    return run


SEX, AGE = grouping(("sex",), f=0.7, m=0.75), grouping(("age",), young=0.9, old=0.6)


def test_a_gap_is_asked_of_each_column_by_itself(held):
    sex, age = held('metric = "recall"\nmax_gap = 0.1', SEX, AGE)
    assert (sex.passed, age.passed) == (True, False)
    assert sex.sentence == "recall by sex differs by 0.05 (f 0.7, m 0.75), and may by at most 0.1"
    assert age.sentence == "recall by age differs by 0.3 (old 0.6, young 0.9), but may by at most 0.1"
    assert (sex.name, sex.expected) == ("gate recall by sex", "gap of recall by sex <= 0.1")
    assert age.actual == pytest.approx(0.3)


def test_bounds_and_a_gap_in_one_gate_are_held_each(held):
    bound, gap = held('metric = "recall"\nmin = 0.9\nmax_gap = 0.1\nby = ["sex"]', SEX, AGE)
    assert (bound.passed, gap.passed) == (False, True)
    assert (bound.expected, gap.expected) == ("recall >= 0.9", "gap of recall by sex <= 0.1")


def test_a_gap_that_cannot_be_told_does_not_hold(held):
    (gate,) = held('metric = "recall"\nmax_gap = 0.5\nby = ["sex"]', grouping(("sex",), f=0.7, m=0.8, x=None))
    assert not gate.passed
    assert math.isnan(gate.actual)
    assert gate.sentence == (
        "how far recall by sex differs cannot be told (x: too few rows); the others differ by 0.1, "
        "and may by at most 0.5"
    )


def test_a_gap_that_is_too_large_already_is_told_by_its_size(held):
    (gate,) = held('metric = "recall"\nmax_gap = 0.05\nby = ["sex"]', grouping(("sex",), f=0.7, m=0.8, x=None))
    assert not gate.passed
    assert gate.sentence == "recall by sex differs by 0.1 (f 0.7, m 0.8), but may by at most 0.05"


def test_groups_are_left_out_by_name_and_the_record_says_so(held):
    gate = 'metric = "recall"\nmax_gap = 0.5\nby = ["sex"]\nleave_out = ["x"]'
    (gate,) = held(gate, grouping(("sex",), f=0.7, m=0.8, x=None))
    assert gate.passed
    assert gate.sentence.startswith("recall by sex without x differs by 0.1 (f 0.7, m 0.8)")
    assert gate.expected == "gap of recall by sex without x <= 0.5"


def test_one_group_left_is_no_comparison(held):
    (gate,) = held(
        'metric = "recall"\nmax_gap = 0.5\nby = ["sex"]\nleave_out = ["f"]', grouping(("sex",), f=0.7, m=0.8)
    )
    assert not gate.passed
    assert "(there are not two groups to compare)" in gate.sentence


def test_a_metric_that_no_group_has(held):
    (gate,) = held('metric = "selection_rate"\nmax_gap = 0.5\nby = ["sex"]', SEX)
    assert not gate.passed
    assert "f: not on record" in gate.sentence


def test_groups_that_were_not_looked_at(make_pipeline):
    pipeline = make_pipeline(more='[evaluate]\ngroups = ["sex"]\ngates = [{ metric = "recall", max_gap = 0.1 }]\n')
    (gate,) = hold_gates(pipeline, {"recall": 0.8})
    assert not gate.passed
    assert "(its groups were not looked at)" in gate.sentence


def test_the_ratio_of_a_gap():
    errors = (Group(("a",), 9, 9, (Figure("neg_mae", -2.0),)), Group(("b",), 9, 9, (Figure("neg_mae", -8.0),)))
    assert gap_of(errors, "neg_mae").ratio == 0.25
    none = (Group(("a",), 9, 9, (Figure("neg_mae", 0.0),)), Group(("b",), 9, 9, (Figure("neg_mae", -8.0),)))
    assert gap_of(none, "neg_mae").ratio == 0
    opposed = (Group(("a",), 9, 9, (Figure("r2", -0.1),)), Group(("b",), 9, 9, (Figure("r2", 0.8),)))
    assert gap_of(opposed, "r2").ratio is None


def test_a_rate_is_no_metric_of_numbers(make_pipeline):
    more = '[evaluate]\ngroups = ["sex"]\ngates = [{ metric = "selection_rate", max_gap = 0.1 }]\n'
    validate(make_pipeline(TREE, more))
    with pytest.raises(EstimatorError, match="selection_rate is told of two classes, but the estimator is a regressor"):
        validate(make_pipeline("sklearn.linear_model.Ridge", more))
    with pytest.raises(EstimatorError, match="recal is no scikit-learn scorer; did you mean recall"):
        validate(make_pipeline(TREE, more.replace("selection_rate", "recal")))
