import json
import os
import sys
from itertools import takewhile

import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from lineal.errors import EstimatorError
from lineal.models import estimators

FOREST = "sklearn.ensemble.RandomForestClassifier"


def refusal(call, *arguments):
    with pytest.raises(EstimatorError) as caught:
        call(*arguments)
    return caught.value.message


def test_every_classifier_and_regressor_of_scikit_learn_is_found():
    for name, kind in all_estimators(type_filter=["classifier", "regressor"]):
        public = ".".join(takewhile(lambda part: not part.startswith("_"), kind.__module__.split(".")))
        assert estimators.estimator_class(f"{public}.{name}") is kind


@pytest.mark.parametrize(
    "path",
    [
        "sklearn.cluster.KMeans",
        "sklearn.decomposition.PCA",
        "sklearn.ensemble.IsolationForest",
        "sklearn.base.BaseEstimator",
    ],
)
def test_what_predicts_no_target_is_refused(path):
    said = refusal(estimators.estimator_class, path)

    assert said.startswith(f"{path} predicts no target")
    assert "name a scikit-learn classifier or regressor" in said


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("sklearn.ensemble.RandomForrestClassifier", FOREST),
        ("sklearn.ensembel.RandomForestClassifier", FOREST),
        ("sklearn.ensemble.LogisticRegression", "sklearn.linear_model.LogisticRegression"),
        ("nowhere.at.all.Ridge", "sklearn.linear_model.Ridge"),
    ],
)
def test_a_misspelt_path_names_the_nearest(path, meant):
    assert refusal(estimators.estimator_class, path).endswith(f"did you mean {meant}?")


def test_a_path_that_is_like_nothing_says_what_is_missing():
    assert "there is no module nowhere on the import path" in refusal(estimators.estimator_class, "nowhere.Thing")
    assert "no scikit-learn estimator class" in refusal(estimators.estimator_class, "numpy.zeros")
    assert "no scikit-learn estimator class" in refusal(estimators.estimator_class, "numpy.ndarray")


def test_a_function_of_python_is_refused_and_never_called(monkeypatch):
    called = []
    monkeypatch.setattr(os, "system", called.append)

    assert "os.system is part of Python itself" in refusal(estimators.estimator_class, "os.system")
    assert called == []


def test_a_module_of_python_is_not_even_imported():
    sys.modules.pop("antigravity", None)

    refusal(estimators.estimator_class, "antigravity.Classifier")

    assert "antigravity" not in sys.modules


def test_looking_for_a_module_runs_nothing_of_its_package(tmp_path, monkeypatch):
    package = tmp_path / "half_there"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('ran')")
    monkeypatch.syspath_prepend(tmp_path)

    said = refusal(estimators.estimator_class, "half_there.absent.Thing")

    assert "there is no module half_there.absent" in said


def test_a_module_that_fails_to_import_is_told(tmp_path, monkeypatch):
    (tmp_path / "failing_estimators.py").write_text("raise RuntimeError('no licence')")
    monkeypatch.syspath_prepend(tmp_path)

    said = refusal(estimators.estimator_class, "failing_estimators.Thing")

    assert "importing failing_estimators failed with RuntimeError: no licence" in said


def test_an_estimator_of_ones_own_on_the_import_path_is_taken(tmp_path, monkeypatch):
    (tmp_path / "own_estimators.py").write_text(
        "from sklearn.tree import DecisionTreeClassifier\nclass Mine(DecisionTreeClassifier):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    assert issubclass(estimators.estimator_class("own_estimators.Mine"), DecisionTreeClassifier)


def test_parameters_are_given_and_the_seed_is_the_splits(make_pipeline):
    built = estimators.build(make_pipeline(FOREST, "params = {n_estimators = 7}\n[split]\nseed = 11\n"))

    assert built.n_estimators == 7
    assert estimators.seeds(built) == {"random_state": 11}


def test_a_seed_of_ones_own_stays(make_pipeline):
    built = estimators.build(make_pipeline(FOREST, "params = {random_state = 3}\n[split]\nseed = 11\n"))

    assert estimators.seeds(built) == {"random_state": 3}


NESTED = """params = { estimators = [
  ["tree", { estimator = "sklearn.tree.DecisionTreeClassifier", params = { max_depth = 2 } }],
  ["scaled", { estimator = "sklearn.pipeline.Pipeline", params = { steps = [
    ["scale", { estimator = "sklearn.preprocessing.StandardScaler" }],
    ["line", { estimator = "sklearn.linear_model.LogisticRegression" }] ] } }],
] }
[split]
seed = 5
"""


def test_estimators_inside_an_estimator_are_built_and_seeded_at_every_level(make_pipeline):
    built = estimators.build(make_pipeline("sklearn.ensemble.VotingClassifier", NESTED))

    assert built.estimators[0][1].max_depth == 2
    assert isinstance(built.estimators[1][1][-1], LogisticRegression)
    assert estimators.seeds(built) == {"tree__random_state": 5, "scaled__line__random_state": 5}


def test_a_value_that_reads_like_code_stays_text(make_pipeline):
    code = "__import__('os').abort()"

    said = refusal(estimators.build, make_pipeline(FOREST, f'params = {{ criterion = "{code}" }}'))

    assert f"Got {code!r} instead" in said


def test_the_text_none_is_pythons_none(make_pipeline):
    built = estimators.build(make_pipeline(FOREST, 'params = { max_depth = "None" }\n'))

    assert built.max_depth is None


@pytest.mark.parametrize(
    ("estimator", "more", "said"),
    [
        (
            FOREST,
            "params = {n_estimator = 3}",
            "[model.params] RandomForestClassifier has no parameter n_estimator; did you mean n_estimators?",
        ),
        (FOREST, 'params = {max_depth = "deep"}', "The 'max_depth' parameter of RandomForestClassifier must be an int"),
        (FOREST, "params = {n_estimators = -1}", "The 'n_estimators' parameter of RandomForestClassifier"),
        ("sklearn.ensemble.VotingClassifier", "", "VotingClassifier needs the parameter estimators"),
        (
            "sklearn.ensemble.BaggingClassifier",
            'params = {estimator = {estimator = "sklearn.tree.DecisionTreeClassifier", params = {depth = 1}}}',
            "DecisionTreeClassifier has no parameter depth; did you mean max_depth?",
        ),
        (
            "sklearn.ensemble.BaggingClassifier",
            'params = {estimator = {estimator = "sklearn.tree.DecisionTreeClassifier", params = {max_depth = -1}}}',
            "The 'max_depth' parameter of DecisionTreeClassifier",
        ),
        (
            "sklearn.ensemble.BaggingClassifier",
            'params = {estimator = {estimator = "os.system"}}',
            "os.system is part of Python",
        ),
        (
            FOREST,
            "[model.search]\nspace = {max_dept = [1]}",
            "[model.search.space.max_dept] RandomForestClassifier has no parameter max_dept; did you mean max_depth?",
        ),
        (
            FOREST,
            "[model.search]\nspace = {max_depth = [1, -2]}",
            "The 'max_depth' parameter of RandomForestClassifier",
        ),
        (
            FOREST,
            '[evaluate]\nmetrics = ["roc_acu"]',
            "[evaluate.metrics] roc_acu is no scikit-learn scorer; did you mean roc_auc?",
        ),
        (FOREST, '[evaluate]\nmetrics = ["log_loss"]', "did you mean neg_log_loss?"),
        (
            FOREST,
            '[evaluate]\nmetrics = ["r2"]',
            "r2 is a regression metric, but the estimator is a classifier; take one such as accuracy",
        ),
        (FOREST, '[evaluate]\nmetrics = ["rand_score"]', "rand_score is a clustering metric"),
        (FOREST, '[evaluate]\nmetrics = ["f1_samples"]', "f1_samples is a multilabel metric"),
        (
            "sklearn.linear_model.Ridge",
            '[[evaluate.gates]]\nmetric = "roc_auc"\nmin = 0',
            "[evaluate.gates] roc_auc is a classification metric, but the estimator is a regressor",
        ),
        (
            "sklearn.linear_model.Ridge",
            '[evaluate.champion]\nmetric = "accuracy"',
            "[evaluate.champion] accuracy is a classification metric",
        ),
        (
            "sklearn.svm.LinearSVC",
            '[evaluate]\nmetrics = ["neg_log_loss"]',
            "neg_log_loss judges probabilities or scores, which LinearSVC does not give",
        ),
    ],
)
def test_what_cannot_be_used_is_told_before_any_row_is_read(make_pipeline, estimator, more, said):
    pipeline = make_pipeline(estimator, more + "\n")

    message = refusal(estimators.validate, pipeline)

    assert said in message
    assert str(pipeline.path) in message
    assert not message.endswith(".")


def test_what_can_be_used_passes(make_pipeline):
    estimators.validate(
        make_pipeline("sklearn.ensemble.VotingClassifier", NESTED + '[evaluate]\nmetrics = ["neg_log_loss"]\n')
    )
    estimators.validate(make_pipeline(FOREST, '[model.search]\nspace = {max_depth = [3, "None"]}\n'))


def test_what_cannot_be_repeated_exactly_is_named(make_pipeline):
    line = '["line", {estimator = "sklearn.linear_model.Ridge"}]'
    by_jobs = '{estimator = "sklearn.kernel_approximation.Nystroem", params = {n_jobs = 2}}'
    unseeded = '{estimator = "sklearn.manifold.Isomap"}'
    repeatable = '{estimator = "sklearn.decomposition.PCA"}'

    def reasons(step):
        more = f'params = {{ steps = [["map", {step}], {line}] }}\n'
        return estimators.nondeterminism(estimators.build(make_pipeline("sklearn.pipeline.Pipeline", more)))

    assert reasons(by_jobs) == ["Nystroem computes other numbers with another n_jobs (now 2) or number of cores"]
    assert reasons(unseeded) == ["Isomap starts from random numbers that no seed reaches"]
    assert reasons(repeatable) == []


def test_effective_parameters_are_clean_json(make_pipeline):
    params = estimators.effective_params(estimators.build(make_pipeline("sklearn.ensemble.VotingClassifier", NESTED)))

    assert json.loads(json.dumps(params, allow_nan=False)) == params
    assert params["tree__max_depth"] == 2
    assert params["tree"] == "DecisionTreeClassifier"


def test_not_a_number_is_text_among_the_parameters():
    assert estimators.effective_params(SimpleImputer())["missing_values"] == "nan"
