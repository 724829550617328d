import math

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from lineal.errors import DataError, EstimatorError
from lineal.models.evaluation import compare, evaluate, hold_gates
from lineal.models.fitting import fit

LINE = "sklearn.linear_model.LogisticRegression"


def halves(frame):
    return train_test_split(frame.assign(_lineal_row=range(len(frame))), random_state=0, test_size=0.3)


@pytest.fixture(scope="module")
def cancer():
    frame = load_breast_cancer(as_frame=True).frame
    return halves(frame.assign(target=np.where(frame["target"] == 1, "benign", "malignant")))


@pytest.fixture(scope="module")
def wine():
    return halves(load_wine(as_frame=True).frame)


def test_two_classes(make_pipeline, cancer):
    train, test = cancer
    pipeline = make_pipeline(LINE, '[evaluate]\nmetrics = ["accuracy", "roc_auc", "f1"]\n')

    found = evaluate(pipeline, fit(pipeline, train), test)

    table = found.predictions
    assert list(table) == ["_lineal_row", "actual", "prediction", "probability_benign", "probability_malignant"]
    assert table["_lineal_row"].tolist() == test["_lineal_row"].tolist()
    assert found.metrics["accuracy"] == (table["actual"] == table["prediction"]).mean() > 0.9
    assert found.metrics["roc_auc"] == pytest.approx(
        roc_auc_score(table["actual"] == "malignant", table["probability_malignant"])
    )
    assert (found.rows, found.kind, found.classes) == (len(test), "binary", ("benign", "malignant"))
    malignant = found.by_class[1]
    assert malignant.label == "malignant"
    assert malignant.support == (table["actual"] == "malignant").sum()
    assert malignant.f1 == pytest.approx(found.metrics["f1"])
    assert found.warnings == ()


def test_more_classes(make_pipeline, wine):
    train, test = wine
    pipeline = make_pipeline(LINE)

    found = evaluate(pipeline, fit(pipeline, train), test)

    assert list(found.metrics) == ["accuracy", "balanced_accuracy", "f1_macro"]
    assert found.predictions.filter(like="probability_").sum(axis=1).to_numpy() == pytest.approx(1)
    assert found.metrics["f1_macro"] == pytest.approx(np.mean([each.f1 for each in found.by_class]))


def test_numbers(make_pipeline):
    train, test = halves(load_diabetes(as_frame=True).frame)
    pipeline = make_pipeline("sklearn.linear_model.Ridge")

    found = evaluate(pipeline, fit(pipeline, train), test.drop(columns="_lineal_row"))

    table = found.predictions
    assert list(table) == ["actual", "prediction"]
    assert found.metrics["neg_mean_absolute_error"] == pytest.approx(
        -(table["actual"] - table["prediction"]).abs().mean()
    )
    assert (found.classes, found.by_class) == ((), ())


@pytest.mark.parametrize(
    ("table", "columns"),
    [("cancer", ["score_malignant"]), ("wine", ["score_0", "score_1", "score_2"])],
)
def test_scores_stand_in_for_probabilities(make_pipeline, table, columns, request):
    train, test = request.getfixturevalue(table)
    pipeline = make_pipeline("sklearn.svm.LinearSVC")

    found = evaluate(pipeline, fit(pipeline, train), test)

    assert list(found.predictions.columns[3:]) == columns


def test_a_bare_estimator_is_judged_as_its_fit(make_pipeline, cancer):
    train, test = cancer
    pipeline = make_pipeline(LINE)
    fitted = fit(pipeline, train)

    assert evaluate(pipeline, fitted.estimator, test).metrics == evaluate(pipeline, fitted, test).metrics


def test_what_these_rows_leave_undefined_is_not_a_number_and_told(make_pipeline, cancer):
    train, test = cancer
    pipeline = make_pipeline(LINE, '[evaluate]\nmetrics = ["accuracy", "roc_auc"]\n')

    found = evaluate(pipeline, fit(pipeline, train), test[test["target"] == "benign"])

    assert found.metrics["accuracy"] > 0.9
    assert math.isnan(found.metrics["roc_auc"])
    assert found.warnings == ("roc_auc is not defined for these rows",)
    assert math.isnan(found.by_class[1].recall)


def test_a_class_the_model_never_saw_is_told(make_pipeline, wine):
    train, test = wine
    pipeline = make_pipeline(LINE)

    found = evaluate(pipeline, fit(pipeline, train[train["target"] != 2]), test)

    assert found.warnings[0] == "the model was never shown the class 2, which held-out rows have"
    assert found.metrics["accuracy"] < 1


def test_rows_without_a_learnt_column_are_refused(make_pipeline, wine):
    train, test = wine
    pipeline = make_pipeline(LINE)

    with pytest.raises(
        DataError, match="the model takes columns that the rows do not have: 'alcohol', 'hue'; add them"
    ):
        evaluate(pipeline, fit(pipeline, train), test.drop(columns=["hue", "alcohol"]))


def test_no_rows_are_refused(make_pipeline, wine):
    train, test = wine
    pipeline = make_pipeline(LINE)

    with pytest.raises(DataError, match="there are no rows for the model to predict"):
        evaluate(pipeline, fit(pipeline, train), test.head(0))


def test_a_metric_that_the_champion_cannot_answer_is_refused(make_pipeline, cancer):
    train, test = cancer
    champion = fit(make_pipeline("sklearn.svm.LinearSVC"), train)
    pipeline = make_pipeline(LINE, '[evaluate]\nmetrics = ["neg_log_loss"]\n')

    with pytest.raises(
        EstimatorError, match="neg_log_loss judges probabilities or scores, which LinearSVC does not give"
    ):
        evaluate(pipeline, champion, test)


def test_rows_that_the_model_has_no_answer_for_are_refused(make_pipeline, wine):
    train, test = wine
    pipeline = make_pipeline("sklearn.neighbors.RadiusNeighborsClassifier", "params = {radius = 0.001}\n")

    with pytest.raises(EstimatorError, match="RadiusNeighborsClassifier cannot predict these rows: No neighbors found"):
        evaluate(pipeline, fit(pipeline, train), test)


GATES = """[evaluate]
metrics = ["accuracy"]
[[evaluate.gates]]
metric = "roc_auc"
min = 0.9
max = 0.999
[[evaluate.gates]]
metric = "accuracy"
min = 0.8
"""


@pytest.mark.parametrize(
    ("roc_auc", "passed", "sentence"),
    [
        (0.95, True, "roc_auc is 0.95, and must be at least 0.9 and at most 0.999"),
        (0.9, True, "roc_auc is 0.9, and must be at least 0.9 and at most 0.999"),
        (0.89, False, "roc_auc is 0.89, but must be at least 0.9 and at most 0.999"),
        (1.0, False, "roc_auc is 1, but must be at least 0.9 and at most 0.999"),
        (math.nan, False, "roc_auc is not defined for the held-out rows, and must be at least 0.9 and at most 0.999"),
    ],
)
def test_a_gate_holds_within_its_bounds_only(make_pipeline, roc_auc, passed, sentence):
    first, second = hold_gates(make_pipeline(LINE, GATES), {"roc_auc": roc_auc, "accuracy": 0.8})

    assert (first.metric, first.min, first.max, first.passed, first.sentence) == (
        "roc_auc",
        0.9,
        0.999,
        passed,
        sentence,
    )
    assert second.passed


def test_a_gate_with_a_maximum_only_does_not_hold_for_what_is_not_defined(make_pipeline):
    pipeline = make_pipeline(LINE, '[[evaluate.gates]]\nmetric = "neg_log_loss"\nmax = 0\n')

    assert [gate.passed for gate in hold_gates(pipeline, {"neg_log_loss": math.nan})] == [False]
    assert [gate.passed for gate in hold_gates(pipeline, {"neg_log_loss": -0.1})] == [True]


def test_a_gate_without_its_metric_does_not_hold(make_pipeline):
    assert [gate.passed for gate in hold_gates(make_pipeline(LINE, GATES), {})] == [False, False]


def test_a_gates_metric_is_computed_though_not_asked_for(make_pipeline, cancer):
    train, test = cancer
    pipeline = make_pipeline(LINE, GATES)

    assert list(evaluate(pipeline, fit(pipeline, train), test).metrics) == ["accuracy", "roc_auc"]


@pytest.mark.parametrize(
    ("challenger", "champion", "wins", "sentence"),
    [
        (0.95, 0.93, True, "roc_auc of 0.95 beats the champion's 0.93 by more than 0.01"),
        (0.935, 0.93, False, "roc_auc of 0.935 does not beat the champion's 0.93 by more than 0.01"),
        (0.9, 0.95, False, "roc_auc of 0.9 does not beat the champion's 0.95 by more than 0.01"),
        (math.nan, 0.5, False, "roc_auc is not defined for the challenger, so it does not win"),
        (math.nan, None, False, "roc_auc is not defined for the challenger, so it does not win"),
        (0.6, math.nan, True, "roc_auc is 0.6 and not defined for the champion"),
        (0.6, None, True, "roc_auc is 0.6 and there is no champion to beat"),
    ],
)
def test_a_challenger_wins_by_more_than_the_margin(make_pipeline, challenger, champion, wins, sentence):
    pipeline = make_pipeline(LINE, '[evaluate.champion]\nmetric = "roc_auc"\nmargin = 0.01\n')
    held = None if champion is None else {"roc_auc": champion}

    found = compare(pipeline, {"roc_auc": challenger}, held)

    assert (found.wins, found.sentence, found.margin) == (wins, sentence, 0.01)


@pytest.mark.parametrize(
    ("challenger", "noise", "sentence"),
    [
        (0.935, 0.0123, "roc_auc of 0.935 beats the champion's 0.93 (+0.005 ± 0.012: within the noise)"),
        (0.935, 0.002, "roc_auc of 0.935 beats the champion's 0.93 (+0.0050 ± 0.0020: more than noise)"),
        (0.9, 0.01, "roc_auc of 0.9 does not beat the champion's 0.93 (-0.030 ± 0.010: more than noise)"),
        (0.9, 0.0, "roc_auc of 0.9 does not beat the champion's 0.93 (-0.0300 ± 0.0000: more than noise)"),
        (0.93, 0.01, "roc_auc of 0.93 does not beat the champion's 0.93"),
    ],
)
def test_what_chance_makes_of_a_difference_is_told_and_decides_nothing(make_pipeline, challenger, noise, sentence):
    pipeline = make_pipeline(LINE, '[evaluate.champion]\nmetric = "roc_auc"\n')

    found = compare(pipeline, {"roc_auc": challenger}, {"roc_auc": 0.93}, noise)

    assert (found.wins, found.sentence) == (challenger > 0.93, sentence)


def test_an_equal_challenger_does_not_win(make_pipeline):
    pipeline = make_pipeline(LINE, '[evaluate.champion]\nmetric = "roc_auc"\n')

    assert not compare(pipeline, {"roc_auc": 0.9}, {"roc_auc": 0.9}).wins


def test_without_a_rule_the_newest_wins(make_pipeline):
    found = compare(make_pipeline(LINE), {"accuracy": 0.1}, {"accuracy": 0.9})

    assert found.wins
    assert found.sentence == "there is no [evaluate.champion] to beat, so the newest model takes the alias"
