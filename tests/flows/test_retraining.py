"""The shipped automation on a real server: a batch that has drifted has the model trained again."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.parts.prefect_server import prefect, recorded, started, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(420)]
ROOT = Path(__file__).resolve().parent.parent.parent
LINEAL = (sys.executable, "-c", "import sys; from lineal.cli.app import main; main(sys.argv[1:])")


def lineal(*words):
    done = subprocess.run([*LINEAL, *words], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_drift_over_the_limits_trains_anew(prefect_server, project, tmp_path, monkeypatch, check_events):
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    monkeypatch.delenv("LINEAL_HOME")
    prefect(
        "work-pool", "create", "local", "--type", "process", "--base-job-template", f"{ROOT}/deployments/local.json"
    )
    assert "predict/breast-cancer-scores" in prefect("deploy", "--all")
    # As deployments/README.md says.
    deployment = json.loads(prefect("deployment", "inspect", "train/breast-cancer", "--output", "json"))
    text = (ROOT / "deployments" / "retrain-on-drift.yaml").read_text()
    (tmp_path / "automation.yaml").write_text(text.replace("DEPLOYMENT_ID", deployment["id"]))
    prefect("automation", "create", "--from-file", str(tmp_path / "automation.yaml"))

    lineal("run", "pipelines/breast_cancer.toml")
    header, *rows = (project / "pipelines/data/breast_cancer.csv").read_text().splitlines()
    place = header.split(",").index("worst area")
    shifted = [row.split(",") for row in rows]
    for cells in shifted:
        cells[place] = str(float(cells[place]) * 3)
    (project / "shifted.csv").write_text("\n".join([header, *(",".join(cells) for cells in shifted)]))

    def runs_of_the_deployment():
        asked = {"deployments": {"id": {"any_": [deployment["id"]]}}}
        found = httpx.post(f"{prefect_server}/flow_runs/filter", json=asked).json()
        # Its schedule's are not of this test.
        return [run for run in found if not run["auto_scheduled"]]

    # What has not drifted starts nothing.
    assert "none of 30 columns is over" in lineal(
        "predict", "model:breast-cancer@champion", "--data", "pipelines/data/breast_cancer.csv"
    )
    with started("worker", "start", "--pool", "local", log=tmp_path / "worker.log"):
        assert runs_of_the_deployment() == []
        assert "the batch has drifted" in lineal("predict", "model:breast-cancer@champion", "--data", "shifted.csv")
        (run,) = until(runs_of_the_deployment)
        assert run["created_by"]["type"] == "AUTOMATION"
        done = until(
            lambda: [
                event
                for event in recorded(project)
                if event["run"]["facets"].get("lineal_prefect", {}).get("flowRunId") == run["id"]
                and event["job"]["name"] == "train"
                and event["eventType"] in ("COMPLETE", "FAIL")
            ]
        )[0]
    assert done["eventType"] == "COMPLETE", done["run"]["facets"].get("errorMessage")
    assert done["run"]["facets"]["lineal_prefect"]["deployment"] == "train/breast-cancer"
    models = json.loads(lineal("list", "models", "--json"))["models"]
    assert [model["number"] for model in models] == [2, 1]
    check_events("".join(f"{json.dumps(event)}\n" for event in recorded(project)))
