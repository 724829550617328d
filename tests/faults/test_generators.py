"""Generators: they start at their first use, what they yield are outputs, and they may be closed before their end."""

import asyncio

import pytest

from lineal import Dataset, current_run, traced

OK, FAIL, ABORT = (["START", end] for end in ("COMPLETE", "FAIL", "ABORT"))

pytestmark = pytest.mark.xdist_group("prefect")


def outputs(lineage, job, kind="COMPLETE"):
    return [dataset["name"].rpartition("/")[2] for dataset in lineage.event(job, kind)["outputs"]]


@pytest.fixture
def parts(table):
    @traced
    def parts(source: Dataset, fail_at: int = 9):
        for number in range(3):
            if number == fail_at:
                raise ValueError("no such part")
            sent = yield table(f"part {number}")
            if sent:
                current_run().tag("sent", sent)
        return "all"

    return parts


@pytest.fixture
def parts_async(table):
    @traced
    async def parts_async(fail_at: int = 9):
        for number in range(3):
            if number == fail_at:
                raise ValueError("no such part")
            sent = yield table(f"part {number}")
            if sent:
                current_run().tag("sent", sent)

    return parts_async


def test_exhausted_it_completes_with_all_that_it_yielded(lineage, cycles, parts, table):
    items = parts(table("raw"))
    assert lineage.events() == []
    assert len(list(items)) == 3
    assert cycles("parts") == [OK]
    assert outputs(lineage, "parts") == ["part 0.csv", "part 1.csv", "part 2.csv"]
    assert len(lineage.inputs("parts")) == 1


def test_it_is_a_generator_like_any_other(lineage, parts, table):
    def delegates():
        result.append((yield from parts(table("raw"))))

    result = []
    items = delegates()
    next(items)
    items.send("word")
    assert len(list(items)) == 1
    assert result == ["all"]
    assert ("sent", "word") in [(t["key"], t["value"]) for t in lineage.event("parts")["run"]["facets"]["tags"]["tags"]]


def test_closed_early_it_aborts_with_what_it_made(lineage, cycles, parts, table):
    items = parts(table("raw"))
    next(items)
    items.close()
    assert cycles("parts") == [ABORT]
    assert outputs(lineage, "parts", "ABORT") == ["part 0.csv"]
    for _ in parts(table("raw")):
        break  # and is left to the garbage collector
    assert cycles("parts") == [ABORT, ABORT]


def test_an_exception_fails_it(lineage, cycles, parts, table):
    with pytest.raises(ValueError, match="no such part"):
        list(parts(table("raw"), fail_at=1))
    items = parts(table("raw"))
    next(items)
    with pytest.raises(KeyError):
        items.throw(KeyError("from outside"))
    assert cycles("parts") == [FAIL, FAIL]


def test_between_two_items_its_consumer_runs(lineage, cycles, parts, table):
    @traced
    def consumes(source: Dataset):
        mine = current_run()
        for _ in parts(source):
            assert current_run() is mine
            helps()

    @traced
    def helps(): ...

    consumes(table("raw"))
    assert cycles("consumes.parts") == [OK]
    assert cycles("consumes.helps") == [OK] * 3


def test_asynchronous_ones(lineage, cycles, parts_async):
    async def use():
        assert len([item async for item in parts_async()]) == 3
        items = parts_async()
        await anext(items)
        await items.asend("word")
        await items.aclose()
        with pytest.raises(ValueError, match="no such part"):
            assert [item async for item in parts_async(fail_at=1)]

    asyncio.run(use())
    assert cycles("parts_async") == [OK, ABORT, FAIL]
    assert outputs(lineage, "parts_async") == ["part 0.csv", "part 1.csv", "part 2.csv"]
    tags = lineage.event("parts_async", "ABORT")["run"]["facets"]["tags"]["tags"]
    assert [(tag["key"], tag["value"]) for tag in tags] == [("sent", "word")]


def test_as_prefect_tasks_and_flows(lineage, cycles, table):
    from prefect import flow, task

    @task
    @traced
    def makes(count: int):
        for number in range(count):
            yield table(f"made {number}")

    @task
    @traced
    async def makes_async(count: int):
        for number in range(count):
            yield table(f"async {number}")

    @flow
    @traced
    def flows_on():
        yield from makes(2)
        for _ in makes(2):
            break

    @flow
    @traced
    async def flows_async():
        async for item in makes_async(2):
            yield item

    async def drain():
        return [item async for item in flows_async()]

    assert len(list(flows_on())) == 2
    assert len(asyncio.run(drain())) == 2
    assert cycles("flows-on") == [OK]
    assert sorted(cycles("flows-on.makes")) == sorted([OK, ABORT])
    assert (cycles("flows-async"), cycles("flows-async.makes_async")) == ([OK], [OK])
    assert outputs(lineage, "flows-on") == ["made 0.csv", "made 1.csv"]
    assert outputs(lineage, "flows-async.makes_async") == ["async 0.csv", "async 1.csv"]
    for job, above in (("flows-on.makes", "flows-on"), ("flows-async.makes_async", "flows-async")):
        parents = {event["run"]["facets"]["parent"]["run"]["runId"] for event in lineage.events(job)}
        assert parents == {lineage.event(above)["run"]["runId"]}
