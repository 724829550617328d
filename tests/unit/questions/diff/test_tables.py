"""Two tables compared: by an id, by content, whatever their types, and the laws that hold for any two."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.questions.diff.data import Named, compare_tables
from lineal.questions.diff.values import TableColumns

DAYS = ["2026-01-01", "2026-01-02", "NaT"]


def compare(left, right, by="id"):
    def table(of):
        return TableColumns(of if isinstance(of, pa.Table) else pa.table(of))

    return compare_tables(table(left), table(right), (Named("t", "1"), Named("t", "2")), by)


def counts(diff):
    return diff.added, diff.removed, diff.changed, diff.unchanged


def column(diff, name):
    return next(change for change in diff.columns if change.name == name)


def test_rows_are_matched_by_id_wherever_they_stand():
    diff = compare({"id": [1, 2, 3], "a": [1.0, 2.0, 3.0]}, {"id": [4, 3, 1], "a": [4.0, 9.0, 1.0]})
    assert counts(diff) == (1, 1, 1, 1)
    assert (diff.added_ids, diff.removed_ids) == (("4",), ("2",))
    (cell,) = diff.examples
    assert (cell.id, cell.column, cell.left, cell.right) == ("3", "a", "3", "9")
    assert column(diff, "a").cells == 1


def test_without_an_id_a_changed_row_is_one_that_went_and_one_that_came():
    diff = compare({"a": [1, 2, 3], "b": ["x", "y", "z"]}, {"a": [3, 2, 1], "b": ["z", "Y", "x"]}, by=None)
    assert counts(diff) == (1, 1, 0, 2)
    assert [change.name for change in diff.columns] == ["b"]
    assert diff.examples[0].id == "row 2"


def test_rows_that_come_more_than_once_are_counted_as_often():
    diff = compare({"a": [1, 1, 1, 2]}, {"a": [1, 2, 2]}, by=None)
    assert counts(diff) == (1, 2, 0, 2)


def test_the_same_rows_in_another_order_are_called_that():
    diff = compare({"id": [1, 2], "a": [1, 2]}, {"id": [2, 1], "a": [2, 1]})
    assert diff.equal
    assert diff.notes == ("the same rows in another order",)
    assert compare({"id": [1], "a": [1]}, {"a": [1], "id": [1]}).notes == ("the same columns in another order",)


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_id_that_comes_twice_is_said_and_rows_go_by_content(side):
    twice, once = {"id": [1, 1], "a": [1, 2]}, {"id": [1, 2], "a": [1, 2]}
    diff = compare(twice, once) if side == "left" else compare(once, twice)
    assert diff.id is None
    assert f"id names no single row, 1 values of it more than once on the {side}" in diff.notes[0]
    assert counts(diff)[3] == 1


def test_an_id_column_that_a_side_lacks_is_said_and_rows_go_by_content():
    diff = compare({"id": [1, 2], "a": [1, 2]}, {"a": [1, 2]})
    assert diff.notes == ("the right has no column id: rows are compared by content",)
    assert counts(diff) == (0, 0, 0, 2)
    assert column(diff, "id").right_type is None


def test_an_id_of_another_type_still_names_its_row():
    diff = compare({"id": [1, 2], "a": [1, 2]}, {"id": ["2", "1"], "a": [2, 1]})
    assert counts(diff) == (0, 0, 0, 2)
    assert (column(diff, "id").left_type, column(diff, "id").right_type) == ("int64", "string")


@pytest.mark.parametrize(
    ("left", "right", "cells"),
    [
        ([1, 2, None], [1.0, 2.0, None], 0),
        ([1, 2, 3], ["1", "2", "x"], 1),
        ([True, False, True], ["true", "false", "true"], 0),
        (np.array(DAYS, "M8[D]"), np.array([DAYS[0], "2026-01-03", DAYS[2]], "M8[us]"), 1),
    ],
)
def test_a_column_of_another_type_is_named_and_its_values_compared(left, right, cells):
    diff = compare({"id": [1, 2, 3], "a": pa.array(left)}, {"id": [1, 2, 3], "a": pa.array(right)})
    change = column(diff, "a")
    assert change.left_type != change.right_type
    assert change.cells == diff.changed == cells


def test_missing_is_missing_whether_null_or_nan():
    left = {"id": [1, 2, 3], "a": pa.array([None, np.nan, 1.0])}
    right = {"id": [1, 2, 3], "a": pa.array([np.nan, None, None])}
    diff = compare(left, right)
    assert diff.changed == 1
    assert (column(diff, "a").left.missing, column(diff, "a").right.missing) == (2, 3)


@pytest.mark.parametrize("kind", [pa.null(), pa.float64(), pa.string(), pa.bool_()])
def test_a_column_without_any_value_has_no_distribution_and_breaks_nothing(kind):
    empty = {"id": range(100), "a": pa.nulls(100, kind)}
    full = {"id": range(100), "a": [f"{number}" for number in range(100)]}
    assert compare(empty, empty).equal
    change = column(compare(empty, full), "a")
    assert (change.cells, change.test, change.left.mean, change.moved) == (100, None, None, True)


def test_a_column_of_nan_alone_is_as_empty_as_one_of_nulls():
    diff = compare({"id": [1, 2], "a": [np.nan, np.nan]}, {"id": [1, 2], "a": ["x", None]})
    assert (diff.changed, column(diff, "a").left.missing, column(diff, "a").right.missing) == (1, 2, 1)


def test_dates_and_moments_are_seconds_of_one_clock():
    left = {"id": [1, 2], "a": np.array(["1970-01-02", "1970-01-02"], "M8[D]")}
    right = {"id": [1, 2], "a": np.array(["1970-01-02", "1970-01-03"], "M8[D]")}
    change = column(compare(left, right), "a")
    assert (change.left.mean, change.right.mean, change.test) == (86400, 129600, "KS")
    moments = {"id": [1, 2], "a": np.array(["1970-01-02", "1970-01-03"], "M8[us]")}
    assert column(compare(left, moments), "a").right.mean == 129600


def test_an_empty_table_is_compared_like_any_other():
    empty = pa.table({"id": pa.array([], pa.int64()), "a": pa.array([], pa.string())})
    full = {"id": [1, 2], "a": ["x", "y"]}
    assert counts(compare(empty, full)) == (2, 0, 0, 0)
    assert counts(compare(full, empty, by=None)) == (0, 2, 0, 0)
    assert compare(empty, empty).equal


def test_tables_without_a_common_column_have_no_row_in_common():
    diff = compare({"a": [1, 2]}, {"b": [1, 2, 3]}, by=None)
    assert counts(diff) == (3, 2, 0, 0)
    assert "no column is on both sides" in diff.notes[0]


def test_large_whole_numbers_are_not_rounded():
    diff = compare({"id": [1], "a": [2**60]}, {"id": [1], "a": [2**60 + 1]})
    assert diff.changed == 1
    with_gap = compare({"id": [1, 2], "a": [2**60, None]}, {"id": [1, 2], "a": [2**60 + 1, None]})
    assert with_gap.changed == 1


def test_a_column_that_moved_comes_first_and_one_that_did_not_is_not_called_so():
    draw = np.random.default_rng(0)
    base = draw.normal(size=2000)
    left = {"id": range(2000), "noise": base, "moved": base, "kind": np.where(base > 0, "a", "b")}
    right = left | {
        "noise": base + draw.normal(scale=1e-6, size=2000),
        "moved": base + 0.5,
        "kind": np.where(base > 1, "a", "b"),
    }
    diff = compare(left, right)
    assert {change.name: change.moved for change in diff.columns} == {"moved": True, "kind": True, "noise": False}
    assert [change.name for change in diff.columns][-1] == "noise"
    assert column(diff, "moved").test == "KS"
    assert column(diff, "kind").test == "chi-square"
    assert column(diff, "moved").right.mean == pytest.approx(column(diff, "moved").left.mean + 0.5)


def test_the_statistics_are_scipys():
    from scipy.stats import chi2_contingency, ks_2samp

    draw = np.random.default_rng(1)
    one, two = draw.normal(size=400), draw.normal(0.3, size=300)
    words = draw.choice(["a", "b", "c"], 400), draw.choice(["a", "b", "c"], 300, p=[0.5, 0.3, 0.2])
    diff = compare({"id": range(400), "x": one, "w": words[0]}, {"id": range(400, 700), "x": two, "w": words[1]})
    expected = ks_2samp(one, two, method="asymp")
    assert column(diff, "x").statistic == pytest.approx(expected.statistic)
    table = [[(side == word).sum() for word in "abc"] for side in words]
    assert column(diff, "w").statistic == pytest.approx(chi2_contingency(table, correction=False).statistic)


VALUES = st.one_of(st.none(), st.integers(-3, 3))
WORDS = st.one_of(st.none(), st.sampled_from(["", "a", "b", "\0"]))
FLOATS = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.5, float("nan"), float("inf")]))


@st.composite
def tables(draw, unique=True):
    ids = draw(st.lists(st.integers(0, 12), max_size=12, unique=unique))
    rows = len(ids)

    def some(of):
        return draw(st.lists(of, min_size=rows, max_size=rows))

    made = {
        "id": pa.array(ids, pa.int64()),
        "n": pa.array(some(VALUES), draw(st.sampled_from([pa.int64(), pa.float64()]))),
        "w": pa.array(some(WORDS), pa.string()),
        "f": pa.array(some(FLOATS), pa.float64(), from_pandas=False),
    }
    return pa.table({name: made[name] for name in made if name == "id" or draw(st.booleans())})


@given(tables(unique=False), st.sampled_from(["id", None]))
def test_a_table_does_not_differ_from_itself(table, by):
    diff = compare(table, table, by)
    assert diff.equal
    assert diff.unchanged == table.num_rows
    assert diff.examples == ()


@given(tables(unique=False), tables(unique=False), st.sampled_from(["id", None]))
def test_the_rows_add_up(left, right, by):
    diff = compare(left, right, by)
    assert diff.removed + diff.changed + diff.unchanged == left.num_rows
    assert diff.added + diff.changed + diff.unchanged == right.num_rows
    assert min(counts(diff)) >= 0


@given(tables(unique=False), tables(unique=False), st.sampled_from(["id", None]))
def test_the_other_way_round_is_the_mirror(left, right, by):
    there, back = compare(left, right, by), compare(right, left, by)
    assert counts(back) == (there.removed, there.added, there.changed, there.unchanged)
    mirrored = {change.name: (change.cells, change.statistic, change.moved) for change in back.columns}
    for change in there.columns:
        cells, statistic, moved = mirrored.pop(change.name)
        assert (cells, moved) == (change.cells, change.moved)
        assert statistic == pytest.approx(change.statistic)
    assert not mirrored


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(table, random):
    order = list(range(table.num_rows))
    random.shuffle(order)
    for by in ("id", None):
        assert compare(table, table.take(pa.array(order, pa.int64())), by).equal
