"""What each column alone tells of the target, on rows that were not learnt from."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from lineal.models.leakage import screen


def screened(frame, target, kind):
    return screen(frame, [name for name in frame.columns if name != target], target, kind)


@pytest.mark.parametrize(
    ("load", "kind", "measure"),
    [(load_breast_cancer, "binary", "roc_auc"), (load_wine, "multiclass", "roc_auc_ovr"),
     (load_diabetes, "regression", "r2")],
)  # fmt: skip
def test_honest_columns_leak_nothing_and_a_copy_does(load, kind, measure):
    frame = load(as_frame=True).frame
    found = screened(frame, "target", kind)
    assert (found.measure, found.rows, found.left_out) == (measure, len(frame), 0)
    assert not [each for each in found.columns if each.leaks()]
    # Filled in afterwards, under another name and by other words.
    copied = frame.assign(
        outcome=frame["target"].map(lambda value: f"was {value}" if kind != "regression" else 2 * value)
    )
    best = screened(copied, "target", kind).columns[0]
    assert (best.column, best.leaks(), best.equal, best.named) == ("outcome", True, False, False)
    assert best.sentence("target", measure).startswith(f"column 'outcome' alone tells the target 'target' ({measure} ")


def test_an_id_that_is_learnt_by_heart_tells_nothing():
    frame = load_breast_cancer(as_frame=True).frame
    found = screened(frame.assign(id=[f"p{row}" for row in range(len(frame))]), "target", "binary")
    (told,) = [each for each in found.columns if each.column == "id"]
    assert 0.4 < told.score < 0.6


def test_the_target_itself_and_its_name():
    rows = np.arange(60)
    frame = pd.DataFrame({"Y": rows % 2, "copy": rows % 2, "y": rows % 3, "x": rows})
    found = {each.column: each for each in screened(frame, "Y", "binary").columns}
    assert (found["copy"].equal, found["copy"].leaks()) == (True, True)
    assert (found["y"].named, found["y"].leaks()) == (True, True)
    assert "is the target 'Y' in every row; if it is not known" in found["copy"].sentence("Y", "roc_auc")
    assert not found["x"].leaks()


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([None] * 40, dtype=object),
        pd.Series([1] * 40),
        pd.Series([1.0, None] * 20),
        pd.Series(["a", None] * 20),
        pd.Series(pd.date_range("2026-01-01", periods=40)),
        pd.Series(np.array(["2026-01-01", "9999-12-31"] * 20, dtype="datetime64[ms]")),
        pd.Series([True, None] * 20, dtype="boolean"),
        pd.Series([np.inf] + [1.0] * 39),
    ],
)
@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_whatever_a_column_holds(column, kind):
    (told,) = screen(pd.DataFrame({"x": column, "y": [0, 0, 1, 1] * 10}), ["x"], "y", kind).columns
    assert told.score is None or told.score <= 1
    assert not told.leaks()


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_too_few_rows_tell_nothing(rows):
    (told,) = screen(pd.DataFrame({"x": range(rows), "y": range(rows)}), ["x"], "y", "regression").columns
    assert told.score is None


def test_of_much_a_part_is_looked_at_and_the_rest_is_told():
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(12_000, 3)), columns=["a", "b", "c"])
    frame["y"] = frame["a"] > 0
    found = screened(frame, "y", "binary")
    assert (found.rows, found.columns[0].column, found.columns[0].leaks()) == (4_000, "a", True)
    wide = pd.DataFrame(generator.normal(size=(30, 305)), columns=[f"c{place}" for place in range(305)])
    assert screened(wide.assign(y=[0, 1] * 15), "y", "binary").left_out == 5
