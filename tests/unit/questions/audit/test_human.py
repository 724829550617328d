"""What people decided: approvals, their ends, waivers, and withdrawals."""

from datetime import UTC, datetime, timedelta

import pytest

from lineal import Dataset
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


def test_a_decision_that_names_the_model_by_its_subject(flow, ask, lineage):
    flow.train(flow.Plan())

    @flow.traced
    def decide():
        decision = {"action": "approve", "namespace": "x", "name": "y", "subject": "model:demo@1", "reason": "fine"}
        flow.current_run().decisions([decision], by="Grace")

    decide()
    assert ask("approved-by-another").verdict == "pass"


def test_a_withdrawal_that_was_tried(flow, ask):
    model = flow.train(flow.Plan())
    assert ask("withdrawal-tried").verdict == "open"
    flow.decide(model, "Grace", {"action": "withdraw", "reason": "a drill"})
    found = ask("withdrawal-tried")
    assert (found.verdict, found.sentence) == ("pass", f"Grace did on {TODAY}: a drill")
    assert ask("withdrawal-tried", later=400).verdict == "fail"
