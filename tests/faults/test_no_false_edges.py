"""Edges are true: what went through a flow beside something else is no origin of it."""

import json

import pytest
from prefect import flow, task

from lineal import Dataset, current_run, traced
from lineal.cli.app import main
from lineal.questions.trace import trace
from lineal.subjects import Subject
from lineal.testing import recording
from lineal.tracing import history

pytestmark = pytest.mark.xdist_group("prefect")

OK = ["START", "COMPLETE"]


@pytest.fixture
def lineage(store_url):
    """What the store is asked here, each database has to answer."""
    with recording(url=store_url) as recorded:
        yield recorded


@pytest.fixture
def moves(table):
    """A task that makes another table of one."""

    @task
    @traced
    def moves(source: Dataset) -> Dataset:
        number = source.path.stem.rpartition(" ")[2]
        return table(f"out {number}", number)

    return moves


def files(datasets):
    return sorted(dataset["name"].rpartition("/")[2] for dataset in datasets)


def edges(lineage):
    """Every edge that a consumer draws: each input of a run's last event to each of its outputs."""
    last = {event["run"]["runId"]: event for event in lineage.events()}
    return {
        (source, target)
        for event in last.values()
        for source in files(event["inputs"])
        for target in files(event["outputs"])
    }


def descent(node):
    found = {node.name.rpartition("/")[2]}
    return found.union(*(descent(source) for source in node.inputs))


@pytest.mark.parametrize("way", ["one after another", "mapped"])
def test_ten_unrelated_tables_through_one_flow_are_ten_chains(lineage, cycles, moves, table, capsys, way):
    @flow
    @traced
    def ten(sources: list[Dataset]) -> list[Dataset]:
        if way == "mapped":
            return moves.map(sources)
        return [moves(source) for source in sources]

    sources = [table(f"in {number}", number) for number in range(10)]
    ten(sources)
    assert cycles("ten.moves") == [OK] * 10
    assert edges(lineage) == {(f"in {number}.csv", f"out {number}.csv") for number in range(10)}
    for number in range(10):
        made = sources[0].path.with_name(f"out {number}.csv")
        answer = trace(lineage.store, Subject.parse(f"file:{made}"))
        assert descent(answer.node) == {f"in {number}.csv", f"out {number}.csv"}
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["trace", f"file:{made}", "--json"])
    node = json.loads(capsys.readouterr().out)["node"]
    assert [source["name"].rpartition("/")[2] for source in node["inputs"]] == ["in 9.csv"]


def test_a_flow_keeps_the_edges_that_are_true(lineage, cycles, moves, table):
    @task
    @traced
    def joins(*parts: Dataset) -> Dataset:
        return table("joined")

    @flow
    @traced
    def of_both(left: Dataset, right: Dataset) -> Dataset:
        return joins(moves(left), moves(right))

    of_both(table("in 1"), table("in 2"))
    ended = lineage.event("of-both")
    assert files(ended["inputs"]) == ["in 1.csv", "in 2.csv"]
    assert files(ended["outputs"]) == ["joined.csv"]
    assert cycles("of-both") == [OK]


def test_what_a_flow_makes_itself_is_its_own(lineage, cycles, moves, table):
    @flow
    @traced
    def also_writes(source: Dataset) -> list[Dataset]:
        current_run().input(table("rules"))
        return [moves(source), table("report")]

    also_writes(table("in 1"))
    ended = lineage.event("also-writes")
    # The task did not read the rules; what nobody within made, the flow did.
    assert files(ended["outputs"]) == ["report.csv"]
    assert files(ended["inputs"]) == ["in 1.csv", "rules.csv"]
    assert cycles("also-writes") == [OK]


def test_unrelated_chains_in_subflows(lineage, cycles, moves, table):
    @flow
    @traced
    def chain(source: Dataset) -> Dataset:
        return moves(source)

    @flow
    @traced
    def chains(sources: list[Dataset]) -> list[Dataset]:
        return [chain(source) for source in sources]

    chains([table(f"in {number}", number) for number in range(3)])
    assert edges(lineage) == {(f"in {number}.csv", f"out {number}.csv") for number in range(3)}
    assert cycles("chains") == [OK]
    assert cycles("chain") == [OK] * 3


def test_plain_functions_too(lineage, table):
    @traced
    def move(source: Dataset) -> Dataset:
        return table(f"moved {source.path.stem}", source.path.stem)

    @traced
    def every(sources: list[Dataset]) -> list[Dataset]:
        return [move(source) for source in sources]

    every([table("a", 1), table("b", 2)])
    assert edges(lineage) == {("a.csv", "moved a.csv"), ("b.csv", "moved b.csv")}


def test_strict_fails_a_flow_whose_edges_cannot_be_told(lineage, cycles, moves, table, monkeypatch):
    def broken(run):
        raise RuntimeError("a defect in capturing")

    monkeypatch.setattr(history, "told_within", broken)

    @flow
    @traced
    def one(source: Dataset) -> Dataset:
        return moves(source)

    one(table("in 1"))
    monkeypatch.setenv("LINEAL_STRICT", "1")
    with pytest.raises(RuntimeError, match="a defect in capturing"):
        one(table("in 2"))
    assert cycles("one") == [OK, ["START", "FAIL"]]
