"""What people decided: approvals, their ends, waivers, and withdrawals."""

from datetime import UTC, datetime, timedelta

import pytest

from lineal import Dataset, Model, current_run, people, traced
from lineal.cli.app import main
from lineal.datasets.prediction_ids import batch_prefix
from lineal.questions.audit import audit, chosen
from lineal.subjects import Subject
from lineal.tracing import recalling
from lineal.tracing.naming import name_of

TODAY = datetime.now(UTC).date()


def test_nobody_approved_it(flow, ask):
    flow.train(flow.Plan())
    assert ask("approved-by-another").verdict == "open"


def test_another_person_approved_it(flow, ask):
    model = flow.train(flow.Plan())
    flow.decide(model, "Grace", {"action": "approve", "reason": "looked at the errors"})
    found = ask("approved-by-another")
    assert found.verdict == "pass"
    assert found.sentence == f"approved by Grace on {TODAY}: looked at the errors; Ada trained it"
    assert len(found.runs) == 1


@pytest.mark.parametrize("author", ["Ada", " ada "])
def test_the_author_cannot_approve_it(flow, ask, author):
    model = flow.train(flow.Plan())
    flow.decide(model, author, {"action": "approve"})
    found = ask("approved-by-another")
    assert found.verdict == "fail"
    assert found.sentence.endswith("approved what Ada trained, which is the same person")


def test_rules_approve_nothing(flow, ask):
    model = flow.train(flow.Plan())
    flow.decide(model, "the rules of pipeline demo", {"action": "approve"})
    assert ask("approved-by-another").verdict == "open"


@pytest.mark.parametrize(("action", "word"), [("reject", "rejected"), ("withdraw", "withdrawn")])
def test_what_was_approved_and_then_rejected_or_withdrawn(flow, ask, action, word):
    model = flow.train(flow.Plan())
    flow.decide(model, "Grace", {"action": "approve"})
    flow.decide(model, "Alan", {"action": action, "reason": "it is wrong on Mondays"})
    found = ask("approved-by-another")
    assert (found.verdict, found.sentence) == ("fail", f"it was {word} by Alan on {TODAY}: it is wrong on Mondays")


def test_an_approval_ends_on_its_date(flow, ask):
    model = flow.train(flow.Plan())
    until = str(TODAY + timedelta(days=3))
    flow.decide(model, "Grace", {"action": "approve", "until": until})
    assert ask("approved-by-another", later=2).verdict == "pass"
    found = ask("approved-by-another", later=5)
    assert (found.verdict, found.sentence) == ("fail", f"the approval by Grace ended on {until}")


def test_an_approval_is_stale_once_its_data_is_recalled(flow, ask):
    model = flow.train(flow.Plan())
    flow.decide(model, "Grace", {"action": "approve"})
    source = Dataset("s3://lake/source.csv", version="5" * 32)
    recalling.record("file:source.csv", source, *name_of(source), (), "wrong labels", False)
    found = ask("approved-by-another")
    assert found.verdict == "fail"
    assert found.sentence.endswith("but file:source.csv was recalled since: wrong labels")


def test_the_approval_of_another_version_is_none(flow, ask):
    model = flow.train(flow.Plan())
    flow.train(flow.Plan(number=2, salt="2"))
    flow.decide(model, "Grace", {"action": "approve"})
    assert ask("approved-by-another", number=2).verdict == "open"


@pytest.mark.parametrize("subject", ["model:demo@1", "model:mlflow://local/demo@1"])
def test_a_decision_that_names_the_model_by_its_subject(flow, ask, subject):
    flow.train(flow.Plan())

    @flow.traced
    def decide():
        about = {"namespace": flow.MLFLOW, "name": "y", "subject": subject}
        flow.current_run().decisions([about | {"action": "approve", "reason": "fine"}], by="Grace")

    decide()
    assert ask("approved-by-another").verdict == "pass"


def test_a_decision_on_another_servers_model_of_its_name_is_none_on_it(flow, ask, monkeypatch):
    model = flow.train(flow.Plan())
    for action in ("approve", "withdraw", "approve"):
        flow.decide(model, "Grace", {"action": action, "subject": "model:demo@1"})
    assert ask("approved-by-another").verdict == "pass"
    monkeypatch.setattr(flow, "MLFLOW", "mlflow://team:5000")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://team:5000")
    flow.train(flow.Plan(salt="2"))
    found = [ask(check) for check in ("approved-by-another", "withdrawal-tried")]
    assert [(each.verdict, each.command) for each in found] == [
        ("open", "lineal history model:mlflow://team:5000/demo")
    ] * 2


def test_an_unsigned_word_of_somebody_whose_key_is_known_does_not_count(flow, ask, lineage):
    people.make_key("Grace")
    model = flow.train(flow.Plan(fitted_to="test"))
    flow.decide(model, "Grace", {"action": "approve", "reason": "looked at the errors"})
    found = ask("approved-by-another")
    assert found.verdict == "fail"
    assert found.sentence.endswith("Grace signs with a key that is known here, and this is not signed")
    flow.decide(model, "Grace", {"action": "waive", "control": "no-leak", "until": str(TODAY + timedelta(days=9))})
    answer = audit(lineage.store, chosen(["house"]), Subject.parse("model:demo@1"))
    assert "no-leak" in [each.control for each in answer.failed]


@pytest.mark.parametrize("by", ["Grace", "the rules of pipeline demo"])
def test_only_what_can_be_taken_for_a_persons_word_answers(flow, ask, by):
    people.make_key("Grace")
    plan = {"name": "demo", "pipeline.digest": "1"}
    flow.train(flow.Plan(parameters=plan | {"split.test_size": "0.2"}))
    model = flow.train(flow.Plan(number=2, salt="2", parameters=plan | {"split.test_size": "0.3"}))
    flow.drift(model, flow.table("batch", "", ("x",), 3), True)
    flow.decide(model, by, {"action": "note", "reason": "it is meant to be so"})
    flow.decide(model, by, {"action": "withdraw", "reason": "a drill"})
    verdicts = [ask(check, number=2).verdict for check in ("drift-checked", "changes-noted", "withdrawal-tried")]
    assert verdicts == ["fail", "fail", "open"]


def test_a_waiver_is_not_taken_back_in_somebody_elses_name(flow, lineage):
    people.make_key("Alan")
    model = flow.train(flow.Plan(fitted_to="test"))
    flow.decide(model, "Grace", {"action": "waive", "control": "no-leak", "until": str(TODAY + timedelta(days=9))})
    flow.decide(model, "Alan", {"action": "withdraw", "reason": "no"})
    answer = audit(lineage.store, chosen(["house"]), Subject.parse("model:demo@1"))
    assert "no-leak" not in [each.control for each in answer.failed]


def test_a_withdrawal_that_was_tried(flow, ask):
    model = flow.train(flow.Plan())
    assert ask("withdrawal-tried").verdict == "open"
    flow.decide(model, "Grace", {"action": "withdraw", "reason": "a drill"})
    found = ask("withdrawal-tried")
    assert (found.verdict, found.sentence) == ("pass", f"Grace did on {TODAY}: a drill")
    assert ask("withdrawal-tried", later=400).verdict == "fail"


@pytest.mark.parametrize(("number", "verdict"), [(1, "pass"), (2, "open")])
def test_an_alias_that_was_moved_away_and_not_one_that_it_was_given(flow, ask, number, verdict):
    flow.train(flow.Plan())
    model = flow.train(flow.Plan(number=2, salt="2", alias=None))
    flow.decide(model, "Grace", {"action": "move-alias", "alias": "champion", "previous": 1})
    assert ask("withdrawal-tried", number=number).verdict == verdict


@pytest.fixture
def decide(monkeypatch, capsys):
    """Decide by the command, as somebody."""

    def call(by, *words):
        monkeypatch.setenv("LINEAL_USER", by)
        with pytest.raises(SystemExit) as ended:
            main(["decide", *words])
        assert ended.value.code == 0, capsys.readouterr().err
        monkeypatch.setenv("LINEAL_USER", "Ada")

    return call


def test_what_is_decided_by_the_command_counts_until_its_evidence_changes(flow, ask, decide):
    flow.train(flow.Plan())
    decide("Grace", "model:demo@1", "approve", "--reason", "looked at the errors")
    found = ask("approved-by-another")
    assert found.verdict == "pass"
    assert "approved by Grace" in found.sentence
    source = Dataset("s3://lake/source.csv", version="5" * 32)
    recalling.record("file:source.csv", source, *name_of(source), (), "wrong labels", False)
    found = ask("approved-by-another")
    assert found.verdict == "fail"
    assert found.sentence.startswith("the approval by Grace is stale: file:source.csv is recalled since")


def test_what_is_withdrawn_by_the_command_counts_no_more(flow, ask, decide):
    flow.train(flow.Plan())
    decide("Grace", "model:demo@1", "approve", "--reason", "looked at the errors")
    decide("Grace", "model:demo@1", "withdraw", "--reason", "not at Mondays")
    found = ask("approved-by-another")
    assert (found.verdict, found.sentence) == ("fail", f"it was withdrawn by Grace on {TODAY}: not at Mondays")


def test_a_waiver_by_the_command(flow, decide, lineage, project):
    flow.train(flow.Plan(fitted_to="test"))
    policies = chosen(["house"])
    asked = Subject.parse("model:demo@1")
    assert "no-leak" in [each.control for each in audit(lineage.store, policies, asked).failed]
    until = str(TODAY + timedelta(days=9))
    decide("Grace", "model:demo@1", "waive", "house.no-leak", "--reason", "a demonstration", "--until", until)
    answer = audit(lineage.store, policies, asked)
    assert "no-leak" not in [each.control for each in answer.failed]
    decide("Grace", "model:demo@1", "withdraw", "house.no-leak", "--reason", "it is over")
    assert "no-leak" in [each.control for each in audit(lineage.store, policies, asked).failed]


@traced
def score(model: Model):
    run = current_run()
    ids = batch_prefix(run.ref.id)
    run.prediction({"model": "demo", "version": 1, "digest": model.digest, "rows": 3, "idPrefix": ids})
    return Dataset("s3://out/p.parquet", name="demo.predictions", version="9" * 32, rows=3), ids


def noted(*words):
    with pytest.raises(SystemExit) as ended:
        main(["note", *words])
    assert ended.value.code == 0


def test_who_looked_at_one_prediction_has_not_reviewed_its_batch(flow, ask, monkeypatch):
    monkeypatch.setenv("LINEAL_USER", "Grace")
    model = flow.train(flow.Plan(parameters={"declared.legal_effect": "true"}))
    _, ids = score(model)
    noted(f"prediction:{ids}2", "as I would have it", "--kind", "review")
    assert ask("predictions-reviewed").verdict == "fail"
    noted("dataset:demo.predictions", "looked at each row", "--kind", "review")
    found = ask("predictions-reviewed")
    assert (found.verdict, found.numbers) == ("pass", {"batches": 1, "reviewed": 1})


def test_a_gap_of_what_it_predicted_is_none_of_its_data(flow, ask, monkeypatch):
    @traced
    def check(snapshot, plan):
        columns = {"x": {"nullCount": 20, "count": 80}}
        current_run().input(snapshot, assertions=plan.checks, rows=100, columns=columns)

    monkeypatch.setattr(flow, "check", check)
    score(flow.train(flow.Plan()))
    noted("dataset:demo.predictions", "two rows came late", "--kind", "data-gap")
    assert ask("gaps-noted").verdict == "fail"
    noted("dataset:demo.snapshot", "x is not asked on Sundays", "--kind", "data-gap")
    assert ask("gaps-noted").verdict == "pass"


def test_an_incident_on_a_prediction_is_one_of_its_model(flow, ask, monkeypatch):
    monkeypatch.setenv("LINEAL_USER", "Grace")
    model = flow.train(flow.Plan(parameters={"asked.owner": "Ada"}))
    _, ids = score(model)
    noted(f"prediction:{ids}2", "wrong on its face", "--kind", "incident")
    found = ask("incidents-closed")
    assert found.numbers["incidents"] == 1
