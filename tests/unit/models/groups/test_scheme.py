"""Which groups rows are of: values, bins of the training rows, and what is missing."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from lineal.models.groups.scheme import learn


@pytest.fixture
def scheme(make_pipeline):
    """The groups of one column's training values."""

    def make(values, grouping="", column="g"):
        more = f'[evaluate]\ngroups = ["{column}"]\n[evaluate.grouping]\n{grouping}\n'
        return learn(make_pipeline(more=more), pd.DataFrame({column: values}))

    return make


def labels(scheme, values):
    return scheme.labels(pd.DataFrame({"g": values}))["g"].tolist()


def test_text_is_a_group_a_value_and_what_is_missing_has_its_own(scheme):
    values = pd.Series(["m", "f", None, "f", " ", "missing"], dtype="str")
    found = scheme(values)
    assert labels(found, values) == ["m", "f", "missing", "f", "(empty)", '"missing"']
    assert found.known("g") == ['"missing"', "(empty)", "f", "m", "missing"]
    assert found.counts(["g"])["f",] == 2
    assert found.cuts[0].kind == "values"


def test_truth_values_and_nullable_ones(scheme):
    assert labels(scheme([True, False] * 3), [True, False]) == ["true", "false"]
    nullable = pd.Series([True, None, False, True], dtype="boolean")
    assert labels(scheme(nullable), nullable) == ["true", "missing", "false", "true"]


def test_few_numbers_are_values_and_stand_in_their_order(scheme):
    values = pd.Series([2009, 2008, 2010, None] * 5, dtype="Int64")
    found = scheme(values)
    assert (found.cuts[0].kind, found.known("g")) == ("values", ["2008", "2009", "2010", "missing"])
    assert labels(scheme([1.0, 2.5] * 5), [1.0, 2.5, 10.0]) == ["1", "2.5", "10"]


def test_many_numbers_are_cut_where_the_training_rows_are_parted_evenly(scheme):
    found = scheme(np.arange(100))
    (cut,) = found.cuts
    assert (cut.kind, cut.names) == ("quantiles", ("25", "50", "75"))
    assert found.known("g") == ["under 25", "25 to under 50", "50 to under 75", "75 and over"]
    assert [found.counts(["g"])[label,] for label in found.known("g")] == [25, 25, 25, 25]
    # The held-out rows are cut at the same places, whatever they hold.
    assert labels(found, [-5.0, 25.0, 24.9, 1e9, np.inf, np.nan]) == [
        "under 25", "25 to under 50", "under 25", "75 and over", "75 and over", "missing",
    ]  # fmt: skip


def test_what_many_rows_share_is_a_bin_of_its_own(scheme):
    found = scheme([0.0] * 90 + [float(n) for n in range(1, 31)], "bins = 4")
    assert found.known("g") == ["under 1", "1 and over"]
    assert found.counts(["g"])["under 1",] == 90


def test_a_number_a_row_is_cut_however_few_rows_there_are(scheme):
    assert scheme([3, 1, 2, 5, 4, 6]).cuts[0].kind == "quantiles"


def test_dates_and_moments(scheme):
    days = pd.Series(pd.date_range("2020-01-01", periods=100))
    found = scheme(days, "bins = 2")
    assert found.known("g") == ["before 2020-02-20", "from 2020-02-20"]
    assert labels(found, pd.Series(pd.to_datetime(["2020-02-19", None, "2020-02-20"]))) == [
        "before 2020-02-20",
        "missing",
        "from 2020-02-20",
    ]
    zoned = pd.Series(pd.date_range("2020-01-01", periods=100, freq="h", tz="UTC"))
    assert scheme(zoned, "bins = 2").known("g") == ["before 2020-01-03 02:00:00", "from 2020-01-03 02:00:00"]
    assert labels(scheme(pd.Series([dt.datetime(2020, 1, 1), dt.datetime(2021, 1, 1)] * 4)), days[:1]) == ["2020-01-01"]  # noqa: DTZ001 - data has none


def test_edges_of_the_pipeline_file(scheme):
    found = scheme([20, 40, 60], "edges = { g = [30, 50] }")
    assert found.cuts[0].kind == "edges"
    assert labels(found, [29, 30, 50]) == ["under 30", "30 to under 50", "50 and over"]
    dated = scheme(pd.Series(pd.to_datetime(["2020-01-01"])), "edges = { g = [2020-01-01, 2021-01-01] }")
    assert dated.known("g") == ["before 2020-01-01", "2020-01-01 to before 2021-01-01", "from 2021-01-01"]


def test_edges_are_shown_so_that_they_can_be_told_apart(scheme):
    found = scheme(1_000_000 + np.arange(100) / 1000, "bins = 3")
    assert len(set(found.known("g"))) == 3


def test_combinations_are_counted(make_pipeline):
    frame = pd.DataFrame({"a": ["x", "x", "y"], "b": ["p", "q", "p"]})
    found = learn(make_pipeline(more='[evaluate]\ngroups = ["a", "b"]\n'), frame)
    assert dict(found.counts(["b", "a"])) == {("p", "x"): 1, ("q", "x"): 1, ("p", "y"): 1}
    assert found.rows == 3


def test_without_groups_there_is_nothing_to_learn(make_pipeline):
    assert learn(make_pipeline(), pd.DataFrame({"a": [1]})) is None
