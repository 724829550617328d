"""Discovery over a store that traced runs wrote, on either database."""

import io
import json

import numpy as np
import pytest

from lineal import Column, Dataset, current_run, traced
from lineal.errors import SubjectError
from lineal.questions.discovery import discover
from lineal.questions.discovery.experiments import experiments
from lineal.store.importing import import_events

NEW = "01890000-0000-7000-8000-000000000001"


@traced
def trial(raw: Dataset, depth: int, seed: int, accuracy: float, fails: bool = False):
    current_run().parameters({"depth": depth, "seed": seed})
    prune(fit(raw, depth))
    if fails:
        raise ValueError("no such column: age")
    score(Dataset("s3://lake/test", version="1"), accuracy)


@traced
def fit(raw: Dataset, depth: int) -> Dataset:
    current_run().parameters({"fit.leaves": 3})
    current_run().metrics({"accuracy": 1.0}, of="train")
    return Dataset("s3://lake/made", version=f"{raw.version}{depth}")


@traced
def prune(made: Dataset):
    current_run().metrics({"leaves": 3.0}, of="train")


@traced
def score(test: Dataset, accuracy: float):
    current_run().metrics({"accuracy": accuracy, "our_own": 1.0}, of="held-out")


def raw(version="1"):
    columns, rows = (("age",), 12) if version == "1" else (("ward",), 9)
    return Dataset(
        "s3://lake/raw", version=version, rows=rows, columns=tuple(Column(name, "int64") for name in columns)
    )


def test_an_experiment_is_a_root_run_with_all_below_it(lineage):
    trial(raw(), 3, 1, 0.9)
    (found,) = experiments(lineage.store)
    assert (found.pipeline, found.state) == ("trial", "COMPLETE")
    assert found.parameters == {"depth": "3", "seed": "1", "fit.leaves": "3"}
    assert found.score("accuracy").value == 0.9
    assert found.score("accuracy").rows == ("test@1",)
    # What was made on the way is no data from outside.
    assert set(found.data) == {"raw", "test"}
    assert found.run_id == lineage.event("trial")["run"]["runId"]


def test_a_metric_that_is_too_large_to_be_held_is_on_record_and_not_looked_at(lineage):
    fit(raw(), 1)
    event = lineage.event("fit")
    text = json.dumps(event).replace('"value": 1.0', '"value": 1e999').replace(event["run"]["runId"], NEW)
    import_events(lineage.store, io.BytesIO(text.encode()), "another producer's log")
    assert [each.score("accuracy").value for each in experiments(lineage.store)] == [1.0, float("inf")]
    assert discover(lineage.store).lessons[0].scored == 1


@traced
def predict(fails: bool = False):
    """What the flow `predict` records of itself: the model that it was asked for, and the pipeline that made it."""
    current_run().tag("pipeline", "trial")
    current_run().parameters({"model": "model:trial@1", "model.version": 1, "data": "new.csv"})
    current_run().metrics({"prediction_mean": 0.4}, of="predictions")
    if fails:
        raise ValueError("the batch misses a column")


def test_predicting_is_no_experiment_and_is_never_named_as_one(lineage):
    trial(raw(), 3, 1, 0.9)
    predict()
    with pytest.raises(ValueError, match="misses a column"):
        predict(fails=True)
    found = discover(lineage.store)
    (lesson,) = found.lessons
    assert (found.experiments, lesson.experiments, lesson.scored) == (1, 1, 1)
    assert lesson.metrics == ("accuracy", "our_own", "leaves")
    assert lesson.newest == lineage.event("trial")["run"]["runId"]


def test_one_run_teaches_nothing_and_says_what_would(lineage):
    trial(raw(), 3, 1, 0.9)
    (lesson,) = discover(lineage.store).lessons
    assert (lesson.experiments, lesson.scored, lesson.scored_on) == (1, 1, "held-out")
    assert (lesson.changes, lesson.factors.moved, lesson.best) == ((), (), ())
    assert lesson.factors.more_runs > 10


def test_what_the_runs_bear_out(lineage):
    random = np.random.default_rng(0)
    for seed in range(12):
        for depth in (2, 5):
            trial(raw(), depth, seed, 0.8 + 0.05 * (depth == 5) + random.normal(0, 0.004))
    trial(raw(), 2, 0, 0.8)
    for seed in range(8):
        with pytest.raises(ValueError, match="no such column"):
            trial(raw("2"), 2, seed, 0.0, fails=True)
    (lesson,) = discover(lineage.store).lessons
    assert (lesson.experiments, lesson.scored) == (33, 25)
    change = lesson.changes[0]
    assert (change.name, change.before, change.after, change.pairs) == ("depth", "2", "5", 12)
    assert [factor.name for factor in lesson.factors.moved] == ["depth"]
    assert 0.002 < lesson.noise.deviation < 0.008
    (broken,) = lesson.breaks
    assert (broken.kind, broken.dataset, broken.version, broken.what) == ("fail", "raw", "2", "no such column: age")
    assert broken.changed == ("column age is gone", "column ward is new", "9 rows, and had 12")
    (repeat,) = lesson.repeats
    assert (repeat.count, repeat.differs > 0) == (2, True)
    (found,) = lesson.best
    assert (found.rows, found.unranked) == (("test@1",), ("our_own",))


def test_a_rebuild_changes_no_lesson(lineage):
    for depth in (1, 2):
        trial(raw(), depth, 1, 0.9 + depth / 100)
    before = discover(lineage.store)
    assert set(lineage.store.rebuild().values()) == {0}
    assert discover(lineage.store) == before


def test_runs_without_a_metric(lineage):
    fit(raw(), 1)
    assert discover(lineage.store).lessons[0].scored_on == "train"

    @traced
    def nothing():
        pass

    nothing()
    assert [lesson.pipeline for lesson in discover(lineage.store).lessons] == ["fit"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"pipeline": "trail"}, "no experiment of pipeline 'trail' is on record; did you mean trial"),
        ({"metric": "acuracy"}, "no experiment of metric 'acuracy' is on record; did you mean accuracy"),
        ({"pipeline": "zzz"}, "there are trial"),
    ],
)
def test_names_that_are_not_there(lineage, asked, said):
    trial(raw(), 3, 1, 0.9)
    with pytest.raises(SubjectError, match=said):
        discover(lineage.store, **asked)
