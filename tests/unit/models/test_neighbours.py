"""The nearest training rows: those that a search row by row finds, however the rows are cut."""

import numpy as np
import pyarrow as pa
import pytest

from lineal.datasets.read import to_frame
from lineal.datasets.table import write_table
from lineal.errors import SourceError
from lineal.models import neighbours, training_rows
from lineal.models.fitting import fit
from lineal.models.training_rows import TrainingRows


def rows(count, seed):
    draw = np.random.default_rng(seed)
    x, y = draw.normal(size=count).round(1), draw.normal(size=count)
    colour = draw.choice(["red", "green", "blue"], count)
    target = np.digitize(x + y + (colour == "red"), [-0.5, 1])
    # Of equal rows the first is meant: some stand twice.
    table = pa.table({"x": x, "y": pa.array(y, mask=draw.random(count) < 0.1), "colour": colour, "target": target})
    return pa.concat_tables([table, table.slice(0, count // 10)])


def brute_force(model, row, frame, count):
    """Each training row compared by itself, in plain Python."""
    columns = list(model.feature_names_in_)
    features = np.asarray(model[:-1].transform(frame[columns]))
    here = np.asarray(model[:-1].transform(row[columns]))[0]
    inner = model[-1]
    spread = features.std(axis=0)
    trees = type(inner).__module__.startswith(("sklearn.ensemble", "sklearn.tree"))
    scale = np.where(spread > 0, spread, 1) if trees else np.ones(len(here))
    leaves = leaf_table(inner, np.vstack([here, features])) if trees else np.zeros((len(features) + 1, 0))
    found = []
    for number, one in enumerate(features):
        shared = sum(a == b for a, b in zip(leaves[0], leaves[number + 1], strict=True))
        distance = sum(((a - b) / s) ** 2 for a, b, s in zip(one, here, scale, strict=True)) ** 0.5
        found.append((-shared, round(distance, 9), number))
    return sorted(found)[:count]


def leaf_table(inner, features):
    if hasattr(inner, "apply"):
        return inner.apply(features).reshape(len(features), -1)
    if hasattr(inner, "_predictors"):
        # The value of a leaf says which it is, where no two are alike.
        trees = [tree for stage in inner._predictors for tree in stage]
        bits = np.zeros((0, 8), dtype=np.uint32)
        return np.column_stack([tree.predict(features, bits, np.zeros(0, dtype=np.uint32), 1) for tree in trees])
    return np.zeros((len(features), 0))


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [training_rows.CHUNK_NUMBERS, 300])
@pytest.mark.parametrize(
    ("estimator", "params", "measure"),
    [
        ("sklearn.ensemble.RandomForestClassifier", "n_estimators = 10", "leaves"),
        ("sklearn.ensemble.ExtraTreesRegressor", "n_estimators = 10", "leaves"),
        ("sklearn.tree.DecisionTreeClassifier", "", "leaves"),
        ("sklearn.ensemble.GradientBoostingClassifier", "n_estimators = 10", "leaves"),
        ("sklearn.ensemble.HistGradientBoostingClassifier", "max_iter = 10", "leaves"),
        ("sklearn.ensemble.HistGradientBoostingRegressor", "max_iter = 10", "leaves"),
        ("sklearn.linear_model.LogisticRegression", "", "distance"),
        ("sklearn.neighbors.KNeighborsClassifier", "", "distance"),
        ("sklearn.ensemble.AdaBoostClassifier", "n_estimators = 10", "distance"),
    ],
)
def test_the_nearest_are_those_of_a_search_row_by_row(make_pipeline, monkeypatch, estimator, params, measure, chunk):
    monkeypatch.setattr(training_rows, "CHUNK_NUMBERS", chunk)
    if chunk == 300:
        # Too many to be kept: they are read and transformed again.
        monkeypatch.setattr(training_rows, "KEPT_BYTES", 1000)
    train = write_table(rows(200, seed=0), "it.train")
    frame = to_frame(train)
    model = fit(make_pipeline(estimator, f"params = {{ {params} }}\n"), frame).estimator
    new = to_frame(write_table(rows(20, seed=1), "it.new"))
    for place in (0, 7, 13):
        row = new.iloc[[place]]
        found = neighbours.nearest(model, row, TrainingRows(model, train), 6)
        assert found.measure == measure
        assert found.rows == len(frame)
        expected = brute_force(model, row, frame, 6)
        got = [(-(each.shared or 0), round(each.distance, 9), each.row) for each in found.neighbours]
        assert got == expected


def test_a_training_row_is_its_own_nearest(make_pipeline):
    train = write_table(rows(200, seed=0), "it.train")
    frame = to_frame(train)
    model = fit(
        make_pipeline("sklearn.ensemble.RandomForestClassifier", "params = { n_estimators = 10 }\n"), frame
    ).estimator
    found = neighbours.nearest(model, frame.iloc[[150]], TrainingRows(model, train), 1)
    assert found.neighbours[0] == neighbours.Neighbour(150, 0.0, 10)
    assert found.trees == 10


def test_fewer_rows_than_asked_for_are_all_given(make_pipeline):
    train = write_table(rows(200, seed=0).slice(0, 30), "it.train")
    frame = to_frame(train)
    model = fit(make_pipeline("sklearn.tree.DecisionTreeClassifier"), frame).estimator
    found = neighbours.nearest(model, frame.iloc[[0]], TrainingRows(model, train), 100)
    assert sorted(each.row for each in found.neighbours) == list(range(30))


def test_moments_and_samples_are_those_of_the_whole_table(make_pipeline, monkeypatch):
    train = write_table(rows(200, seed=0), "it.train")
    frame = to_frame(train)
    model = fit(make_pipeline("sklearn.linear_model.LogisticRegression"), frame).estimator
    features = np.asarray(model[:-1].transform(frame[list(model.feature_names_in_)]))
    monkeypatch.setattr(training_rows, "CHUNK_NUMBERS", 30)
    mean, std = TrainingRows(model, train).moments
    np.testing.assert_allclose(mean, features.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(std, features.std(axis=0), atol=1e-12)
    training = TrainingRows(model, train)
    some = training.sample(10, seed=3)
    assert len(some) == 10
    assert some.equals(training.sample(10, seed=3))
    assert not some.equals(training.sample(10, seed=4))
    assert len(training.sample(10_000, seed=3)) == len(frame)


def test_gone_training_rows_are_named(make_pipeline):
    train = write_table(rows(200, seed=0), "it.train")
    frame = to_frame(train)
    model = fit(make_pipeline("sklearn.tree.DecisionTreeClassifier"), frame).estimator
    train.path.unlink()
    with pytest.raises(SourceError, match=r"the bytes of it\.train@"):
        neighbours.nearest(model, frame.iloc[[0]], TrainingRows(model, train))


def test_leaves_of_histogram_trees_are_theirs_at_each_threshold_and_where_values_are_missing():
    from sklearn.ensemble import HistGradientBoostingRegressor

    draw = np.random.default_rng(0)
    features = draw.normal(size=(300, 3))
    features[draw.random((300, 3)) < 0.2] = np.nan
    target = np.nan_to_num(features[:, 0], nan=2) + draw.normal(size=300)
    model = HistGradientBoostingRegressor(max_iter=10, random_state=0).fit(features, target)
    cuts = np.concatenate([tree.nodes["num_threshold"] for (tree,) in model._predictors])
    probes = np.column_stack([draw.permutation(cuts) for _ in range(3)])
    probes = np.vstack([probes, np.nextafter(probes, np.inf), features])
    leaves = neighbours.leaves_of(model)(probes)
    np.testing.assert_array_equal(leaf_table(model, probes), leaf_values(model, leaves))


def leaf_values(model, leaves):
    return np.column_stack([tree.nodes["value"][leaves[:, place]] for place, (tree,) in enumerate(model._predictors)])
