import json
import pickle
import shutil
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.model_selection import StratifiedKFold, cross_validate
from threadpoolctl import threadpool_info

from lineal.errors import DataError, EstimatorError
from lineal.models import fitting
from lineal.models.columns import target_values
from lineal.models.digest import digest
from lineal.models.estimators import validate
from lineal.models.fitting import fit

TREE = "sklearn.tree.DecisionTreeClassifier"
LINE = "sklearn.linear_model.LogisticRegression"
RIDGE = "sklearn.linear_model.Ridge"


@pytest.fixture(scope="module")
def cancer():
    frame = load_breast_cancer(as_frame=True).frame
    return frame.assign(target=np.where(frame["target"] == 1, "benign", "malignant"))


@pytest.fixture(scope="module")
def wine():
    return load_wine(as_frame=True).frame


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(as_frame=True).frame


def small(**columns):
    rows = 40
    return pd.DataFrame({"x": range(rows), "target": ["yes", "no"] * (rows // 2)} | columns)


def refusal(kind, pipeline, frame):
    with pytest.raises(kind) as caught:
        fit(pipeline, frame)
    return caught.value.message


def test_two_classes(make_pipeline, cancer):
    fitted = fit(make_pipeline(TREE, "params = {max_depth = 3}\n[split]\nseed = 7\n"), cancer)

    assert (fitted.kind, fitted.classes) == ("binary", ("benign", "malignant"))
    assert fitted.features == tuple(cancer.columns[:-1])
    assert fitted.params["max_depth"] == 3
    assert fitted.seeds == {"random_state": 7}
    assert fitted.threads == 1
    assert fitted.train_metrics["accuracy"] > fitted.cv.best.scores["accuracy"].mean > 0.85
    assert fitted.fit_seconds > 0
    assert fitted.warnings == ()
    assert set(fitted.estimator.predict(cancer)) == {"benign", "malignant"}


def test_more_classes_and_numbers(make_pipeline, wine, diabetes):
    assert (fit(make_pipeline(LINE), wine).kind, fit(make_pipeline(LINE), wine).classes) == ("multiclass", (0, 1, 2))
    fitted = fit(make_pipeline(RIDGE), diabetes)
    assert (fitted.kind, fitted.classes) == ("regression", ())
    assert list(fitted.train_metrics) == ["r2", "neg_root_mean_squared_error", "neg_mean_absolute_error"]


def test_cross_validation_is_scikit_learns(make_pipeline, wine):
    fitted = fit(make_pipeline(LINE, "[split]\nseed = 3\n"), wine)
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    found = cross_validate(fitted.estimator, wine.drop(columns="target"), wine["target"], cv=folds, scoring="f1_macro")
    scores = fitted.cv.best.scores["f1_macro"]
    assert scores.folds == pytest.approx(found["test_score"])
    assert scores.mean == pytest.approx(found["test_score"].mean())
    assert scores.std == pytest.approx(found["test_score"].std())
    assert fitted.cv.trials[0].params == {}


def test_the_same_rows_and_file_give_the_same_model(make_pipeline, cancer):
    pipeline = make_pipeline("sklearn.ensemble.RandomForestClassifier", "params = {n_estimators = 5}\n")

    assert digest(fit(pipeline, cancer).estimator) == digest(fit(pipeline, cancer.copy()).estimator)


@pytest.mark.parametrize("column", ["mean radius", "worst fractal dimension", "target"])
def test_one_changed_cell_gives_another_model(make_pipeline, cancer, column):
    pipeline = make_pipeline(TREE, "params = {max_depth = 1}\n")
    changed = cancer.copy()
    changed.loc[3, column] = "benign" if column == "target" else changed.loc[3, column] * 1.0001

    assert digest(fit(pipeline, changed).estimator) != digest(fit(pipeline, cancer).estimator)


INNER = (
    '{ estimator = "sklearn.ensemble.RandomForestClassifier", '
    "params = { n_estimators = 60, min_samples_leaf = 3, random_state = 0, n_jobs = 4 } }"
)
ASKED_WHILE_FITTED = {
    "stacking": ("sklearn.ensemble.StackingClassifier", f'cv = 2, estimators = [["one", {INNER}]]'),
    "calibrated": ("sklearn.calibration.CalibratedClassifierCV", f"cv = 2, estimator = {INNER}"),
    "calibrated pipeline": (
        "sklearn.calibration.CalibratedClassifierCV",
        f'cv = 2, estimator = {{ estimator = "sklearn.pipeline.Pipeline", params = {{ steps = [["one", {INNER}]] }} }}',
    ),
    "search": (
        "sklearn.model_selection.GridSearchCV",
        f'cv = 2, estimator = {INNER}, scoring = "neg_log_loss", param_grid = {{ max_depth = [4, 6] }}',
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ASKED_WHILE_FITTED)
def test_what_is_fitted_to_a_forests_answers_is_one_model_each_time(make_pipeline, cancer, kind, monkeypatch):
    # It is the model that is asked about here, not how well it does.
    monkeypatch.setattr(fitting, "AFFORDABLE_SECONDS", 0)
    estimator, params = ASKED_WHILE_FITTED[kind]
    found = {
        digest(fit(make_pipeline(estimator, f"params = {{ {text} }}\n"), cancer).estimator)
        for text in (params.replace("n_jobs = 4", "n_jobs = 1"), params, params, params)
    }
    assert len(found) == 1


def test_another_seed_gives_another_model(make_pipeline, cancer):
    forest = "sklearn.ensemble.RandomForestClassifier"
    first = fit(make_pipeline(forest, "params = {n_estimators = 5}\n[split]\nseed = 1\n"), cancer)
    second = fit(make_pipeline(forest, "params = {n_estimators = 5}\n[split]\nseed = 2\n"), cancer)

    assert digest(first.estimator) != digest(second.estimator)


def test_only_features_are_learnt_from(make_pipeline):
    frame = small(id=range(40), secret=1.5, patient=list("abcdefghij") * 4, when=range(40), _lineal_row=range(40))

    grouped = fit(make_pipeline(more='[split]\ngroup = "patient"\n', id='"id"', drop='["secret"]'), frame)
    timed = fit(make_pipeline(more='[split]\ntime = "when"\n', id='"id"', drop='["secret"]'), frame)

    assert grouped.features == ("x", "when")
    assert timed.features == ("x", "patient", "when")


def test_nothing_to_learn_from_is_refused(make_pipeline):
    said = refusal(DataError, make_pipeline(drop='["x"]'), small())

    assert "no column is left to learn from besides the target 'target'" in said


def test_folds_keep_groups_whole(make_pipeline, monkeypatch):
    frame = small(patient=[f"p{at % 8}" for at in range(40)])
    seen = []
    original = fitting.crossvalidation.cross_validate

    def spy(training, steps, folds, *rest):
        seen.extend(folds)
        return original(training, steps, folds, *rest)

    monkeypatch.setattr(fitting.crossvalidation, "cross_validate", spy)
    fit(make_pipeline(more='[split]\ngroup = "patient"\n'), frame)

    assert len(seen) == 5
    for learnt, held in seen:
        assert set(frame["patient"].iloc[learnt]).isdisjoint(frame["patient"].iloc[held])


def test_folds_never_learn_from_what_comes_later(make_pipeline, monkeypatch):
    frame = small(when=pd.date_range("2020", periods=40)[::-1])
    seen = []
    original = fitting.crossvalidation.cross_validate

    def spy(training, steps, folds, *rest):
        seen.extend(folds)
        return original(training, steps, folds, *rest)

    monkeypatch.setattr(fitting.crossvalidation, "cross_validate", spy)
    fit(make_pipeline(more='[split]\ntime = "when"\n'), frame)

    for learnt, held in seen:
        assert frame["when"].iloc[learnt].max() < frame["when"].iloc[held].min()


def test_folds_are_fewer_where_a_class_is_small(make_pipeline):
    frame = small(target=["rare"] * 3 + ["often"] * 37)

    assert fit(make_pipeline(), frame).cv.folds == 3


def test_a_class_of_one_row_still_fits_without_folds(make_pipeline):
    fitted = fit(make_pipeline(), small(target=["once"] + ["often"] * 39))

    assert fitted.cv is None or fitted.cv.folds == 2
    assert fitted.train_metrics["accuracy"] == 1


def test_an_unaffordable_cross_validation_is_left_out_and_said(make_pipeline, wine, monkeypatch):
    monkeypatch.setattr(fitting, "AFFORDABLE_SECONDS", 0)

    fitted = fit(make_pipeline(), wine)

    assert fitted.cv is None
    assert fitted.warnings[0].startswith("the metrics were not cross-validated: 5 more fits")


SEARCH = """[model.search]
space = { max_depth = [1, 2, 3], min_samples_leaf = [1, 5] }
folds = 3
[evaluate]
metrics = ["balanced_accuracy", "accuracy"]
"""


def test_a_grid_tries_every_combination_and_keeps_the_best(make_pipeline, wine):
    told = []

    fitted = fit(make_pipeline(TREE, SEARCH), wine, lambda done, total: told.append((done, total)))

    assert fitted.cv.metric == "balanced_accuracy"
    assert [trial.params for trial in fitted.cv.trials] == [
        {"max_depth": depth, "min_samples_leaf": leaf} for depth in (1, 2, 3) for leaf in (1, 5)
    ]
    best = fitted.cv.best
    assert best.scores["balanced_accuracy"].mean == max(
        trial.scores["balanced_accuracy"].mean for trial in fitted.cv.trials
    )
    assert len(best.scores["accuracy"].folds) == 3
    assert fitted.params["max_depth"] == best.params["max_depth"]
    assert fitted.estimator.named_steps["model"].max_depth == best.params["max_depth"]
    assert told == [(done, 18) for done in range(19)]


def test_a_random_search_draws_the_same_each_time(make_pipeline, wine):
    more = SEARCH.replace("folds = 3", 'folds = 3\nmethod = "random"\niterations = 4')
    pipeline = make_pipeline(TREE, more)

    first, second = fit(pipeline, wine), fit(pipeline, wine)

    assert len(first.cv.trials) == 4
    assert [trial.params for trial in first.cv.trials] == [trial.params for trial in second.cv.trials]


def test_more_iterations_than_combinations_try_each_once(make_pipeline, wine):
    more = SEARCH.replace("folds = 3", 'folds = 3\nmethod = "random"\niterations = 50')

    fitted = fit(make_pipeline(TREE, more), wine)

    assert len(fitted.cv.trials) == 6
    assert fitted.warnings == ()


def test_estimators_can_be_searched_over(make_pipeline, wine):
    more = """params = { n_estimators = 2 }
[model.search]
folds = 2
[[model.search.space.estimator]]
estimator = "sklearn.tree.DecisionTreeClassifier"
[[model.search.space.estimator]]
estimator = "sklearn.naive_bayes.GaussianNB"
"""
    fitted = fit(make_pipeline("sklearn.ensemble.BaggingClassifier", more), wine)

    assert [trial.params for trial in fitted.cv.trials] == [
        {"estimator": "DecisionTreeClassifier"},
        {"estimator": "GaussianNB"},
    ]


def test_combinations_that_cannot_be_fitted_rank_last_and_are_told(make_pipeline, cancer):
    more = """[model.search]
space = { solver = ["newton-cg", "liblinear"], l1_ratio = [1.0, 0.0] }
folds = 2
"""
    fitted = fit(make_pipeline(LINE, more), cancer)

    failed = next(t for t in fitted.cv.trials if t.params == {"solver": "newton-cg", "l1_ratio": 1.0})
    assert np.isnan(failed.scores["accuracy"].mean)
    assert failed.rank == len(fitted.cv.trials)
    assert any(said.startswith("2 of 8 cross-validation fits failed: Solver newton-cg") for said in fitted.warnings)


def test_a_search_without_one_usable_combination_is_refused(make_pipeline, cancer):
    more = """[model.search]
space = { solver = ["newton-cg"], l1_ratio = [1.0] }
folds = 2
"""
    said = refusal(EstimatorError, make_pipeline(LINE, more), cancer)

    assert "could not be fitted: 2 of 2 cross-validation fits failed: Solver newton-cg" in said


def test_a_fit_that_scikit_learn_refuses_is_told_in_a_sentence(make_pipeline, cancer):
    said = refusal(EstimatorError, make_pipeline(LINE, 'params = {solver = "newton-cg", l1_ratio = 1.0}\n'), cancer)

    assert "sklearn.linear_model.LogisticRegression could not be fitted: Solver newton-cg" in said
    assert "\n" not in said


def test_what_scikit_learn_warns_of_is_kept_and_not_shown(make_pipeline, cancer):
    fitted = fit(make_pipeline(LINE, "params = {max_iter = 1}\n"), cancer)

    assert fitted.warnings[0].startswith("ConvergenceWarning: lbfgs failed to converge")


def test_a_deprecated_estimator_is_told_of(make_pipeline, cancer):
    pipeline = make_pipeline("sklearn.linear_model.PassiveAggressiveClassifier")

    validate(pipeline)
    fitted = fit(pipeline, cancer)

    assert any(
        said.startswith("FutureWarning: Class PassiveAggressiveClassifier is deprecated") for said in fitted.warnings
    )


def test_folds_that_cannot_be_predicted_have_no_score(make_pipeline):
    far = small(x=[*range(39), 1e9])

    fitted = fit(make_pipeline("sklearn.neighbors.RadiusNeighborsClassifier", "params = {radius = 0.001}\n"), far)

    assert np.isnan(fitted.cv.best.scores["accuracy"].mean)
    assert any(
        said.startswith("in cross-validation, RadiusNeighborsClassifier cannot predict these rows: No neighbors found")
        for said in fitted.warnings
    )


def test_a_search_may_find_the_method_that_a_metric_needs(make_pipeline, cancer):
    more = """[model.search]
space = { loss = ["hinge", "log_loss"] }
folds = 2
[evaluate]
metrics = ["neg_log_loss"]
"""
    pipeline = make_pipeline("sklearn.linear_model.SGDClassifier", more)

    validate(pipeline)
    fitted = fit(pipeline, cancer)

    assert fitted.cv.best.params == {"loss": "log_loss"}
    assert fitted.train_metrics["neg_log_loss"] < 0


def test_a_column_that_is_not_used_in_full_is_told(make_pipeline):
    assert fit(make_pipeline(), small(none=None)).warnings == (
        "column 'none' has no value in the training rows and is not used",
    )


def test_blas_runs_in_the_pipelines_threads(make_pipeline, tmp_path, monkeypatch, diabetes):
    (tmp_path / "threads_seen.py").write_text(
        "from sklearn.linear_model import Ridge\n"
        "from threadpoolctl import threadpool_info\n"
        "SEEN = []\n"
        "class Watching(Ridge):\n"
        "    def fit(self, X, y):\n"
        "        SEEN.append({each['num_threads'] for each in threadpool_info()})\n"
        "        return super().fit(X, y)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    before = [each["num_threads"] for each in threadpool_info()]

    assert fit(make_pipeline("threads_seen.Watching"), diabetes).threads == 1
    assert set().union(*sys.modules["threads_seen"].SEEN) == {1}
    assert [each["num_threads"] for each in threadpool_info()] == before


def test_a_library_that_the_estimators_module_loads_is_limited_as_well(make_pipeline, tmp_path, monkeypatch, diabetes):
    loaded = next((each["filepath"] for each in threadpool_info() if each["prefix"] == "libgomp"), None)
    if loaded is None:
        pytest.skip("scikit-learn runs on another OpenMP than GCC's here, of which a process may hold one only")
    # As packages of boosted trees bring theirs: a copy, loaded when they are imported.
    brought = shutil.copy(loaded, tmp_path)
    (tmp_path / "brings_openmp.py").write_text(
        "import ctypes\n"
        "from sklearn.linear_model import Ridge\n"
        "from threadpoolctl import threadpool_info\n"
        f"ctypes.CDLL({brought!r})\n"
        "SEEN = []\n"
        "class Watching(Ridge):\n"
        "    def fit(self, X, y):\n"
        f"        SEEN.extend(e['num_threads'] for e in threadpool_info() if e['filepath'] == {brought!r})\n"
        "        return super().fit(X, y)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    fit(make_pipeline("brings_openmp.Watching"), diabetes)

    assert set(sys.modules["brings_openmp"].SEEN) == {1}


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([True, False] * 20, (False, True)),
        (pd.array([True, False] * 20, dtype="boolean"), (False, True)),
        ([1, 2] * 20, (1, 2)),
        ([1.0, 2.0] * 20, (1.0, 2.0)),
        (pd.array([1, 2] * 20, dtype="Int64"), (1, 2)),
        (pd.Categorical(["b", "a"] * 20), ("a", "b")),
        (pd.Categorical([2, 1] * 20), (1, 2)),
        (pd.array(["b", "a"] * 20, dtype="string"), ("a", "b")),
        (np.array(["b", "a"] * 20, dtype=object), ("a", "b")),
        ([True, False] * 19 + [np.True_, np.False_], (False, True)),
    ],
    ids=lambda value: str(getattr(value, "dtype", type(value).__name__)),
)
def test_labels_are_what_the_target_holds(make_pipeline, values, classes):
    fitted = fit(make_pipeline(more='[evaluate]\nmetrics = ["f1", "roc_auc"]\n'), small(target=values))

    assert fitted.classes == classes
    assert [type(label) for label in fitted.classes] == [type(label) for label in classes]
    assert set(fitted.estimator.predict(small()).tolist()) == set(classes)
    assert fitted.train_metrics == {"f1": 1, "roc_auc": 1}


@pytest.mark.parametrize(
    ("estimator", "values", "kind", "said"),
    [
        (
            RIDGE,
            ["yes", "no"] * 20,
            EstimatorError,
            "Ridge is a regressor and predicts numbers, but the target 'target' holds text",
        ),
        (RIDGE, [True, False] * 20, EstimatorError, "holds booleans; name a classifier"),
        (
            TREE,
            [0.5, 1.5] * 20,
            EstimatorError,
            "is a classifier, but the target 'target' holds numbers with fractions (2 different ones)",
        ),
        (TREE, pd.date_range("2020", periods=40), EstimatorError, "holds dates; name a regressor"),
        (TREE, ["yes"] * 40, DataError, "the target 'target' has one class only in 40 rows"),
        (TREE, ["yes", None] * 20, DataError, "the target 'target' is missing in 20 of 40 rows"),
        (RIDGE, [1.0, float("inf")] * 20, DataError, "the target 'target' is infinite in 20 of 40 rows"),
    ],
)
def test_a_target_that_does_not_suit_is_refused(make_pipeline, estimator, values, kind, said):
    assert said in refusal(kind, make_pipeline(estimator), small(target=values))


def test_a_target_that_is_not_there_is_refused(make_pipeline):
    assert "the target 'result' is no column of the rows" in refusal(DataError, make_pipeline(target="result"), small())


def test_a_metric_for_two_classes_is_refused_for_more_before_anything_is_fitted(make_pipeline, wine):
    pipeline = make_pipeline(more='[evaluate]\nmetrics = ["roc_auc"]\n')

    said = refusal(EstimatorError, pipeline, wine)

    assert (
        f"{pipeline.path}: [evaluate] roc_auc is defined for two classes, and the target has more; take roc_auc_ovr"
        in said
    )


def test_a_metric_that_the_target_leaves_undefined_is_refused(make_pipeline):
    pipeline = make_pipeline(RIDGE, '[evaluate]\nmetrics = ["neg_mean_squared_log_error"]\n')

    said = refusal(EstimatorError, pipeline, small(target=range(-20, 20)))

    assert f"{pipeline.path}: [evaluate] neg_mean_squared_log_error cannot be computed: " in said


def test_class_weights_find_their_labels(make_pipeline):
    weights = 'params = {class_weight = {"1" = 5.0, "0" = 1.0}}\n'
    words = "params = {class_weight = {true = 5.0, false = 1.0}}\n"

    numbers = fit(make_pipeline(TREE, weights), small(target=[0, 1] * 20))
    booleans = fit(make_pipeline(TREE, words), small(target=[False, True] * 20))

    assert numbers.estimator.named_steps["model"].class_weight == {1: 5.0, 0: 1.0}
    assert booleans.estimator.named_steps["model"].class_weight == {True: 5.0, False: 1.0}
    assert numbers.params["class_weight"] == {"1": 5.0, "0": 1.0}


def test_the_record_of_a_fit_is_plain_data(make_pipeline, wine):
    fitted = fit(make_pipeline(TREE, SEARCH), wine)

    for part in (fitted.params, fitted.seeds, fitted.train_metrics, [trial.params for trial in fitted.cv.trials]):
        assert json.loads(json.dumps(part, allow_nan=False)) == part
    assert pickle.loads(pickle.dumps(fitted)).cv == fitted.cv  # noqa: S301  # our own bytes


@pytest.mark.parametrize(
    "values",
    [
        pd.array(range(40), dtype="Int64"),
        [Decimal(at) for at in range(40)],
        np.arange(40, dtype=np.uint64) * 2**58 + 2**63 - 2**61,
    ],
)
def test_nullable_and_decimal_targets_are_numbers(make_pipeline, values):
    assert fit(make_pipeline(RIDGE), small(target=values)).train_metrics["r2"] > 0.99


@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]"])
def test_no_rows_have_no_targets(make_pipeline, dtype):
    frame = pd.DataFrame({"target": pd.Series([], dtype=dtype)})
    assert len(target_values(make_pipeline(RIDGE), frame, classifier=False)) == 0
