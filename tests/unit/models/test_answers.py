"""A model's answers on held-out rows, summed up: as scikit-learn counts them, and few enough to be shown."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from lineal.models.answers import answers

MANY = 5_000


def two_classes(rows=MANY):
    made = np.random.default_rng(7)
    actual = made.random(rows) < 0.3
    score = np.clip(made.normal(0.3 + 0.3 * actual, 0.2), 0, 1)
    named = np.where(actual, "yes", "no")
    said = np.where(score > 0.5, "yes", "no")
    table = {"actual": named, "prediction": said, "probability_no": 1 - score, "probability_yes": score}
    return pa.table(table), actual, score


def test_two_classes_are_counted_and_have_the_curve_of_the_second():
    table, actual, score = two_classes()
    found = answers(table, regression=False)
    assert (found.rows, found.labels) == (MANY, ("no", "yes"))
    assert np.array(found.counts).tolist() == confusion_matrix(actual, score > 0.5).tolist()
    (curve,) = found.curves
    assert (curve.label, curve.rows, curve.scale) == ("yes", actual.sum(), "probability")
    assert curve.area == pytest.approx(roc_auc_score(actual, score))
    assert curve.average_precision == pytest.approx(average_precision_score(actual, score))
    assert len(curve.roc) <= 80
    assert (curve.roc[0], curve.roc[-1]) == ((0.0, 0.0), (1.0, 1.0))
    half = next(each for each in curve.thresholds if each.at == 0.5)
    called = score >= 0.5
    assert half.positive == called.sum()
    assert half.recall == pytest.approx((called & actual).sum() / actual.sum())
    assert half.precision == pytest.approx((called & actual).sum() / called.sum())
    assert half.false_rate == pytest.approx((called & ~actual).sum() / (~actual).sum())


def test_a_score_for_the_second_class_alone_has_thresholds_of_its_own():
    table, _, score = two_classes()
    table = table.drop_columns(["probability_no", "probability_yes"]).append_column("score_yes", [10 * score - 5])
    (curve,) = answers(table, regression=False).curves
    assert curve.scale == "score"
    assert curve.thresholds[0].at == pytest.approx(np.quantile(10 * score - 5, 0.1))


def test_many_classes_are_summed_up():
    made = np.random.default_rng(1)
    labels = np.array([f"class {place:02}" for place in range(30)])
    actual = labels[np.minimum(made.geometric(0.15, MANY) - 1, 29)]
    table = {"actual": actual, "prediction": made.permutation(actual)}
    table |= {f"probability_{label}": made.random(MANY) for label in labels}
    found = answers(pa.table(table), regression=False)
    assert len(found.labels) == 12
    assert found.labels[-1] == "(others)"
    assert sum(map(sum, found.counts)) == MANY
    assert len(found.curves) == 6


def test_a_class_that_only_the_rows_have_is_counted_too():
    table = pa.table({"actual": ["a", "b", "c"], "prediction": ["a", "b", "a"], "probability_a": [0.9, 0.1, 0.5]})
    found = answers(table, regression=False)
    assert found.labels == ("a", "b", "c")
    assert found.counts[2] == (1, 0, 0)


def test_a_regression_has_points_and_bands():
    made = np.random.default_rng(2)
    actual = made.normal(100, 20, MANY)
    predicted = actual + made.normal(1, 5, MANY)
    found = answers(pa.table({"actual": actual, "prediction": predicted}), regression=True)
    assert (found.rows, found.labels, len(found.bands)) == (MANY, (), 5)
    assert len(found.points) <= 400
    assert sum(band.rows for band in found.bands) == MANY
    assert [band.low for band in found.bands] == sorted(band.low for band in found.bands)
    whole = sum(band.error * band.rows for band in found.bands) / MANY
    assert whole == pytest.approx((actual - predicted).mean())


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"actual": pa.array([], pa.float64()), "prediction": pa.array([], pa.float64())}),
        pa.table({"other": [1.0]}),
        pa.table({"actual": [float("nan")], "prediction": [1.0]}),
    ],
)
def test_where_there_is_nothing_to_sum_up_there_is_no_sum(table):
    assert answers(table, regression=True) is None


def test_one_class_alone_has_no_curve():
    table = pa.table({"actual": ["a", "a"], "prediction": ["a", "a"], "probability_a": [0.9, 0.8]})
    assert answers(table, regression=False).curves == ()
