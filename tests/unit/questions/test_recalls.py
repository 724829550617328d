"""Recalls: what they change, what rests on them, and what is refused from then on."""

import json

import pytest

from lineal import Dataset
from lineal.deciding import say
from lineal.errors import RecalledError, SubjectError
from lineal.people import Person
from lineal.questions import recalls
from lineal.store.recalls import standing
from lineal.subjects import Subject
from lineal.tracing.recalling import record
from tests.parts.made_up import MLFLOW, evaluate, fit, register, step, table


@pytest.fixture
def store(lineage):
    return lineage.store


def subject(text):
    return Subject.parse(text)


def recall(store, text, reason="wrong labels", undo=False):
    """As the command does it, where no alias is to move."""
    plan = recalls.plan_undo(store, subject(text)) if undo else recalls.plan(store, subject(text))
    about = plan.version
    return record(plan.subject, recalls.handle_of(store, about), about.namespace, about.name, (), reason, undo)


def trained(source, number, previous=None, alias="champion", champion=()):
    """A model that was trained on a version of a table."""
    (data,) = step(source, makes=[("train", f"of-{source.version}")])
    model = fit(data)
    return register(model, evaluate(model, *champion), number, alias=alias, previous=previous)


def moves(store, text):
    return [(move.alias, move.holder, move.to) for move in recalls.plan(store, subject(text)).moves]


def test_the_alias_goes_back_to_the_newest_version_that_rests_on_nothing_bad(store):
    trained(table("raw", "1"), 1)
    trained(table("raw", "2"), 2, previous=1)
    trained(table("raw", "bad"), 3, previous=2)
    assert moves(store, "dataset:raw@bad") == [("champion", 3, 2)]
    assert moves(store, "dataset:raw@1") == []


def test_the_alias_does_not_go_to_a_version_that_a_person_rejected(store):
    trained(table("raw", "1"), 1)
    trained(table("raw", "2"), 2, previous=1)
    trained(table("raw", "bad"), 3, previous=2)
    say(store, subject("model:demo@2"), "reject", "of no use", Person("Grace"))
    assert moves(store, "dataset:raw@bad") == [("champion", 3, 1)]
    say(store, subject("model:demo@2"), "approve", "I looked again", Person("Grace"))
    assert moves(store, "dataset:raw@bad") == [("champion", 3, 2)]


def test_the_alias_is_taken_away_where_none_is_left(store):
    trained(table("raw", "bad"), 1)
    trained(table("raw", "bad"), 2, previous=1)
    assert moves(store, "dataset:raw@bad") == [("champion", 2, None)]


def test_a_model_that_was_only_compared_with_a_bad_one_is_not_bad(store):
    bad = trained(table("raw", "bad"), 1)
    trained(table("raw", "good"), 2, previous=1, champion=[bad])
    assert moves(store, "dataset:raw@bad") == []
    recall(store, "dataset:raw@bad")
    recalls.require_model_not_recalled(store, MLFLOW, "demo", 2)
    with pytest.raises(
        RecalledError, match=r"model:demo@1 rests on dataset:raw@bad, which is recalled since .* UTC by "
    ):
        recalls.require_model_not_recalled(store, MLFLOW, "demo", 1)


def test_undoing_a_recall_tells_of_all_that_the_recall_told_of(store):
    trained(table("raw", "1"), 1)
    told = recalls.plan(store, subject("model:demo@1")).impact.counts
    recall(store, "model:demo@1")
    assert recalls.plan_undo(store, subject("model:demo@1")).impact.counts == told
    assert told.datasets == 1


def test_an_alias_never_goes_to_what_another_recall_stands_against(store):
    trained(table("raw", "1"), 1)
    trained(table("raw", "2"), 2, previous=1)
    trained(table("raw", "3"), 3, previous=2)
    recall(store, "dataset:raw@2")
    assert moves(store, "dataset:raw@3") == [("champion", 3, 1)]


def test_a_numbered_version_has_nothing_to_do_with_others_of_its_number(store):
    step(table("weather", "3"), makes=[("clean", "sunny")])
    step(table("orders", "3"), makes=[("clean", "many")])
    trained(table("clean", "sunny"), 1)
    assert moves(store, "dataset:orders@3") == []
    trained(table("clean", "many"), 2, previous=1)
    recall(store, "dataset:weather@3")
    assert moves(store, "dataset:orders@3") == [("champion", 2, None)]
    recall(store, "dataset:orders@3")
    assert moves(store, "model:demo@2") == [("champion", 2, None)]
    undone = recalls.plan_undo(store, subject("dataset:orders@3"))
    assert [version.name for version in undone.impact.versions if not version.steps] == ["orders"]
    step(table("orders", "3"), makes=[("bills", "3")])
    with pytest.raises(RecalledError, match=r"dataset:bills@3 rests on dataset:orders@3, which is recalled"):
        recalls.require_not_recalled(store, ("s3://lake", "bills", "3"))
    with pytest.raises(RecalledError, match=r"dataset:orders@3 is recalled"):
        recalls.require_not_recalled(store, ("s3://lake", "orders", "3"))


def test_a_model_itself_is_recalled(store):
    trained(table("raw", "1"), 1)
    trained(table("raw", "2"), 2, previous=1)
    assert moves(store, "model:demo@champion") == [("champion", 2, 1)]
    recall(store, "model:demo@2", "biased")
    with pytest.raises(
        RecalledError, match=r"model:demo@2 is recalled since .* by Ada: biased; use another version, or"
    ):
        recalls.require_model_not_recalled(store, MLFLOW, "demo", 2)
    recalls.require_model_not_recalled(store, MLFLOW, "demo", 1)


def test_a_file_is_recalled_under_every_name_and_so_is_what_was_made_of_it(store, tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    step(Dataset(tmp_path / "a.csv"), makes=[("clean", "1")])
    recall(store, f"file:{tmp_path}/a.csv")
    (found,) = standing(store)
    assert (found.subject, found.reason, found.decided_by) == (f"file:{tmp_path}/a.csv", "wrong labels", "Ada")
    with pytest.raises(RecalledError, match=r"file:/elsewhere/b\.csv is recalled since .*: wrong labels; use another"):
        recalls.require_not_recalled(store, ("file", "/elsewhere/b.csv", found.content))
    with pytest.raises(RecalledError, match="dataset:clean@1 rests on file:"):
        recalls.require_not_recalled(store, ("s3://lake", "clean", "1"))
    recalls.require_not_recalled(store, ("file", str(tmp_path / "a.csv"), "0" * 32))


def test_what_is_trusted_again_may_be_used(lineage, store, tmp_path, check_events):
    (tmp_path / "a.csv").write_text("x\n1\n")
    step(Dataset(tmp_path / "a.csv"), makes=[("clean", "1")])
    recall(store, f"file:{tmp_path}/a.csv")
    (tmp_path / "a.csv").rename(tmp_path / "b.csv")
    recall(store, f"file:{tmp_path}/b.csv", "the labels were right", undo=True)
    assert standing(store) == []
    recalls.require_not_recalled(store, ("s3://lake", "clean", "1"))
    decided = [event["run"]["facets"]["lineal_decision"]["decisions"] for event in lineage.events("recall", "COMPLETE")]
    assert [(each["action"], each["reason"]) for (each,) in decided] == [
        ("recall", "wrong labels"),
        ("restore-trust", "the labels were right"),
    ]
    assert set(store.rebuild().values()) == {0}
    check_events(lineage.ndjson())


def test_undoing_moves_an_alias_back_unless_somebody_moved_it_since(store):
    trained(table("raw", "1"), 1)
    trained(table("raw", "2"), 2, previous=1)
    # As the command records a move that MLflow has made.
    about = {"namespace": MLFLOW, "name": "demo", "alias": "champion", "digest": "d" * 32, "reason": "r"}

    def decide(text, *moved):
        from lineal import current_run, traced

        plan = recalls.plan(store, subject(text))

        @traced
        def recall():
            row = plan.version
            first = {"action": "recall", "namespace": row.namespace, "name": row.name, "version": row.version}
            current_run().decisions([first | {"subject": plan.subject, "reason": "bad"}, *moved], by="Ada")

        recall()

    decide("dataset:raw@2", about | {"action": "move-alias", "number": 1, "previous": 2})
    # Once more, as after a move that MLflow did not make: nothing is left to be moved.
    decide("dataset:raw@2")
    assert [(m.holder, m.to) for m in recalls.plan_undo(store, subject("dataset:raw@2")).moves] == [(1, 2)]
    trained(table("raw", "3"), 3, previous=1)
    assert recalls.plan_undo(store, subject("dataset:raw@2")).moves == ()


def test_what_cannot_be_recalled(store):
    step(Dataset("s3://lake/untold"), makes=[("clean", "1")])
    with pytest.raises(SubjectError, match=r"dataset:untold: its producer gave no version, so nobody could tell"):
        recalls.plan(store, subject("dataset:untold"))
    with pytest.raises(SubjectError, match=r"no dataset 'nothing' is on record"):
        recalls.plan(store, subject("dataset:nothing"))
    with pytest.raises(SubjectError, match=r"dataset:clean@1: it is not recalled, so there is nothing to undo"):
        recalls.plan_undo(store, subject("dataset:clean@1"))


def test_the_decision_names_what_is_recalled_as_its_input(lineage, store):
    step(table("raw", "1", rows=7), makes=[("clean", "1")])
    recall(store, "dataset:raw@1")
    event = lineage.event("recall")
    (read,) = event["inputs"]
    assert (read["name"], read["facets"]["version"]["datasetVersion"]) == ("raw", "1")
    assert event["outputs"] == []
    assert "wrong labels" in json.dumps(event)
