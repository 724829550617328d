"""A task whose result comes from Prefect's cache: nothing runs, and the lineage still says what the flow rests on."""

import asyncio
from datetime import timedelta

import pytest
from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE
from prefect.transactions import transaction

from lineal import Dataset, current_run, traced
from lineal.testing import recording
from lineal.tracing import history

pytestmark = pytest.mark.xdist_group("prefect")

OK = ["START", "COMPLETE"]


@pytest.fixture
def lineage(store_url):
    """What the store is asked here, each database has to answer."""
    with recording(url=store_url) as recorded:
        yield recorded


def names(datasets):
    return [dataset["name"].rpartition("/")[2] for dataset in datasets]


def prefect(event):
    return event["run"]["facets"]["lineal_prefect"]


def test_it_starts_and_completes_with_the_same_datasets(lineage, cycles, table):
    calls = []
    aside = table("aside")

    @task(persist_result=True, cache_policy=INPUTS)
    @traced
    def cleans(source: Dataset) -> Dataset:
        calls.append(1)
        current_run().input(aside)  # no signature says this one
        return table("clean")

    @flow
    @traced
    def twice(source: Dataset):
        return cleans(source)

    raw = table("raw")
    assert twice(raw) == twice(raw)
    assert len(calls) == 1
    assert cycles("twice.cleans") == [OK, OK]
    first, second = lineage.events("twice.cleans", "COMPLETE")
    assert "cached" not in prefect(first)
    assert prefect(second)["cached"] is True
    assert prefect(second)["cachedFrom"] == first["run"]["runId"]
    assert prefect(second)["cacheKey"] == prefect(first)["cacheKey"]
    # The very same versions, with all that was known of them.
    assert second["outputs"] == first["outputs"]
    assert second["inputs"] == first["inputs"]
    assert names(second["inputs"]) == ["raw.csv", "aside.csv"]
    for event in lineage.events("twice.cleans"):
        flow_run = next(
            e for e in lineage.events("twice", "START") if prefect(e)["flowRunId"] == prefect(event)["flowRunId"]
        )
        assert event["run"]["facets"]["parent"]["run"]["runId"] == flow_run["run"]["runId"]


def test_a_third_one_names_the_run_that_did_the_work(lineage, cycles, table):
    @task(persist_result=True, cache_key_fn=lambda context, parameters: "a secret key", cache_expiration=timedelta(1))
    @traced
    def makes() -> Dataset:
        return table("made")

    makes()
    makes()
    makes()
    assert cycles("makes") == [OK, OK, OK]
    first, *others = lineage.events("makes", "COMPLETE")
    assert {prefect(event)["cachedFrom"] for event in others} == {first["run"]["runId"]}
    assert "a secret key" not in lineage.ndjson()


def test_asynchronous_submitted_and_mapped_tasks(lineage, cycles, table):
    @task(persist_result=True, cache_policy=INPUTS + TASK_SOURCE)
    @traced
    async def fetches(name: str) -> Dataset:
        return table(name)

    @task(persist_result=True, cache_policy=INPUTS + TASK_SOURCE)
    @traced
    def cleans(name: str) -> Dataset:
        return table(f"clean {name}")

    @flow
    @traced
    async def gathers():
        await asyncio.gather(fetches("a"), fetches("b"))
        cleans.map(["a", "b"]).wait()

    asyncio.run(gathers())
    asyncio.run(gathers())
    for job in ("gathers.fetches", "gathers.cleans"):
        assert cycles(job) == [OK] * 4
        ended = lineage.events(job, "COMPLETE")
        assert [prefect(event).get("cached") for event in ended] == [None, None, True, True]
        made = {event["run"]["runId"]: names(event["outputs"]) for event in ended}
        for event in ended[2:]:
            assert names(event["outputs"]) == made[prefect(event)["cachedFrom"]]


def test_results_kept_over_a_retry_of_the_flow(lineage, cycles, table):
    attempts = []

    @task(persist_result=True)
    @traced
    def expensive(source: Dataset) -> Dataset:
        return table("dear")

    @flow(retries=1)
    @traced
    def resumes(source: Dataset):
        made = expensive(source)
        attempts.append(1)
        if len(attempts) < 2:
            raise OSError("not yet")
        return made

    resumes(table("raw"))
    assert cycles("resumes") == [["START", "FAIL"], OK]
    assert cycles("resumes.expensive") == [OK, OK]
    first, second = lineage.events("resumes.expensive", "COMPLETE")
    assert (prefect(first).get("cached"), prefect(second).get("cached")) == (None, True)


def test_a_failed_attempt_and_then_the_cache(lineage, cycles, table):
    @task(persist_result=True, cache_policy=INPUTS)
    @traced
    def shared(fail: bool) -> Dataset:
        if fail:
            raise ValueError("nothing to keep")
        return table("kept")

    for fail in (True, False, False):
        shared(fail, return_state=True)
    assert cycles("shared") == [["START", "FAIL"], OK, OK]
    assert [prefect(event).get("cached") for event in lineage.events("shared", "COMPLETE")] == [None, True]


def test_what_the_signature_says_is_known_even_where_the_first_run_is_not(lineage, cycles, table, monkeypatch):
    @task(persist_result=True, cache_policy=INPUTS)
    @traced
    def cleans(source: Dataset) -> Dataset:
        return table("clean")

    raw = table("raw")
    cleans(raw)
    monkeypatch.setattr(history, "_NEWEST", 0)  # as after very many other runs
    cleans(raw)
    assert cycles("cleans") == [OK, OK]
    second = lineage.events("cleans", "COMPLETE")[1]
    assert (names(second["inputs"]), names(second["outputs"])) == (["raw.csv"], ["clean.csv"])
    assert "cachedFrom" not in prefect(second)


def test_strict_fails_a_cached_result_that_cannot_be_captured(lineage, cycles, table, monkeypatch):
    @task(persist_result=True, cache_policy=INPUTS)
    @traced
    def makes(source: Dataset) -> Dataset:
        return table("made")

    @flow
    @traced
    def uses(source: Dataset):
        return makes(source)

    raw = table("raw")
    uses(raw)

    def broken(run, key):
        raise RuntimeError("a defect in capturing")

    monkeypatch.setattr(history, "take_over_cached", broken)
    uses(raw)
    assert cycles("uses.makes") == [OK, OK]
    errors = lineage.events("uses.makes", "COMPLETE")[1]["run"]["facets"]["extractionError"]["errors"]
    assert "a defect in capturing" in errors[0]["errorMessage"]
    monkeypatch.setenv("LINEAL_STRICT", "1")
    with pytest.raises(RuntimeError, match="a defect in capturing"):
        uses(raw)
    assert cycles("uses") == [OK, OK, ["START", "FAIL"]]
    assert cycles("uses.makes") == [OK, OK]


def test_a_transaction_that_the_body_reads_is_no_cached_task(lineage, cycles, tmp_path):
    from prefect.results import ResultStore

    @task
    @traced
    def reads():
        with transaction(key="kept aside", store=ResultStore()) as kept:
            if kept.is_committed():
                return kept.read().result
            kept.stage(7)
        return 7

    @flow
    @traced
    def uses_transactions():
        return reads(), reads()

    assert uses_transactions() == (7, 7)
    assert cycles("uses-transactions.reads") == [OK, OK]
    assert not any("cached" in prefect(event) for event in lineage.events("uses-transactions.reads"))


def test_a_task_that_is_not_traced_stays_so(lineage, cycles):
    @task(persist_result=True, cache_policy=INPUTS)
    def untraced(number: int) -> int:
        return number

    @flow
    @traced
    def twice_untraced():
        untraced(1)
        untraced(1)

    twice_untraced()
    assert cycles("twice-untraced") == [OK]
    assert len(lineage.events()) == 2
