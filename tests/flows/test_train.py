"""The main job on the example pipelines: what it leaves in the lineage, in MLflow and in Prefect."""

import hashlib
import json
import re

import pytest
from sklearn.metrics import roc_auc_score

from lineal import Dataset
from lineal.datasets.cache import Cache
from lineal.datasets.read import to_frame, to_table
from lineal.models import loaded, tracking
from lineal.questions.trace import trace
from lineal.store.log import Store
from lineal.subjects import Subject

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]

MINE = """
name = "mine"
[source]
uri = "elsewhere.csv"
target = "grade"
[model]
estimator = "sklearn.linear_model.LogisticRegression"
"""
EXAMPLES = {"breast_cancer": "breast-cancer", "wine": "wine", "penguins": "penguins"}


def log_of(lineal):
    return lineal("events")[1]


def leaves(node):
    return [node] if not node.inputs else [leaf for child in node.inputs for leaf in leaves(child)]


def versions(lineal):
    """Every dataset version on record, by name."""
    found = {}
    for line in log_of(lineal).splitlines():
        for dataset in json.loads(line)["outputs"]:
            found.setdefault(dataset["name"], set()).add(dataset["facets"]["version"]["datasetVersion"])
    return found


@pytest.mark.parametrize("example", EXAMPLES)
def test_one_command_leaves_a_model_with_its_whole_pedigree(example, lineal, shipped, check_events):
    status, out, _ = lineal("run", f"pipelines/{example}.toml", "--json")
    assert status == 0, out
    result = json.loads(out)
    name = EXAMPLES[example]
    check_events(log_of(lineal))

    answer = trace(Store(), Subject.parse(f"model:{name}@champion"))
    source = shipped / "pipelines" / "data" / f"{example}.csv"
    (file,) = {(leaf.name, leaf.version) for leaf in leaves(answer.node)}
    assert file == (str(source), hashlib.md5(source.read_bytes()).hexdigest())  # noqa: S324 - DVC's hash
    assert answer.model.digest == result["digest"]
    assert all(run.state == "COMPLETE" for run in answer.runs)
    assert {run.job for run in answer.runs} == {
        "train",
        *(
            f"train.{task}"
            for task in ("ingest", "check", "split", "train", "evaluate", "explain", "register", "version")
        ),
    }
    shown = lineal("trace", f"model:{name}@champion")[1]
    for part in ("held-out", "parameters", "environment", "when, who", "by Ada", f"{name}.train@", f"{name}.test@"):
        assert part in shown
    assert lineal("rebuild")[0] == 0


def test_mlflow_holds_the_run_and_leads_back(lineal):
    result = json.loads(lineal("run", "pipelines/wine.toml", "--json")[1])
    client = tracking.connect()
    run = client.get_run(result["tracked"]["run_id"])
    assert run.info.status == "FINISHED"
    assert run.data.params["model.estimator"].startswith("sklearn.")
    assert {"accuracy", "train_accuracy", "cv_accuracy", "cv_accuracy_std"} <= set(run.data.metrics)
    flow = next(json.loads(line) for line in log_of(lineal).splitlines())
    assert run.data.tags["openlineage.run_id"] == flow["run"]["runId"]
    assert run.data.tags["prefect.flow_run_id"] == result["flow_run_id"]
    assert run.data.tags["lineal.digest"] == result["digest"]
    used = {entry.dataset.name: (entry.dataset.digest, entry.tags[0].value) for entry in run.inputs.dataset_inputs}
    recorded = versions(lineal)
    assert used == {
        "wine.train": (*recorded["wine.train"], "training"),
        "wine.test": (*recorded["wine.test"], "evaluation"),
    }
    artifacts = {
        item.path
        for folder in ("plots", "importances", "pipeline")
        for item in client.list_artifacts(run.info.run_id, folder)
    }
    assert {"plots/confusion_matrix.png", "plots/feature_importance.png", "plots/roc_curve.png"} <= artifacts
    assert {"importances/importances.csv", "pipeline/wine.toml"} <= artifacts
    trials = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    assert len(trials) > 1
    assert all("cv_accuracy" in trial.data.metrics for trial in trials)


def test_prefect_shows_the_run_its_tasks_and_its_result(lineal, prefect_api):
    import httpx

    result = json.loads(lineal("run", "pipelines/breast_cancer.toml", "--json")[1])
    flow = {"flow_runs": {"id": {"any_": [result["flow_run_id"]]}}}
    run = httpx.get(f"{prefect_api}/flow_runs/{result['flow_run_id']}").json()
    assert run["name"] == "train breast_cancer"
    assert run["state_type"] == "COMPLETED"
    root = json.loads(lineal("events")[1].splitlines()[0])["run"]["runId"]
    assert sorted(run["tags"]) == [f"mlflow:{result['tracked']['run_id']}", f"openlineage:{root}"]
    artifacts = httpx.post(
        f"{prefect_api}/artifacts/filter", json={"artifacts": {"flow_run_id": {"any_": [result["flow_run_id"]]}}}
    ).json()
    assert "roc_auc" in artifacts[0]["data"]
    assert "lineal trace model:breast-cancer@champion" in artifacts[0]["data"]
    tasks = _eventually(
        lambda: httpx.post(f"{prefect_api}/task_runs/filter", json=flow).json(), lambda found: len(found) == 8
    )
    assert {task["name"] for task in tasks} >= {"ingest breast-cancer", "train breast-cancer"}
    sent = _eventually(
        lambda: httpx.post(f"{prefect_api}/events/filter", json={"filter": {"event": {"prefix": ["lineal."]}}}).json()[
            "events"
        ],
        lambda found: {event["event"] for event in found} >= {"lineal.model.registered", "lineal.alias.moved"},
    )
    moved = next(event for event in sent if event["event"] == "lineal.alias.moved")
    assert moved["payload"]["alias"] == "champion"
    assert any(related["prefect.resource.role"] == "flow-run" for related in moved["related"])


def _eventually(ask, holds, seconds=30):
    import time

    end = time.monotonic() + seconds
    while not holds(found := ask()) and time.monotonic() < end:
        time.sleep(0.2)
    assert holds(found), found
    return found


def test_the_same_again_is_the_same_and_one_cell_changes_all(lineal, project):
    first = json.loads(lineal("run", "pipelines/breast_cancer.toml", "--json")[1])
    second = json.loads(lineal("run", "pipelines/breast_cancer.toml", "--json")[1])
    assert first["digest"] == second["digest"]
    once = versions(lineal)
    assert {name: len(found) for name, found in once.items()} == dict.fromkeys(once, 1)

    source = project / "pipelines/data/breast_cancer.csv"
    header, *rows = source.read_text().splitlines()
    # A row that was learnt from, led back to its line of the source.
    (version,) = once["breast-cancer.train"]
    learnt = to_table(Dataset(Cache().path(version)), ["_lineal_row", "sample", "worst area"]).to_pylist()[0]
    place, cell = learnt["_lineal_row"], header.split(",").index("worst area")
    cells = rows[place].split(",")
    assert cells[header.split(",").index("sample")] == str(learnt["sample"])
    cells[cell] = str(float(cells[cell]) * 3)
    rows[place] = ",".join(cells)
    (project / "changed.csv").write_text("\n".join([header, *rows]) + "\n")
    third = json.loads(lineal("run", "pipelines/breast_cancer.toml", "--data", "changed.csv", "--json")[1])
    assert third["digest"] != first["digest"]
    assert len(versions(lineal)["breast-cancer.snapshot"]) == 2
    assert len(versions(lineal)["breast-cancer.train"]) == 2

    # The second is no better than the first, so the alias stayed; each is traced to its own run.
    assert "it is the very model that version 1 is" in lineal("trace", "model:breast-cancer@2")[1]
    models = {row["number"]: row for row in json.loads(lineal("list", "models", "--json")[1])["models"]}
    assert models[1]["aliases"] == ["champion"]
    assert models[1]["run_id"] != models[2]["run_id"]
    for number in (1, 2):
        answer = trace(Store(), Subject("model", "breast-cancer", str(number)))
        assert answer.flow.run_id in {run.parent_id for run in answer.runs}
        # What the second was compared with is the first, as the first run registered it, before the comparison.
        evaluated = next(child for child in answer.node.inputs if child.name == "breast-cancer.evaluation")
        by = {run.run_id: run for run in answer.runs}
        for champion in (child for child in evaluated.inputs if child.name == "models/breast-cancer"):
            assert number == 2
            assert by[champion.run_id].run_id == models[1]["run_id"]


def test_a_failing_gate_leaves_the_model_logged_and_not_registered(lineal, check_events, prefect_api):
    import httpx

    status, out, _ = lineal(
        "run", "pipelines/breast_cancer.toml", "--set", 'evaluate.gates=[{metric="accuracy",min=0.999}]'
    )
    assert status == 1
    assert "a gate failed, so the model is not registered" in out
    assert re.search(r"accuracy is 0\.9\d+, but must be at least 0\.999: FAILED", out)
    check_events(log_of(lineal))
    events = [json.loads(line) for line in log_of(lineal).splitlines()]
    (decided,) = [e for e in events if e["job"]["name"] == "train.register" and e["eventType"] == "COMPLETE"]
    (decision,) = decided["run"]["facets"]["lineal_decision"]["decisions"]
    assert decision["action"] == "reject"
    assert "accuracy" in decision["reason"]
    (test,) = next(
        e["run"]["facets"]["test"]["tests"]
        for e in events
        if e["job"]["name"] == "train.evaluate" and e["eventType"] == "COMPLETE"
    )
    assert (test["status"], test["expected"]) == ("fail", "accuracy >= 0.999")
    assert tracking.holder("breast-cancer", "champion") is None
    assert json.loads(lineal("list", "models", "--json")[1]) == {"models": []}
    _eventually(
        lambda: httpx.post(
            f"{prefect_api}/events/filter", json={"filter": {"event": {"name": ["lineal.gate.failed"]}}}
        ).json()["events"],
        bool,
    )


def test_a_challenger_that_does_not_win_goes_without_the_alias(lineal):
    lineal("run", "pipelines/breast_cancer.toml")
    status, out, _ = lineal(
        "run",
        "pipelines/breast_cancer.toml",
        "--set",
        "model.params={n_estimators=3,max_depth=1}",
        "--set",
        "evaluate.gates=[]",
    )
    assert status == 0
    assert "version 2 of breast-cancer is registered, version 1 keeps @champion" in out
    assert tracking.holder("breast-cancer", "champion").number == 1
    shown = lineal("trace", "model:breast-cancer@2")[1]
    assert "does not beat the champion's" in shown
    # How much of the difference may be chance is told as `diff` tells it.
    changes = json.loads(lineal("diff", "model:breast-cancer@1", "model:breast-cancer@2", "--json")[1])["metrics"]
    (change,) = [each for each in changes if (each["of"], each["name"]) == ("held-out", "roc_auc")]
    told = re.search(r"\((\S+) ± (\S+): (within the noise|more than noise)\)", " ".join(out.split()))
    assert told, out
    difference, noise, judged = told.groups()
    assert float(difference) == pytest.approx(change["right"] - change["left"], abs=change["noise"] / 20)
    assert float(noise) == pytest.approx(change["noise"], rel=0.05)
    assert judged == ("within the noise" if change["within_noise"] else "more than noise")


def test_a_champion_is_not_judged_by_rows_that_it_learned(lineal):
    """Another split holds out rows that the champion was trained on: it would be hard to beat on those."""
    run = ("run", "pipelines/breast_cancer.toml")
    lineal(*run)
    (train,) = (to_frame(Dataset(path)) for path in made(lineal, "breast-cancer.train"))
    status, out, _ = lineal(*run, "--set", "split.seed=5", "--set", "model.params.max_depth=4")
    assert status == 0
    test = to_frame(Dataset(made(lineal, "breast-cancer.test")[-1]))
    fresh = test[~test["sample"].isin(train["sample"])]
    assert 10 < len(fresh) < len(test) / 2
    said = f"the champion's .*, on the {len(fresh)} of {len(test)} held-out rows that the champion did not learn"
    assert re.search(said, out), out
    assert re.search(said, " ".join(lineal("trace", "model:breast-cancer@2")[1].split()))
    scores = []
    for number in (2, 1):
        model = tracking.load_model(f"models:/breast-cancer/{number}")
        predicted = model.predict_proba(fresh)[:, list(model.classes_).index("malignant")]
        scores.append(roc_auc_score(fresh["diagnosis"] == "malignant", predicted))
    assert re.search("roc_auc of {:.6g} .* the champion's {:.6g}".format(*scores), out), out
    ends = [event for event in map(json.loads, log_of(lineal).splitlines()) if event["eventType"] == "COMPLETE"]
    told = [event["run"]["facets"]["test"]["tests"] for event in ends if event["job"]["name"] == "train.evaluate"][-1]
    learned = next(test["actual"] for test in told if test["name"] == "held-out rows that the champion learned")
    assert learned == f"{len(test) - len(fresh)} of {len(test)}"

    # Where its training rows are gone, that is said.
    for path in made(lineal, "breast-cancer.train"):
        path.chmod(0o644)
        path.unlink()
    out = lineal(*run, "--set", "split.seed=6")[1]
    assert "whether the champion learned any of these rows cannot be told: the bytes of breast-cancer.train@" in out


def made(lineal, name):
    """The files of a table's versions, as they were made."""
    events = [json.loads(line) for line in log_of(lineal).splitlines()]
    found = [each for event in events for each in event["outputs"] if each["name"] == name]
    return [Cache().path(version) for version in dict.fromkeys(e["facets"]["version"]["datasetVersion"] for e in found)]


def test_the_users_own_data_needs_no_python(lineal, project):
    rows = ["when,colour,size,note,grade"]
    for i in range(120):
        size = "" if i % 7 == 0 else i * 1.5
        thirds = ("blue", "bad") if i % 3 == 0 else ("red", "good")
        rows.append(f"2026-01-{1 + i % 28:02d},{thirds[0]},{size},{'x' if i % 2 else ''},{thirds[1]}")
    (project / "mine.csv").write_text("\n".join(rows))
    (project / "my.toml").write_text(MINE)
    status, out, err = lineal("run", "my.toml", "--data", "mine.csv")
    assert status == 0, err
    assert "trained; the pipeline registers nothing" in out
    assert "120 rows: 90 to train, 30 held out" in out


def test_odd_names_and_texts_are_shown_and_no_event_holds_a_rows_value(lineal, project):
    rows = ["price [/kg],note [red],grade"]
    rows += [f"{i * 0.5},secret-{i % 5},{'good' if i % 3 else 'bad'}" for i in range(60)]
    (project / "mine.csv").write_text("\n".join(rows))
    (project / "my.toml").write_text(MINE + '[register]\nname = "odd"\nalias = "champion"\n')
    status, out, err = lineal("run", "my.toml", "--data", "mine.csv")
    assert status == 0, err
    assert "price [/kg]" in out
    assert "note [red]" in out
    assert "there is no [evaluate.champion] to beat" in out
    assert "there is no [evaluate.champion] to beat" in lineal("trace", "model:odd")[1]
    assert "secret-" not in log_of(lineal)
    assert "note [red]" in log_of(lineal)


def test_an_estimator_of_the_users_own(lineal, project, monkeypatch):
    (project / "ours.py").write_text(
        "from sklearn.tree import DecisionTreeClassifier\nclass Ours(DecisionTreeClassifier):\n    pass\n"
    )
    monkeypatch.syspath_prepend(project)
    for number in (1, 2):  # the second time the first is loaded again, as the champion
        loaded._held.clear()
        status, out, err = lineal("run", "pipelines/wine.toml", *own_estimator())
        assert status == 0, err
        assert f"version {number} of wine is registered" in out
    assert "cannot be scored" not in out


def own_estimator():
    return ("--set", "model={estimator='ours.Ours',params={max_depth=4}}", "--set", "evaluate.gates=[]")
