"""An approval that is given where the run is watched: the call that the UI's form makes, on a real server."""

import json
from pathlib import Path

import pytest
import yaml

from lineal.models import tracking
from lineal.questions import decisions
from lineal.store.log import Store
from lineal.subjects import Subject
from tests.parts.prefect_server import prefect, recorded, request, started, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(420)]


@pytest.fixture
def deployed(prefect_server, project, tmp_path, monkeypatch):
    """The wine pipeline, that asks for another person's approval, deployed beside a worker; its deployment's id."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    # As the worker has it.
    monkeypatch.setenv("LINEAL_HOME", str(project / ".lineal"))
    file = project / "pipelines" / "wine.toml"
    file.write_text(file.read_text().replace('alias = "champion"', 'alias = "champion"\napproval = "other-person"'))
    tree = yaml.safe_load((project / "prefect.yaml").read_text())
    (project / "prefect.yaml").write_text(
        yaml.safe_dump(tree | {"deployments": [one for one in tree["deployments"] if one["name"] == "wine"]})
    )
    root = Path(__file__).resolve().parent.parent.parent
    template = f"{root}/deployments/local.json"
    prefect("work-pool", "create", "local", "--type", "process", "--base-job-template", template)
    prefect("deploy", "--all")
    found = request("GET", f"{prefect_server}/deployments/name/train/wine").json()["id"]
    with started("worker", "start", "--pool", "local", log=tmp_path / "worker.log"):
        yield found


def test_an_approval_in_the_ui_moves_the_alias_and_one_by_the_author_does_not(
    prefect_server, deployed, project, check_events
):
    api = prefect_server

    def state(run):
        return request("GET", f"{api}/flow_runs/{run}").json()["state"]

    def paused(run, before=""):
        found = until(lambda: (now := state(run))["type"] in ("PAUSED", "COMPLETED", "FAILED", "CRASHED") and now)
        return found if found["type"] != "PAUSED" or found["id"] != before else None

    def form(run, **values):
        """As the UI's form does it."""
        answer = request("POST", f"{api}/flow_runs/{run}/resume", {"run_input": values}).json()
        assert answer["status"] == "ACCEPT", answer

    def asked(run):
        keys = state(run)["state_details"]["run_input_keyset"]
        return request("GET", f"{api}/flow_runs/{run}/input/{keys['description']}").text

    body = {"parameters": {"pipeline": "pipelines/wine.toml"}, "state": {"type": "SCHEDULED"}}
    run = request("POST", f"{api}/deployments/{deployed}/create_flow_run", body).json()["id"]
    first = paused(run)
    assert first["type"] == "PAUSED", first
    assert "model:wine@1 waits for another person's approval to hold @champion" in asked(run)
    assert tracking.holder("wine", "champion") is None
    refused = request("POST", f"{api}/flow_runs/{run}/resume", {"run_input": {"approve": True}}).json()
    assert refused["status"] == "REJECT"

    form(run, approve=True, by="Ada", reason="it is mine")
    second = until(lambda: paused(run, first["id"]))
    assert second["type"] == "PAUSED", second
    assert "its training was started by Ada" in asked(run)
    assert tracking.holder("wine", "champion") is None

    form(run, approve=True, by="Grace", reason="agrees with the pilot")
    done = until(lambda: (now := state(run))["type"] in ("COMPLETED", "FAILED", "CRASHED") and now)
    assert done["type"] == "COMPLETED", done
    assert tracking.holder("wine", "champion").number == 1

    until(lambda: [e for e in recorded(project) if e["job"]["name"] == "train" and e["eventType"] == "COMPLETE"])
    store = Store(f"sqlite:///{project}/.lineal/lineal.db")
    found = decisions.approval(store, decisions.about(store, Subject.parse("model:wine@champion")))
    assert (found.decision.by, found.decision.reason) == ("Grace", "agrees with the pilot")
    assert len(decisions.listed(store)) == 1
    check_events("".join(f"{json.dumps(event)}\n" for event in recorded(project)))
    wanted = {"filter": {"event": {"name": ["lineal.alias.moved"]}}}
    events = until(lambda: request("POST", f"{api}/events/filter", wanted).json()["events"])
    assert [event["payload"]["by"] for event in events] == ["Grace"]


def test_a_run_goes_on_when_the_time_is_over_or_the_terminal_has_decided(
    prefect_server, deployed, project, lineal, monkeypatch
):
    def begun(minutes):
        body = {"parameters": {"pipeline": "pipelines/wine.toml", "approval_minutes": minutes}}
        body["parameters"]["overrides"] = [f"split.seed={len(str(minutes))}"]
        body["state"] = {"type": "SCHEDULED"}
        return request("POST", f"{prefect_server}/deployments/{deployed}/create_flow_run", body).json()["id"]

    def state(run, *types):
        found = request("GET", f"{prefect_server}/flow_runs/{run}").json()["state"]
        return found if found["type"] in (*types, "FAILED", "CRASHED") else None

    run = begun(0.1)
    done = until(lambda: state(run, "COMPLETED"))
    assert done["type"] == "COMPLETED", done
    assert tracking.holder("wine", "champion") is None
    assert lineal("decide", "model:wine@1", "approve", "--reason", "mine")[0] == 2

    run = begun(30)
    assert until(lambda: state(run, "PAUSED"))["type"] == "PAUSED"
    monkeypatch.setenv("LINEAL_USER", "Grace")
    assert lineal("decide", "model:wine@2", "approve", "--reason", "agrees with the pilot")[0] == 0
    done = until(lambda: state(run, "COMPLETED"))
    assert done["type"] == "COMPLETED", done
    assert tracking.holder("wine", "champion").number == 2
    ended = [e["eventType"] for e in recorded(project) if e["job"]["name"] == "train" and e["eventType"] != "START"]
    assert ended == ["COMPLETE", "COMPLETE"]
