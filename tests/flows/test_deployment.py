"""The shipped deployments on a real server with a real process worker, started by their schedule."""

import json
from datetime import datetime
from pathlib import Path

import httpx
import pytest
import yaml

from tests.parts.prefect_server import prefect, recorded, started, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(420)]


def test_a_scheduled_run_says_so(prefect_server, project, tmp_path, monkeypatch, check_events):
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    monkeypatch.delenv("LINEAL_HOME")
    file = project / "prefect.yaml"
    tree = yaml.safe_load(file.read_text())
    for deployment in tree["deployments"]:
        # Every night is too long to wait for.
        if deployment["name"] == "wine":
            deployment["schedules"] = [{"interval": 30}]
    file.write_text(yaml.safe_dump(tree))
    root = Path(__file__).resolve().parent.parent.parent
    prefect(
        "work-pool", "create", "local", "--type", "process", "--base-job-template", f"{root}/deployments/local.json"
    )
    said = prefect("deploy", "--all")
    for name in ("breast-cancer", "wine", "penguins"):
        assert f"train/{name}" in said

    with started("worker", "start", "--pool", "local", log=tmp_path / "worker.log"):
        done = until(
            lambda: [
                event
                for event in recorded(project)
                if event["job"]["name"] == "train" and event["eventType"] in ("COMPLETE", "FAIL")
            ]
        )[0]
    assert done["eventType"] == "COMPLETE", done["run"]["facets"].get("errorMessage")
    facets = done["run"]["facets"]
    assert facets["lineal_prefect"]["deployment"] == "train/wine"
    run = httpx.get(f"{prefect_server}/flow_runs/{facets['lineal_prefect']['flowRunId']}").json()
    nominal = datetime.fromisoformat(facets["nominalTime"]["nominalStartTime"])
    assert nominal == datetime.fromisoformat(run["expected_start_time"])
    assert run["work_pool_name"] == "local"
    under = [
        e
        for e in recorded(project)
        if e["run"]["facets"].get("parent", {}).get("run", {}).get("runId") == done["run"]["runId"]
    ]
    assert {e["run"]["facets"]["lineal_prefect"]["deployment"] for e in under} == {"train/wine"}
    ended = {e["run"]["runId"] for e in under if e["eventType"] != "START"}
    # A second scheduled run may have begun meanwhile; what belongs to the first is whole.
    check_events(
        "".join(f"{json.dumps(e)}\n" for e in recorded(project) if e["run"]["runId"] in ended | {done["run"]["runId"]})
    )
