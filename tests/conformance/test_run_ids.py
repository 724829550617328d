"""Run ids that other processes compute from what Prefect's API tells them."""

from datetime import datetime

import httpx
import pytest
from prefect import flow, task
from prefect.task_runners import ProcessPoolTaskRunner

from lineal import run_id, traced

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("marquez")]


@task(retries=1)
@traced
def step(number: int) -> int:
    return number


@flow(name="apart", task_runner=ProcessPoolTaskRunner(max_workers=1))
@traced
def apart() -> None:
    step.submit(1).result()


def test_a_flow_its_task_in_another_process_and_a_stranger_name_the_flow_run_alike(lineage, prefect_api, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    apart()
    event = lineage.event("apart")
    told = httpx.get(f"{prefect_api}/flow_runs/{event['run']['facets']['lineal_prefect']['flowRunId']}").json()
    computed = str(run_id("lineal", told["id"], 1, datetime.fromisoformat(told["created"])))
    assert event["run"]["runId"] == computed
    assert lineage.event("apart.step")["run"]["facets"]["parent"]["run"]["runId"] == computed
    begun = datetime.fromisoformat(event["eventTime"]).timestamp()
    assert begun - int(computed.replace("-", "")[:12], 16) / 1000 < 60
