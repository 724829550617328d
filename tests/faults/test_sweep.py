"""The sweep: what was killed gets its end, once; what lives, waits or is not ours is left alone."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from lineal import Dataset, traced
from lineal.store import checkpoints
from lineal.store.log import Store
from lineal.testing import recording
from lineal.tracing.sweep import sweep
from tests.parts.consumer import consumer
from tests.parts.processes import on_machine

ROOT = Path(__file__).resolve().parent.parent.parent

PLAIN = """
import time
from lineal import Dataset, traced

@traced
def inner(data):
    print("begun", flush=True)
    time.sleep(600)

@traced
def outer(data):
    inner(data)

outer(Dataset("s3://b/k", version="1"))
"""
FLOW = """
import time
from prefect import flow, task
from lineal import Dataset, traced

@task
@traced
def inner(data):
    print("begun", flush=True)
    time.sleep(600)

@flow
@traced
def outer():
    inner(Dataset("s3://b/k", version="1"))

outer()
"""


@pytest.fixture
def lineage(store_url):
    """The lineage that the test records, on each database that a store can be in."""
    with recording(url=store_url) as recorded:
        yield recorded


@contextmanager
def running(code, machine=()):
    """A program that has begun its runs; killed at the end, if it was not before."""
    program = subprocess.Popen(
        [*machine, sys.executable, "-c", textwrap.dedent(code)], env=dict(os.environ), stdout=subprocess.PIPE, text=True
    )
    try:
        assert program.stdout.readline() == "begun\n"
        yield program
    finally:
        program.kill()
        program.wait()
        program.stdout.close()


def killed(code, machine=()):
    with running(code, machine):
        pass


def states(lineage):
    return {event["job"]["name"]: event["eventType"] for event in lineage.events()}


def test_a_killed_run_fails_and_keeps_what_it_had_read(lineage, check_events):
    killed(PLAIN)
    ended = sweep(Store())
    assert [(each.job, each.state) for each in ended] == [("outer.inner", "FAIL"), ("outer", "FAIL")]
    event = lineage.event("outer.inner", "FAIL")
    assert [dataset["name"] for dataset in event["inputs"]] == ["k"]
    message = event["run"]["facets"]["errorMessage"]["message"]
    assert message.startswith("its process is gone (process ")
    check_events(lineage.ndjson())
    assert sweep(Store()) == []


def test_a_run_that_lives_is_left_alone(lineage):
    with running(PLAIN):
        assert sweep(Store()) == []
    assert len(lineage.events()) == 2


def test_a_process_of_another_machine_is_not_judged(lineage, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    import lineal.processes

    lineal.processes._process.cache_clear()
    killed(PLAIN)  # on this machine, which `elsewhere` knows nothing of
    assert sweep(Store()) == []
    lineal.processes._process.cache_clear()


def test_sweeps_on_two_machines_end_each_its_own(lineage, check_events):
    alpha, beta = on_machine("alpha"), on_machine("beta")
    killed(PLAIN, alpha)
    code = "from lineal.tracing.sweep import sweep; from lineal.store.log import Store; print(len(sweep(Store())))"
    call = [sys.executable, "-c", code]
    assert subprocess.check_output([*beta, *call], text=True) == "0\n"
    assert sweep(Store()) == []
    killed(PLAIN, beta)
    sweeps = [subprocess.Popen([*each, *call], stdout=subprocess.PIPE, text=True) for each in (alpha, beta, alpha)]
    assert sum(int(each.communicate(timeout=60)[0]) for each in sweeps) == 4
    check_events(lineage.ndjson())


def test_many_sweeps_at_a_time_end_each_run_once(lineage, check_events):
    for _ in range(3):
        killed(PLAIN)
    code = "from lineal.tracing.sweep import sweep; from lineal.store.log import Store; print(len(sweep(Store())))"
    sweeps = [
        subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ), stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert sum(int(each.communicate(timeout=60)[0]) for each in sweeps) == 6
    check_events(lineage.ndjson())


def test_an_end_that_comes_after_the_sweeps_is_not_recorded(lineage, check_events, caplog):
    @traced
    def slow(data):
        store = Store()
        started = json.loads(next(iter(store.events())))
        store.append({**started, "eventType": "FAIL"}, open_only=True)  # as a mistaken sweep would
        return data

    slow(Dataset("s3://b/k", version="1", columns=()))
    assert [event["eventType"] for event in lineage.events()] == ["START", "FAIL"]
    assert "was ended before" in caplog.text


def test_runs_of_other_producers_are_not_ours_to_end(lineage):
    Store().append(
        {
            "eventType": "START",
            "eventTime": "2020-01-01T00:00:00Z",
            "run": {"runId": "0190b5f6-0000-7000-8000-000000000000"},
            "job": {"namespace": "spark", "name": "job"},
            "producer": "https://example.org",
        }
    )
    assert sweep(Store()) == []


# What Prefect says of a killed flow, by the flow's name, and how the sweep ends it.
WORDS = {
    "running": (None, "FAIL"),
    "cancelled": ("Cancelled", "ABORT"),
    "crashed": ("Crashed", "FAIL"),
    "suspended": ("Suspended", None),
    "awaiting-retry": ("AwaitingRetry", "FAIL"),
}
FLOWS = f"""
import threading, time
from prefect import flow, task
from lineal import Dataset, traced

begun = threading.Barrier({len(WORDS) + 1})

@task
@traced
def inner(data):
    begun.wait()
    time.sleep(600)

@traced
def outer():
    inner(Dataset("s3://b/k", version="1"))

for name in {list(WORDS)}:
    threading.Thread(target=flow(outer, name=name)).start()
begun.wait()
print("begun", flush=True)
"""


@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_prefects_word_tells_how_a_killed_flow_ended(lineage, prefect_api, monkeypatch, check_events):
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    killed(FLOWS)
    for name, (said, _) in WORDS.items():
        flow_run = lineage.event(name, "START")["run"]["facets"]["lineal_prefect"]["flowRunId"]
        if said is not None:
            set_state(prefect_api, flow_run, said)
    ended = sweep(Store())
    assert {each.job: each.state for each in ended} == {
        job: end for name, (_, end) in WORDS.items() if end is not None for job in (name, f"{name}.inner")
    }
    reasons = {each.job: each.reason for each in ended}
    for name, reason in reasons.items():
        assert ("Prefect says Cancelled" in reason) == name.startswith("cancelled"), name
    # What was suspended is not at its end.
    over = [event for event in lineage.events() if not event["job"]["name"].startswith("suspended")]
    check_events("".join(f"{json.dumps(event)}\n" for event in over))


def set_state(api, flow_run, name):
    import httpx

    kinds = {"Cancelled": "CANCELLED", "Crashed": "CRASHED", "Suspended": "PAUSED", "AwaitingRetry": "SCHEDULED"}
    answer = httpx.post(
        f"{api}/flow_runs/{flow_run}/set_state", json={"state": {"type": kinds[name], "name": name}, "force": True}
    )
    assert answer.is_success, answer.text


@pytest.mark.slow
def test_the_command_ends_and_delivers(lineage, monkeypatch):
    killed(PLAIN)
    with consumer() as server:
        monkeypatch.delenv("OPENLINEAGE_DISABLED")
        monkeypatch.setenv("OPENLINEAGE_URL", server.url)
        code = "from lineal.cli.app import main; main(['sweep'])"
        done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "2 runs ended" in done.stdout
        assert "4 events sent; it has all" in done.stdout
        assert [event["eventType"] for event in server.events] == ["START", "START", "FAIL", "FAIL"]


@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_the_flow_ends_delivers_and_seals(lineage, prefect_api, monkeypatch, check_events):
    """As the shipped deployment runs it: on a Prefect server, in a process of its own."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    entrypoints = {
        each["name"]: each["entrypoint"] for each in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    }
    module, _, name = entrypoints["sweep"].rpartition(".")
    killed(FLOW)
    with consumer() as server:
        monkeypatch.delenv("OPENLINEAGE_DISABLED")
        monkeypatch.setenv("OPENLINEAGE_URL", server.url)
        call = [sys.executable, "-c", f"from {module} import {name}; print('ended', {name}(), {name}())"]
        said = subprocess.run(call, capture_output=True, text=True, check=True).stdout
        assert said == "ended 2 0\n"
        assert [(event["job"]["name"], event["eventType"]) for event in lineage.events()] == [
            ("outer", "START"),
            ("outer.inner", "START"),
            ("outer.inner", "FAIL"),
            ("outer", "FAIL"),
        ]  # and none of the sweep itself
        assert server.events == lineage.events()
    assert checkpoints.newest(lineage.store).last_seq == 4
    check_events(lineage.ndjson())


def test_a_terminated_run_needs_no_sweep(lineage):
    with running(PLAIN) as program:
        program.send_signal(signal.SIGINT)
        program.wait()
    assert states(lineage) == {"outer": "ABORT", "outer.inner": "ABORT"}
    assert sweep(Store()) == []
