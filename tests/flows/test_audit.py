"""Audits of models that real pipelines trained: what the record supports, and what real mistakes do to the verdicts."""

import json
import subprocess
import time

import pandas as pd
import pytest

from lineal.models import code, environment, tracking
from lineal.questions.audit import audit, chosen
from lineal.store.log import Store
from lineal.subjects import Subject

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]
DECLARED = """
[declared]
role = "provider"
risk_class = "high"
intended_purpose = "To tell cultivars apart."
groups = []
retention = "2 years"
personal = ["color_intensity"]
special = ["ash"]
"""


@pytest.fixture
def committed(project):
    """The project, committed; gives a way to commit again."""

    def commit():
        git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--allow-empty", "-m", "As it is")):
            subprocess.run([*git, *words], cwd=project, check=True)

    (project / ".gitignore").write_text(".lineal\n")
    commit()
    return commit


def verdicts(lineal, *words):
    status, out, err = lineal("audit", *words, "--json")
    assert status in (0, 1), err
    (model,) = json.loads(out)["models"]
    return {(each["policy"], each["control"]): (each["verdict"], each["sentence"]) for each in model["results"]}


def test_a_pipeline_s_record_supports_most_and_what_is_done_later_the_rest(lineal, project, committed, check_events):
    pipeline = project / "pipelines" / "wine.toml"
    pipeline.write_text(pipeline.read_text() + DECLARED)
    committed()
    assert lineal("run", pipeline)[0] == 0
    found = verdicts(lineal, "model:wine@champion", "--policy", "eu-ai-act")
    assert {control for (_, control), (verdict, _) in found.items() if verdict == "pass"} == {
        "data-origin", "preparation", "data-quality", "split-disjoint", "held-out-untouched", "original-purpose",
        "target-leakage", "gates-first", "accuracy", "event-log", "log-intact", "log-kept", "methods",
        "model-signed", "recalls", "documentation",
    }  # fmt: skip
    assert {control for (_, control), (verdict, _) in found.items() if verdict == "fail"} == {
        "special-categories",
        "packages",
    }
    assert found["eu-ai-act", "special-categories"][1] == "it learns from ash"
    assert found["eu-ai-act", "packages"][1] == "the project has no lock file"
    assert found["eu-ai-act", "monitoring"][0] == "open"

    assert lineal("predict", "model:wine@champion", "--data", "pipelines/data/wine.csv")[0] == 0
    found = verdicts(lineal, "model:wine@champion", "--policy", "eu-ai-act")
    assert found["eu-ai-act", "predictions"][0] == "pass"
    assert found["eu-ai-act", "monitoring"][0] == "pass"
    rows = pd.read_csv(project / "pipelines" / "data" / "wine.csv")
    rows.assign(alcohol=rows["alcohol"] + 4).to_csv("stronger.csv", index=False)
    assert lineal("predict", "model:wine@champion", "--data", "stronger.csv")[0] == 0
    found = verdicts(lineal, "model:wine@champion", "--policy", "eu-ai-act")
    assert found["eu-ai-act", "monitoring"] == ("fail", "drift in alcohol, and nobody decided or noted anything since")
    check_events(lineal("events")[1])


def test_mistakes_in_data_and_settings_are_found(lineal, project, committed):
    pipeline, source = project / "pipelines" / "wine.toml", project / "pipelines" / "data" / "wine.csv"
    (project / "requirements.txt").write_text("numpy==1.0\n")
    committed()
    assert lineal("run", pipeline)[0] == 0
    first = verdicts(lineal, "model:wine@1", "--policy", "house")
    assert "packages not as requirements.txt has it" in first["house", "locked"][1]
    assert "numpy 2." in first["house", "locked"][1] or "which it does not name" in first["house", "locked"][1]
    # Every row twice: the held-out rows repeat training rows.
    rows = source.read_text().splitlines(keepends=True)
    (project / "twice.csv").write_text("".join([*rows, *rows[1:]]))
    text = pipeline.read_text()
    (checks, rest) = text.split("[[checks]]", 1)[1].split("\n\n", 1)
    pipeline.write_text(
        text.replace(f"[[checks]]{checks}\n\n", "", 1).replace('[evaluate.champion]\nmetric = "f1_macro"\n', "")
    )
    assert rest
    # A run is another process as a rule.
    environment._environment.cache_clear()
    code.difference.cache_clear()
    assert lineal("run", pipeline, "--data", "twice.csv")[0] == 0
    second = verdicts(lineal, "model:wine@2", "--policy", "house", "--policy", "eu-ai-act")
    assert second["house", "apart"][0] == "fail"
    assert "held-out rows repeat a training row value for value" in second["house", "apart"][1]
    assert second["eu-ai-act", "data-quality"][0] == "fail"
    assert "version 1 was held to" in second["eu-ai-act", "data-quality"][1]
    # The pipeline file is not as it was committed.
    assert second["house", "clean-code"][0] == "fail"
    assert second["eu-ai-act", "changes"][0] == "fail"


def test_the_scheduled_audit_shows_its_verdicts_everywhere(lineal, project, prefect_api, check_events):
    import httpx

    assert lineal("run", "pipelines/wine.toml")[0] == 0
    from flows.audit import audit as flow

    (found,) = flow(["eu-ai-act", "house"], strict=True)
    answer = audit(Store(), chosen(["eu-ai-act", "house"]), Subject.parse("model:wine@champion"))
    assert [each.verdict for each in found.results] == [each.verdict for each in answer.models[0].results]

    events = [json.loads(line) for line in lineal("events")[1].splitlines()]
    (event,) = [e for e in events if e["job"]["name"] == "audit.audit_model" and e["eventType"] == "COMPLETE"]
    tests = event["run"]["facets"]["test"]["tests"]
    assert [each["name"] for each in tests] == [f"{each.policy}.{each.control}" for each in found.results]
    told = {each["name"]: (each["status"], each["severity"]) for each in tests}
    assert told["eu-ai-act.event-log"] == ("pass", "error")
    assert told["eu-ai-act.approval"] == ("fail", "error")  # open, where open counts as failed
    assert told["house.fresh"] == ("pass", "warn")
    assert told["eu-ai-act.changes"] == ("skip", "error")
    assert [entry["name"] for entry in event["inputs"]] == ["models/wine"]
    check_events("".join(json.dumps(each) + "\n" for each in events))

    version = tracking.version("wine", 1)
    assert version.tags["lineal.audit"] == "failed"
    assert tracking.run_tags(version.run_id)["lineal.audit.verdicts"] == version.tags["lineal.audit.verdicts"]
    kept = json.loads(tracking.artifact(version.run_id, "audit/audit.json"))
    assert kept["models"][0]["subject"] == "model:wine@1"
    assert json.loads(tracking.artifact(version.run_id, "audit/audit.sarif"))["version"] == "2.1.0"

    asked = {"artifacts": {"key": {"any_": ["wine-audit"]}}, "sort": "CREATED_DESC"}
    (artifact, *_) = httpx.post(f"{prefect_api}/artifacts/filter", json=asked).json()
    rows = artifact["data"] if isinstance(artifact["data"], list) else json.loads(artifact["data"])
    assert [row["control"] for row in rows] == [each.control for each in found.results]
    assert rows[0]["stays with a person"]

    end, sent = time.monotonic() + 30, []
    while not sent and time.monotonic() < end:
        asked = {"filter": {"event": {"name": ["lineal.audit.failed"]}}}
        sent = httpx.post(f"{prefect_api}/events/filter", json=asked).json()["events"]
        time.sleep(0.2)
    assert sent[0]["resource"]["prefect.resource.id"] == "lineal.model.wine.1"
    assert "eu-ai-act.approval" in [each["control"] for each in sent[0]["payload"]["controls"]]

    # Its own runs are no part of what it audits.
    again = audit(Store(), chosen(["eu-ai-act", "house"]), Subject.parse("model:wine@champion"))
    assert [each.verdict for each in again.models[0].results] == [each.verdict for each in found.results]
