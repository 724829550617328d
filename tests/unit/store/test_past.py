"""The store as it stood: every answer is the one that a store with the log up to there gives."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from lineal import Dataset, current_run, traced
from lineal.errors import LinealError, MomentError, StoreError
from lineal.questions import listing
from lineal.questions.impact import impact
from lineal.questions.trace import trace
from lineal.reports.terminal import to_json
from lineal.store.log import Store
from lineal.store.past import Moment, as_of, moment
from lineal.subjects import Subject
from lineal.testing import recording
from tests.parts.made_up import MLFLOW, evaluate, fit, register, score, step, table

QUESTIONS = ("model:demo@champion", "model:demo@1", "model:demo", "dataset:train", "dataset:train@1", "dataset:raw@1")


@traced
def pipeline(number, previous=None):
    (data,) = step(table("raw", str(number)), makes=[("train", str(number))])
    model = fit(data)
    return register(model, evaluate(model), number, previous=previous)


@traced
def recall():
    first = {"action": "recall", "namespace": "s3://lake", "name": "raw", "version": "2", "subject": "dataset:raw@2"}
    moved = {"action": "move-alias", "namespace": MLFLOW, "name": "demo", "alias": "champion", "previous": 2}
    current_run().input(table("raw", "2"))
    current_run().decisions([first | {"reason": "bad"}, moved | {"number": 1, "reason": "bad"}], by="Ada")


@pytest.fixture
def recorded(lineage):
    """Two models, a batch, a recall, and a failed run."""
    one = pipeline(1)
    pipeline(2, previous=1)
    score(one, table("batch"))
    recall()

    @traced
    def broken(source: Dataset):
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken(table("raw", "1"))
    return lineage


def in_order(value):
    """Lists in one order: a run's inputs have none, and databases give them as they like."""
    if isinstance(value, dict):
        return {key: in_order(inner) for key, inner in value.items()}
    return sorted(map(in_order, value), key=json.dumps) if isinstance(value, list) else value


def answers(store):
    """All that can be asked, as JSON; an error by its message."""
    found = [
        in_order(json.loads(to_json(of(store))))
        for of in (listing.models, listing.datasets, listing.runs, listing.predictions)
    ]
    for subject in QUESTIONS:
        for question in (trace, impact):
            try:
                found.append(in_order(json.loads(to_json(question(store, Subject.parse(subject))))))
            except LinealError as problem:
                found.append(str(problem))
    return found


@pytest.mark.slow
def test_at_every_place_of_the_log_the_answers_are_those_of_the_log_up_to_there(recorded, tmp_path):
    bodies = list(recorded.store.events())
    short = Store(f"sqlite:///{tmp_path}/short.db")
    before = 0
    for place in range(1, len(bodies) + 1):
        for body in bodies[before:place]:
            short.append(json.loads(body))
        before = place
        with as_of(recorded.store, Moment("", place)) as past:
            assert answers(past) == answers(short), place
            assert list(past.events()) == bodies[:place]
    # Nothing is left of it.
    assert answers(recorded.store) == answers(short)


def test_it_cannot_be_written(recorded):
    with as_of(recorded.store, Moment("", 3)) as past, pytest.raises(StoreError, match="this is how it stood"):
        past.append(recorded.events()[0])


def at(recorded, job, kind="COMPLETE"):
    return datetime.fromisoformat(recorded.events(job, kind)[0]["eventTime"])


def test_who_held_the_alias_then(recorded):
    store = recorded.store

    def champion(time):
        with as_of(store, moment(store, time.isoformat())) as past:
            found = trace(past, Subject.parse("model:demo@champion"))
            return found.model.number, found.alias_moves[0].moved_by

    moved = [datetime.fromisoformat(event["eventTime"]) for event in recorded.events("pipeline.register", "COMPLETE")]
    instant = timedelta(microseconds=1)
    assert champion(moved[0]) == champion(moved[1] - instant) == (1, "a rule")
    assert champion(moved[1]) == champion(at(recorded, "recall") - instant) == (2, "a rule")
    assert champion(at(recorded, "recall")) == champion(datetime.now(UTC)) == (1, "Ada")
    # In any zone it is the same time.
    zone = datetime.now().astimezone().tzinfo
    assert champion(moved[1].astimezone(zone)) == (2, "a rule")


def test_a_date_means_its_end_and_a_time_without_a_zone_is_utc(recorded):
    store = recorded.store
    first = at(recorded, "pipeline.register")
    assert moment(store, first.replace(tzinfo=None).isoformat()) == moment(store, first.isoformat())
    assert moment(store, str(datetime.now(UTC).date())).seq == len(recorded.events())
    with pytest.raises(MomentError, match=r"nothing was recorded yet then; the first event is of 20\d\d-.* UTC"):
        moment(store, "2020-02-29")


def test_an_imported_log_counts_from_where_it_stands_in_ours(tmp_path):
    with recording(tmp_path) as lineage:
        step(table("raw"), makes=[("first", "1")])
        between = datetime.now(UTC)
        step(table("raw"), makes=[("second", "1")])
        old = lineage.events("step", "COMPLETE")[0]
        old["run"]["runId"] = "0" * 8 + old["run"]["runId"][8:]
        old["eventTime"] = "2020-01-01T00:00:00+00:00"
        lineage.store.append(old)
        assert moment(lineage.store, between.isoformat()).seq == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yesterday", r"'yesterday' is no time; write an ISO date or date and time, such as 20"),
        ("2026-13-01", r"'2026-13-01' is no time"),
        ("2999-01-01", r"2999-01-01: lies ahead, and nothing of it is on record; leave --as-of out"),
        ("1999-01-01T10:00", r"1999-01-01T10:00: nothing was recorded yet then; the first event is of "),
    ],
)
def test_a_time_that_cannot_be_asked_about(recorded, text, said):
    with pytest.raises(MomentError, match=said):
        moment(recorded.store, text)
