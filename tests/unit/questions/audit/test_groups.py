"""Each check of groups brought to pass, fail and open by what a flow records."""

from datetime import UTC, datetime, timedelta

import pytest

from lineal import Column, Dataset, Model, traced
from lineal.cli.app import main
from lineal.models.groups.interface import Column as Grouped
from lineal.models.groups.interface import Figure, Group, Grouping, Groups, gap_of, to_facet

TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
UNTIL = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"


def grouping(column, metric="recall", rows=50, train=150, **values):
    """Groups of a column by their values of a metric; None for one that cannot be told, a pair for value and rows."""
    groups = []
    for name, each in values.items():
        value, own = each if isinstance(each, tuple) else (each, rows)
        figure = (
            Figure(metric, None, reason="too few rows")
            if value is None
            else Figure(metric, value, value - 0.05, value + 0.05)
        )
        groups.append(Group((name,), own, train if own else 0, (figure,)))
    return Grouping((column,), tuple(groups), (gap_of(groups, metric),))


def told(*groupings, kinds=(), metric="recall"):
    columns = tuple(
        Grouped(each.by[0], dict(kinds).get(each.by[0], "values"), missing=2, train_missing=1) for each in groupings
    )
    rows = sum(group.rows for group in groupings[0].groups)
    train = sum(group.train_rows for group in groupings[0].groups)
    return Groups(columns, groupings, (metric, "selection_rate"), 20, 0.95, 100, 7, rows, train)


@pytest.fixture
def trained(flow):
    """Train `demo`, its evaluation telling of groups."""
    kept = flow.evaluate

    def run(groups=None, declared=None, **plan):
        @traced
        def evaluate(model: Model, test: Dataset, plan: object) -> Dataset:
            flow.current_run().metrics({"recall": 0.8}, of="held-out")
            if groups is not None:
                flow.current_run().groups(to_facet(groups))
            return Dataset("s3://cache/e", name="demo.evaluation", version="e" * 32, columns=(Column("y", "int64"),))

        flow.evaluate = evaluate
        parameters = {} if declared is None else {"declared.groups": repr(declared)}
        try:
            return flow.train(flow.Plan(parameters=parameters, **plan))
        finally:
            flow.evaluate = kept

    return run


FAIR, UNFAIR = grouping("sex", f=0.80, m=0.84), grouping("sex", f=0.55, m=0.84)


def test_groups_that_are_not_far_apart(trained, ask):
    trained(told(FAIR), ["sex"])
    found = ask("groups-watched")
    assert (found.verdict, found.sentence) == ("pass", "no gap is too large: recall by sex 0.04")
    assert found.numbers == {"least rows by sex": 50, "gap of recall by sex": 0.04}
    assert len(found.runs) == 1


def test_groups_that_are_far_apart_contradict_it(trained, ask):
    trained(told(UNFAIR), ["sex"])
    found = ask("groups-watched")
    assert (found.verdict, found.sentence) == (
        "fail",
        "by sex: recall differs by 0.29 (f 0.55, m 0.84; their intervals do not overlap), more than 0.1",
    )
    assert ask("groups-watched", gap_max=0.3).verdict == "pass"
    trained(told(grouping("sex", f=0.80, m=0.88)), ["sex"], number=2, salt="2")
    assert "their intervals overlap" in ask("groups-watched", number=2, gap_max=0.05).sentence


def test_what_cannot_be_told_is_open_and_a_gap_that_is_known_fails_all_the_same(trained, ask):
    trained(told(grouping("sex", f=0.8, m=0.84, x=None)), ["sex"])
    found = ask("groups-watched")
    assert (found.verdict, found.sentence) == ("open", "by sex: recall cannot be told of x")
    assert ask("groups-watched", leave_out=["x"]).verdict == "pass"
    trained(told(grouping("sex", f=0.5, m=0.84, x=None)), ["sex"], number=2, salt="2")
    found = ask("groups-watched", number=2)
    assert found.verdict == "fail"
    assert found.sentence.endswith("more than 0.1; and by sex: recall cannot be told of x")


def test_too_few_rows_are_open(trained, ask):
    trained(told(grouping("sex", f=0.8, m=(0.84, 25), x=(None, 0))), ["sex"])
    found = ask("groups-watched")
    assert (found.verdict, found.sentence) == ("open", "by sex: x has 0 held-out rows, fewer than 20")
    assert ask("groups-watched", rows_min=40).sentence == (
        "by sex: m has 25 held-out rows, x has 0 held-out rows, fewer than 40"
    )
    assert found.numbers["least rows by sex"] == 0


def test_a_column_that_is_declared_and_not_told_of_is_open(trained, ask):
    trained(told(FAIR), ["sex", "age"])
    assert ask("groups-watched").sentence == "age is to be watched, and no metric of its groups is on record"
    assert ask("groups-watched").verdict == "open"
    trained(None, ["sex"], number=2, salt="2")
    found = ask("groups-watched", number=2)
    assert (found.verdict, found.sentence) == ("open", "sex is to be watched, and no metric of groups is on record")
    trained(None, number=3, salt="3")
    found = ask("groups-watched", number=3)
    assert (found.verdict, found.sentence) == (
        "open",
        "which groups are to be watched is not declared, and no metric of groups is on record",
    )
    problem = Grouping(("sex",), problem="it has 400 groups, and no more than 100 are told of")
    trained(Groups((), (problem,), ("recall",), 20, 0.95, 100, 7, 9, 9), ["sex"], number=4, salt="4")
    assert ask("groups-watched", number=4).verdict == "open"
    assert "400 groups" in ask("groups-watched", number=4).sentence
    trained(told(FAIR), ["sex"], number=5, salt="5")
    assert ask("groups-watched", number=5, metrics=["roc_auc"]).sentence == "by sex: roc_auc cannot be told of f, m"


def test_no_groups_to_be_watched_is_declared(trained, ask):
    trained(None, [])
    for check in ("groups-watched", "group-gaps-answered", "groups-represented"):
        found = ask(check)
        assert (found.verdict, found.sentence) == ("n/a", "it is declared that there are no groups to be watched")


def test_without_a_declaration_the_pipelines_groups_are_meant(trained, ask):
    trained(told(UNFAIR))
    assert ask("groups-watched").verdict == "fail"


def test_errors_are_held_to_their_ratio(trained, ask):
    error = "neg_mean_absolute_error"
    trained(told(grouping("sex", error, f=-300.0, m=-310.0), metric=error), ["sex"])
    assert ask("groups-watched").verdict == "pass"
    trained(told(grouping("sex", error, f=-300.0, m=-500.0), metric=error), ["sex"], number=2, salt="2")
    found = ask("groups-watched", number=2)
    assert (found.verdict, found.sentence.partition(", the one")[2]) == ("fail", " 0.6 of the other, less than 0.8")


def test_a_model_that_was_never_judged_is_open(trained, ask):
    trained(None, ["sex"], evaluated=False)
    for check in ("groups-watched", "group-gaps-answered", "groups-represented"):
        assert ask(check).verdict == "open"


@pytest.fixture
def say(monkeypatch, capsys):
    def call(*words):
        monkeypatch.setenv("LINEAL_USER", "Grace")
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        assert ended.value.code == 0, capsys.readouterr().err
        monkeypatch.setenv("LINEAL_USER", "Ada")

    return call


def test_a_gap_that_nobody_speaks_of_contradicts_it(trained, ask, say):
    trained(told(UNFAIR), ["sex"])
    found = ask("group-gaps-answered")
    assert found.verdict == "fail"
    assert found.sentence.endswith(
        "and nobody decided or noted anything of it since, in which sex, or the control groups, is named"
    )
    say("note", "model:demo@1", "looks fine for Essex, and for all ages")
    assert ask("group-gaps-answered").verdict == "fail"
    say("note", "model:demo@1", "The gap by sex rests on old records; retrained in March.")
    found = ask("group-gaps-answered")
    assert found.verdict == "pass"
    assert found.sentence.endswith(
        f"Grace said (note, {TODAY}): The gap by sex rests on old records; retrained in March."
    )
    assert found.numbers["answers"] == 1


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        (("waive", "groups", "--until", UNTIL), "pass"),
        (("waive", "eu-ai-act.groups", "--until", UNTIL), "pass"),
        (("waive", "eu-ai-act.packages", "--until", UNTIL), "fail"),
        (("reject",), "pass"),
        (("withdraw",), "pass"),
        (("approve",), "fail"),
    ],
)
def test_decisions_that_answer_a_gap(trained, ask, say, words, verdict):
    trained(told(UNFAIR), ["sex"])
    say("decide", "model:demo@1", *words, "--reason", "accepted for the pilot")
    assert ask("group-gaps-answered").verdict == verdict


def test_a_waiver_answers_until_it_ends(trained, ask, say):
    trained(told(UNFAIR), ["sex"])
    say("decide", "model:demo@1", "waive", "groups", "--reason", "pilot", "--until", UNTIL)
    assert ask("group-gaps-answered").verdict == "pass"
    assert ask("group-gaps-answered", later=400).verdict == "fail"


def test_without_a_gap_nothing_is_to_be_answered(trained, ask):
    trained(told(FAIR), ["sex"])
    found = ask("group-gaps-answered")
    assert (found.verdict, found.sentence) == ("n/a", "no gap is larger than it may be")
    trained(told(grouping("sex", f=0.8, m=None)), ["sex"], number=2, salt="2")
    assert ask("group-gaps-answered", number=2).verdict == "open"


def test_groups_that_have_their_share(trained, ask):
    trained(told(FAIR), ["sex"])
    found = ask("groups-represented")
    assert (found.verdict, found.sentence) == (
        "pass",
        "every group has its share: sex, f the least with 50.0%; sex is missing in 3 rows",
    )
    assert found.numbers == {
        "training rows": 300, "held-out rows": 100, "sex f": "50.0% and 50.0%", "sex m": "50.0% and 50.0%",
    }  # fmt: skip
    assert {name.partition("@")[0] for name in found.datasets} == {"dataset:demo.train", "dataset:demo.test"}


def test_a_group_that_is_hardly_there_contradicts_it(trained, ask):
    trained(told(grouping("sex", f=0.8, m=0.84, x=(None, 2), missing=(None, 1))), ["sex"])
    found = ask("groups-represented")
    assert found.verdict == "fail"
    assert found.sentence == (
        "sex x is 25.0% of the training rows and 1.9% of those held out, less than 5.0%; sex is missing in 3 rows"
    )
    assert ask("groups-represented", share_min=0.01).verdict == "pass"


def test_shares_that_the_cut_gives_say_nothing(trained, ask):
    trained(told(grouping("age", young=0.8, old=0.84), kinds=[("age", "quantiles")]), ["age"])
    found = ask("groups-represented")
    assert found.verdict == "open"
    assert found.sentence.endswith("so that shares say nothing: give evaluate.grouping.edges.age")
    trained(told(grouping("age", young=0.8, old=0.84), kinds=[("age", "edges")]), ["age"], number=2, salt="2")
    assert ask("groups-represented", number=2).verdict == "pass"


def test_counts_that_are_not_on_record_are_open(trained, ask):
    trained(told(FAIR), ["sex", "age"])
    assert ask("groups-represented").verdict == "open"
    problem = Grouping(("sex",), problem="too many")
    trained(Groups((), (problem,), ("recall",), 20, 0.95, 100, 7, 9, 9), ["sex"], number=2, salt="2")
    assert ask("groups-represented", number=2).sentence == "how many rows there are by sex is not on record"


def test_gates_on_gaps_are_known_to_have_been_set_first(flow, ask):
    from lineal.tracing.statements import Outcome

    gate = {
        "evaluate.groups": "['sex', 'age']",
        "evaluate.gates.0.metric": "recall",
        "evaluate.gates.0.max_gap": "0.1",
        "evaluate.gates.1.metric": "recall",
        "evaluate.gates.1.max_gap": "0.2",
        "evaluate.gates.1.by": "['sex', 'age']",
        "evaluate.gates.1.leave_out": "['missing']",
    }
    said = [
        "gap of recall by sex <= 0.1",
        "gap of recall by age <= 0.1",
        "gap of recall by sex & age without missing <= 0.2",
    ]
    held = [Outcome(f"gate {n}", True, "gate", each, "0.05", "it is 0.05") for n, each in enumerate(said)]
    flow.train(flow.Plan(gate=gate, held_to=held))
    found = ask("gates-first")
    assert (found.verdict, found.sentence) == (
        "pass", f"{', '.join(said)}: set before the evaluation began, and held",
    )  # fmt: skip
    flow.train(flow.Plan(gate=gate | {"evaluate.gates.0.max_gap": "0.05"}, held_to=held, number=2, salt="2"))
    assert ask("gates-first", number=2).verdict == "fail"


def test_what_was_said_before_the_evaluation_is_no_answer(trained, ask, flow):
    about = {
        "action": "note",
        "namespace": flow.MLFLOW,
        "name": "y",
        "subject": "model:demo",
        "reason": "the gap by sex is old",
    }

    @flow.traced
    def note():
        flow.current_run().decisions([about], by="Grace")

    note()
    trained(told(UNFAIR), ["sex"])
    assert ask("group-gaps-answered").verdict == "fail"
    note()
    assert ask("group-gaps-answered").verdict == "pass"
