"""Metrics of groups: right values, right positive class, and nothing that looks fair by being empty."""

import math

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate
from sklearn.metrics import accuracy_score, mean_absolute_error, recall_score, roc_auc_score

from lineal.errors import DataError
from lineal.models import fitting
from lineal.models.evaluation import Evaluation, evaluate, hold_gates
from lineal.models.fitting import fit
from lineal.models.groups.figures import group_figures, groups_of
from lineal.models.groups.interface import of_facet, to_facet
from lineal.models.groups.scheme import learn
from lineal.models.metrics import Answers
from lineal.tracing.clean import clean
from tests.parts.people import people

LINE = "sklearn.linear_model.LogisticRegression"
ACCURACY = '[evaluate]\nmetrics = ["accuracy"]\ngroups = ["sex"]\n'
SEX = '[evaluate]\nmetrics = ["accuracy", "recall", "roc_auc"]\ngroups = ["sex"]\n[evaluate.grouping]\ndraws = 40\n'


@pytest.fixture
def judged(make_pipeline, monkeypatch):
    """Train on people and judge on others: the pipeline, the evaluation, the held-out rows and the groups."""
    # Of a model that is not cross-validated: what it does on other rows is told of the held-out ones.
    monkeypatch.setattr(fitting, "AFFORDABLE_SECONDS", 0)

    def run(more, frame=None, estimator=LINE, target="repaid"):
        frame = people(600) if frame is None else frame
        pipeline = make_pipeline(estimator, more, target=target, id='"person"', drop='["sex", "age"]')
        train, test = frame.iloc[: len(frame) // 2], frame.iloc[len(frame) // 2 :].reset_index(drop=True)
        evaluation = evaluate(pipeline, fit(pipeline, train), test)
        groups = group_figures(pipeline, evaluation, test, learn(pipeline, train))
        return pipeline, evaluation, test, groups

    return run


def told(grouping, metric):
    return {group.name: group.figure(metric).value for group in grouping.groups}


def test_each_group_has_scikit_learns_figures_of_its_rows(judged):
    _, evaluation, test, groups = judged(SEX)
    (sex,) = groups.groupings
    table = evaluation.predictions
    for group in sex.groups:
        of = (test["sex"] == group.name).to_numpy()
        own = table[of]
        assert group.rows == of.sum()
        assert group.figure("accuracy").value == pytest.approx((own["actual"] == own["prediction"]).mean())
        assert group.figure("recall").value == pytest.approx(
            recall_score(own["actual"], own["prediction"], pos_label="yes")
        )
        assert group.figure("roc_auc").value == pytest.approx(
            roc_auc_score(own["actual"] == "yes", own["probability_yes"])
        )
        # fairlearn's own would be 0 for text: it takes 1 for the positive class.
        assert group.figure("selection_rate").value == pytest.approx((own["prediction"] == "yes").mean())
        negative = own[own["actual"] == "no"]
        assert group.figure("false_positive_rate").value == pytest.approx((negative["prediction"] == "yes").mean())
    assert groups.metrics == ("accuracy", "recall", "roc_auc", "selection_rate", "false_positive_rate")
    gap = sex.gap("recall")
    values = told(sex, "recall")
    assert gap.value == pytest.approx(max(values.values()) - min(values.values()))
    assert (gap.least, gap.greatest) == (min(values, key=values.get), max(values, key=values.get))


def test_figures_and_gaps_are_those_of_fairlearn(judged):
    _, evaluation, test, groups = judged('[evaluate]\nmetrics = ["accuracy", "recall"]\ngroups = ["sex"]\n')
    table = evaluation.predictions
    actual, predicted = ((table[name] == "yes").astype(int) for name in ("actual", "prediction"))
    frame = MetricFrame(
        metrics={"accuracy": accuracy_score, "recall": recall_score, "selection_rate": selection_rate,
                 "false_positive_rate": false_positive_rate},
        y_true=actual, y_pred=predicted, sensitive_features=test["sex"],
    )  # fmt: skip
    (sex,) = groups.groupings
    for name in groups.metrics:
        assert told(sex, name) == pytest.approx(frame.by_group[name].to_dict())
        assert sex.gap(name).value == pytest.approx(frame.difference()[name])
        assert sex.gap(name).ratio == pytest.approx(frame.ratio()[name])


def test_intervals_hold_the_value_and_are_the_same_again(judged):
    first, again = judged(SEX)[3], judged(SEX)[3]
    assert first == again
    for group in first.groupings[0].groups:
        for figure in group.figures:
            assert figure.low <= figure.value <= figure.high
            assert figure.low < figure.high
    other = judged(SEX + "[split]\nseed = 1\n")[3]
    assert [g.figures for g in other.groupings[0].groups] != [g.figures for g in first.groupings[0].groups]


def test_an_interval_is_as_wide_as_the_binomial_says(judged):
    _, _, _, groups = judged(ACCURACY + "[evaluate.grouping]\ndraws = 500\n", people(2000))
    for group in groups.groupings[0].groups:
        figure = group.figure("accuracy")
        expected = 2 * 1.96 * math.sqrt(figure.value * (1 - figure.value) / group.rows)
        assert figure.high - figure.low == pytest.approx(expected, rel=0.2)


def test_a_group_of_many_rows_has_the_interval_that_all_of_them_give(judged, monkeypatch):
    whole = judged(ACCURACY + "[evaluate.grouping]\ndraws = 300\n", people(2000))[3]
    monkeypatch.setattr("lineal.models.groups.figures.MOST_ROWS", 200)
    scaled = judged(ACCURACY + "[evaluate.grouping]\ndraws = 300\n", people(2000))[3]
    for one, two in zip(whole.groupings[0].groups, scaled.groupings[0].groups, strict=True):
        a, b = one.figure("accuracy"), two.figure("accuracy")
        assert b.high - b.low == pytest.approx(a.high - a.low, rel=0.2)


def test_what_is_missing_is_a_group_and_counted(judged):
    frame = people(600)
    frame.loc[frame.index % 5 == 0, "sex"] = None
    _, _, test, groups = judged(SEX, frame)
    assert [group.name for group in groups.groupings[0].groups] == ["female", "male", "missing"]
    (column,) = groups.columns
    assert (column.missing, column.train_missing) == (test["sex"].isna().sum(), 60)
    assert groups.groupings[0].group("missing").rows == column.missing
    assert groups.groupings[0].group("missing").figure("accuracy").value is not None


def test_too_few_rows_and_no_row_are_told_and_never_look_fair(judged):
    frame = people(600)
    frame.loc[:3, "sex"] = "other"
    frame.loc[4:5, "sex"] = "third"
    frame.loc[300:304, "sex"] = "other"
    pipeline, evaluation, _, groups = judged(SEX + "[[evaluate.gates]]\nmetric = 'accuracy'\nmax_gap = 1.0\n", frame)
    sex = groups.groupings[0]
    assert (sex.group("other").rows, sex.group("other").train_rows) == (5, 4)
    assert sex.group("other").figure("accuracy").reason == "too few rows (5 of at least 20)"
    assert (sex.group("third").rows, sex.group("third").train_rows) == (0, 2)
    assert sex.group("third").figure("accuracy").reason == "no held-out row"
    assert sex.gap("accuracy").untold == ("other", "third")
    (gate,) = hold_gates(pipeline, evaluation.metrics, groups)
    assert not gate.passed
    assert math.isnan(gate.actual)
    assert gate.sentence == (
        "how far accuracy by sex differs cannot be told (other: too few rows (5 of at least 20); third: no held-out "
        f"row); the others differ by {sex.gap('accuracy').value:.4g}, and may by at most 1"
    )


def test_a_group_of_one_class_has_no_figure_that_needs_two(judged):
    frame = people(600)
    frame.loc[(frame["sex"] == "female") & (frame.index >= 300), "repaid"] = "no"
    _, _, _, groups = judged(SEX, frame)
    female = groups.groupings[0].group("female")
    assert female.figure("accuracy").value is not None
    assert female.figure("roc_auc").reason == "its rows are all of one class"
    # scikit-learn gives 0 here, with a warning.
    assert female.figure("recall").value is None
    assert female.figure("recall").reason.startswith("not defined for its rows: Recall is ill-defined")
    assert female.figure("false_positive_rate").value is not None
    assert groups.groupings[0].gap("roc_auc").value is None
    assert groups.groupings[0].gap("roc_auc").untold == ("female",)


def test_one_class_of_the_positive_kind(judged):
    frame = people(600)
    frame.loc[(frame["sex"] == "female") & (frame.index >= 300), "repaid"] = "yes"
    female = judged(SEX, frame)[3].groupings[0].group("female")
    assert female.figure("recall").value is not None
    assert female.figure("false_positive_rate").reason == "its rows are all of one class"


def test_combinations_are_told_of_all_that_could_be(judged):
    frame = people(600)
    frame.loc[frame["sex"] == "female", "age"] = 25
    more = '[evaluate]\nmetrics = ["accuracy"]\ngroups = ["sex", "age"]\n[evaluate.grouping]\nedges = { age = [30] }\n'
    _, _, _, groups = judged(more, frame)
    assert [grouping.by for grouping in groups.groupings] == [("sex",), ("age",), ("sex", "age")]
    both = groups.by("age", "sex")
    assert {group.name: group.rows > 0 for group in both.groups} == {
        "female & under 30": True,
        "female & 30 and over": False,
        "male & under 30": True,
        "male & 30 and over": True,
    }
    assert both.gap("accuracy").untold == ("female & 30 and over",)


def test_too_many_combinations_are_told_so(judged, monkeypatch):
    monkeypatch.setattr("lineal.models.groups.figures.MOST_COMBINED", 3)
    more = '[evaluate]\nmetrics = ["accuracy"]\ngroups = ["sex", "age"]\n[evaluate.grouping]\nbins = 2\n'
    gate = '[[evaluate.gates]]\nmetric = "accuracy"\nmax_gap = 1.0\nby = ["sex", "age"]\n'
    pipeline, evaluation, _, groups = judged(more + gate)
    assert groups.by("sex", "age").problem == "it has 4 groups, and no more than 3 are told of"
    (held,) = hold_gates(pipeline, evaluation.metrics, groups)
    assert not held.passed
    assert "how far accuracy by sex & age differs cannot be told (it has 4 groups" in held.sentence


def test_more_than_two_classes_and_numbers(judged):
    frame = people(600).assign(repaid=lambda each: pd.cut(each["income"], 3, labels=["low", "mid", "high"]).astype(str))
    more = '[evaluate]\nmetrics = ["accuracy", "roc_auc_ovr", "f1_macro"]\ngroups = ["sex"]\n'
    _, evaluation, _, groups = judged(more, frame)
    assert evaluation.kind == "multiclass"
    assert groups.metrics == ("accuracy", "roc_auc_ovr", "f1_macro")
    assert all(value is not None for value in told(groups.groupings[0], "accuracy").values())

    frame = people(600).assign(repaid=lambda each: each["income"] * 2 + each["debt"] + (each["sex"] == "male"))
    more = '[evaluate]\nmetrics = ["neg_mean_absolute_error", "r2"]\ngroups = ["sex"]\n'
    _, evaluation, test, groups = judged(more, frame, "sklearn.linear_model.Ridge")
    table = evaluation.predictions
    for name, value in told(groups.groupings[0], "neg_mean_absolute_error").items():
        of = (test["sex"] == name).to_numpy()
        assert value == pytest.approx(-mean_absolute_error(table["actual"][of], table["prediction"][of]))
    assert groups.groupings[0].gap("neg_mean_absolute_error").ratio < 1


@pytest.mark.parametrize(
    ("labels", "predicted"), [(["b", "a"], ["b", "b"]), ([True, False], [True, True]), ([1, 0], [1, 1])]
)
def test_the_positive_class_is_the_second_whatever_labels_are_of(make_pipeline, labels, predicted):
    truth, said = np.array(labels * 20, dtype=object), np.array(predicted * 20, dtype=object)
    test = pd.DataFrame({"sex": ["f", "f", "m", "m"] * 10})
    pipeline = make_pipeline(LINE, '[evaluate]\nmetrics = ["recall"]\ngroups = ["sex"]\n')
    table = pd.DataFrame({"actual": truth, "prediction": said})
    evaluation = Evaluation("binary", {"recall": 1.0}, 40, table, tuple(sorted(labels)), answers=Answers(said))
    groups = group_figures(pipeline, evaluation, test, learn(pipeline, test))
    assert told(groups.groupings[0], "recall") == {"f": 1.0, "m": 1.0}
    assert told(groups.groupings[0], "selection_rate") == {"f": 1.0, "m": 1.0}
    assert told(groups.groupings[0], "false_positive_rate") == {"f": 1.0, "m": 1.0}


def test_a_label_that_the_model_never_saw_is_judged_as_wrong(judged):
    frame = people(600)
    frame.loc[590:, "repaid"] = "perhaps"
    _, evaluation, test, groups = judged('[evaluate]\nmetrics = ["accuracy"]\ngroups = ["sex"]\n', frame)
    table = evaluation.predictions
    for name, value in told(groups.groupings[0], "accuracy").items():
        own = table[(test["sex"] == name).to_numpy()]
        assert value == pytest.approx((own["actual"] == own["prediction"]).mean())


def test_what_is_recorded_is_read_back_the_same(judged):
    frame = people(600, others=3)
    groups = judged(SEX, frame)[3]
    assert of_facet(to_facet(groups)) == groups
    # An event leaves out what is not there.
    assert of_facet(clean(to_facet(groups))) == groups
    assert of_facet({}) is not None


def test_groups_that_training_did_not_hand_on_are_asked_for(judged):
    pipeline, evaluation, test, _ = judged(SEX)
    with pytest.raises(DataError, match="the groups of the training rows are not given; hand them from one task to"):
        groups_of(pipeline, evaluation, test, None)
    scheme = learn(pipeline, test)
    with pytest.raises(DataError, match=r"evaluate\.groups names 'sex', which is no column of the held-out rows"):
        groups_of(pipeline, evaluation, test.drop(columns="sex"), scheme)
