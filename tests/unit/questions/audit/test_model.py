"""Each check of the model brought to pass, fail and open by what a flow records."""

from lineal.tracing.statements import Outcome
from tests.parts.audited import GATE

OTHER = Outcome("gate accuracy", True, "gate", "accuracy >= 0.5", "0.95", "it is 0.95")
FAILED = Outcome("gate accuracy", False, "gate", "accuracy >= 0.9", "0.7", "accuracy is 0.7, and must be at least 0.9")


def test_thresholds_that_were_set_first_and_held(flow, ask):
    flow.train(flow.Plan())
    found = ask("gates-first")
    assert (found.verdict, found.sentence) == ("pass", "accuracy >= 0.9: set before the evaluation began, and held")
    assert found.numbers == {"gate_accuracy": "0.95"}
    assert len(found.runs) == 2


def test_thresholds_that_were_set_after_the_evaluation_contradict_it(flow, ask):
    flow.train(flow.Plan(gate_set="late"))
    found = ask("gates-first")
    assert (found.verdict, found.sentence) == ("fail", "accuracy >= 0.9 was set after the evaluation had begun")


def test_thresholds_that_were_changed_contradict_it(flow, ask):
    flow.train(flow.Plan(held_to=(OTHER,)))
    found = ask("gates-first")
    assert (found.verdict, found.sentence) == ("fail", "it was held to accuracy >= 0.5, and accuracy >= 0.9 was set")


def test_thresholds_that_were_set_and_not_used_contradict_it(flow, ask):
    flow.train(flow.Plan(held_to=()))
    found = ask("gates-first")
    assert (found.verdict, found.sentence) == ("fail", "it was not held to the thresholds that were set")


def test_one_of_the_thresholds_not_used_contradicts_it(flow, ask):
    flow.train(flow.Plan(gate=GATE | {"evaluate.gates.1.metric": "recall", "evaluate.gates.1.min": "0.8"}))
    found = ask("gates-first")
    assert (found.verdict, found.sentence) == ("fail", "it was not held to recall >= 0.8, which was set")


def test_a_failed_threshold_contradicts_it(flow, ask):
    flow.train(flow.Plan(held_to=(FAILED,)))
    assert ask("gates-first").verdict == "fail"


def test_when_thresholds_were_set_may_not_be_on_record(flow, ask):
    flow.train(flow.Plan(gate_set="end"))
    assert ask("gates-first").verdict == "open"
    flow.train(flow.Plan(number=2, salt="2", gate={}))
    assert ask("gates-first", number=2).verdict == "open"
    flow.train(flow.Plan(number=3, salt="3", gate={}, held_to=()))
    found = ask("gates-first", number=3)
    assert (found.verdict, found.sentence) == ("open", "no threshold was set")
    flow.train(flow.Plan(number=4, salt="4", evaluated=False))
    assert ask("gates-first", number=4).verdict == "open"


def test_metrics_on_held_out_rows(flow, ask):
    flow.train(flow.Plan(parameters={"evaluate.metrics": "['accuracy']"}))
    found = ask("metrics-recorded")
    assert (found.verdict, found.sentence) == ("pass", "accuracy 0.95, on 25 held-out rows")
    assert found.numbers == {"accuracy": 0.95}


def test_a_metric_that_was_asked_for_and_is_not_there_contradicts_it(flow, ask):
    flow.train(flow.Plan(parameters={"evaluate.metrics": "['accuracy', 'roc_auc']"}))
    found = ask("metrics-recorded")
    assert (found.verdict, found.sentence) == ("fail", "roc_auc was asked for and is not among what was found")
    assert ask("metrics-recorded", metrics=["recall"]).verdict == "fail"


def test_a_metric_on_the_training_rows_is_none_on_the_held_out_ones(flow, ask, monkeypatch):
    @flow.traced
    def evaluate(model, test, plan):
        run = flow.current_run()
        run.metrics({"accuracy": 0.61}, of="held-out")
        run.metrics({"accuracy": 1.0, "roc_auc": 1.0}, of="train")
        return flow.table("evaluation", plan.salt, (), 25)

    monkeypatch.setattr(flow, "evaluate", evaluate)
    flow.train(flow.Plan())
    assert ask("metrics-recorded").numbers == {"accuracy": 0.61}
    assert ask("metrics-recorded", metrics=["roc_auc"]).verdict == "fail"


def test_without_metrics_nothing_is_shown(flow, ask):
    flow.train(flow.Plan(metrics={}))
    assert ask("metrics-recorded").verdict == "open"
    flow.train(flow.Plan(number=2, salt="2", evaluated=False))
    assert ask("metrics-recorded", number=2).verdict == "open"


def test_the_spread_of_a_metric(flow, ask):
    flow.train(flow.Plan())
    assert ask("metric-spread", spread_max=0.02).verdict == "pass"
    found = ask("metric-spread", spread_max=0.005)
    assert (found.verdict, found.numbers) == ("fail", {"accuracy": 0.01})
    flow.train(flow.Plan(number=2, salt="2", spread={}))
    assert ask("metric-spread", number=2).verdict == "open"


def test_a_threshold_is_worded_as_the_evaluation_words_it(flow, ask):
    both = GATE | {"evaluate.gates.0.max": "1.0", "evaluate.gates.1.metric": "error", "evaluate.gates.1.max": "0.25"}
    held = [
        Outcome("gate accuracy", True, "gate", "accuracy >= 0.9 and <= 1"),
        Outcome("e", True, "gate", "error <= 0.25"),
    ]
    flow.train(flow.Plan(gate=both, held_to=held))
    assert ask("gates-first").verdict == "pass"


def test_a_flow_that_made_the_same_and_did_not_register_it_is_another_affair(flow, ask):
    failed = (Outcome("gate accuracy", False, "gate", "accuracy >= 0.9", "0.85", "it is 0.85"),)
    flow.train(flow.Plan(held_to=failed, registered=False))
    flow.train(flow.Plan())
    assert ask("gates-first").verdict == "pass"
