import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.inspection import permutation_importance

from lineal.errors import DataError
from lineal.models import explanation
from lineal.models.explanation import importances
from lineal.models.fitting import fit

FOREST = "sklearn.ensemble.RandomForestClassifier"
LINE = "sklearn.linear_model.LogisticRegression"


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    rows = 300
    colour = random.choice(["red", "green", "blue"], rows)
    size = random.normal(size=rows)
    return pd.DataFrame(
        {
            "noise": random.normal(size=rows),
            "size": np.where(random.random(rows) < 0.1, np.nan, size),
            "colour": colour,
            "target": np.where((size > 0.3) ^ (colour == "red"), "yes", "no"),
        }
    )


def test_what_decides_comes_first_and_noise_last(make_pipeline, table):
    pipeline = make_pipeline(FOREST, "params = {n_estimators = 20}\n")

    found = importances(pipeline, fit(pipeline, table[:200]), table[200:])

    assert {each.column for each in found.permuted[:2]} == {"size", "colour"}
    assert found.permuted[0].mean > 0.2
    assert found.permuted[-1].column == "noise"
    assert abs(found.permuted[-1].mean) < 0.1
    assert (found.metric, found.rows, found.sampled_from) == ("accuracy", 100, 100)


def test_the_estimators_own_are_summed_to_raw_columns(make_pipeline, table):
    pipeline = make_pipeline(FOREST, "params = {n_estimators = 20}\n")
    fitted = fit(pipeline, table)

    found = importances(pipeline, fitted, table)

    assert found.own_kind == "feature_importances_"
    values = {each.feature: each.value for each in found.own}
    assert set(values) == {"noise", "size", "missingindicator_size", "colour=red", "colour=green", "colour=blue"}
    assert sorted(values.values()) == pytest.approx(sorted(fitted.estimator["model"].feature_importances_))
    assert dict(found.own_by_column)["colour"] == pytest.approx(sum(values[name] for name in values if "=" in name))
    assert sum(value for _, value in found.own_by_column) == pytest.approx(1)
    assert [each.value for each in found.own] == sorted(values.values(), reverse=True)


def test_coefficients_count_without_their_sign(make_pipeline, table):
    pipeline = make_pipeline(LINE)
    fitted = fit(pipeline, table)

    found = importances(pipeline, fitted, table)

    assert found.own_kind == "coef_"
    values = {each.feature: each.value for each in found.own}
    assert values["size"] == pytest.approx(abs(fitted.estimator["model"].coef_[0][1]))


def test_coefficients_of_more_classes_are_averaged(make_pipeline, table):
    pipeline = make_pipeline(LINE, target="colour")
    fitted = fit(pipeline, table)

    found = importances(pipeline, fitted, table)

    expected = np.abs(fitted.estimator["model"].coef_).mean(axis=0)
    assert sorted(each.value for each in found.own) == pytest.approx(sorted(expected))


def test_an_estimator_that_says_nothing_has_permutations_only(make_pipeline, table):
    pipeline = make_pipeline("sklearn.neighbors.KNeighborsClassifier")

    found = importances(pipeline, fit(pipeline, table), table)

    assert (found.own_kind, found.own, found.own_by_column) == (None, (), ())
    assert len(found.permuted) == 3
    assert found.table()["own"] == [None, None, None]


def test_the_same_seed_gives_the_same_and_the_table_is_left_alone(make_pipeline, table):
    pipeline = make_pipeline(LINE)
    fitted, before = fit(pipeline, table), table.copy()

    assert importances(pipeline, fitted, table) == importances(pipeline, fitted.estimator, table)
    pd.testing.assert_frame_equal(table, before)


def test_permutation_agrees_with_scikit_learns(make_pipeline):
    frame = load_breast_cancer(as_frame=True).frame[["worst area", "worst texture", "mean symmetry", "target"]]
    pipeline = make_pipeline(FOREST, 'params = {n_estimators = 10}\n[evaluate]\nmetrics = ["roc_auc"]\n')
    fitted = fit(pipeline, frame[:400])
    test = frame[400:]

    ours = {each.column: each for each in importances(pipeline, fitted, test).permuted}
    theirs = permutation_importance(
        fitted.estimator, test.drop(columns="target"), test["target"], scoring="roc_auc", n_repeats=5, random_state=0
    )

    for place, name in enumerate(test.columns[:-1]):
        spread = 3 * (ours[name].std + theirs.importances_std[place]) + 0.005
        assert ours[name].mean == pytest.approx(theirs.importances_mean[place], abs=spread)


def test_many_rows_are_sampled_and_it_is_said(make_pipeline, table, monkeypatch):
    monkeypatch.setattr(explanation, "MOST_ROWS", 50)
    monkeypatch.setattr(explanation, "LEAST_ROWS", 20)
    pipeline = make_pipeline(LINE)

    found = importances(pipeline, fit(pipeline, table), table)

    assert (found.rows, found.sampled_from) == (50, 300)


def test_a_very_wide_table_takes_fewer_rows(make_pipeline, table, monkeypatch):
    monkeypatch.setattr(explanation, "PREDICTED_ROWS", 30 * explanation.REPEATS * 3)
    monkeypatch.setattr(explanation, "LEAST_ROWS", 20)
    pipeline = make_pipeline(LINE)

    assert importances(pipeline, fit(pipeline, table), table).rows == 30


def test_each_column_is_told_of(make_pipeline, table):
    told = []
    pipeline = make_pipeline(LINE)

    importances(pipeline, fit(pipeline, table), table, lambda done, total: told.append((done, total)))

    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_the_table_has_a_row_for_each_raw_column(make_pipeline, table):
    pipeline = make_pipeline(LINE)
    found = importances(pipeline, fit(pipeline, table), table)

    columns = found.table()

    assert set(columns["column"]) == {"noise", "size", "colour"}
    assert columns["permutation_mean"] == sorted(columns["permutation_mean"], reverse=True)
    assert columns["own"] == [dict(found.own_by_column)[name] for name in columns["column"]]


def test_a_metric_that_is_not_defined_leaves_no_number(make_pipeline, table):
    pipeline = make_pipeline(LINE, '[evaluate]\nmetrics = ["roc_auc"]\n')

    found = importances(pipeline, fit(pipeline, table), table[table["target"] == "yes"])

    assert all(np.isnan(each.mean) for each in found.permuted)
    assert found.table()["permutation_mean"] == [None, None, None]


def test_rows_without_a_learnt_column_are_refused(make_pipeline, table):
    pipeline = make_pipeline(LINE)

    with pytest.raises(DataError, match="the model takes a column that the rows do not have: 'size'"):
        importances(pipeline, fit(pipeline, table), table.drop(columns="size"))
