"""Models of the main job compared: one parameter, one cell, one row, one line of code changed, and what is said."""

import json
import subprocess

import pytest

from lineal.datasets.cache import Cache

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]

PIPELINE = "pipelines/breast_cancer.toml"


@pytest.fixture
def train(lineal):
    def run(*words):
        status, out, err = lineal("run", PIPELINE, "--json", *words)
        assert status == 0, err
        return json.loads(out)

    return run


@pytest.fixture
def ask(lineal):
    def call(*words, status=0):
        found, out, err = lineal(*words, "--json")
        assert found == status, err
        return json.loads(out)

    return call


def edit(path, line, change):
    lines = path.read_text().splitlines()
    lines[line] = change(lines[line])
    path.write_text("".join(f"{each}\n" for each in lines if each is not None))


def git(folder, *words):
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_one_changed_parameter_one_changed_cell_and_one_removed_row(train, ask, lineal, project, check_events):
    data = project / "pipelines" / "data" / "breast_cancer.csv"
    train()
    train("--set", "model.params.max_depth=2")
    edit(data, 7, lambda line: ",".join(["7", "40.0", *line.split(",")[2:]]))
    train()
    edit(data, 30, lambda _: None)
    train()

    answer = ask("diff", "model:breast-cancer@1", "model:breast-cancer@2")
    assert answer["parameters"] == [{"key": "max_depth", "left": "5", "right": "2"}]
    assert [cause["aspect"] for cause in answer["causes"]] == ["parameters"]
    assert {"data", "pipeline file", "seeds", "code", "packages", "environment", "features"} <= set(answer["equal"])
    assert answer["tables"] == []
    assert {metric["name"] for metric in answer["metrics"]} == {"accuracy", "f1_macro", "roc_auc"}
    assert all(metric["noise"] is not None for metric in answer["metrics"])
    assert answer["predictions"]["common"] == 143
    changed = answer["predictions"]["changed"]
    assert answer["predictions"]["now_right"] + answer["predictions"]["now_wrong"] == changed

    answer = ask("diff", "model:breast-cancer@1", "model:breast-cancer@3")
    snapshot = answer["tables"][0]
    assert (snapshot["added"], snapshot["removed"], snapshot["changed"]) == (0, 0, 1)
    assert snapshot["examples"] == [{"id": "7", "column": "mean radius", "left": "18.25", "right": "40"}]
    assert [column["name"] for column in snapshot["columns"]] == ["mean radius"]
    assert answer["causes"][0]["aspect"] == "data"
    assert answer["parameters"] == []

    answer = ask("diff", "model:breast-cancer@3", "model:breast-cancer@4")
    assert (answer["tables"][0]["added"], answer["tables"][0]["removed"]) == (0, 1)
    assert answer["tables"][0]["removed_ids"] == ["30"]

    shown = lineal("diff", "model:breast-cancer@1", "model:breast-cancer@4")[1]
    assert len(shown.splitlines()) <= 50
    assert "1 removed, 1 changed, by sample" in shown
    assert (
        "both are model:breast-cancer@4: the same" in lineal("diff", "model:breast-cancer@4", "model:breast-cancer")[1]
    )

    runs = [version["run_id"] for version in ask("history", "model:breast-cancer")["versions"]]
    of_runs = ask("diff", f"run:{runs[-1]}", f"run:{runs[-2]}")
    assert of_runs["parameters"] == [{"key": "max_depth", "left": "5", "right": "2"}]

    changed = [version["changed"] for version in ask("history", "model:breast-cancer")["versions"]]
    assert changed == [
        ["data (569 → 568 rows)"],
        ["data", "params (max_depth 2 → 5)"],
        ["params (max_depth 5 → 2)"],
        [],
    ]
    tables = ask("history", "dataset:breast-cancer.snapshot", "--limit", "2")
    assert tables["total"] == 3
    assert [version["changed"] for version in tables["versions"]] == [["569 → 568 rows"], ["values"]]
    check_events(lineal("events")[1])


def test_text_regression_and_rows_without_an_id_are_compared_as_well(lineal, project, ask):
    """The other examples: a search, three classes without an id, missing values, a number to predict."""
    for name, data in (("wine", "wine.csv"), ("penguins", "penguins.csv")):
        lineal("run", f"pipelines/{name}.toml", "--json")
        edit(project / "pipelines" / "data" / data, 5, lambda _: None)
        assert lineal("run", f"pipelines/{name}.toml", "--json")[0] in (0, 1)
        one, two = (version["run_id"] for version in reversed(ask("history", f"dataset:{name}.snapshot")["versions"]))
        answer = ask("diff", f"run:{one}", f"run:{two}")
        assert (answer["tables"][0]["added"], answer["tables"][0]["removed"]) == (0, 1)
        assert answer["missing"] == []
        assert answer["predictions"] is None or answer["predictions"]["common"] > 0
        assert all(metric["noise"] is not None for metric in answer["metrics"])


def test_a_version_whose_bytes_are_gone_is_named_and_the_rest_told(train, ask, lineal, project):
    train()
    edit(project / "pipelines" / "data" / "breast_cancer.csv", 30, lambda _: None)
    train("--set", "model.params.max_depth=2")
    version = ask("history", "dataset:breast-cancer.snapshot")["versions"][1]["version"]
    Cache().get(version).unlink()
    answer = ask("diff", "model:breast-cancer@1", "model:breast-cancer@2")
    assert any(f"breast-cancer.snapshot@{version[:8]} are gone" in sentence for sentence in answer["missing"])
    assert answer["parameters"][0]["key"] == "max_depth"
    status, _, err = lineal("diff", f"dataset:breast-cancer.snapshot@{version}", "dataset:breast-cancer.snapshot")
    assert status == 2
    assert "bring them back (lineal restore), or run again" in err


def test_what_is_stale_and_whether_running_again_could_change_it(train, ask, project, monkeypatch):
    # The shipped flows are linked into the project: a copy can be committed and changed.
    import shutil

    for name in ("flows", "tasks"):
        target = (project / name).resolve()
        (project / name).unlink()
        shutil.copytree(target, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    git(project, "init", "--quiet")
    (project / ".gitignore").write_text(".lineal\n__pycache__\n")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "first")
    from lineal.models.environment import _environment

    _environment.cache_clear()
    train()
    assert ask("stale")["items"] == []

    pipeline = project / PIPELINE
    text = pipeline.read_text()
    pipeline.write_text(text.replace("Oncology analytics", "Somebody else"))
    (item, *_) = ask("stale", status=1)["items"]
    assert [(finding["about"], finding["matters"]) for finding in item["findings"]] == [("pipeline file", False)]
    pipeline.write_text(text.replace("max_depth = 5", "max_depth = 6"))
    (item, *_) = ask("stale", status=1)["items"]
    assert "model.params.max_depth 5 → 6" in item["findings"][0]["sentence"]
    assert item["findings"][0]["matters"]
    pipeline.write_text(f"# a comment\n{text}")
    assert ask("stale")["items"] == []
    pipeline.write_text(text)

    flow = project / "flows" / "train.py"
    code = flow.read_text()
    flow.write_text(f"{code}# more\n")
    (item, *_) = ask("stale", status=1)["items"]
    assert item["findings"][0]["about"] == "code"
    assert "flows/train.py" in item["findings"][0]["sentence"]
    flow.write_text(code)

    data = project / "pipelines" / "data" / "breast_cancer.csv"
    rows = data.read_text()
    data.write_text(rows.replace("17.99", "17.98"))
    (item, *_) = ask("stale", status=1)["items"]
    assert item["findings"][0]["sentence"] == "pipelines/data/breast_cancer.csv has changed"
    data.unlink()
    (item, *_) = ask("stale", status=1)["items"]
    assert item["findings"][0]["sentence"] == "pipelines/data/breast_cancer.csv is gone"
    data.write_text(rows)
    assert ask("stale")["items"] == []
