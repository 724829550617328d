"""Trace across producers: dbt and Spark feed a run of ours, and ours feeds them; whatever log came first."""

import io
from itertools import permutations

import pytest

from lineal import Dataset, traced
from lineal.questions.trace import trace
from lineal.store.importing import import_events
from lineal.subjects import Subject
from tests.parts.producers import dbt, ndjson, spark

WAREHOUSE = "postgres://dwh:5432"
# Before anything that these tests record themselves, hour by hour, and after all of it.
HOUR = [f"2020-01-01T{hour:02}:00:00Z" for hour in range(24)]
LATER = ["2099-01-01T00:00:00Z", "2099-01-01T00:30:00Z", "2099-01-01T01:00:00Z"]


@pytest.fixture
def take(lineage):
    def call(*logs):
        events = [event for log in logs for event in log]
        return import_events(lineage.store, io.BytesIO(ndjson(*events).encode()), "log")

    return call


@traced
def report(*sources, makes="report"):
    """A run of ours, which gives versions."""
    return Dataset(f"s3://lake/{makes}", version="r1")


def ours(name, version=None):
    """A table of the warehouse or the lake, as a flow of ours names it."""
    if name.startswith("shop."):
        return Dataset("postgresql://dwh/shop", name=name, namespace=WAREHOUSE, version=version)
    return Dataset(f"s3://lake/{name}", version=version)


def descent(lineage, subject):
    answer = trace(lineage.store, Subject.parse(subject))
    jobs = {run.run_id: run.job for run in answer.runs}

    def of(node):
        return (node.name.removeprefix("shop.public."), jobs.get(node.run_id), [of(child) for child in node.inputs])

    return of(answer.node)


RAW = ("raw_orders", None, [])
ORDERS = ("orders", "shop.models.orders", [RAW])


@pytest.mark.parametrize("version", [None, "v7"])
@pytest.mark.parametrize("imported_first", [True, False])
def test_what_dbt_made_leads_on_to_what_dbt_read(lineage, take, version, imported_first):
    steps = [
        lambda: take(dbt("orders", HOUR[1], HOUR[2], reads=("raw_orders",))),
        lambda: report(ours("shop.public.orders", version)),
    ]
    for step in steps if imported_first else reversed(steps):
        step()
    assert descent(lineage, "dataset:report@r1") == ("report", "report", [ORDERS])
    # And so does the table itself, asked about by the version that only its reader gave.
    assert descent(lineage, "dataset:shop.public.orders") == ORDERS


@pytest.mark.parametrize("version", [None, "snap-1"])
def test_what_spark_made_with_a_version_is_what_was_read_by_it_or_without_one(lineage, take, version):
    take(spark("old", HOUR[0], HOUR[1], reads=("junk",), writes="events", version="snap-0"))
    take(spark("daily", HOUR[2], HOUR[3], reads=("raw",), writes="events", version="snap-1"))
    report(ours("events", version))
    assert descent(lineage, "dataset:report@r1") == ("report", "report", [("events", "daily", [("raw", None, [])])])


def test_the_version_that_is_named_counts_and_not_the_newest(lineage, take):
    take(spark("old", HOUR[0], HOUR[1], reads=("raw",), writes="events", version="snap-0"))
    take(spark("new", HOUR[2], HOUR[3], reads=("junk",), writes="events", version="snap-1"))
    report(ours("events", "snap-0"))
    assert descent(lineage, "dataset:report@r1") == ("report", "report", [("events", "old", [("raw", None, [])])])


def test_a_chain_through_three_systems(lineage, take):
    take(
        spark("clean", HOUR[1], HOUR[2], reads=("raw",), writes="events"),
        [
            event | {"inputs": [{"namespace": "s3://lake", "name": "events"}]}
            for event in dbt("orders", HOUR[3], HOUR[4])
        ],
    )
    report(ours("shop.public.orders"))
    take(spark("publish", LATER[0], LATER[1], reads=("report",), writes="site"))
    events = ("events", "clean", [("raw", None, [])])
    expected = ("report", "report", [("orders", "shop.models.orders", [events])])
    assert descent(lineage, "dataset:site") == ("site", "publish", [expected])


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_many_writes_the_newest_before_the_reader_counts_in_whatever_order_they_are_taken(lineage, take, order):
    logs = [
        spark("first", HOUR[1], HOUR[2], reads=("a",), writes="t"),
        spark("second", HOUR[3], HOUR[4], reads=("b",), writes="t"),
        spark("reader", HOUR[5], HOUR[6], reads=("t",), writes="out"),
    ]
    for number in order:
        take(logs[number])
    assert descent(lineage, "dataset:out") == ("out", "reader", [("t", "second", [("b", None, [])])])


def test_what_was_written_while_or_after_it_was_read_did_not_contribute(lineage, take):
    take(
        spark("reader", HOUR[1], HOUR[5], reads=("t",), writes="out"),
        spark("overlapping", HOUR[0], HOUR[2], reads=("a",), writes="t"),
        spark("later", HOUR[6], HOUR[7], reads=("b",), writes="t"),
    )
    assert descent(lineage, "dataset:out") == ("out", "reader", [("t", None, [])])


def test_a_version_that_nobody_made_is_not_what_was_overwritten_before(lineage, take):
    take(
        spark("unversioned", HOUR[0], HOUR[1], reads=("a",), writes="t"),
        spark("versioned", HOUR[2], HOUR[3], reads=("b",), writes="t", version="snap-1"),
    )
    report(ours("t", "snap-2"))
    assert descent(lineage, "dataset:report@r1") == ("report", "report", [("t", None, [])])


def test_a_write_that_failed_made_nothing(lineage, take):
    *_, failed = spark("broken", HOUR[2], HOUR[3], reads=("junk",), writes="t")
    take(spark("good", HOUR[0], HOUR[1], reads=("a",), writes="t"), [failed | {"eventType": "FAIL"}])
    report(ours("t"))
    assert descent(lineage, "dataset:report@r1") == ("report", "report", [("t", "good", [("a", None, [])])])


def test_the_same_name_in_another_namespace_is_another_table(lineage, take):
    take(dbt("orders", HOUR[1], HOUR[2], reads=("raw_orders",), of="postgres://other:5432"))
    report(ours("shop.public.orders"))
    assert descent(lineage, "dataset:report@r1") == ("report", "report", [("orders", None, [])])


def test_a_table_that_two_write_in_turn_ends_somewhere(lineage, take):
    take(
        spark("there", HOUR[0], HOUR[1], reads=("a",), writes="b"),
        spark("back", HOUR[2], HOUR[3], reads=("b",), writes="a"),
        spark("again", HOUR[4], HOUR[5], reads=("a",), writes="b"),
    )
    expected = ("b", "again", [("a", "back", [("b", "there", [("a", None, [])])])])
    assert descent(lineage, "dataset:b") == expected


def test_the_task_is_named_and_not_the_flow_around_it(lineage, take):
    @traced
    def flow():
        return step()

    @traced
    def step():
        return ours("t")

    flow()
    take(spark("reader", LATER[0], LATER[1], reads=("t",), writes="out"))
    assert descent(lineage, "dataset:out") == ("out", "reader", [("t", "flow.step", [])])
