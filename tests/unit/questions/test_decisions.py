"""Decisions of people: which count, which no longer do and why, on each database."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from lineal import Dataset, Model, current_run, people, traced
from lineal.errors import DecisionError
from lineal.questions import decisions, recalls
from lineal.questions.recalls import handle_of
from lineal.questions.search import search
from lineal.store import graph, tables
from lineal.store.decisions import digest_of, message_of
from lineal.store.recalls import AliasMove
from lineal.subjects import Subject
from lineal.tracing import recalling
from lineal.tracing.deciding import Statement, record
from tests.parts.made_up import MLFLOW, evaluate, fit, register, step, table

TODAY = datetime.now(UTC).date()


@pytest.fixture
def store(lineage):
    return lineage.store


def about(store, text="model:demo@1"):
    return decisions.about(store, Subject.parse(text))


def say(store, action, by="Grace", reason="it is so", text="model:demo@1", key=None, **more):
    what = about(store, text)
    row = graph.versions(store, [what.version]).get(what.version) if what.version else None
    statement = Statement(
        action,
        what.subject,
        what.namespace,
        what.name,
        reason,
        what.looked_at,
        what.content if row else None,
        what.model.number if what.model else None,
        **more,
    )
    return record(statement, people.Person(by), key, handle_of(store, row) if row else None)


def standings(store, text="model:demo@1", **more):
    return [(each.decision.action, each.standing) for each in decisions.decided(store, about(store, text), **more)]


def trained(source="1", number=1, asks=None):
    """A registered model; with `asks` its alias waits for an approval."""
    (data,) = step(table("raw", source), makes=[("train", f"of-{source}")])
    model = fit(data)
    judged = evaluate(model)
    return register(model, judged, number, alias=None) if asks is None else asking(model, judged, number, asks)


@traced
def asking(model, judgement, number, asks):
    run = current_run()
    run.metrics({"accuracy": 0.9}, of="held-out")
    one = {"namespace": MLFLOW, "name": "demo", "number": number, "digest": model.digest, "reason": "it held"}
    run.decisions(
        [one | {"action": "register"}, one | {"action": "ask-approval", "alias": "champion", **asks}], by="a rule"
    )
    return Model("models/demo", model.digest, f"models:/demo/{number}", namespace=MLFLOW, number=number)


def test_an_approval_counts_and_says_on_what_it_rests(lineage, store, check_events):
    trained()
    done = say(store, "approve", reason="agrees with the pilot")
    (found,) = decisions.decided(store, about(store))
    assert (found.standing, found.own, found.signed) == ("stands", False, False)
    decision = found.decision
    assert (decision.by, decision.reason, decision.run_id) == ("Grace", "agrees with the pilot", done.run_id)
    assert decision.evidence == about(store).evidence == digest_of(decision.looked_at)
    assert decision.looked_at["model"]["digest"] == about(store).content
    assert "s3://lake/raw@1" in decision.looked_at["data"]
    event = lineage.event("decide")
    assert [read["name"] for read in event["inputs"]] == ["models/demo"]
    assert event["outputs"] == []
    assert decisions.approval(store, about(store)) == found
    (hit,) = search(store, "pilot").hits
    assert (hit.kind, hit.subject) == ("decision", "model:demo@1")
    assert set(store.rebuild().values()) == {0}
    check_events("".join(f"{json.dumps(event)}\n" for event in lineage.events("decide")))


def test_an_approval_by_whoever_started_the_training_is_not_another_persons(store):
    trained()
    say(store, "approve", by=" ada ")
    (found,) = decisions.decided(store, about(store))
    assert found.own
    assert decisions.approval(store, about(store)) is None


def test_an_approval_is_stale_while_something_below_it_is_recalled(store):
    trained()
    say(store, "approve")
    plan = recalls.plan(store, Subject.parse("dataset:raw@1"))
    row = plan.version
    for undo in (False, True):
        recalling.record(plan.subject, handle_of(store, row), row.namespace, row.name, (), "wrong labels", undo)
        (found,) = decisions.decided(store, about(store))
        assert found.standing == ("stands" if undo else "stale")
        if not undo:
            assert found.why == f"dataset:raw@1 is recalled since {TODAY}: wrong labels"
            assert decisions.approval(store, about(store)) is None


def test_an_approval_is_stale_when_what_is_on_record_is_another(lineage, store):
    trained()
    say(store, "approve")
    # More of the same flow becomes known later, as from another machine.
    event = lineage.event("register")
    event["run"]["facets"]["lineal_metrics"] = {"metrics": [{"name": "accuracy", "value": 0.1, "of": "held-out"}]}
    text = json.dumps(event)
    columns = tables.events.c
    change = (
        sa.update(tables.events)
        .where(columns.run_id == event["run"]["runId"], columns.event_type == "COMPLETE")
        .values(body=text)
    )
    store.write(lambda connection: connection.execute(change))
    (found,) = decisions.decided(store, about(store))
    assert (found.standing, found.why) == ("stale", "what it rested on has changed: metrics")


def test_an_approval_is_stale_when_it_did_not_hold_when_verified(store):
    trained()
    say(store, "approve")
    (found,) = decisions.decided(store, about(store), broken=["its digest is another"])
    assert (found.standing, found.why) == ("stale", "it did not hold when it was verified: its digest is another")


def test_a_waiver_ends_on_its_day(store):
    trained()
    say(store, "waive", control="data.disjoint", until=TODAY)
    noon = datetime.now(UTC)
    assert standings(store, at=noon) == [("waive", "stands")]
    (found,) = decisions.decided(store, about(store), at=noon + timedelta(days=1))
    assert (found.standing, found.why) == ("ended", f"it ended on {TODAY}")


def test_what_is_decided_later_goes_before_what_was_decided_before(store):
    trained()
    say(store, "approve")
    say(store, "waive", control="a", until=TODAY)
    say(store, "waive", control="b", until=TODAY)
    say(store, "withdraw", control="a")
    assert standings(store) == [
        ("withdraw", "stands"),
        ("waive", "stands"),
        ("waive", "withdrawn"),
        ("approve", "stands"),
    ]
    say(store, "reject", by="Bob", reason="unfair")
    assert standings(store)[-1] == ("approve", "overruled")
    assert decisions.decided(store, about(store))[-1].why == f"rejected by Bob on {TODAY}: unfair"
    say(store, "withdraw")
    assert standings(store)[1:] == [
        ("reject", "withdrawn"),
        ("withdraw", "stands"),
        ("waive", "withdrawn"),
        ("waive", "withdrawn"),
        ("approve", "withdrawn"),
    ]
    say(store, "approve")
    assert standings(store)[0] == ("approve", "stands")


def test_a_signature_tells_whose_a_decision_is(lineage, store, check_events):
    trained()
    key = people.make_key("Grace")
    assert people.key_file("Grace").stat().st_mode & 0o777 == 0o600
    say(store, "approve", key=key)
    (found,) = decisions.decided(store, about(store))
    assert (found.standing, found.signed) == ("stands", True)
    said = lineage.event("decide")["run"]["facets"]["lineal_decision"]["decisions"][0]
    assert message_of(said, found.decision.run_id) == found.decision.signed
    check_events("".join(f"{json.dumps(event)}\n" for event in lineage.events("decide")))


def test_what_somebody_with_a_key_has_not_signed_does_not_count(store):
    trained()
    say(store, "approve")
    people.make_key("Grace")
    (found,) = decisions.decided(store, about(store))
    assert (found.standing, found.why) == (
        "not counted",
        "Grace signs with a key that is known here, and this is not signed",
    )


def test_a_key_that_is_not_trusted_does_not_count_until_it_is(store, monkeypatch, tmp_path):
    trained()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "grace"))
    key, public = people.make_key("Grace"), people.key_file("Grace").with_suffix(".pub")
    say(store, "approve", key=key)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "mine"))
    (found,) = decisions.decided(store, about(store))
    assert found.standing == "not counted"
    assert (
        found.why == f"it is signed with the key {key.public.id[:12]}, which is not trusted here: lineal key trust FILE"
    )
    people.trust(public)
    (found,) = decisions.decided(store, about(store))
    assert (found.standing, found.signed) == ("stands", True)
    say(store, "approve", by="Bob", key=key)
    assert decisions.decided(store, about(store))[0].why == "it is signed with the key of Grace, not of Bob"


@pytest.mark.parametrize("changed", ["reason", "control", "evidence", "run"])
def test_a_signature_that_does_not_fit(lineage, store, changed):
    trained()
    say(store, "waive", control="a", until=TODAY, key=people.make_key("Grace"))
    event = lineage.event("decide")
    said = event["run"]["facets"]["lineal_decision"]["decisions"][0]

    @traced
    def decide(thing):
        # What was signed once, told again of another thing: in a run of its own, or altered.
        other = {"evidence": {"sha256": "0" * 64, "of": {}}, "reason": "another", "control": "b"}
        current_run().decisions([said | {key: other[key] for key in [changed] if key in other}], by="Grace")

    decide(handle_of(store, graph.versions(store, [about(store).version])[about(store).version]))
    again, first = decisions.decided(store, about(store))
    assert (first.standing, again.standing) == ("stands", "not counted")
    assert again.why.endswith("does not fit")


@pytest.mark.parametrize("text", ["dataset:raw@1", "file:a.csv"])
def test_on_a_dataset_and_a_file_that_has_moved_since(store, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x\n1\n")
    step(Dataset("a.csv"), table("raw", "1"), makes=[("clean", "1")])
    say(store, "reject", text=text, reason="half of it is missing")
    assert standings(store, text) == [("reject", "stands")]
    if text.startswith("file"):
        (tmp_path / "a.csv").rename("b.csv")
        assert standings(store, "file:b.csv") == [("reject", "stands")]


def test_names_that_look_like_secrets_are_decided_on_by_their_names(store, tmp_path):
    file = tmp_path / "account_key=7" / "a.csv"
    file.parent.mkdir()
    file.write_text("x\n1\n")
    (data,) = step(Dataset(file), makes=[("train", "1")])
    model = fit(data)
    register(model, evaluate(model), 1)
    say(store, "approve")
    say(store, "reject", text=f"file:{file}", reason="half of it is missing")
    assert standings(store) == [("approve", "stands")]
    assert standings(store, f"file:{file}") == [("reject", "stands")]


def test_on_a_run(lineage, store):
    trained()
    text = f"run:{lineage.event('fit')['run']['runId']}"
    say(store, "note", text=text, reason="the seed was wrong")
    say(store, "note", text=f"run:{lineage.event('step')['run']['runId']}", reason="another")
    (found,) = decisions.decided(store, about(store, text))
    assert (found.decision.reason, found.standing) == ("the seed was wrong", "stands")
    (hit,) = search(store, "seed was wrong").hits
    assert (hit.kind, hit.subject) == ("note", text)


def test_two_versions_of_the_same_model_are_decided_on_each_for_itself(store):
    trained()
    trained(number=2)
    say(store, "approve")
    assert standings(store, "model:demo@2") == []
    assert standings(store) == [("approve", "stands")]


def test_all_decisions_are_listed_newest_first(store):
    assert decisions.listed(store) == []
    trained()
    trained("2", 2)
    say(store, "approve")
    say(store, "reject", text="model:demo@2")
    say(store, "note", reason="seen")
    found = decisions.listed(store)
    assert [(each.decision.action, each.decision.subject, each.standing) for each in found] == [
        ("note", "model:demo@1", "stands"),
        ("reject", "model:demo@2", "stands"),
        ("approve", "model:demo@1", "stands"),
    ]
    assert len(decisions.listed(store, limit=1)) == 1


def refused(store, action="approve", by="Grace", control=None, until=None, evidence=None, text="model:demo@1"):
    with pytest.raises(DecisionError) as refusal:
        decisions.require_allowed(about(store, text), action, by, control, until, evidence)
    return str(refusal.value)


def test_what_is_refused(store):
    trained(asks={"previous": None})
    assert refused(store, by="ADA") == (
        "model:demo@1: its training was started by Ada, and its pipeline asks for another person's approval; "
        "let somebody else decide"
    )
    assert "a waiver ends on a day; give --until DATE for a" in refused(store, "waive", control="a")
    assert "is over already" in refused(store, until=TODAY - timedelta(days=1))
    assert "--until is for approve and waive" in refused(store, "reject", until=date(2999, 1, 1))
    assert "is not what is on record now" in refused(store, evidence="0123456789")
    decisions.require_allowed(about(store), "approve", "Grace", None, TODAY, about(store).evidence[:12])
    decisions.require_allowed(about(store), "reject", "Ada", None, None, None)
    plan = recalls.plan(store, Subject.parse("dataset:raw@1"))
    row = plan.version
    recalling.record(plan.subject, handle_of(store, row), row.namespace, row.name, (), "wrong labels", False)
    assert "nothing that is recalled can be approved" in refused(store)
    step(Dataset("s3://lake/untold"), makes=[("clean", "1")])
    assert "gave no version, so nobody could tell" in refused(store, text="dataset:untold")


def test_where_the_author_is_not_known_nobody_is_another_person(store):
    trained(asks={"previous": None})
    found = about(store)
    with pytest.raises(DecisionError, match="who started its training is not on record"):
        decisions.require_allowed(replace(found, author=None), "approve", "Grace", None, None, None)


def test_the_alias_moves_from_the_holder_that_was_beaten_alone(store):
    trained("1", 1, asks={"compared": True})
    assert decisions.alias_move(store, about(store)) == AliasMove(
        MLFLOW, "demo", "champion", 0, 1, about(store).content
    )
    trained_with_alias("2", 2)
    assert decisions.alias_move(store, about(store)) == (
        "@champion went to version 2 since version 1 was judged, and stays there; train again to compare with it"
    )
    assert decisions.alias_move(store, about(store, "model:demo@2")) is None
    trained("3", 3, asks={"previous": 2, "compared": True})
    move = decisions.alias_move(store, about(store, "model:demo@3"))
    assert (move.holder, move.to) == (2, 3)


def test_without_a_comparison_the_newer_version_takes_the_alias(store):
    trained("1", 1, asks={})
    trained("2", 2, asks={})
    trained_with_alias("3", 3)
    trained("4", 4, asks={"previous": 3})
    trained_with_alias("5", 5)
    trained("6", 6, asks={"previous": 3})
    assert "went to version 5" in decisions.alias_move(store, about(store, "model:demo@4"))
    assert decisions.alias_move(store, about(store, "model:demo@6")).holder == 5


def trained_with_alias(source, number):
    (data,) = step(table("raw", source), makes=[("train", f"of-{source}")])
    model = fit(data)
    return register(model, evaluate(model), number)


def test_a_recall_gives_no_alias_to_a_version_that_waits_for_approval(store):
    trained_with_alias("0", 1)
    trained_with_alias("1", 2)
    trained("2", 3, asks={"previous": 2})

    def moves():
        plan = recalls.plan(store, Subject.parse("dataset:raw@1"))
        return [(move.alias, move.holder, move.to) for move in plan.moves]

    assert moves() == [("champion", 2, 1)]
    say(store, "approve", by="Ada", text="model:demo@3")
    assert moves() == [("champion", 2, 1)]
    say(store, "approve", text="model:demo@3")
    assert moves() == [("champion", 2, 3)]
