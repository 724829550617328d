"""Runs that are stopped from outside: by a signal, by Prefect's API, or to be taken up again later."""

import signal
import time

import pytest

from lineal import traced
from lineal.errors import StoreError
from lineal.store.log import Store
from lineal.tracing.sweep import sweep

pytestmark = [pytest.mark.xdist_group("prefect")]

OK, ABORT = (["START", end] for end in ("COMPLETE", "ABORT"))
SECONDS = 90


def until(holds, what, process=None):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if found := holds():
            return found
        if process is not None and process.poll() is not None:
            raise AssertionError(f"{what}: the process has ended: {process.communicate()[0]}")
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {SECONDS} s")


SLEEPER = """
    import asyncio, sys, time
    from prefect import flow, task
    from lineal import Dataset, traced

    @task
    @traced
    def naps(source: Dataset):
        part()

    @traced
    def part():
        time.sleep(60)

    @task
    @traced
    async def naps_async(source: Dataset):
        await asyncio.sleep(60)

    @flow
    @traced
    def inner():
        naps(Dataset("s3://b/k", version="1"))

    @flow
    @traced
    def sleeper():
        inner()

    @flow
    @traced
    async def sleeper_async():
        await asyncio.gather(*(naps_async(Dataset(f"s3://b/{n}", version="1")) for n in range(3)))

    if __name__ == "__main__":
        asyncio.run(sleeper_async()) if sys.argv[1:] == ["async"] else sleeper()
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("way", ["", "async"], ids=["plain", "asynchronous"])
def test_a_signal_aborts_every_open_run(lineage, cycles, script, number, way):
    process = script(SLEEPER, *([way] if way else []))
    jobs = (
        {"sleeper-async": 1, "sleeper-async.naps_async": 3}
        if way
        else {"sleeper": 1, "inner": 1, "inner.naps": 1, "inner.naps.part": 1}
    )
    until(lambda: len(lineage.events()) == sum(jobs.values()), "all runs have started", process)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0, said
    assert {job: cycles(job) for job in jobs} == {job: [ABORT] * count for job, count in jobs.items()}
    read = lineage.events("sleeper-async.naps_async" if way else "inner.naps", "ABORT")[0]["inputs"]
    assert len(read) == 1


@pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("nth", "cycle"), [(1, ABORT), (2, OK)], ids=["START", "COMPLETE"])
def test_a_signal_around_the_writing_of_an_event_loses_none(lineage, cycles, monkeypatch, nth, cycle, written):
    append = Store.append
    calls = []

    def interrupted(self, event, *rest, **more):
        calls.append(event)
        if len(calls) != nth:
            return append(self, event, *rest, **more)
        if written:
            append(self, event, *rest, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "append", interrupted)

    @traced
    def works():
        done.append(1)

    done = []
    with pytest.raises(KeyboardInterrupt):
        works()
    assert cycles("works") == [cycle]
    assert bool(done) == (cycle == OK)


def test_a_start_that_the_store_missed_goes_before_the_end(lineage, cycles, monkeypatch, caplog):
    append = Store.append
    calls = []

    def away_at_first(self, event, *rest, **more):
        calls.append(event)
        if len(calls) == 1:
            raise StoreError("the store is away")
        return append(self, event, *rest, **more)

    monkeypatch.setattr(Store, "append", away_at_first)

    @traced
    def works(): ...

    works()
    assert cycles("works") == [OK]
    assert "the START event of works was not recorded: the store is away" in caplog.text
    started, ended = lineage.events("works")
    assert started["eventTime"] < ended["eventTime"]


THREADS = """
    import sys, time
    from prefect import flow, task
    from lineal import traced

    @task
    @traced
    def works(seconds: float):
        time.sleep(seconds)

    @flow
    @traced
    def threads(seconds: float):
        for future in [works.submit(seconds) for _ in range(2)]:
            future.wait()

    if __name__ == "__main__":
        threads(float(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_what_threads_finish_after_the_signal_is_complete(lineage, cycles, script, number):
    process = script(THREADS, "6")
    until(lambda: len(lineage.events()) == 3, "all runs have started", process)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0, said
    assert cycles("threads") == [ABORT]
    # No signal reaches a thread: it goes on, and the process waits for it.
    assert cycles("threads.works") == [OK, OK]


DEPLOYED = """
    import sys, time
    from prefect import flow, task, suspend_flow_run, pause_flow_run
    from lineal import Dataset, current_run, traced

    @task(persist_result=True)
    @traced
    def cleans(source: Dataset) -> Dataset:
        return source

    @task
    @traced
    def naps():
        time.sleep(90)

    @task
    @traced
    def learns(source: Dataset): ...

    @flow(persist_result=True)
    @traced
    def cancelled():
        naps()

    @flow(persist_result=True)
    @traced
    def suspended(path: str):
        made = cleans(Dataset(path))
        current_run().input(Dataset("s3://aside/k", version="1"))
        suspend_flow_run(timeout=300)
        learns(made)
        return made

    @flow
    @traced
    def paused():
        naps_a_little()
        pause_flow_run(timeout=60, poll_interval=1)
        naps_a_little()

    @task
    @traced
    def naps_a_little(): ...

    if __name__ == "__main__":
        if sys.argv[1] == "paused":
            paused()
        else:
            from prefect import serve
            {"cancelled": cancelled, "suspended": suspended}[sys.argv[1]].serve("d")
"""


@pytest.fixture
def client(prefect_server):
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        yield client


def deployment(client, name):
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


@pytest.mark.slow
def test_cancelled_through_prefects_api_it_aborts(lineage, cycles, script, client):
    from prefect.states import Cancelling

    process = script(DEPLOYED, "cancelled", PREFECT_RUNNER_POLL_FREQUENCY="1")
    found = until(lambda: deployment(client, "cancelled/d"), "the deployment is there", process)
    run = client.create_flow_run_from_deployment(found.id)
    until(lambda: lineage.events("cancelled.naps"), "the task has started", process)
    client.set_flow_run_state(run.id, Cancelling())
    until(lambda: lineage.events("cancelled", "ABORT"), "the flow has ended", process)
    assert (cycles("cancelled"), cycles("cancelled.naps")) == ([ABORT], [ABORT])
    assert lineage.event("cancelled", "ABORT")["run"]["facets"]["lineal_prefect"]["flowRunId"] == str(run.id)
    until(lambda: client.read_flow_run(run.id).state.is_cancelled(), "Prefect says the same", process)


@pytest.mark.slow
def test_a_suspended_flow_goes_on_as_the_same_run(lineage, cycles, script, client, table):
    process = script(DEPLOYED, "suspended", PREFECT_RUNNER_POLL_FREQUENCY="1")
    found = until(lambda: deployment(client, "suspended/d"), "the deployment is there", process)
    run = client.create_flow_run_from_deployment(found.id, parameters={"path": str(table("raw").uri)})
    until(lambda: lineage.events("suspended", "RUNNING"), "the flow is suspended", process)
    until(lambda: client.read_flow_run(run.id).state.is_paused(), "Prefect says the same", process)
    left = lineage.events("suspended")
    assert [event["eventType"] for event in left] == ["START", "RUNNING"]
    assert left[1]["run"]["facets"]["lineal_prefect"]["suspended"] is True
    assert "errorMessage" not in left[1]["run"]["facets"]
    assert sweep(lineage.store) == []
    client.resume_flow_run(run.id)
    until(lambda: lineage.events("suspended", "COMPLETE"), "the flow has ended", process)
    assert cycles("suspended") == [["START", "RUNNING", "RUNNING", "COMPLETE"]]
    assert cycles("suspended.learns") == [OK]
    ended = lineage.event("suspended")
    assert [dataset["name"] for dataset in ended["inputs"]] == ["k"]
    assert "suspended" not in ended["run"]["facets"]["lineal_prefect"]
    # Prefect starts the flow anew, and takes the result of the first task from where it was kept.
    first, second = lineage.events("suspended.cleans", "COMPLETE")
    assert second["run"]["facets"]["lineal_prefect"]["cachedFrom"] == first["run"]["runId"]
    for event in lineage.events():
        if event["job"]["name"] != "suspended":
            assert event["run"]["facets"]["parent"]["run"]["runId"] == ended["run"]["runId"]


@pytest.mark.slow
def test_a_paused_flow_is_one_run(lineage, cycles, script, client):
    process = script(DEPLOYED, "paused")
    start = until(lambda: lineage.events("paused", "START"), "the flow has started", process)[0]
    run = start["run"]["facets"]["lineal_prefect"]["flowRunId"]
    until(lambda: client.read_flow_run(run).state.is_paused(), "the flow is paused", process)
    assert [event["eventType"] for event in lineage.events("paused")] == ["START"]
    client.resume_flow_run(run)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert cycles("paused") == [OK]
    assert cycles("paused.naps_a_little") == [OK, OK]
