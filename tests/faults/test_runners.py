"""Wherever Prefect runs a task (threads, processes, Dask, one event loop), it is recorded below its own flow."""

import asyncio
import os
import subprocess
import sys
import threading
import time

import pytest
from prefect import Task, flow, task
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.flow_engine import run_flow
from prefect.task_runners import ThreadPoolTaskRunner

from lineal import Dataset, current_run, traced
from lineal.store.graph import runs_under

pytestmark = pytest.mark.xdist_group("prefect")

OK = ["START", "COMPLETE"]


def parents(lineage, job):
    return [event["run"]["facets"]["parent"]["run"]["runId"] for event in lineage.events(job, "START")]


def parameter(event):
    return event["run"]["facets"]["executionParameters"]["parameters"][0]["value"]


def test_threads_run_below_their_flow_at_the_same_time(lineage, cycles):
    together = threading.Barrier(4)

    @task
    @traced
    def meets(number: int):
        together.wait(timeout=20)
        current_run().parameters({"number": number})
        helps(number)

    @traced
    def helps(number: int):
        current_run().parameters({"number": number})

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
    @traced
    def threads():
        for future in [meets.submit(number) for number in range(4)]:
            future.wait()

    threads()
    assert cycles("threads.meets") == [OK] * 4
    assert set(parents(lineage, "threads.meets")) == {lineage.event("threads")["run"]["runId"]}
    # Each helper is below the task that called it, and none below another one's.
    called_by = {event["run"]["runId"]: parameter(event) for event in lineage.events("threads.meets", "COMPLETE")}
    helpers = lineage.events("threads.meets.helps", "COMPLETE")
    assert len(helpers) == 4
    for event in helpers:
        assert called_by[event["run"]["facets"]["parent"]["run"]["runId"]] == parameter(event)


def test_tasks_of_one_event_loop_are_not_mixed_up(lineage, cycles):
    @task
    @traced
    async def waits(number: int):
        mine = current_run()
        await asyncio.sleep(0.05)
        assert current_run() is mine
        await helps(number)
        mine.parameters({"number": number})

    @traced
    async def helps(number: int):
        await asyncio.sleep(0.05)
        current_run().parameters({"number": number})

    @flow
    @traced
    async def gathers(number: int):
        current_run().parameters({"number": number})
        await asyncio.gather(*(waits(10 * number + each) for each in range(3)))

    async def both():
        await asyncio.gather(gathers(1), gathers(2))

    asyncio.run(both())
    assert cycles("gathers") == [OK, OK]
    assert cycles("gathers.waits") == [OK] * 6
    flows = {event["run"]["runId"]: parameter(event) for event in lineage.events("gathers", "COMPLETE")}
    tasks = {event["run"]["runId"]: event for event in lineage.events("gathers.waits", "COMPLETE")}
    for event in tasks.values():
        assert parameter(event)[0] == flows[event["run"]["facets"]["parent"]["run"]["runId"]]
    for event in lineage.events("gathers.waits.helps", "COMPLETE"):
        above = event["run"]["facets"]["parent"]
        assert parameter(tasks[above["run"]["runId"]]) == parameter(event)
        assert above["root"]["run"]["runId"] in flows


def test_a_hundred_mapped_runs_share_a_job(lineage, cycles):
    @task
    @traced
    def each(source: Dataset): ...

    @flow
    @traced
    def maps():
        each.map([Dataset(f"s3://in/{number}", version="1") for number in range(100)]).wait()

    maps()
    assert cycles("maps.each") == [OK] * 100
    assert set(parents(lineage, "maps.each")) == {lineage.event("maps")["run"]["runId"]}
    read = [[dataset["name"] for dataset in event["inputs"]] for event in lineage.events("maps.each", "COMPLETE")]
    assert sorted(read) == sorted([str(number)] for number in range(100))


ELSEWHERE = """
    import os
    from prefect import flow, task
    from lineal import Dataset, current_run, traced
    {imports}

    @task(retries=1)
    @traced
    def works(source: Dataset) -> Dataset:
        current_run().parameters({{"process": os.getpid()}})
        if source.location == "b.csv" and current_run().facets["lineal_prefect"]["attempt"] == 1:
            raise ValueError("not yet")
        part(source)
        return source.but(uri=f"out/{{source.location}}")

    @traced
    def part(source: Dataset): ...

    @flow(name="inner", task_runner={runner})
    @traced
    def inner(names: list[str]):
        futures = works.map([Dataset(name, version="v") for name in names])
        return [future.result().location for future in futures]

    @flow(name="outer")
    @traced
    def outer():
        return inner(["a.csv", "b.csv"])

    if __name__ == "__main__":
        print(os.getpid(), outer())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("imports", "runner"),
    [
        ("from prefect.task_runners import ProcessPoolTaskRunner", "ProcessPoolTaskRunner(max_workers=2)"),
        (
            "from prefect_dask import DaskTaskRunner",
            "DaskTaskRunner(cluster_kwargs={'n_workers': 2, 'threads_per_worker': 1, 'host': '127.0.0.1',"
            " 'dashboard_address': None})",
        ),
    ],
    ids=["processes", "dask"],
)
def test_other_processes_run_below_the_flow(lineage, cycles, run, tmp_path, imports, runner):
    for folder in (tmp_path, tmp_path / "out"):
        folder.mkdir(exist_ok=True)
        for name in ("a.csv", "b.csv"):
            (folder / name).write_text("x\n1\n")
    said = run(ELSEWHERE.format(imports=imports, runner=runner))
    assert "['out/a.csv', 'out/b.csv']" in said
    main = next(line.split()[0] for line in said.splitlines() if line.endswith("['out/a.csv', 'out/b.csv']"))
    runs = {job: lineage.event(job)["run"]["runId"] for job in ("outer", "inner")}
    assert sorted(cycles("inner.works")) == [OK, OK, ["START", "FAIL"]]
    for event in lineage.events("inner.works"):
        parent = event["run"]["facets"]["parent"]
        assert parent["run"]["runId"] == runs["inner"]
        assert parent["root"]["run"]["runId"] == runs["outer"]
    assert main not in {parameter(event) for event in lineage.events("inner.works", "COMPLETE")}
    tasks = {event["run"]["runId"] for event in lineage.events("inner.works", "COMPLETE")}
    assert set(parents(lineage, "inner.works.part")) == tasks


def test_a_child_process_runs_below_the_run_that_names_itself_to_it(lineage, cycles):
    child = "from lineal import traced\n@traced\ndef work(): ...\nwork()"

    @task
    @traced
    def starts():
        before = dict(os.environ)
        subprocess.run([sys.executable, "-c", child], env={**os.environ, **current_run().environ()}, check=True)
        assert dict(os.environ) == before

    @flow
    @traced
    def has_children():
        starts()
        assert "OPENLINEAGE_PARENT_ID" not in os.environ

    has_children()
    assert cycles("work") == [OK]
    parent = lineage.event("work")["run"]["facets"]["parent"]
    assert parent["run"]["runId"] == lineage.event("has-children.starts")["run"]["runId"]
    assert parent["job"]["name"] == "has-children.starts"
    assert parent["root"]["run"]["runId"] == lineage.event("has-children")["run"]["runId"]
    assert current_run().environ() == {}


def test_a_deployments_run_is_below_the_flow_that_asked_for_it_and_a_flow_of_its_own(lineage):
    @task
    @traced
    def step():
        return 1

    @flow
    @traced
    def child():
        return step()

    @flow
    @traced
    def asks():
        # As `run_deployment` does; a worker then begins the run.
        with get_client(sync_client=True) as client:
            standing = client.create_task_run(
                Task(name="child", fn=lambda: None), flow_run_id=FlowRunContext.get().flow_run.id, dynamic_key="1"
            )
            return client.create_flow_run(child, parent_task_run_id=standing.id)

    @flow
    @traced
    def outer():
        return asks()

    run_flow(child, flow_run=outer())
    parent = lineage.event("child")["run"]["facets"]["parent"]
    assert parent["run"]["runId"] == lineage.event("asks")["run"]["runId"]
    assert parent["root"]["run"]["runId"] == lineage.event("outer")["run"]["runId"]
    top = lineage.event("child.step")["run"]["facets"]["parent"]["root"]["run"]["runId"]
    assert top == lineage.event("outer")["run"]["runId"]
    # It may run on another machine, and on other code.
    told = {
        job
        for job in ("outer", "asks", "child", "child.step")
        if "lineal_environment" in lineage.event(job)["run"]["facets"]
    }
    assert told == {"outer", "child"}
    own = lineage.event("child")["run"]["runId"]
    assert {run.job for run in runs_under(lineage.store, own)} == {"child", "child.step"}


def test_two_flows_at_a_time_are_two_roots(lineage, cycles):
    @task
    @traced
    def naps():
        time.sleep(0.05)

    @flow
    @traced
    def of_its_own():
        naps()

    threads = [threading.Thread(target=of_its_own) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cycles("of-its-own") == [OK, OK]
    assert sorted(parents(lineage, "of-its-own.naps")) == sorted(
        event["run"]["runId"] for event in lineage.events("of-its-own", "START")
    )
