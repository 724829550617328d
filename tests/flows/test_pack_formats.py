"""The documents in the packs of the shipped pipelines' models: accepted by outside tools, and true of the model."""

import json
import re
import zipfile

import pandas as pd
import pytest
import yaml

from tests.parts import judges

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]


def test_outside_tools_accept_them(packed):
    assert judges.formats(packed.folder) == {}
    assert len(list((packed.folder / "croissant").glob("*.json"))) == 4


def test_the_bill_of_materials_is_the_models(packed):
    made = json.loads((packed.folder / "bom.cdx.json").read_text())
    model = made["metadata"]["component"]
    assert model["name"] == packed.name
    files = {each["name"]: each["hashes"][0]["content"] for each in model["components"]}
    listed = {
        each["path"]: each["sha256"] for each in json.loads((packed.folder / "manifest.json").read_text())["files"]
    }
    assert "model/model.skops" in files
    assert files.items() <= listed.items()
    packages = {each["name"] for each in made["components"] if each["type"] == "library"}
    assert {"scikit-learn", "mlflow", "numpy"} <= packages
    lines = (packed.folder / "code" / "packages.txt").read_text().splitlines()
    assert len(packages) == len([line for line in lines if "==" in line])


def test_the_crate_is_around_all_files_and_its_workflow_is_the_pipeline_file(packed):
    entities = json.loads((packed.folder / "ro-crate-metadata.json").read_text())["@graph"]
    found = {each["@id"]: each for each in entities}
    workflow = found[found["./"]["mainEntity"]["@id"]]
    assert workflow["@id"].startswith("code/")
    assert (packed.folder / workflow["@id"]).suffix == ".toml"
    steps = [found[each["@id"]]["name"] for each in workflow["step"]]
    assert steps[:4] == ["train.ingest", "train.check", "train.split", "train.train"]
    assert found["https://www.prefect.io/"]["name"] == "Prefect"


def test_the_card_tells_the_recorded_metrics_and_shows_its_pictures(packed):
    text = (packed.folder / "model-card.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    told = {
        metric["type"]: metric["value"]
        for result in front["model-index"][0]["results"]
        if result["dataset"]["split"] == "test"
        for metric in result["metrics"]
    }
    events = [json.loads(line) for line in (packed.folder / "events" / "events.ndjson").read_text().splitlines()]
    (judged,) = [
        event for event in events if event["job"]["name"] == "train.evaluate" and event["eventType"] == "COMPLETE"
    ]
    recorded = judged["run"]["facets"]["lineal_metrics"]["metrics"]
    assert told == {each["name"]: each["value"] for each in recorded if each["of"] == "held-out"}
    pictures = re.findall(r"!\[.*\]\((.*)\)", text)
    assert pictures
    assert all((packed.folder / picture).is_file() for picture in pictures)


def test_the_rows_of_a_pack_with_data_are_read_by_its_croissant(packed, tmp_path):
    packed.lineal("export", f"model:{packed.name}@1", "--to", tmp_path / "with.zip", "--with-data")
    with zipfile.ZipFile(tmp_path / "with.zip") as archive:
        archive.extractall(tmp_path / "pack")
    (described,) = (tmp_path / "pack" / "croissant").glob("*.train@*.json")
    (kept,) = (tmp_path / "pack" / "data").glob("*.train@*.parquet")
    rows, frame = judges.rows(described), pd.read_parquet(kept)
    assert len(rows) == len(frame)
    assert list(rows[0]) == list(frame.columns)
