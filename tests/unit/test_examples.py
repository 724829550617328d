"""The example pipelines and their data."""

import csv
import importlib.util
from pathlib import Path

import pytest
import yaml

from lineal.orchestration.project import Entrypoint, flow_entrypoint
from lineal.pipeline import load
from lineal.settings import PROJECT_MARKS

ROOT = next(up for up in Path(__file__).parents if (up / PROJECT_MARKS[0]).exists())
PIPELINES = sorted((ROOT / "pipelines").glob("*.toml"))


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("make_example_data", ROOT / "pipelines" / "data" / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_there_is_one_for_each_kind_of_target():
    assert [path.name for path in PIPELINES] == ["breast_cancer.toml", "penguins.toml", "wine.toml"]


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_each_names_its_data_its_owner_and_where_the_model_goes(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    pipeline = load(path)

    columns = set(rows(Path(pipeline.uri))[0])
    named = {pipeline.source.target, *pipeline.source.drop, *filter(None, [pipeline.source.id])}
    assert named <= columns
    assert {check.column for check in pipeline.checks if check.column} <= columns
    assert pipeline.description
    assert pipeline.owner
    assert pipeline.evaluate.gates
    assert pipeline.evaluate.champion
    assert pipeline.register_.alias == "champion"


def test_each_data_file_is_told_of_with_its_licence():
    told = (ROOT / "pipelines" / "data" / "README.md").read_text()

    for file in (ROOT / "pipelines" / "data").glob("*.csv"):
        line = next(line for line in told.splitlines() if f"`{file.name}`" in line)
        assert f"| {len(rows(file))} |" in line
        assert "CC" in line.rsplit("|", 2)[1]


@pytest.mark.parametrize("name", ["breast_cancer", "wine"])
def test_the_data_are_scikit_learns_value_for_value(make, name):
    assert (ROOT / "pipelines" / "data" / f"{name}.csv").read_text() == getattr(make, name)()


def test_the_penguins_lack_what_nobody_measured():
    penguins = rows(ROOT / "pipelines" / "data" / "penguins.csv")

    missing = {name: sum(penguin[name] == "NA" for penguin in penguins) for name in penguins[0]}
    assert {name: count for name, count in missing.items() if count and name != "Comments"} == {
        "Sex": 9,
        "Delta 15 N (o/oo)": 12,
        "Delta 13 C (o/oo)": 11,
    }


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_each_has_a_deployment_with_a_schedule(path):
    text = (ROOT / "prefect.yaml").read_text()
    [deployment] = [
        deployment
        for deployment in yaml.safe_load(text)["deployments"]
        if deployment.get("parameters", {}).get("pipeline") == f"pipelines/{path.name}"
    ]

    assert deployment["name"] == load(path).name
    assert set(deployment["tags"]) == {"train", deployment["name"]}
    assert deployment["schedules"][0].keys() == {"cron", "timezone"}
    assert deployment["concurrency_limit"]["limit"] == 1
    assert deployment["work_pool"] == {"name": "local"}
    assert flow_entrypoint(path, ROOT) == Entrypoint("flows.train.train", ROOT)
