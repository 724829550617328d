"""Whatever becomes of a Prefect run, its lineage says it: START first and once, then exactly one end."""

import asyncio
import time
from uuid import UUID

import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.exceptions import CancelledRun, FailedRun
from prefect.states import Cancelled, Completed, Crashed, Failed
from prefect.transactions import transaction

from lineal import Dataset, current_run, run_id, traced
from lineal.tracing.run import Run

pytestmark = pytest.mark.xdist_group("prefect")

OK, FAIL, ABORT = (["START", end] for end in ("COMPLETE", "FAIL", "ABORT"))


def message(lineage, job, kind="FAIL"):
    return lineage.event(job, kind)["run"]["facets"]["errorMessage"]["message"]


def test_success(lineage, cycles, table):
    @task
    @traced
    def copy(source: Dataset) -> Dataset:
        return table("copy")

    @flow
    @traced
    def succeeds(source: Dataset) -> Dataset:
        return copy(source)

    state = succeeds(table("raw"), return_state=True)
    assert (cycles("succeeds"), cycles("succeeds.copy")) == ([OK], [OK])
    ended = lineage.event("succeeds.copy")
    # Anyone can compute the ids from Prefect's.
    prefect = ended["run"]["facets"]["lineal_prefect"]
    assert prefect["flowRunId"] == str(state.state_details.flow_run_id)
    assert ended["run"]["runId"] == str(run_id("lineal", prefect["taskRunId"], 1))
    with get_client(sync_client=True) as client:
        created = client.read_flow_run(UUID(prefect["flowRunId"])).created
    assert lineage.event("succeeds")["run"]["runId"] == str(run_id("lineal", prefect["flowRunId"], 1, created))
    # The result is not kept, so there is nothing that a cache could be filled with.
    assert "cacheKey" not in prefect


def test_failure_and_a_crash(lineage, cycles):
    class Burst(BaseException):
        pass

    @task
    @traced
    def breaks():
        raise ValueError("no such column")

    @flow
    @traced
    def fails():
        breaks()

    @flow
    @traced
    def crashes():
        raise Burst("out of everything")

    with pytest.raises(ValueError, match="no such column"):
        fails()
    with pytest.raises(Burst):
        crashes()
    assert (cycles("fails"), cycles("fails.breaks"), cycles("crashes")) == ([FAIL], [FAIL], [FAIL])
    assert message(lineage, "fails.breaks") == "no such column"
    assert message(lineage, "crashes") == "out of everything"


def test_each_retry_of_a_task_is_a_run(lineage, cycles):
    @task(retries=2)
    @traced
    def unsteady():
        if current_run().facets["lineal_prefect"]["attempt"] < 3:
            raise OSError("not yet")

    @flow
    @traced
    def retries_a_task():
        unsteady()

    retries_a_task()
    assert cycles("retries-a-task") == [OK]
    assert cycles("retries-a-task.unsteady") == [FAIL, FAIL, OK]
    facets = [event["run"]["facets"]["lineal_prefect"] for event in lineage.events("retries-a-task.unsteady", "START")]
    assert [facet["attempt"] for facet in facets] == [1, 2, 3]
    assert len({facet["taskRunId"] for facet in facets}) == 1


def test_each_retry_of_a_flow_is_a_run_with_its_own_tasks(lineage, cycles):
    calls = []

    @task
    @traced
    def works():
        calls.append(1)

    @flow(retries=1)
    @traced
    def unsteady_flow():
        works()
        if len(calls) < 2:
            raise OSError("not yet")

    unsteady_flow()
    assert cycles("unsteady-flow") == [FAIL, OK]
    assert cycles("unsteady-flow.works") == [OK, OK]
    above = [event["run"]["runId"] for event in lineage.events("unsteady-flow", "START")]
    parents = [
        event["run"]["facets"]["parent"]["run"]["runId"] for event in lineage.events("unsteady-flow.works", "START")
    ]
    assert parents == above


def test_a_timeout_of_a_task_fails_it_with_the_reason(lineage, cycles):
    @task(timeout_seconds=0.3)
    @traced
    def dawdles():
        for _ in range(500):
            time.sleep(0.01)

    @task(timeout_seconds=0.3)
    @traced
    async def dawdles_async():
        await asyncio.sleep(5)

    @flow
    @traced
    async def impatient():
        return [dawdles(return_state=True), await dawdles_async(return_state=True)]

    state = asyncio.run(impatient(return_state=True))
    assert state.is_failed()
    for job in ("impatient.dawdles", "impatient.dawdles_async"):
        assert cycles(job) == [FAIL]
        assert message(lineage, job) == "it took longer than its timeout of 0.3 s"
    assert cycles("impatient") == [FAIL]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_timeout_of_a_flow_fails_it_and_aborts_what_runs_within(lineage, cycles, is_async):
    if is_async:

        @task
        @traced
        async def nap():
            await asyncio.sleep(5)

        @flow(timeout_seconds=1)
        @traced
        async def hasty():
            await nap()

        state = asyncio.run(hasty(return_state=True))
    else:

        @task
        @traced
        def nap():
            for _ in range(500):
                time.sleep(0.01)

        @flow(timeout_seconds=1)
        @traced
        def hasty():
            nap()

        state = hasty(return_state=True)
    assert state.name == "TimedOut"
    assert (cycles("hasty"), cycles("hasty.nap")) == ([FAIL], [ABORT])
    assert message(lineage, "hasty") == "it took longer than its timeout of 1 s"


def test_cancelled_from_within_is_no_timeout(lineage, cycles):
    @task(timeout_seconds=60)
    @traced
    async def waits():
        await asyncio.sleep(60)

    @flow
    @traced
    async def gives_up():
        other = asyncio.create_task(waits())
        await asyncio.sleep(0.5)
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)

    asyncio.run(gives_up())
    assert (cycles("gives-up"), cycles("gives-up.waits")) == ([OK], [ABORT])


def test_states_that_are_returned_or_raised_speak_for_themselves(lineage, cycles, table):
    @task
    @traced
    def returns(make):
        return make()  # a state among a task's parameters would be taken for its result

    @task
    @traced
    def raises(error):
        raise error

    @flow
    @traced
    def speaks(source: Dataset):
        returns(lambda: Failed(message="too few rows"), return_state=True)
        returns(lambda: Crashed(message="it fell"), return_state=True)
        returns(lambda: Cancelled(message="not wanted"), return_state=True)
        returns(lambda: Completed(name="Skipped", data=source), return_state=True)
        raises(FailedRun("another run failed"), return_state=True)
        raises(CancelledRun("another run was cancelled"), return_state=True)
        return "done"

    speaks(table("passed on"))
    assert cycles("speaks.returns") == [FAIL, FAIL, ABORT, OK]
    assert cycles("speaks.raises") == [FAIL, ABORT]
    assert cycles("speaks") == [OK]
    errors = [
        event["run"]["facets"]["errorMessage"]["message"]
        for event in lineage.events("speaks.returns")
        if "errorMessage" in event["run"]["facets"]
    ]
    assert errors == ["too few rows", "it fell", "not wanted"]
    skipped = lineage.event("speaks.returns", "COMPLETE")
    assert skipped["run"]["facets"]["lineal_prefect"]["state"] == "Skipped"
    assert [dataset["name"].rpartition("/")[2] for dataset in skipped["outputs"]] == ["passed on.csv"]


def test_a_flow_ends_as_the_futures_that_it_returns(lineage, cycles, table):
    @task
    @traced
    def makes(name):
        if name == "bad":
            raise ValueError("it is bad")
        return table(name)

    @flow
    @traced
    def hands_on(names):
        return [makes.submit(name) for name in names]

    assert hands_on(["one", "two"], return_state=True).is_completed()
    assert hands_on(["three", "bad"], return_state=True).is_failed()
    assert cycles("hands-on") == [OK, FAIL]
    assert [name.rpartition("/")[2] for name in lineage.outputs("hands-on")] == ["one.csv", "two.csv"]
    assert "it is bad" in message(lineage, "hands-on")


def test_what_is_not_run_is_not_recorded(cycles):
    @task
    @traced
    def breaks():
        raise ValueError("no")

    @task
    @traced
    def needs(it): ...

    @flow
    @traced
    def upstream_failed():
        needs.submit(breaks.submit()).wait()
        return "done"

    upstream_failed()
    assert cycles("upstream-failed.breaks") == [FAIL]
    assert cycles("upstream-failed.needs") == []


def test_a_rollback_takes_back_nothing_that_happened(lineage, cycles, table):
    undone = []

    @task
    @traced
    def writes():
        return table("written")

    @writes.on_rollback
    def undo(transaction):
        undone.append(1)

    @flow
    @traced
    def rolls_back():
        with transaction():
            writes()
            raise ValueError("after all not")

    with pytest.raises(ValueError, match="after all not"):
        rolls_back()
    assert undone
    # It did write, and something may have read it; what undoes it is the user's code, and may be recorded by itself.
    assert (cycles("rolls-back"), cycles("rolls-back.writes")) == ([FAIL], [OK])
    assert lineage.events()[-1]["job"]["name"] == "rolls-back"


def test_what_goes_wrong_in_capturing_is_said_and_the_work_goes_on(lineage, cycles, monkeypatch, caplog):
    def broken(self, thing, **others):
        raise RuntimeError("a defect in capturing")

    monkeypatch.setattr(Run, "output", broken)

    @task
    @traced
    def works() -> Dataset:
        return Dataset("s3://b/k", version="1")

    @flow
    @traced
    def goes_on():
        return works().location

    assert goes_on() == "s3://b/k"
    assert (cycles("goes-on"), cycles("goes-on.works")) == ([OK], [OK])
    error = lineage.event("goes-on.works")["run"]["facets"]["extractionError"]["errors"][0]
    assert "a defect in capturing" in error["errorMessage"]
    assert "reading an output went wrong: a defect in capturing" in caplog.text


def test_strict_fails_what_cannot_be_captured(lineage, cycles, monkeypatch):
    def broken(self, thing, **others):
        raise RuntimeError("a defect in capturing")

    monkeypatch.setenv("LINEAL_STRICT", "1")
    monkeypatch.setattr(Run, "output", broken)

    @task(retries=1)
    @traced
    def works() -> Dataset:
        return Dataset("s3://b/k", version="1")

    @flow
    @traced
    def stops():
        works()

    with pytest.raises(RuntimeError, match="a defect in capturing"):
        stops()
    assert (cycles("stops"), cycles("stops.works")) == ([FAIL], [FAIL, FAIL])
    monkeypatch.setattr(Run, "input", broken)
    called = []

    @flow
    @traced
    def never(table: Dataset):
        called.append(1)

    with pytest.raises(RuntimeError, match="a defect in capturing"):
        never(Dataset("s3://b/k", version="1"))
    assert (called, cycles("never")) == ([], [])


def test_a_task_outside_a_flow_is_a_run_of_its_own(lineage, cycles):
    @task(retries=1)
    @traced
    def alone():
        if current_run().facets["lineal_prefect"]["attempt"] == 1:
            raise OSError("not yet")

    alone()
    assert cycles("alone") == [FAIL, OK]
    facets = lineage.event("alone")["run"]["facets"]
    assert "parent" not in facets
    assert "flowRunId" not in facets["lineal_prefect"]


def test_subflows_three_deep_have_the_right_parent_and_root(lineage, cycles):
    @task
    @traced
    def leaf(): ...

    @flow
    @traced
    def third():
        leaf()

    @flow
    @traced
    def second():
        third()

    @flow
    @traced
    def first():
        second()

    first()
    jobs = ["first", "second", "third", "third.leaf"]
    assert [cycles(job) for job in jobs] == [[OK]] * 4
    ids = [lineage.event(job)["run"]["runId"] for job in jobs]
    for job, above in zip(jobs[1:], ids, strict=False):
        for event in lineage.events(job):
            parent = event["run"]["facets"]["parent"]
            assert parent["run"]["runId"] == above
            assert (parent["root"]["run"]["runId"], parent["root"]["job"]["name"]) == (ids[0], "first")
    assert [event["job"]["name"] for event in lineage.events(kind="START")] == jobs
