"""The same pipeline fitted in two processes, under two hash seeds, in two folders, with one job and with two.

Run as a script, this file fits them all with as many jobs as it is told, and prints their digests as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

JOBS = "n_jobs = JOBS"
# Each kind's class and parameters.
KINDS = {
    "linear": ("sklearn.linear_model.LogisticRegression", 'solver = "saga", max_iter = 50'),
    "least squares": ("sklearn.linear_model.Ridge", ""),
    "SVM": ("sklearn.svm.SVC", "probability = true"),
    "tree": ("sklearn.tree.DecisionTreeClassifier", "max_features = 3"),
    "forest": ("sklearn.ensemble.RandomForestClassifier", f"n_estimators = 20, {JOBS}"),
    "extra trees": ("sklearn.ensemble.ExtraTreesRegressor", f"n_estimators = 20, bootstrap = true, {JOBS}"),
    "boosting by histograms": (
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "max_iter = 20, early_stopping = true",
    ),
    "boosting": ("sklearn.ensemble.GradientBoostingRegressor", "n_estimators = 20, subsample = 0.5"),
    "neighbours": ("sklearn.neighbors.KNeighborsClassifier", JOBS),
    "naive Bayes": ("sklearn.naive_bayes.GaussianNB", ""),
    "perceptron": ("sklearn.neural_network.MLPClassifier", "max_iter = 20, early_stopping = true"),
    "calibrated": (
        "sklearn.calibration.CalibratedClassifierCV",
        f'estimator = {{ estimator = "sklearn.svm.LinearSVC" }}, {JOBS}',
    ),
    "bagging": ("sklearn.ensemble.BaggingRegressor", f"max_samples = 0.5, {JOBS}"),
    "stacking": (
        "sklearn.ensemble.StackingClassifier",
        'estimators = [["t", { estimator = "sklearn.tree.DecisionTreeClassifier" }], '
        f'["n", {{ estimator = "sklearn.naive_bayes.GaussianNB" }}]], {JOBS}',
    ),
    "search": ("sklearn.ensemble.RandomForestClassifier", f"n_estimators = 10, {JOBS}"),
}
# Those that predict a number.
NUMBERS = {"least squares", "extra trees", "boosting", "bagging"}
SEARCH = """
[model.search]
space = { max_depth = [2, 4, 6], criterion = ["gini", "entropy"] }
method = "random"
iterations = 3
folds = 3
"""
HEAD = 'name = "it"\n[source]\nuri = "rows.csv"\ntarget = "TARGET"\n[split]\nseed = 11\n'


def fit_all(jobs: int, folder: Path) -> dict[str, str]:
    """The digest of each kind's model, and of the rows that its last step was fitted to."""
    import numpy as np
    import pandas as pd

    from lineal.models import fitting
    from lineal.models.digest import digest
    from lineal.pipeline import load

    draw = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "length": np.round(draw.normal(size=150), 6),
            "age": pd.array([None if number % 11 == 0 else number % 40 for number in range(150)], dtype="Int64"),
            "sort": [["red", "green", "blue", None][number] for number in draw.integers(0, 4, 150)],
            "flag": draw.integers(0, 2, 150).astype(bool),
            "day": pd.date_range("2026-01-01", periods=150),
        }
    )
    frame["amount"] = np.round(frame["length"] * 3 + draw.normal(size=150), 6)
    frame["kind"] = np.where(frame["amount"] + frame["flag"] > 0, "yes", "no")
    found: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # How well they do is not asked here.
        patch.setattr(fitting, "AFFORDABLE_SECONDS", 0)
        for name, (estimator, params) in KINDS.items():
            text = HEAD.replace("TARGET", "amount" if name in NUMBERS else "kind")
            text += f'[model]\nestimator = "{estimator}"\nparams = {{ {params} }}\n'.replace("JOBS", str(jobs))
            file = folder / "it.toml"
            file.write_text(text + (SEARCH if name == "search" else ""))
            fitted = fitting.fit(load(file), frame)
            found[name] = digest(fitted.estimator)
            found[f"{name}, rows"] = str(fitting.features_digest(fitted, frame))
    return found


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of what this process fits with one job."""
    return fit_all(1, tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of what another process fits with two jobs, in another folder and under another hash seed."""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", str(Path(__file__)), "2"],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env={**os.environ, "PYTHONHASHSEED": "1234"},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(ended.stdout))


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_same_model_whatever_process_folder_hash_seed_and_jobs(
    kind: str, here: dict[str, str], there: dict[str, str]
) -> None:
    assert there[kind] == here[kind]
    assert there[f"{kind}, rows"] == here[f"{kind}, rows"]
    assert here[f"{kind}, rows"] != "None"


def test_they_are_not_all_one(here: dict[str, str]) -> None:
    assert len({here[kind] for kind in KINDS}) == len(KINDS)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(fit_all(int(sys.argv[1]), Path.cwd())))
