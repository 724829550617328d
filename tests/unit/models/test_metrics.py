import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from lineal.errors import EstimatorError
from lineal.models import metrics

CLASSIFICATION = [name for name in get_scorer_names() if metrics.metric(name).problem == "classification"]
REGRESSION = [name for name in get_scorer_names() if metrics.metric(name).problem == "regression"]


@pytest.fixture(scope="module")
def binary():
    rows, truth = load_breast_cancer(as_frame=True, return_X_y=True)
    return RandomForestClassifier(5, max_depth=2, random_state=0).fit(rows, truth), rows, truth.to_numpy()


@pytest.fixture(scope="module")
def several():
    rows, truth = load_wine(as_frame=True, return_X_y=True)
    return RandomForestClassifier(5, max_depth=2, random_state=0).fit(rows, truth), rows, truth.to_numpy()


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesRegressor])
def test_a_forest_of_several_jobs_gives_one_answer_however_often_it_is_asked(binary, kind):
    _, rows, truth = binary
    forest = make_pipeline(StandardScaler(), kind(60, min_samples_leaf=3, random_state=0, n_jobs=4)).fit(rows, truth)
    methods = [name for name in ("predict", "predict_proba") if hasattr(forest, name)]
    answers = [metrics.ask(forest, rows, methods) for _ in range(40)]
    assert len({np.column_stack([getattr(each, name) for name in methods]).tobytes() for each in answers}) == 1


def test_every_scorer_is_of_a_known_problem():
    assert len(CLASSIFICATION) > 25
    assert len(REGRESSION) > 10
    assert {metrics.metric(name).problem for name in get_scorer_names()} == {
        "classification",
        "regression",
        "clustering",
        "multilabel",
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CLASSIFICATION)
def test_two_classes_score_as_scikit_learn_scores_them(binary, name):
    model, rows, truth = binary

    assert metrics.scores([name], model, rows, truth)[name] == get_scorer(name)(model, rows, truth)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CLASSIFICATION)
def test_more_classes_score_as_scikit_learn_scores_them_or_are_refused_with_another(several, name):
    model, rows, truth = several
    try:
        metrics.check(name, classifier=True, kind="multiclass")
    except EstimatorError as problem:
        other = problem.message.rpartition("take ")[2]
        metrics.check(other, classifier=True, kind="multiclass")
        with pytest.raises(ValueError, match="multi"):
            get_scorer(name)(model, rows, truth)
        return

    assert metrics.scores([name], model, rows, truth)[name] == get_scorer(name)(model, rows, truth)


@pytest.mark.parametrize("name", REGRESSION)
def test_numbers_score_as_scikit_learn_scores_them(name):
    rows, truth = load_diabetes(as_frame=True, return_X_y=True)
    model = PoissonRegressor(max_iter=1000).fit(rows, truth)

    assert metrics.scores([name], model, rows, truth.to_numpy())[name] == get_scorer(name)(model, rows, truth)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CLASSIFICATION)
def test_text_labels_score_as_numbers_do(binary, name):
    _, rows, truth = binary
    words = np.array(["benign", "malignant"], dtype=object)[truth]
    forest = RandomForestClassifier(5, max_depth=2, random_state=0)

    in_words = metrics.scores([name], forest.fit(rows, words), rows, words)
    in_numbers = metrics.scores([name], forest.fit(rows, truth), rows, truth)

    assert in_words == in_numbers


def test_scores_without_probabilities_come_from_the_decision_function(binary):
    _, rows, truth = binary
    words = np.array(["no", "yes"], dtype=object)[truth]
    model = LinearSVC(random_state=0, dual=False).fit(rows, words)

    found = metrics.scores(["roc_auc", "average_precision"], model, rows, words)

    assert found["roc_auc"] == get_scorer("roc_auc")(model, rows, words)
    assert found["average_precision"] > 0.9


def test_what_is_not_defined_raises_or_is_told():
    truth = np.array([-1.0, 2.0, 3.0])
    model = LinearRegression().fit([[1.0], [2.0], [3.0]], truth)
    refused: list[str] = []

    with pytest.raises(EstimatorError, match="neg_mean_squared_log_error cannot be computed: "):
        metrics.scores(["neg_mean_squared_log_error"], model, [[1.0], [2.0], [3.0]], truth)
    found = metrics.scores(["neg_mean_squared_log_error", "r2"], model, [[1.0], [2.0], [3.0]], truth, refused)

    assert np.isnan(found["neg_mean_squared_log_error"])
    assert found["r2"] > 0.9
    assert refused[0].startswith("neg_mean_squared_log_error cannot be computed: ")


def test_a_class_that_no_row_has_leaves_the_log_loss_defined(several):
    model, rows, truth = several
    kept = truth != 2

    assert metrics.scores(["neg_log_loss"], model, rows[kept], truth[kept])["neg_log_loss"] < 0


@pytest.mark.parametrize(
    ("more", "kind", "names"),
    [
        ("", "binary", ("accuracy", "roc_auc")),
        ("", "multiclass", ("accuracy", "balanced_accuracy", "f1_macro")),
        ("", "regression", ("r2", "neg_root_mean_squared_error", "neg_mean_absolute_error")),
        ('[evaluate]\nmetrics = ["f1"]\n', "binary", ("f1",)),
        (
            '[evaluate]\nmetrics = ["f1"]\ngates = [{metric = "recall", min = 0}]\nchampion = {metric = "roc_auc"}\n',
            "binary",
            ("f1", "roc_auc", "recall"),
        ),
        ('[evaluate]\nchampion = {metric = "roc_auc"}\n', "binary", ("roc_auc", "accuracy")),
    ],
)
def test_the_metrics_are_the_files_then_the_defaults(make_pipeline, more, kind, names):
    assert metrics.metric_names(make_pipeline(more=more), kind, LogisticRegression()) == names


def test_a_default_that_the_estimator_cannot_answer_is_left_out(make_pipeline):
    voting = VotingClassifier([("a", LogisticRegression())], voting="hard")

    assert metrics.metric_names(make_pipeline(), "binary", voting) == ("accuracy",)


def test_each_method_is_asked_once(binary):
    model, rows, truth = binary
    asked = []

    class Counting:
        classes_ = model.classes_

        def predict_proba(self, frame):
            asked.append("predict_proba")
            return model.predict_proba(frame)

    metrics.scores(["roc_auc", "neg_log_loss", "average_precision"], Counting(), rows, truth)

    assert asked == ["predict_proba"]
