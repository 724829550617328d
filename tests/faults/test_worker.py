"""Runs of a process worker that is told to cancel them, or is killed outright."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from lineal.tracing.sweep import sweep

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]

OK, FAIL, ABORT = (["START", end] for end in ("COMPLETE", "FAIL", "ABORT"))
SECONDS = 120
DEPLOYED = """
    import time
    from pathlib import Path
    from prefect import flow, task
    from lineal import Dataset, traced

    @task
    @traced
    def naps(source: Dataset, go_on: str):
        while not Path(go_on).exists():
            time.sleep(0.1)

    @flow
    @traced
    def works(go_on: str):
        naps(Dataset("s3://b/k", version="1"), go_on)
"""


def until(holds, what):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {SECONDS} s")


@pytest.fixture
def client(prefect_server):
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def worker(client, prefect_server, tmp_path, request):
    """A worker of a pool that the flow is deployed to, as `prefect worker start` gives it."""
    from prefect import Flow
    from prefect.client.schemas.actions import WorkPoolCreate

    pool = f"pool-{os.getpid()}-{abs(hash(request.node.name))}"
    client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
    (tmp_path / "flows.py").write_text(textwrap.dedent(DEPLOYED))
    Flow.from_source(str(tmp_path), "flows.py:works").deploy("d", work_pool_name=pool, build=False)
    command = [Path(sys.executable).with_name("prefect"), "worker", "start", "--pool", pool]
    environ = {**os.environ, "PREFECT_API_URL": prefect_server, "PREFECT_WORKER_QUERY_SECONDS": "1"}
    log = (tmp_path / "worker.log").open("wb")
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
    yield process
    for each in [process, *_below(process)]:
        each.kill()
    process.wait()
    log.close()


def _below(process):
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@pytest.fixture
def begun(worker, client, lineage, tmp_path):
    """A flow run of the worker's whose task has begun; its id, and the processes that it runs in."""
    deployment = client.read_deployment_by_name("works/d")
    made = client.create_flow_run_from_deployment(deployment.id, parameters={"go_on": str(tmp_path / "go-on")})
    until(lambda: lineage.events("works.naps"), "the task has started")
    processes = _below(worker)
    yield made.id, processes
    for each in processes:
        if each.is_running():
            each.kill()


def test_cancelled_through_prefects_api_it_aborts(begun, client, lineage, cycles):
    from prefect.states import Cancelling

    client.set_flow_run_state(begun[0], Cancelling())
    until(lambda: lineage.events("works", "ABORT"), "the flow has ended")
    assert (cycles("works"), cycles("works.naps")) == ([ABORT], [ABORT])
    until(lambda: client.read_flow_run(begun[0]).state.is_cancelled(), "Prefect says the same")
    assert sweep(lineage.store) == []


def test_a_run_whose_worker_was_killed_tells_its_own_end(begun, worker, lineage, cycles, tmp_path):
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert sweep(lineage.store) == []
    (tmp_path / "go-on").touch()
    until(lambda: len(lineage.events("works")) == 2, "the flow has ended")
    # The task ends well; the flow is ended by Prefect's own log, whose reader is gone with the worker.
    assert (cycles("works"), cycles("works.naps")) == ([FAIL], [OK])
    assert lineage.event("works", "FAIL")["run"]["facets"]["errorMessage"]["message"] == "SystemExit: 1"
    assert sweep(lineage.store) == []


def test_killed_with_its_worker_it_fails_by_the_sweep(begun, worker, client, lineage, cycles):
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    for each in begun[1]:
        each.kill()
    psutil.wait_procs(begun[1], timeout=10)
    # Prefect does not know it yet.
    assert client.read_flow_run(begun[0]).state.is_running()
    assert sorted((each.job, each.state) for each in sweep(lineage.store)) == [
        ("works", "FAIL"),
        ("works.naps", "FAIL"),
    ]
    assert (cycles("works"), cycles("works.naps")) == ([FAIL], [FAIL])
    assert "its process is gone" in lineage.event("works", "FAIL")["run"]["facets"]["errorMessage"]["message"]
    assert [dataset["name"] for dataset in lineage.event("works.naps", "FAIL")["inputs"]] == ["k"]
