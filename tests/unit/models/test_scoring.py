"""Scoring a batch: the model's own answers, an id each, the same however the rows are cut."""

from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lineal.datasets import read as reading
from lineal.datasets.cache import Cache
from lineal.datasets.read import to_frame, to_table
from lineal.datasets.table import write_table
from lineal.datasets.writer import GROUP_ROWS
from lineal.errors import DataError, EstimatorError
from lineal.models import fitting, scoring
from lineal.models.digest import digest
from lineal.models.fitting import fit
from lineal.models.scoring import score

RUN = UUID("01a210e4-32ad-74cb-b29a-0a0b84309b6f")
TARGETS = {
    "words": lambda x: np.where(x > 0, "up", "down"),
    "three": lambda x: np.digitize(x, [-0.5, 0.5]),
    "truth": lambda x: x > 0,
    "numbers": lambda x: 3 * x + 1.5,
}


def rows(count=300, seed=0, target="words"):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=count)
    return pa.table(
        {
            "key": [f"k{number}" for number in range(count)],
            "x": x,
            "y": pa.array(draw.normal(size=count), mask=draw.random(count) < 0.1),
            "colour": draw.choice(["red", "blue"], count),
            "target": TARGETS[target](x),
        }
    )


@pytest.fixture
def fitted(make_pipeline, monkeypatch):
    # What a model answers is asked here, not how well it does.
    monkeypatch.setattr(fitting, "AFFORDABLE_SECONDS", 0)

    def make(estimator, target="words", more=""):
        pipeline = make_pipeline(estimator, more=more, id='"key"')
        return fit(pipeline, to_frame(write_table(rows(target=target), "it.train"))).estimator

    return make


def scored(estimator, table, **more):
    batch = write_table(table, "it.batch")
    return batch, score(estimator, batch, "it.predictions", run_id=RUN, version=3, id_column="key", **more)


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        ("sklearn.ensemble.RandomForestClassifier", "words"),
        ("sklearn.ensemble.RandomForestClassifier", "three"),
        ("sklearn.tree.DecisionTreeClassifier", "truth"),
        ("sklearn.linear_model.LogisticRegression", "three"),
        ("sklearn.ensemble.HistGradientBoostingClassifier", "words"),
    ],
)
def test_a_classifiers_answers_are_its_own(fitted, estimator, target):
    model = fitted(estimator, target)
    batch, scores = scored(model, rows(seed=1, target=target))
    frame, found = to_frame(batch), to_table(scores.predictions).to_pandas()
    assert list(found["prediction"]) == list(model.predict(frame))
    told = [name for name in found if name.startswith("probability_")]
    assert told == [f"probability_{label}" for label in model.classes_.tolist()]
    np.testing.assert_array_equal(found[told].to_numpy(), model.predict_proba(frame))
    assert list(found) == ["key", "prediction_id", "prediction", *told, "model_version"]
    assert list(found["key"]) == list(frame["key"])
    assert set(found["model_version"]) == {3}
    assert sum(share.rows for share in scores.shares) == len(frame)
    by_label = {share.label: share for share in scores.shares}
    for place, label in enumerate(model.classes_.tolist()):
        assert by_label[label].share == np.mean(model.predict(frame) == label)
        assert by_label[label].probability == pytest.approx(model.predict_proba(frame)[:, place].mean())


def test_a_regressions_answers_are_its_own(fitted):
    model = fitted("sklearn.ensemble.RandomForestRegressor", "numbers")
    batch, scores = scored(model, rows(seed=1))
    found = to_table(scores.predictions).to_pandas()
    truth = model.predict(to_frame(batch))
    np.testing.assert_array_equal(found["prediction"], truth)
    assert list(found) == ["key", "prediction_id", "prediction", "model_version"]
    spread = scores.spread
    assert (spread.min, spread.max) == (truth.min(), truth.max())
    assert (spread.mean, spread.std) == pytest.approx((truth.mean(), truth.std(ddof=1)))


def test_a_classifier_without_probabilities_gives_scores(fitted):
    model = fitted("sklearn.svm.LinearSVC")
    batch, scores = scored(model, rows(seed=1))
    found = to_table(scores.predictions).to_pandas()
    np.testing.assert_array_equal(found["score_up"], model.decision_function(to_frame(batch)))
    assert scores.shares[0].probability is None


@pytest.mark.parametrize(
    "estimator", ["sklearn.tree.DecisionTreeClassifier", "sklearn.linear_model.LogisticRegression"]
)
def test_many_row_groups_give_what_one_shot_gives(fitted, estimator, monkeypatch):
    model = fitted(estimator)
    table = rows(count=GROUP_ROWS + 5000, seed=2)
    batch, scores = scored(model, table)
    found = pq.ParquetFile(scores.predictions.path)
    assert found.num_row_groups == 2
    whole = found.read().to_pandas()
    np.testing.assert_allclose(whole["probability_up"], model.predict_proba(to_frame(batch))[:, 1], rtol=0, atol=1e-12)
    assert list(whole["prediction_id"]) == [f"{scores.prefix}{row}" for row in range(1, len(whole) + 1)]
    # However the rows are cut on their way, the same bytes come of them.
    monkeypatch.setattr(reading, "BATCH_ROWS", 777)
    if "tree" in estimator:
        assert scored(model, table)[1].predictions.version == scores.predictions.version


def test_the_same_again_differs_in_its_ids_alone(fitted):
    model = fitted("sklearn.ensemble.RandomForestClassifier")
    batch, first = scored(model, rows(seed=1))
    other = UUID("01a210e4-32ae-74cb-b29a-0a0b84309b6f")
    second = score(model, batch, "it.predictions", run_id=other, version=3, id_column="key")
    one, two = (to_table(each.predictions) for each in (first, second))
    assert one.drop_columns("prediction_id") == two.drop_columns("prediction_id")
    assert not set(one["prediction_id"].to_pylist()) & set(two["prediction_id"].to_pylist())


FOREST = "n_estimators = 60, min_samples_leaf = 3, random_state = 0"
IN = '{ estimator = "sklearn.ensemble.RandomForestClassifier", params = { FOREST, n_jobs = JOBS } }'.replace(
    "FOREST", FOREST
)
IN_PARALLEL = {
    "forest": ("sklearn.ensemble.RandomForestClassifier", f"{FOREST.replace('60', '200')}, n_jobs = JOBS"),
    "extra trees": ("sklearn.ensemble.ExtraTreesClassifier", f"{FOREST}, n_jobs = JOBS"),
    "regressor": ("sklearn.ensemble.RandomForestRegressor", f"{FOREST}, n_jobs = JOBS"),
    "extra regressor": ("sklearn.ensemble.ExtraTreesRegressor", f"{FOREST}, n_jobs = JOBS"),
    "voting": ("sklearn.ensemble.VotingClassifier", f'voting = "soft", estimators = [["one", {IN}]]'),
    "stacking": ("sklearn.ensemble.StackingClassifier", f'cv = 2, estimators = [["one", {IN}]]'),
    "calibrated": ("sklearn.calibration.CalibratedClassifierCV", f"cv = 2, estimator = {IN}"),
    "pipeline": ("sklearn.pipeline.Pipeline", f'steps = [["one", {IN}]]'),
    "search": ("sklearn.model_selection.GridSearchCV", f"cv = 2, estimator = {IN}, param_grid = {{ max_depth = [6] }}"),
    "search of jobs": (
        "sklearn.model_selection.GridSearchCV",
        f"cv = 2, estimator = {IN.replace('JOBS', '1')}, param_grid = {{ n_jobs = [JOBS] }}",
    ),
    "bagging": (
        "sklearn.ensemble.BaggingClassifier",
        "n_estimators = 40, random_state = 0, n_jobs = JOBS, "
        'estimator = { estimator = "sklearn.tree.DecisionTreeClassifier", '
        "params = { max_depth = 2, max_features = 1 } }",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", IN_PARALLEL)
def test_the_same_bytes_come_of_an_ensemble_whatever_its_n_jobs_and_each_time(fitted, kind, monkeypatch):
    estimator, params = IN_PARALLEL[kind]
    target = "numbers" if "regressor" in kind else "three"
    # Each job of bagging is fitted in a process, which takes seconds to start.
    many = 2 if kind == "bagging" else 4
    of = {
        jobs: fitted(estimator, target, f"params = {{ {params.replace('JOBS', str(jobs))} }}\n[evaluate]\n")
        for jobs in (1, many)
    }
    # Of several blocks and parts of them, so that their order is seen as well.
    monkeypatch.setattr(reading, "BATCH_ROWS", 1500)
    monkeypatch.setattr(scoring, "_LEAST_ROWS", 100)
    before = digest(of[many])
    table = rows(count=4000, seed=1, target=target)
    alone = scored(of[1], table)[1].predictions
    assert {scored(of[many], table)[1].predictions.version for _ in range(5)} == {alone.version}
    assert list(to_table(alone)["key"].to_pylist()) == table["key"].to_pylist()
    assert digest(of[many]) == before


def test_without_an_id_column_rows_go_by_their_number(fitted):
    model = fitted("sklearn.tree.DecisionTreeClassifier")
    batch = write_table(rows(count=5).drop_columns("key"), "it.batch")
    found = to_table(score(model, batch, "p", run_id=RUN, version=1, id_column="key").predictions)
    assert found["row"].to_pylist() == [1, 2, 3, 4, 5]


def test_an_id_column_named_as_ours_is_refused_and_nothing_is_left(fitted):
    model = fitted("sklearn.tree.DecisionTreeClassifier")
    batch = write_table(rows(count=5).rename_columns(["prediction", "x", "y", "colour", "target"]), "it.batch")
    with pytest.raises(DataError, match="the id column 'prediction' is named as a column of the predictions is"):
        score(model, batch, "p", run_id=RUN, version=1, id_column="prediction")
    assert not list((Cache().root / "tmp").iterdir())


def test_rows_that_the_model_refuses_are_told(fitted):
    model = fitted("sklearn.tree.DecisionTreeClassifier")
    batch = write_table(rows(count=5).set_column(1, "x", pa.array(["a", "b", "c", "d", "e"])), "it.batch")
    with pytest.raises((DataError, EstimatorError), match="column 'x' holds something else in row 1"):
        score(model, batch, "p", run_id=RUN, version=1)
    assert not list((Cache().root / "tmp").iterdir())


def test_a_value_that_was_never_learnt_is_scored_without_a_warning(fitted):
    model = fitted("sklearn.tree.DecisionTreeClassifier")
    table = rows(count=5).set_column(3, "colour", pa.array(["green"] * 5))
    assert scored(model, table)[1].predictions.rows == 5


def test_pandas_own_types_make_no_difference(fitted):
    model = fitted("sklearn.tree.DecisionTreeClassifier")
    _, scores = scored(model, rows(count=50))
    frame = rows(count=50).to_pandas().astype({"colour": "category"})
    assert list(model.predict(pd.DataFrame(frame))) == to_table(scores.predictions)["prediction"].to_pylist()
