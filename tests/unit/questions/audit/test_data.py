"""Each check of data brought to pass, fail and open by what a flow records."""

import pytest

from lineal import Dataset, people
from lineal.deciding import say
from lineal.subjects import Subject
from lineal.tracing import recalling
from lineal.tracing.naming import name_of
from lineal.tracing.statements import Assertion, Outcome
from tests.parts.audited import CHECKS, SPLIT


def test_a_source_is_known_by_its_content(flow, ask):
    flow.train(flow.Plan())
    found = ask("data-origin")
    assert (found.verdict, found.numbers) == ("pass", {"sources": 1})
    assert "source.csv@555555555555" in found.sentence
    assert found.datasets == ("dataset:s3://lake/source.csv@555555555555",)
    assert found.command == "lineal trace model:demo@1"


def test_a_source_without_a_hash_contradicts_it(flow, ask):
    flow.train(flow.Plan(source=None))
    found = ask("data-origin")
    assert found.verdict == "fail"
    assert "the content of source.csv was not recorded" in found.sentence


def test_what_nobody_read_is_not_shown(flow, ask):
    model = flow.Model("demo.model", "a" * 32, "models:/m-1")
    flow.register(model, None, flow.Plan())
    assert ask("data-origin").verdict == "open"
    assert ask("preparation-recorded").verdict == "open"
    for check in ("split-disjoint", "held-out-untouched", "quality-checks", "special-columns", "personal-data"):
        assert ask(check).verdict == "open", check
    assert ask("data-age", days=3).verdict == "open"


def test_both_sides_of_a_split_are_apart(flow, ask):
    flow.train(flow.Plan())
    found = ask("split-disjoint")
    assert found.verdict == "pass"
    assert found.sentence == (
        "no row, and no id stands on both sides of the random split of seed 7; "
        "0 of 25 held-out rows repeat a training row"
    )
    assert found.datasets[0].startswith("dataset:demo.train@")
    assert found.command.startswith("lineal trace run:")


def test_a_table_whose_name_another_namespace_has_is_named_with_its_own(flow, ask, monkeypatch):
    flow.train(flow.Plan())
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "prod")
    flow.train(flow.Plan(number=2, salt="2"))
    for number, namespace in ((1, "lineal"), (2, "prod")):
        (first, *_) = ask("split-disjoint", number=number).datasets
        assert first.startswith(f"dataset:{namespace}/demo.train@")


@pytest.mark.parametrize(
    ("place", "actual", "said"),
    [
        (0, "2", "2 rows in both the training and the held-out rows"),
        (1, "1", "1 id in both the training and the held-out rows"),
        (2, "3 of 25", "3 of 25 held-out rows repeat a training row value for value, more than 2.0%"),
    ],
)
def test_what_stands_on_both_sides_contradicts_it(flow, ask, place, actual, said):
    told = list(SPLIT)
    told[place] = Outcome(told[place].name, False, "split", "0", actual)
    flow.train(flow.Plan(split=told))
    found = ask("split-disjoint")
    assert (found.verdict, found.sentence) == ("fail", said)


def test_more_repeats_may_be_allowed(flow, ask):
    told = [*SPLIT[:2], Outcome(SPLIT[2].name, None, "split", actual="3 of 25")]
    flow.train(flow.Plan(split=told))
    assert ask("split-disjoint", duplicates_max=0.2).verdict == "pass"


def test_a_split_that_says_nothing_is_not_shown(flow, ask):
    flow.train(flow.Plan(split=()))
    assert ask("split-disjoint").verdict == "open"


def test_the_held_out_rows_are_not_on_the_way(flow, ask):
    flow.train(flow.Plan())
    found = ask("held-out-untouched")
    assert (found.verdict, found.numbers) == ("pass", {"evaluations": 1})
    assert found.sentence == "no run on its way from the sources read demo.test; 1 root run so far read those rows"


@pytest.mark.parametrize(
    ("fitted_to", "what"), [("test", "the held-out rows"), ("snapshot", "what the held-out rows were taken from")]
)
def test_a_leak_contradicts_it(flow, ask, fitted_to, what):
    flow.train(flow.Plan(fitted_to=fitted_to))
    found = ask("held-out-untouched")
    assert found.verdict == "fail"
    assert f"it was fitted to demo.{fitted_to}@" in found.sentence
    assert found.sentence.endswith(what)


def test_without_an_evaluation_nothing_is_shown_of_leaks(flow, ask):
    flow.train(flow.Plan(evaluated=False))
    assert ask("held-out-untouched").verdict == "open"


def test_held_out_rows_that_were_used_often_are_for_a_person(flow, ask):
    for number in (1, 2, 3):
        flow.train(flow.Plan(number=number))
    found = ask("held-out-untouched", number=3, evaluations_max=2)
    assert (found.verdict, found.numbers) == ("review", {"evaluations": 3})


def test_another_models_evaluation_with_this_one_as_champion_is_none_of_it(flow, ask, lineage):
    champion = flow.train(flow.Plan(evaluated=False))

    @flow.traced
    def evaluate(model, champion, test):
        flow.current_run().metrics({"accuracy": 0.2}, of="held-out")

    evaluate(flow.Model("demo.model", "b" * 32, "models:/m-2"), champion, flow.table("other", "", ("x",), 5))
    assert ask("metrics-recorded").verdict == "open"


def test_checks_that_held_before_the_fit(flow, ask):
    flow.train(flow.Plan())
    found = ask("quality-checks", at_least=3)
    assert (found.verdict, found.numbers) == ("pass", {"checks": 3, "failed": 0})
    assert ask("quality-checks", at_least=4).verdict == "fail"


def test_checks_of_a_champion_that_it_was_compared_with_are_none_of_it(flow, ask):
    champion = flow.train(flow.Plan())
    flow.train(flow.Plan(number=2, salt="2", checks=CHECKS[:1], champion=champion))
    found = ask("quality-checks", number=2, at_least=3)
    assert (found.verdict, found.numbers) == ("fail", {"checks": 1, "failed": 0})


def test_a_check_that_did_not_hold_contradicts_it(flow, ask):
    flow.train(flow.Plan(checks=(*CHECKS, Assertion("max", False, "z"))))
    found = ask("quality-checks")
    assert (found.verdict, found.sentence) == ("fail", "max of z did not hold")


def test_checks_after_the_fit_contradict_it(flow, ask):
    flow.train(flow.Plan(checked_late=True))
    found = ask("quality-checks")
    assert (found.verdict, found.sentence) == ("fail", "3 checks ran only after the fit had begun")


def test_a_dropped_check_contradicts_it(flow, ask):
    checks = {"checks.0.column": "x", "checks.0.nulls": "False", "checks.0.min": "0", "checks.1.rows_min": "10"}
    fewer = {"checks.0.column": "x", "checks.0.min": "1", "checks.1.rows_min": "9"}
    plan = {"name": "demo", "pipeline.digest": "1"}
    flow.train(flow.Plan(parameters=plan | checks))
    flow.train(flow.Plan(number=2, salt="2", parameters=plan | fewer))
    found = ask("quality-checks", number=2)
    assert (found.verdict, found.sentence) == ("fail", "version 1 was held to nulls of x, and this one is not")
    assert found.command == "lineal diff model:demo@1 model:demo@2"
    # Another bound is another matter.
    assert ask("quality-checks", number=1).verdict == "pass"


def test_no_checks_are_not_shown(flow, ask):
    flow.train(flow.Plan(checks=()))
    assert ask("quality-checks").verdict == "open"


def test_a_way_without_a_gap(flow, ask):
    flow.train(flow.Plan())
    found = ask("preparation-recorded")
    assert found.verdict == "pass"
    assert "train.ingest, train.split, train.fit, train.register: no gap" in found.sentence
    assert found.numbers == {"steps": 4, "versions": 5}


def test_a_table_that_nobody_made_is_a_gap(flow, ask):
    flow.train(flow.Plan(ingested=False))
    found = ask("preparation-recorded")
    assert found.verdict == "fail"
    assert "no run on record made demo.snapshot@" in found.sentence


def test_code_outside_of_git_is_not_shown(flow, ask, project):
    (project / ".git").rename(project / ".gone")
    flow.train(flow.Plan())
    assert ask("preparation-recorded").verdict == "open"
    assert ask("reproducible").verdict == "open"


@pytest.mark.parametrize(("later", "verdict"), [(9, "pass"), (11, "fail")])
def test_data_is_so_many_days_old(flow, ask, later, verdict):
    flow.train(flow.Plan())
    found = ask("data-age", later=later, days=10)
    assert (found.verdict, found.numbers["limit"]) == (verdict, 10)
    assert f"{later}.0 days ago" in found.sentence


def recall(thing, subject, undo=False):
    return recalling.record(subject, thing, *name_of(thing), (), "wrong labels", undo)


def test_a_recalled_source_contradicts_it_while_the_model_is_in_use(flow, ask):
    flow.train(flow.Plan())
    source = Dataset("s3://lake/source.csv", version="5" * 32)
    recall(source, "file:s3://lake/source.csv")
    found = ask("recalls-handled")
    assert (found.verdict, found.command) == ("fail", "lineal impact file:s3://lake/source.csv")
    assert "recalled: file:s3://lake/source.csv (wrong labels); and it holds @champion" in found.sentence


def test_a_recalled_source_is_handled_where_the_model_is_out_of_use(flow, ask):
    model = flow.train(flow.Plan(alias=None))
    recall(Dataset("s3://lake/source.csv", version="5" * 32), "file:s3://lake/source.csv")
    assert ask("recalls-handled").verdict == "pass"
    flow.score(model, flow.table("batch", "", ("x",), 3))
    found = ask("recalls-handled")
    assert found.verdict == "fail"
    assert found.sentence.endswith("and it predicted 1 batch since")


def test_special_columns_are_not_learnt_from(flow, ask):
    flow.train(flow.Plan(parameters={"declared.special": "['religion']"}))
    assert ask("special-columns").verdict == "pass"
    flow.train(flow.Plan(number=2, salt="2", parameters={"declared.special": "['z']"}))
    found = ask("special-columns", number=2)
    assert (found.verdict, found.sentence) == ("fail", "it learns from z")
    flow.train(flow.Plan(number=3, salt="3", parameters={"declared.special": "[]"}))
    assert ask("special-columns", number=3).verdict == "n/a"
    flow.train(flow.Plan(number=4, salt="4"))
    assert ask("special-columns", number=4).verdict == "open"


def test_personal_data_has_a_purpose_and_an_end(flow, ask):
    declared = {"declared.personal": "['x']", "declared.intended_purpose": "To rank", "declared.retention": "2 years"}
    flow.train(flow.Plan(parameters=declared))
    found = ask("personal-data")
    assert found.verdict == "pass"
    assert found.sentence == "1 column of personal data; intended_purpose: To rank; retention: 2 years"
    flow.train(flow.Plan(number=2, salt="2", parameters={"declared.personal": "['x']"}))
    found = ask("personal-data", number=2)
    assert (found.verdict, found.sentence) == (
        "fail",
        "1 column of personal data, and no intended_purpose and no retention",
    )
    flow.train(flow.Plan(number=3, salt="3", parameters={"declared.personal": "[]"}))
    assert ask("personal-data", number=3).verdict == "n/a"
    flow.train(flow.Plan(number=4, salt="4"))
    assert ask("personal-data", number=4).verdict == "open"


DECLARED = {
    "declared.personal": "['x']",
    "declared.controller": "Clinic",
    "declared.intended_purpose": "To rank",
    "declared.data_subjects": "['patients']",
    "declared.recipients": "[]",
    "declared.transfers": "[]",
    "declared.retention": "2 years",
    "declared.safeguards": "sealed",
}


def reproduce(rows):
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["export", "decide"])
def test_a_job_of_another_that_is_called_as_one_of_ours_is_given_the_data(flow, ask, lineage, name):
    flow.train(flow.Plan(parameters=DECLARED))
    snapshot = flow.table("snapshot", "", ("x", "z"), 100)
    say(lineage.store, Subject.parse("dataset:demo.snapshot"), "reject", "too old", people.Person("Grace"), None)
    with pytest.raises(KeyboardInterrupt):
        flow.traced(reproduce)(snapshot)
    assert ask("processing-recorded").verdict == "pass"

    def sell(rows):
        """Hand the rows to marketing."""

    sell.__name__ = name
    flow.traced(sell)(snapshot)
    found = ask("processing-recorded")
    assert (found.verdict, found.sentence) == (
        "fail",
        f"{name} reads demo.snapshot, and no such recipient is declared",
    )
