"""Predicting with the models of the example pipelines: what it leaves in the lineage, in MLflow and in Prefect."""

import csv
import json
import time

import numpy as np
import pytest

from lineal import Dataset
from lineal.datasets.cache import Cache
from lineal.datasets.prediction_ids import prediction_place
from lineal.datasets.read import to_frame
from lineal.models import loaded, tracking
from lineal.questions.trace import trace
from lineal.store.log import Store
from lineal.subjects import Subject

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]
EXAMPLES = {"breast_cancer": "breast-cancer", "wine": "wine", "penguins": "penguins"}


def train(lineal, example, *words):
    status, out, err = lineal("run", f"pipelines/{example}.toml", "--json", *words)
    assert status == 0, out + err
    loaded._held.clear()  # what predicts is another process as a rule
    return json.loads(out)


def predict(lineal, model, *words):
    status, out, err = lineal("predict", model, "--json", *words)
    assert status == 0, out + err
    return json.loads(out)


def completed(lineal, job):
    events = [json.loads(line) for line in lineal("events")[1].splitlines()]
    return [event for event in events if event["job"]["name"] == job and event["eventType"] == "COMPLETE"]


def leaves(node):
    return [node] if not node.inputs else [leaf for child in node.inputs for leaf in leaves(child)]


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_batch_is_predicted_as_the_model_predicts_and_leads_back(example, lineal, project, check_events):
    name = EXAMPLES[example]
    train(lineal, example)
    header, *rows = (project / f"pipelines/data/{example}.csv").read_text().splitlines()
    (project / "new.csv").write_text("\n".join([header, *rows[::3]]) + "\n")
    result = predict(lineal, f"model:{name}@champion", "--data", "new.csv", "--out", "scores.csv")
    assert result["rows"] == len(rows[::3])
    assert result["model"] == f"model:{name}@1"
    assert result["alias"] == "champion"

    # The model's own answers, asked directly.
    predictions = to_frame(Dataset(Cache().path(result["predictions"]["version"])))
    frame = to_frame(Dataset(Cache().path(result["batch"])))
    model = tracking.load_model(f"models:/{name}/1")
    if example == "penguins":
        np.testing.assert_array_equal(predictions["prediction"], model.predict(frame))
    else:
        assert list(predictions["prediction"]) == list(model.predict(frame))
        told = [f"probability_{label}" for label in model.classes_]
        np.testing.assert_allclose(predictions[told], model.predict_proba(frame), rtol=0, atol=1e-12)
    assert predictions["prediction_id"][0] == result["example"]
    assert prediction_place(predictions["prediction_id"][4]).row == 5
    key = "sample" if example == "breast_cancer" else "row"
    assert predictions.columns[0] == key
    with (project / "scores.csv").open(newline="") as file:
        assert [row["prediction_id"] for row in csv.DictReader(file)] == list(predictions["prediction_id"])

    # In the lineage: from the copy to the very files, and from each column to those that it rests on.
    check_events(lineal("events")[1])
    answer = trace(Store(), Subject.parse("file:scores.csv"))
    assert {(leaf.kind, leaf.name.rpartition("/")[2]) for leaf in leaves(answer.node)} == {
        ("FILE", "new.csv"),
        ("FILE", f"{example}.csv"),
    }
    (event,) = completed(lineal, "predict.score")
    assert str(event["run"]["runId"]).startswith(prediction_place(result["example"]).run_prefix)
    assert {entry["name"] for entry in event["inputs"]} == {f"{name}.batch", f"models/{name}"}
    fields = event["outputs"][0]["facets"]["columnLineage"]["fields"]
    origins = {(each["name"], each["field"]) for each in fields["prediction"]["inputFields"]}
    taken = {str(column) for column in model.feature_names_in_}
    assert {field for table, field in origins if table == f"{name}.batch"} <= taken
    assert [table for table, _ in origins].count(f"models/{name}") == 1
    (read,) = completed(lineal, "predict.read")
    assert {entry["name"].rpartition("/")[2] for entry in read["inputs"]} == {"new.csv"}
    (drift,) = completed(lineal, "predict.drift")
    assert {each["column"] for each in drift["run"]["facets"]["lineal_drift"]["columns"]} <= taken
    assert lineal("rebuild")[0] == 0

    # Rows that the model was trained on have not drifted.
    assert result["drift"]["columns"]
    assert not any(column["over"] for column in result["drift"]["columns"])

    (listed,) = json.loads(lineal("list", "predictions", "--json")[1])["predictions"]
    assert (listed["model"], listed["number"], listed["alias"]) == (name, 1, "champion")
    assert (listed["rows"], listed["version"]) == (len(rows[::3]), result["predictions"]["version"])
    assert listed["run_id"] == event["run"]["runId"]
    assert listed["id_prefix"] + "1" == result["example"]


def test_mlflow_and_prefect_tell_of_a_batch_and_of_its_drift(lineal, project, prefect_api):
    import httpx

    trained = train(lineal, "breast_cancer")
    header, *rows = (project / "pipelines/data/breast_cancer.csv").read_text().splitlines()
    place = header.split(",").index("worst area")
    shifted = [row.split(",") for row in rows]
    for cells in shifted:
        cells[place] = str(float(cells[place]) * 3)
    (project / "shifted.csv").write_text("\n".join([header, *(",".join(cells) for cells in shifted)]))
    status, out, err = lineal("predict", "model:breast-cancer", "--data", "shifted.csv")
    assert status == 0, err
    assert "569 rows predicted by model:breast-cancer@1; the batch has drifted" in out
    assert "1 of 30 columns over the limits: worst area (PSI" in out
    assert "the target 'diagnosis' is in the batch; it is not looked at" in out
    result = predict(lineal, "model:breast-cancer@1", "--data", "shifted.csv")
    assert f"lineal trace prediction:{result['example']}" not in out  # each scoring has ids of its own
    assert "lineal trace prediction:p" in out

    run = tracking.connect().get_run(result["tracked"]["run_id"])
    assert run.info.status == "FINISHED"
    assert run.data.tags["lineal.model"] == "model:breast-cancer@1"
    assert run.data.tags["prefect.flow_run_id"] == result["flow_run_id"]
    assert run.data.metrics["rows"] == 569
    assert run.data.metrics["drift_columns"] == 1
    assert run.data.metrics["drift_psi/worst area"] == run.data.metrics["drift_psi_max"] > 0.2
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("breast-cancer.batch", result["batch"])
    assert used.tags[0].value == "prediction"
    (model,) = run.inputs.model_inputs
    assert model.model_id == trained["tracked"]["model_id"]

    tags = httpx.get(f"{prefect_api}/flow_runs/{result['flow_run_id']}").json()["tags"]
    assert sorted(tags) == [f"mlflow:{run.info.run_id}", f"openlineage:{run.data.tags['openlineage.run_id']}"]
    artifacts = httpx.post(
        f"{prefect_api}/artifacts/filter", json={"artifacts": {"flow_run_id": {"any_": [result["flow_run_id"]]}}}
    ).json()
    by_key = {artifact["key"]: artifact for artifact in artifacts}
    assert "569 rows predicted" in by_key["breast-cancer-predictions"]["data"]
    assert json.loads(by_key["breast-cancer-drift"]["data"])[0]["column"] == "worst area"
    end = time.monotonic() + 30
    found = []
    while not found and time.monotonic() < end:
        asked = {"filter": {"event": {"name": ["lineal.drift.detected"]}}}
        found = httpx.post(f"{prefect_api}/events/filter", json=asked).json()["events"]
        time.sleep(0.2)
    assert found[0]["resource"]["prefect.resource.id"] == "lineal.model.breast-cancer"
    assert found[0]["payload"]["columns"][0]["column"] == "worst area"


def test_the_same_batch_twice_is_one_batch_and_two_tables_of_predictions(lineal, project):
    train(lineal, "wine")
    first = predict(lineal, "model:wine@champion", "--data", "pipelines/data/wine.csv")
    second = predict(lineal, f"model:wine@{first['digest'][:8]}", "--data", "pipelines/data/wine.csv")
    assert first["batch"] == second["batch"]
    assert first["model"] == second["model"]
    one, two = (to_frame(Dataset(Cache().path(each["predictions"]["version"]))) for each in (first, second))
    assert one.drop(columns="prediction_id").equals(two.drop(columns="prediction_id"))
    assert not set(one["prediction_id"]) & set(two["prediction_id"])
    assert len(json.loads(lineal("list", "predictions", "--json")[1])["predictions"]) == 2
    assert second["predictions"]["version"][:12] in lineal("list", "predictions")[1]


def test_rows_come_from_a_query_and_go_to_parquet(lineal, project):
    import sqlite3
    from contextlib import closing

    import pandas as pd

    train(lineal, "wine")
    with closing(sqlite3.connect(project / "wine.db")) as connection:
        pd.read_csv(project / "pipelines/data/wine.csv").to_sql("wine", connection, index=False)
    words = ("--data", f"sqlite:///{project}/wine.db", "--query", "select * from wine where alcohol > 13")
    result = predict(lineal, "model:wine@1", *words, "--out", "scores.parquet")
    assert len(pd.read_parquet(project / "scores.parquet")) == result["rows"] < 178


def test_a_model_of_set_parameters_is_loaded_by_the_pipeline_that_was_run(lineal, project):
    train(
        lineal,
        "wine",
        "--set",
        "model={estimator='sklearn.tree.DecisionTreeClassifier',params={max_depth=3}}",
        "--set",
        "evaluate.gates=[]",
    )
    assert predict(lineal, "model:wine@1", "--data", "pipelines/data/wine.csv")["rows"] == 178
