"""Contributions: they add up to the model's own output, whichever way found them, and a column counts once."""

import itertools
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lineal.datasets.read import to_frame
from lineal.datasets.table import write_table
from lineal.models.attribution import attribute, mean_absolute, sampled
from lineal.models.attribution.base import NotAttributableError, Values
from lineal.models.fitting import fit
from lineal.models.training_rows import TrainingRows

# As large as it takes to tell right from wrong.
SMALL = {"Forest": "{ n_estimators = 15 }", "ExtraTrees": "{ n_estimators = 15 }", "HistGradient": "{ max_iter = 15 }"}
SMALL |= {
    "GradientBoosting": "{ n_estimators = 15 }",
    "AdaBoost": "{ n_estimators = 10 }",
    "MLP": "{ max_iter = 1000 }",
    "SGDClassifier": "{ loss = 'log_loss' }",
}


def rows(count=240, seed=0, target="two"):
    draw = np.random.default_rng(seed)
    x, z = draw.normal(size=count), draw.normal(size=count)
    colour = draw.choice(["red", "green", "blue"], count)
    signal = 2 * x + (colour == "red") - 0.5 * z
    targets = {
        "two": np.where(signal > 0.3, "yes", "no"),
        "three": np.digitize(signal, [-1, 1]),
        "number": signal + 10,
    }
    return pa.table(
        {
            "key": [f"k{number}" for number in range(count)],
            "x": x,
            "z": pa.array(z, mask=draw.random(count) < 0.1),
            "colour": colour,
            "flag": draw.random(count) < 0.4,
            "when": pa.array(np.datetime64("2024-01-01") + draw.integers(0, 400, count)).cast(pa.date32()),
            "target": targets[target],
        }
    )


@pytest.fixture
def fitted(make_pipeline):
    """A fitted pipeline, its training rows, and a row that it has not seen."""

    def make(estimator, target="two", params=None, more=""):
        params = params or next((small for name, small in SMALL.items() if name in estimator), "{}")
        train = write_table(rows(target=target), "it.train")
        pipeline = make_pipeline(estimator, more=f"params = {params}\n{more}", id='"key"')
        estimator = fit(pipeline, to_frame(train)).estimator
        return estimator, TrainingRows(estimator, train), to_frame(write_table(rows(5, seed=1), "it.new")).iloc[[2]]

    return make


def total(found):
    return found.base + math.fsum(each.value for each in found.contributions)


def log_odds(p):
    return np.log(p / (1 - p))


TREES = [
    ("sklearn.ensemble.RandomForestClassifier", "two", "probability"),
    ("sklearn.ensemble.RandomForestClassifier", "three", "probability"),
    ("sklearn.ensemble.ExtraTreesClassifier", "two", "probability"),
    ("sklearn.tree.DecisionTreeClassifier", "three", "probability"),
    ("sklearn.ensemble.GradientBoostingClassifier", "two", "log-odds"),
    ("sklearn.ensemble.HistGradientBoostingClassifier", "two", "log-odds"),
    ("sklearn.ensemble.HistGradientBoostingClassifier", "three", "log-probability but for a constant"),
    ("sklearn.ensemble.RandomForestRegressor", "number", "target"),
    ("sklearn.ensemble.ExtraTreesRegressor", "number", "target"),
    ("sklearn.tree.DecisionTreeRegressor", "number", "target"),
    ("sklearn.ensemble.GradientBoostingRegressor", "number", "target"),
    ("sklearn.ensemble.HistGradientBoostingRegressor", "number", "target"),
]
LINEAR = [
    ("sklearn.linear_model.LogisticRegression", "two", "log-odds"),
    ("sklearn.linear_model.LogisticRegression", "three", "log-probability but for a constant"),
    ("sklearn.linear_model.SGDClassifier", "three", "decision value"),
    ("sklearn.svm.LinearSVC", "two", "decision value"),
    ("sklearn.linear_model.RidgeClassifier", "three", "decision value"),
    ("sklearn.discriminant_analysis.LinearDiscriminantAnalysis", "two", "decision value"),
    ("sklearn.linear_model.Ridge", "number", "target"),
    ("sklearn.linear_model.LinearRegression", "number", "target"),
    ("sklearn.linear_model.PoissonRegressor", "number", "log of target"),
    ("sklearn.linear_model.TweedieRegressor", "number", "target"),
]
# The first three shap refuses or takes apart wrongly; the others are neither trees nor linear.
SAMPLED = [
    ("sklearn.ensemble.GradientBoostingClassifier", "three", "probability"),
    ("sklearn.ensemble.AdaBoostClassifier", "two", "probability"),
    ("sklearn.ensemble.BaggingRegressor", "number", "target"),
    ("sklearn.neighbors.KNeighborsClassifier", "three", "probability"),
    ("sklearn.svm.SVC", "two", "decision value"),
    ("sklearn.neural_network.MLPRegressor", "number", "target"),
    ("sklearn.neighbors.NearestCentroid", "three", None),
]


def by_its_own_methods(estimator, row, found):
    """What the model gives, by its documented methods alone."""
    if found.label is None:
        value = estimator.predict(row)[0]
        return np.log(value) if found.unit.startswith("log of") else value
    place = list(estimator.classes_).index(found.label)
    if found.unit == "probability":
        return estimator.predict_proba(row)[0, place]
    if found.unit == "log-odds":
        return log_odds(estimator.predict_proba(row)[0, place])
    if found.unit == "vote":
        return float(estimator.predict(row)[0] == found.label)
    raw = estimator.decision_function(row)
    return raw[0, place] if raw.ndim == 2 else raw[0] * (1 if place else -1)


@pytest.mark.parametrize(
    ("estimator", "target", "unit", "method"),
    [
        *((*case, "tree") for case in TREES),
        *((*case, "linear") for case in LINEAR),
        *((*case, "sampled") for case in SAMPLED),
    ],
)
def test_contributions_add_up_to_the_models_own_output(fitted, estimator, target, unit, method):
    model, training, row = fitted(estimator, target)
    found = attribute(model, row, training, target="target")
    assert found.method == method, found.note
    assert unit in (found.unit, None)
    assert found.label == (None if target == "number" else model.predict(row)[0])
    assert {each.column for each in found.contributions} == {"x", "z", "colour", "flag", "when"}
    sizes = [abs(each.value) for each in found.contributions]
    assert sizes == sorted(sizes, reverse=True)
    truth = by_its_own_methods(model, row, found)
    assert total(found) == pytest.approx(truth, abs=1e-6)
    assert found.output == pytest.approx(truth, abs=1e-6)
    assert found.residual <= 1e-6
    assert all((each.error is None) == (method != "sampled") for each in found.contributions)


def test_native_categorical_splits_are_sampled_and_it_says_so(fitted):
    # Features 0 and 1 are numbers after preprocessing: the tree is told to take their few values as categories.
    model, training, row = fitted(
        "sklearn.ensemble.HistGradientBoostingClassifier", params="{ categorical_features = [4, 5], max_iter = 20 }"
    )
    assert model[-1].is_categorical_.any()
    found = attribute(model, row, training, target="target")
    assert found.method == "sampled"
    assert "split on categories" in found.note
    assert total(found) == pytest.approx(model.predict_proba(row).max(), abs=1e-6)


def test_what_does_not_add_up_is_never_given(fitted, monkeypatch):
    import shap

    class Wrong(shap.TreeExplainer):
        def shap_values(self, *args, **kwargs):
            return super().shap_values(*args, **kwargs) * 1.001

    monkeypatch.setattr(shap, "TreeExplainer", Wrong)
    model, training, row = fitted("sklearn.ensemble.RandomForestClassifier")
    found = attribute(model, row, training, target="target")
    assert found.method == "sampled"
    assert "do not add up" in found.note
    with pytest.raises(NotAttributableError, match="do not add up"):
        Values(np.ones((1, 2, 1)), np.zeros(1), np.full((1, 1), np.nan), "").held("these")


def test_a_searchs_best_estimator_is_what_is_taken_apart(fitted):
    model, training, row = fitted(
        "sklearn.ensemble.RandomForestClassifier",
        more="[model.search]\nspace = { max_depth = [2, 3] }\nfolds = 3\n",
    )
    assert attribute(model, row, training, target="target").method == "tree"
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    searched = GridSearchCV(model[-1], {"max_depth": [2]}, cv=2)
    frame = to_frame(training.dataset)
    whole = Pipeline([("preprocess", model[0]), ("model", searched)])
    whole.fit(frame[list(model.feature_names_in_)], frame["target"])
    found = attribute(whole, row, training, target="target")
    assert found.method == "tree"
    assert total(found) == pytest.approx(whole.predict_proba(row).max(), abs=1e-6)


def test_linear_contributions_are_those_of_shap(fitted):
    import shap

    model, training, row = fitted("sklearn.linear_model.Ridge", "number")
    found = {each.column: each.value for each in attribute(model, row, training, target="target").contributions}
    features = model[:-1].transform(to_frame(training.dataset))
    theirs = shap.LinearExplainer(model[-1], shap.maskers.Independent(features, max_samples=len(features)))
    values = theirs.shap_values(model[:-1].transform(row))[0]
    names = list(model[:-1].get_feature_names_out())
    colours = sum(value for name, value in zip(names, values, strict=True) if name.startswith("colour="))
    assert found["colour"] == pytest.approx(colours, abs=1e-9)
    assert found["x"] == pytest.approx(values[names.index("x")], abs=1e-9)


def test_sampled_contributions_are_within_their_error_of_the_exact_ones(fitted):
    model, training, row = fitted("sklearn.neighbors.KNeighborsRegressor", "number")
    columns = training.columns
    background, row = training.sample(30, 0), row[columns]

    def value(own):
        """The expected output where some columns are the row's own: by definition, over the whole background."""
        mixed = background.copy()
        for name in own:
            mixed[name] = row[name].iloc[0]
        return model.predict(mixed).mean()

    exact = []
    for name in columns:
        rest = [each for each in columns if each != name]
        exact.append(0.0)
        for size in range(len(rest) + 1):
            weight = math.factorial(size) * math.factorial(len(rest) - size) / math.factorial(len(columns))
            for own in itertools.combinations(rest, size):
                exact[-1] += weight * (value((*own, name)) - value(own))
    found = sampled.sampled_values(model, row, background, "target", seed=1)
    gap = np.abs(found.values[0, :, 0] - exact)
    assert (gap < 4 * found.errors[0, :, 0] + 1e-9).all(), (gap, found.errors)
    assert found.errors.max() < 0.2
    again = sampled.sampled_values(model, row, background, "target", seed=1)
    np.testing.assert_array_equal(found.values, again.values)


def test_without_training_rows_trees_can_be_explained_and_others_say_what_is_missing(fitted):
    model, training, row = fitted("sklearn.ensemble.RandomForestClassifier")
    assert attribute(model, row, None, target="target") == attribute(model, row, training, target="target")
    for estimator in ("sklearn.linear_model.LogisticRegression", "sklearn.neighbors.KNeighborsClassifier"):
        model, _, row = fitted(estimator)
        with pytest.raises(NotAttributableError, match="the training rows are gone"):
            attribute(model, row, None, target="target")


def test_another_classs_output_can_be_asked_for(fitted):
    model, training, row = fitted("sklearn.linear_model.LogisticRegression")
    yes = attribute(model, row, training, target="target", label="yes")
    no = attribute(model, row, training, target="target", label="no")
    assert yes.output == -no.output
    assert total(no) == pytest.approx(log_odds(model.predict_proba(row)[0, 0]), abs=1e-6)


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        ("sklearn.ensemble.RandomForestClassifier", "three"),
        ("sklearn.linear_model.Ridge", "number"),
        ("sklearn.neighbors.KNeighborsClassifier", "two"),
    ],
)
def test_the_mean_of_absolute_contributions_is_that_of_single_rows(fitted, estimator, target):
    model, training, _ = fitted(estimator, target)
    some = to_frame(training.dataset).head(6)
    found = mean_absolute(model, some, training, target="target")
    assert found.rows == 6
    means = dict(found.means)
    assert list(means.values()) == sorted(means.values(), reverse=True)
    if found.method == "sampled":
        assert max(means, key=means.get) == "x"
        return
    labels = model.classes_ if target != "number" else [None]
    single = [
        {
            each.column: abs(each.value)
            for each in attribute(model, some.iloc[[row]], training, target="target", label=label).contributions
        }
        for row in range(6)
        for label in labels
    ]
    for column, mean in means.items():
        assert mean == pytest.approx(np.mean([each[column] for each in single]), abs=1e-9)


def test_rows_typed_otherwise_than_the_training_rows_give_the_same(fitted):
    model, training, row = fitted("sklearn.neighbors.KNeighborsClassifier")
    found = attribute(model, row, training, target="target")
    assert attribute(model, row.astype({"x": object, "z": object}), training, target="target") == found
    missing = row.assign(z=pd.array([None], dtype="Int64"), colour=None)
    assert attribute(model, missing, training, target="target").residual <= 1e-6
