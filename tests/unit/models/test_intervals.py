"""Intervals of held-out figures: of the right width, only of figures that the answers give again."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import accuracy_score, f1_score, r2_score, roc_auc_score

from lineal.models.intervals import MOST_ROWS, intervals
from tests.unit.models.test_answers import two_classes


def test_an_accuracys_interval_is_about_that_of_a_proportion():
    table, actual, score = two_classes(400)
    value = accuracy_score(actual, score > 0.5)
    found = intervals(table, {"accuracy": value})["accuracy"]
    half = 1.96 * (value * (1 - value) / 400) ** 0.5
    assert found.low == pytest.approx(value - half, abs=0.3 * half)
    assert found.high == pytest.approx(value + half, abs=0.3 * half)
    assert found == intervals(table, {"accuracy": value})["accuracy"]


def test_figures_of_classes_scores_and_numbers():
    table, actual, score = two_classes(400)
    values = {"roc_auc": roc_auc_score(actual, score), "f1_macro": f1_score(actual, score > 0.5, average="macro")}
    found = intervals(table, values)
    for name, value in values.items():
        assert found[name].low < value < found[name].high
    table = table.drop_columns(["probability_no", "probability_yes"]).append_column("score_yes", [score])
    assert intervals(table, values)["roc_auc"] == found["roc_auc"]
    truth = np.arange(100.0)
    said = truth + np.random.default_rng(1).normal(0, 9, 100)
    numbers = pa.table({"actual": truth, "prediction": said})
    assert intervals(numbers, {"r2": r2_score(truth, said)})["r2"].high < 1


def test_more_rows_make_it_narrower():
    def wide(rows):
        table, actual, score = two_classes(rows)
        found = intervals(table, {"accuracy": accuracy_score(actual, score > 0.5)})["accuracy"]
        return found.high - found.low

    assert wide(3_000) < 0.5 * wide(100)


def test_a_figure_that_the_answers_do_not_give_has_none():
    table, actual, score = two_classes(400)
    value = accuracy_score(actual, score > 0.5)
    assert intervals(table, {"accuracy": value + 0.01, "mine": 0.5, "roc_auc": float("nan")}) == {}
    only = table.drop_columns(["probability_no", "probability_yes"])
    assert list(intervals(only, {"accuracy": value, "roc_auc": roc_auc_score(actual, score)})) == ["accuracy"]


def test_where_all_is_right_chance_cannot_be_told():
    table = pa.table({"actual": ["a", "b"] * 30, "prediction": ["a", "b"] * 30})
    assert intervals(table, {"accuracy": 1.0}) == {}


@pytest.mark.parametrize("rows", [5, MOST_ROWS + 1])
def test_of_too_few_or_too_many_rows_there_are_none(rows):
    table, actual, score = two_classes(rows)
    assert intervals(table, {"accuracy": accuracy_score(actual, score > 0.5)}) == {}
