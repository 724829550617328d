"""What a run leaves in DVC, and what plain `dvc` commands make of it."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lineal.models import tracking
from tests.parts import s3
from tests.parts.project import clone

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]

TABLES = ("snapshot", "train", "test", "evaluation", "importances")


def command(*words, folder, status=0, **environment):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=os.environ | {"PATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def git(*words, folder):
    return command("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *words, folder=folder)


@pytest.fixture
def remote(project, tmp_path):
    """The project under git and DVC, with a folder as its default remote."""
    git("init", "--quiet", folder=project)
    command("dvc", "init", "--quiet", folder=project)
    command("dvc", "remote", "add", "-d", "backup", tmp_path / "remote", folder=project)
    return tmp_path / "remote"


def events(lineal, job):
    found = [json.loads(line) for line in lineal("events")[1].splitlines()]
    return [event for event in found if event["job"]["name"] == job and event["eventType"] == "COMPLETE"]


def test_every_version_of_a_run_is_in_the_remote_and_its_pointers_work(lineal, project, remote, tmp_path, check_events):
    result = json.loads(lineal("run", "pipelines/wine.toml", "--json")[1])
    check_events(lineal("events")[1])
    (event,) = events(lineal, "train.version")
    facets = {each["name"]: each["facets"]["lineal_dvc"] for each in event["inputs"]}
    assert set(facets) == {f"wine.{table}" for table in TABLES}
    for name, facet in facets.items():
        assert (facet["remote"], facet["pushed"], facet["path"]) == ("backup", True, f"{name}.parquet")
        assert (remote / "files/md5" / facet["md5"][:2] / facet["md5"][2:]).stat().st_size == facet["size"]
    assert event["outputs"] == []

    # Another machine has the pointers and the remote, and plain dvc.
    other = tmp_path / "other"
    other.mkdir()
    command("dvc", "init", "--no-scm", "--quiet", folder=other)
    command("dvc", "remote", "add", "-d", "backup", remote, folder=other)
    client = tracking.connect()
    for item in client.list_artifacts(result["tracked"]["run_id"], "data"):
        shutil.copy(client.download_artifacts(result["tracked"]["run_id"], item.path), other)
    assert {file.name for file in other.glob("wine*.dvc")} == {f"wine.{table}.dvc" for table in TABLES}
    command("dvc", "pull", folder=other)
    snapshot = (other / "wine.snapshot.parquet").read_bytes()
    (other / "wine.snapshot.parquet").unlink()
    command("dvc", "checkout", "wine.snapshot.dvc", folder=other)
    assert (other / "wine.snapshot.parquet").read_bytes() == snapshot
    command("dvc", "get", other, "wine.train.parquet", "--out", "got.parquet", folder=tmp_path)
    lineal("restore", "dataset:wine.train", "--to", "restored.parquet")
    assert (tmp_path / "got.parquet").read_bytes() == (project / "restored.parquet").read_bytes()


def test_a_remote_that_refuses_costs_a_warning_and_is_tried_again(lineal, project, remote):
    remote.touch()
    status, out, _ = lineal("run", "pipelines/wine.toml")
    assert status == 0
    said = " ".join(out.split())
    assert (
        f"7 files of the run are not pushed: the DVC remote backup ({remote}) refuses to push: Not a directory" in said
    )
    assert "; the next run tries again" in said
    (event,) = events(lineal, "train.version")
    facet = event["inputs"][0]["facets"]["lineal_dvc"]
    assert facet["pushed"] is False
    assert "refuses to push" in facet["problem"]
    remote.unlink()
    status, out, _ = lineal("run", "pipelines/penguins.toml")
    assert (status, "not pushed" in out) == (0, False)
    # Five tables of each run, the parts of each model, and the packages that both had.
    assert len([file for file in remote.rglob("*") if file.is_file()]) == 13


def test_an_s3_remote_holds_them_and_gives_them_back(lineal, project, remote, tmp_path, monkeypatch):
    for name, value in s3.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with s3.bucket("versions", tmp_path / "moto.log") as url:
        command("dvc", "remote", "add", "-d", "cloud", "s3://versions/lineal", folder=project)
        command("dvc", "remote", "modify", "cloud", "endpointurl", url, folder=project)
        status, out, err = lineal("run", "pipelines/wine.toml")
        assert status == 0, err
        assert "not pushed" not in out
        shutil.rmtree(project / ".dvc" / "cache")
        status, out, err = lineal("restore", "dataset:wine.train", "--to", "train.csv", "--json")
        assert status == 0, err
        assert json.loads(out)["remote"] == "cloud"
        command("dvc", "fetch", folder=project)
    shutil.rmtree(project / ".dvc" / "cache")
    monkeypatch.setattr("lineal.datasets.patience.SECONDS", 3)
    start = time.monotonic()
    status, _, err = lineal("restore", "dataset:wine.test")
    assert status == 2
    assert "the DVC remote cloud (s3://versions/lineal)" in err
    assert len(err.splitlines()) == 1
    assert time.monotonic() - start < 30
    assert "secret-of-ada" not in lineal("events")[1]


def test_the_shipped_project_is_reproduced_compared_and_drawn_by_dvc(project, tmp_path):
    """The commands of the how-to, on the files that a clone has."""
    folder = clone(tmp_path / "clone")
    home = {"LINEAL_HOME": str(folder / ".lineal")}

    drawn = command("dvc", "dag", folder=folder)
    assert all(name in drawn for name in ("breast-cancer", "wine", "penguins"))
    command("dvc", "repro", "penguins", folder=folder, **home)
    # No tracked file has changed; what is new is for the user to commit, with DVC's own .gitignore beside it.
    assert all(line.startswith("?? ") for line in git("status", "--porcelain", folder=folder).splitlines())
    assert "didn't change, skipping" in command("dvc", "repro", "penguins", folder=folder, **home)
    git("add", ".", folder=folder)
    git("commit", "--quiet", "-m", "Train", folder=folder)
    assert "results/penguins/metrics.json" in git("ls-files", folder=folder)

    pipeline = folder / "pipelines" / "penguins.toml"
    changed = pipeline.read_text().replace("[split]", "[split]\ntest_size = 0.4", 1)
    lines = [line for line in changed.splitlines() if line != "test_size = 0.25"]
    pipeline.write_text("\n".join(lines) + "\n")
    command("dvc", "repro", "penguins", folder=folder, **home)
    params = json.loads(command("dvc", "params", "diff", "--json", folder=folder))
    assert params["pipelines/penguins.toml"]["split.test_size"]["new"] == 0.4
    metrics = json.loads(command("dvc", "metrics", "diff", "--all", "--json", folder=folder))
    assert "r2" in metrics["results/penguins/metrics.json"]
    command("dvc", "plots", "diff", "--out", "plots", folder=folder)
    page = (folder / "plots" / "index.html").read_text()
    assert all(f"results/penguins/{name}.csv" in page for name in ("predictions", "importances"))


def test_the_files_of_a_result_are_the_same_again(lineal, project):
    for folder in ("one", "two"):
        assert lineal("run", "pipelines/breast_cancer.toml", "--out", folder)[0] == 0
    assert {file.name for file in Path("one").iterdir()} == {
        "metrics.json",
        "predictions.csv",
        "importances.csv",
        "roc.csv",
    }
    for file in Path("one").iterdir():
        assert file.read_bytes() == (Path("two") / file.name).read_bytes()
    assert json.loads(Path("one/metrics.json").read_text())["roc_auc"] > 0.9
