"""Each kind of estimator, on numbers and categories with gaps, is made again bit for bit, on one core or two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lineal.models.estimators import estimator_class

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

KINDS = {
    "linear": "sklearn.linear_model.SGDClassifier",
    "logistic": "sklearn.linear_model.LogisticRegression",
    "svm": "sklearn.svm.SVC",
    "tree": "sklearn.tree.DecisionTreeClassifier",
    "forest": "sklearn.ensemble.ExtraTreesClassifier",
    "bagging": "sklearn.ensemble.BaggingClassifier",
    "boosting": "sklearn.ensemble.GradientBoostingClassifier",
    "histogram boosting": "sklearn.ensemble.HistGradientBoostingClassifier",
    "neighbours": "sklearn.neighbors.KNeighborsClassifier",
    "naive bayes": "sklearn.naive_bayes.GaussianNB",
    "network": "sklearn.neural_network.MLPClassifier",
    "calibrated": "sklearn.calibration.CalibratedClassifierCV",
    "search": "sklearn.ensemble.RandomForestClassifier",
}
SEARCH = """
[model.search]
space = { n_estimators = [5, 10], max_depth = [2, 3] }
method = "random"
iterations = 3
folds = 3
"""


def pipeline_file(kind: str, n_jobs: int | None) -> str:
    params = {"random_state": 3, "n_jobs": n_jobs}
    known = estimator_class(KINDS[kind])().get_params()
    given = ", ".join(f"{key} = {value}" for key, value in params.items() if value is not None and key in known)
    return f"""
name = "kinds"
[source]
uri = "rows.csv"
target = "sold"
id = "row"
[model]
estimator = "{KINDS[kind]}"
params = {{ {given} }}
{SEARCH if kind == "search" else ""}
[evaluate]
metrics = ["accuracy"]
[register]
name = "kinds"
"""


@pytest.fixture
def rows(project):
    lines = [
        f"{number},{('red', 'green', '', 'ü')[number % 4]},{'' if number % 11 == 0 else number * 37 % 101},"
        f"{number * 17 % 23},{'yes' if (number * 37 % 101 > 40) != (number % 9 == 0) else 'no'}"
        for number in range(120)
    ]
    (project / "rows.csv").write_text("\n".join(["row,sort,weight,age,sold", *lines]) + "\n")


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_identical(kind, lineal):
    parallel = "n_jobs" in estimator_class(KINDS[kind])().get_params() and kind != "logistic"  # which ignores it by now
    digests = set()
    for n_jobs in (1, 2) if parallel else (None,):
        Path("kinds.toml").write_text(pipeline_file(kind, n_jobs))
        status, out, err = lineal("run", "kinds.toml", "--json")
        assert status == 0, err
        digests.add(json.loads(out)["digest"])
    # The last is made again: how the work was shared out is no part of the model.
    status, out, err = lineal("reproduce", "model:kinds", "--json")
    assert status == 0, out + err
    answer = json.loads(out)
    assert (answer["verdict"], answer["digest"]) == ("identical", answer["made"])
    assert [step["same"] for step in answer["steps"]] == [True] * 6
    assert digests == {answer["made"]}
