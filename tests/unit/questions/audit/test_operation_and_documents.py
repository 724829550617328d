"""What happens with the model where it is used, and what is said about it."""


def batch(flow, name="batch"):
    return flow.table(name, "", ("x",), 3)


def test_a_batch_that_was_compared(flow, ask):
    model = flow.train(flow.Plan())
    assert ask("drift-checked").verdict == "open"
    flow.drift(model, batch(flow), False)
    found = ask("drift-checked", later=1)
    assert (found.verdict, found.sentence) == ("pass", "1 comparison, the newest 1.0 days ago; none had drifted")
    found = ask("drift-checked", later=40)
    assert (found.verdict, found.sentence) == ("fail", "the newest comparison is 40.0 days old, and the limit is 30")


def test_drift_that_nobody_decided_on_contradicts_it(flow, ask):
    model = flow.train(flow.Plan())
    flow.drift(model, batch(flow), True)
    found = ask("drift-checked")
    assert (found.verdict, found.sentence) == ("fail", "drift in x, and nobody decided or noted anything since")
    flow.decide(model, "Grace", {"action": "note", "reason": "a new site; it is meant to be so"})
    assert ask("drift-checked").verdict == "pass"
    flow.drift(model, batch(flow, "next"), True)
    assert ask("drift-checked").verdict == "fail"


def test_a_model_that_is_not_in_use_has_no_drift(flow, ask):
    flow.train(flow.Plan(alias=None))
    assert ask("drift-checked").verdict == "n/a"


def test_predictions_lead_back(flow, ask):
    model = flow.train(flow.Plan())
    assert ask("predictions-traceable").verdict == "open"
    flow.score(model, batch(flow))
    found = ask("predictions-traceable")
    assert (found.verdict, found.numbers) == ("pass", {"predictions": 3, "batches": 1, "untraceable": 0})
    flow.score(model, flow.Dataset("s3://lake/unknown", name="demo.unknown"))
    found = ask("predictions-traceable")
    assert (found.verdict, found.sentence) == ("fail", "1 batch cannot be led back to its rows")


STATED = {
    "owner": "Lab",
    "description": "Ranks",
    "declared.intended_purpose": "To rank",
    "declared.role": "provider",
    "declared.risk_class": "high",
}


def test_what_is_stated(flow, ask):
    flow.train(flow.Plan(parameters=STATED))
    assert ask("documented").verdict == "pass"
    flow.train(flow.Plan(number=2, salt="2", parameters={"owner": "Lab"}))
    found = ask("documented", number=2)
    assert (found.verdict, found.sentence) == ("fail", "not stated: description, intended_purpose, role, risk_class")
    assert ask("documented", number=2, fields=["owner"]).verdict == "pass"
    flow.train(flow.Plan(number=3, salt="3"))
    assert ask("documented", number=3).verdict == "open"


def test_what_no_record_can_say(flow, ask):
    flow.train(flow.Plan())
    found = ask("not-on-record", what="a test of robustness")
    assert found.verdict == "open"
    assert found.sentence == "a test of robustness is not on record, so that a person must show it"
