"""The RO-Crate: the pack's files, and the flow, its steps and runs around them."""

import json
import re
from dataclasses import replace
from urllib.parse import quote

import pytest

from lineal import Dataset, Model, traced
from lineal.errors import PackError
from lineal.packs.formats import crate
from lineal.packs.formats.said import data_path
from lineal.packs.interface import Document
from tests.parts import judges
from tests.parts.audited import MLFLOW, digest
from tests.unit.packs.formats.conftest import laid_out, registered

FILES = (
    Document("README.md", b"x", "text/markdown", "What is here"),
    Document("model/model.skops", b"x", "application/octet-stream", "The fitted model"),
    Document("pictures/a b.png", b"x", "image/png", "A picture"),
)


def graph(known, others=FILES):
    *_, last = crate.documents(known, others)
    return {each["@id"]: each for each in json.loads(last.content)["@graph"]}


def of_type(found, kind):
    return [
        each
        for each in found.values()
        if kind in ([each["@type"]] if isinstance(each["@type"], str) else each["@type"])
    ]


def ids(value):
    return [each["@id"] for each in (value if isinstance(value, list) else [value])]


def test_the_flow_is_the_workflow_and_its_tasks_are_steps_in_order(much):
    found = graph(much)
    assert found["./"]["mainEntity"] == {"@id": "code/flow.json"}
    workflow = found["code/flow.json"]
    assert set(workflow["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"}
    steps = [found[each] for each in ids(workflow["step"])]
    assert [(each["position"], each["name"]) for each in steps] == [
        (str(place), f"train.{name}")
        for place, name in enumerate(("ingest", "check", "split", "fit", "evaluate", "register"), 1)
    ]
    flow = json.loads(next(crate.documents(much, FILES)).content)
    assert flow["steps"][0] == {"job": "train.ingest", "reads": ["source.csv"], "writes": ["demo.snapshot"]}


def test_runs_are_actions_with_what_they_read_and_made_when_and_for_whom(much):
    found = graph(much)
    actions = {each["name"]: each for each in of_type(found, "CreateAction")}
    split, whole = actions["Run of train.split"], actions["Run of train"]
    assert [found[each]["name"] for each in ids(split["object"])] == ["demo.snapshot"]
    assert {found[each]["name"] for each in ids(split["result"])} == {"demo.train", "demo.test"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", split["startTime"])
    assert found[split["agent"]["@id"]]["name"] == "Ada"
    assert found[split["instrument"]["@id"]]["name"] == "train.split"
    assert "model/" in ids(actions["Run of train.register"]["result"])
    assert {"@id": "#value-model.estimator"} in whole["object"]
    assert found["#metric-" + actions["Run of train.evaluate"]["@id"].removeprefix("#run-") + "-0"]["value"] == 0.95
    assert [each["name"] for each in of_type(found, "ActivateAction")] == ["Run of train.check"]


def test_all_files_of_the_pack_are_in_it(much):
    found = graph(much)
    parts = ids(found["./"]["hasPart"])
    assert {"README.md", "model/", "pictures/a%20b.png", "code/flow.json"} <= set(parts)
    assert found["pictures/a%20b.png"]["description"] == "A picture"
    assert found["pictures/a%20b.png"]["contentSize"] == "1"
    assert ids(found["model/"]["hasPart"]) == ["model/model.skops"]


def test_rows_that_are_in_the_pack_are_what_the_runs_read(much):
    (train,) = [table for table in much.tables if table.name == "demo.train"]
    path = data_path(train)
    found = graph(much, (*FILES, Document(path, b"x", "application/vnd.apache.parquet", "Rows")))
    (fit,) = [each for each in of_type(found, "CreateAction") if each["name"] == "Run of train.fit"]
    assert ids(fit["object"]) == [quote(path)]


def test_decisions_are_told_and_a_licence_is_not_made_up(much):
    found = graph(much)
    told = {each["description"]: found[each["agent"]["@id"]]["name"] for each in of_type(found, "AssessAction")}
    assert told["better than the one before (stands)"] == "Ada"
    assert found[found["./"]["license"]["@id"]]["name"] == "not stated"


@traced
def break_down(data: Dataset):
    raise ValueError("it is all wrong")


@traced
def train_again():
    data = Dataset("s3://lake/x", name="demo.x", version=digest("x"))
    with pytest.raises(ValueError, match="all wrong"):
        break_down(data)
    registered()
    return Model("models/demo", "ab" * 32, "models:/demo/1", namespace=MLFLOW, number=1)


def test_a_run_that_failed_says_so(lineage, gathered, tmp_path):
    train_again()
    known = gathered()
    (failed,) = [each for each in graph(known).values() if each.get("error")]
    assert failed["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert "it is all wrong" in failed["error"]
    assert judges.crate(laid_out(known, tmp_path / "pack")) == ""


def test_without_a_run_there_is_none(much):
    nothing = replace(much, facts=replace(much.facts, runs=(), evaluations=()))
    with pytest.raises(PackError, match="no run of it is on record"):
        list(crate.documents(nothing, FILES))


@pytest.mark.slow
def test_a_crate_that_lacks_something_is_not_accepted(much, tmp_path):
    folder = laid_out(much, tmp_path / "pack")
    file = folder / "ro-crate-metadata.json"
    whole = json.loads(file.read_text())
    whole["@graph"] = [
        each for each in whole["@graph"] if each["@type"] != "OrganizeAction" and "Run of" not in str(each.get("name"))
    ]
    file.write_text(json.dumps(whole))
    assert "provenance-run-crate" in judges.crate(folder)
