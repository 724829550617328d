"""Trace over several runs: who made what, and never who did not."""

import inspect
import sys

import pytest

from lineal import Dataset, traced
from lineal.errors import SubjectError
from lineal.questions.trace import trace
from lineal.subjects import Subject
from tests.parts.producers import spark


def table(name, version="1"):
    return Dataset(f"s3://lake/{name}", version=version)


@traced
def step(*sources, makes):
    """One step: reads some tables, writes others."""
    return [table(*made) for made in makes]


def descent(node):
    return {node.name + node.version: [descent(child) for child in node.inputs]}


def ask(lineage, text, depth=None):
    return trace(lineage.store, Subject.parse(text), depth)


def test_a_descent_goes_across_runs_that_are_no_kin(lineage):
    step(table("raw"), makes=[("clean", "1")])
    step(table("clean"), makes=[("features", "1")])
    answer = ask(lineage, "dataset:features@1")
    assert descent(answer.node) == {"features1": [{"clean1": [{"raw1": []}]}]}
    assert len(answer.runs) == 2


def test_versions_of_one_dataset_are_kept_apart(lineage):
    step(table("raw", "1"), makes=[("clean", "1")])
    step(table("raw", "2"), makes=[("clean", "2")])
    assert descent(ask(lineage, "dataset:clean@1").node) == {"clean1": [{"raw1": []}]}
    assert descent(ask(lineage, "dataset:clean").node) == {"clean2": [{"raw2": []}]}


def test_of_two_that_made_the_same_the_one_before_the_reader_is_named(lineage):
    step(table("first"), makes=[("clean", "1")])
    step(table("clean"), makes=[("report", "1")])
    step(table("later"), makes=[("clean", "1")])
    assert descent(ask(lineage, "dataset:report@1").node) == {"report1": [{"clean1": [{"first1": []}]}]}
    assert descent(ask(lineage, "dataset:clean@1").node) == {"clean1": [{"later1": []}]}


def test_of_two_that_made_the_same_the_readers_own_kin_is_named(lineage):
    @traced
    def flow(source):
        step(table(source), makes=[("clean", "1")])
        step(table("clean"), makes=[(f"report-{source}", "1")])

    flow("a")
    flow("b")
    for source in "ab":
        answer = ask(lineage, f"dataset:report-{source}@1")
        assert descent(answer.node) == {f"report-{source}1": [{"clean1": [{f"{source}1": []}]}]}


def test_the_task_is_named_and_not_the_flow_that_returns_the_same(lineage):
    @traced
    def flow(source):
        return step(source, makes=[("clean", "1")])

    flow(table("raw"))
    answer = ask(lineage, "dataset:clean@1")
    by = {run.run_id: run.job for run in answer.runs}
    assert by[answer.node.run_id] == "flow.step"


def test_a_failed_run_made_nothing(lineage):
    @traced
    def broken(source, makes):
        from lineal import current_run

        current_run().output(table(*makes))
        raise ValueError("broken")

    step(table("raw"), makes=[("clean", "1")])
    with pytest.raises(ValueError, match="broken"):
        broken(table("poison"), ("clean", "1"))
    assert descent(ask(lineage, "dataset:clean@1").node) == {"clean1": [{"raw1": []}]}


def test_what_is_made_of_itself_leads_round_only_once(lineage):
    step(table("a"), makes=[("b", "1")])
    step(table("b"), makes=[("a", "1")])
    assert descent(ask(lineage, "dataset:a@1").node) == {"a1": [{"b1": [{"a1": []}]}]}


def test_ten_unrelated_tables_in_one_flow_give_ten_chains(lineage):
    @traced
    def flow():
        for number in range(10):
            step(table(f"in{number}"), makes=[(f"out{number}", "1")])

    flow()
    for number in range(10):
        assert descent(ask(lineage, f"dataset:out{number}").node) == {f"out{number}1": [{f"in{number}1": []}]}


def test_a_run_that_wrote_nothing_shows_what_it_read(lineage):
    step(table("raw"), makes=[])
    answer = ask(lineage, f"run:{lineage.event('step')['run']['runId']}")
    assert [child.name for child in answer.node.inputs] == ["raw"]
    assert answer.node.kind == "RUN"


def test_a_long_chain_is_followed_to_its_end_or_to_the_depth(lineage):
    for number in range(40):
        step(table(f"t{number}"), makes=[(f"t{number + 1}", "1")])
    node = ask(lineage, "dataset:t40").node
    names = [node.name]
    while node.inputs:
        (node,) = node.inputs
        names.append(node.name)
    assert names == [f"t{number}" for number in range(40, -1, -1)]
    node = ask(lineage, "dataset:t40", depth=3).node
    assert descent(node) == {"t401": [{"t391": [{"t381": [{"t371": []}]}]}]}


def test_of_many_attempts_of_one_prefect_run_the_last_is_meant(lineage):
    for minute in range(12):
        start, end = (f"2026-01-01T10:{minute:02}:{second}Z" for second in ("00", "30"))
        for event in spark("nightly", start, end, reads=("raw",), writes="clean", version=str(minute)):
            event["run"]["facets"]["lineal_prefect"] = {"flowRunId": "0f1e2d3c-0000-4000-8000-000000000001"}
            lineage.store.append(event)
    last = lineage.events()[-1]["run"]["runId"]
    assert ask(lineage, "run:0f1e2d3c").subject == f"run:{last}"


@pytest.mark.parametrize("name", ["team@corp/x.csv", "user@host.tbl"])
def test_a_name_may_have_an_at_sign_in_it(lineage, name):
    for version in "12":
        step(table("raw"), makes=[(name, version)])
    for asked, version in ((name, "2"), (f"{name}@1", "1")):
        assert ask(lineage, f"dataset:{asked}").subject == f"dataset:{name}@{version}"
    with pytest.raises(SubjectError, match="no dataset 'host' is on record"):
        ask(lineage, "dataset:host@1")


def test_a_run_that_wrote_several_shows_them_all(lineage):
    step(table("raw"), makes=[("train", "1"), ("test", "1")])
    answer = ask(lineage, f"run:{lineage.event('step')['run']['runId']}")
    assert descent(answer.node) == {"step": [{"test1": [{"raw1": []}]}, {"train1": [{"raw1": []}]}]}


def test_a_descent_may_be_deeper_than_calls_may_nest(lineage):
    for number in range(80):
        step(table("sales", str(number)), makes=[("sales", str(number + 1))])
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 150)
    try:
        node = ask(lineage, "dataset:sales@80").node
    finally:
        sys.setrecursionlimit(limit)
    versions = [node.version]
    while node.inputs:
        (node,) = node.inputs
        versions.append(node.version)
    assert versions == [str(number) for number in range(80, -1, -1)]
