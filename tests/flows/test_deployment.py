"""The shipped deployments on a real server with a real process worker, started by their schedule."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx
import pytest
import yaml

from lineal.errors import StoreError
from lineal.store.log import Store

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(420)]

PREFECT = Path(sys.executable).with_name("prefect")
SECONDS = 300


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server as `prefect server start` gives it, with its scheduler; its API's URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    url = f"http://127.0.0.1:{port}/api"
    monkeypatch.setenv("PREFECT_API_URL", url)
    with started("server", "start", "--host", "127.0.0.1", "--port", port, log=tmp_path / "server.log"):
        until(lambda: answers(f"{url}/health"))
        yield url


@contextmanager
def started(*words, log):
    with log.open("wb") as file:
        process = subprocess.Popen([PREFECT, *words], stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(url):
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


def until(holds, seconds=SECONDS):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s")


def prefect(*words):
    done = subprocess.run([PREFECT, "--no-prompt", *words], capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def recorded(project):
    try:
        return [json.loads(body) for body in Store(f"sqlite:///{project}/.lineal/lineal.db", create=False).events()]
    except StoreError:
        return []


def test_a_scheduled_run_says_so(server, project, tmp_path, monkeypatch, check_events):
    monkeypatch.setenv("PREFECT_API_URL", server)
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
    run = httpx.get(f"{server}/flow_runs/{facets['lineal_prefect']['flowRunId']}").json()
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
