"""`lineal impact` and `lineal recall`: what they say, ask and refuse."""

import json
import subprocess
from pathlib import Path

import pytest

from lineal import Dataset
from tests.parts.made_up import evaluate, fit, register, score, step, table


@pytest.fixture
def recorded(lineage, tmp_path, monkeypatch):
    """A file, a model that rests on it and holds no alias, and a batch that it predicted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.csv").write_text("x\n1\n")
    (data,) = step(Dataset(tmp_path / "raw.csv"), makes=[("train", "1")])
    model = fit(data)
    model = register(model, evaluate(model), 1, alias=None)
    score(model, table("batch"), rows=1000)
    return lineage


def test_what_came_of_a_file_as_a_tree_and_in_numbers(run, recorded):
    status, out, _ = run("impact", "file:raw.csv")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "file:raw.csv"
    assert [line.split("@")[0].strip("│├└─ ") for line in lines[1:8]] == [
        "raw.csv",
        "s3://lake/train",
        "demo.model",
        "s3://lake/evaluation",
        "models/demo",
        "demo.predictions",
        "",
    ]
    assert "1,000 predictions  ← score" in out
    assert "2 dataset versions, 1 model, 1 batch of 1,000 predictions" in lines
    answer = json.loads(run("impact", "file:raw.csv", "--json")[1])
    assert answer["counts"] == {"datasets": 2, "models": 1, "batches": 1, "predictions": 1000}
    assert answer["versions"][0]["above"] is None
    assert {version["name"] for version in answer["versions"]} >= {"demo.predictions", "models/demo"}


def test_what_a_run_made_came_of_it_and_a_model_did_not_come_of_itself(run, recorded):
    model = register(fit(table("train", "2")), table("evaluation", "2"), 2, alias="champion")
    score(model, table("batch"), rows=20)
    register_run = recorded.events("register", "COMPLETE")[-1]["run"]["runId"]
    assert (
        "0 dataset versions, 1 model (1 holds @champion), 1 batch of 20 predictions"
        in run("impact", f"run:{register_run}")[1].splitlines()
    )
    assert json.loads(run("impact", f"run:{register_run}", "--json")[1])["counts"]["models"] == 1
    out = run("impact", "model:demo@2")[1]
    assert "0 dataset versions, 0 models, 1 batch of 20 predictions" in out.splitlines()


def test_the_next_command_can_be_copied_into_a_shell(run, recorded, tmp_path):
    named = tmp_path / "raw $(touch owned) 'of may'.csv"
    named.write_text("y\n2\n")
    step(Dataset(named), makes=[("batch", "7")])
    assert run("impact", f"file:{named.name}")[1].splitlines()[-1] == "lineal trace dataset:batch@7"
    for words in (("recall", f"file:{named.name}", "--reason", "bad", "--yes"), ("impact", "file:raw.csv")):
        shown = [line for line in run(*words)[1].splitlines() if line.startswith("lineal ")]
        for line in shown:
            done = subprocess.run(["sh", "-c", f"set -- {line}; printf '%s\\n' \"$@\""], capture_output=True, text=True)
            _, name, subject, *_ = done.stdout.splitlines()
            assert run(name, subject)[0] == 0 or name == "events", line
    assert not Path("owned").exists()


def test_nothing_came_of_it(run, recorded):
    assert "nothing on record came of it" in run("impact", "dataset:demo.predictions")[1]


def test_the_depth_is_said(run, recorded):
    out = run("impact", "file:raw.csv", "--depth", "1")[1]
    assert "further on; raise --depth" in out
    assert "1 dataset version, 0 models, 0 batches" in out


def test_what_cannot_be_asked(run, recorded):
    for subject, said in (
        ("prediction:1", "cannot be asked about here"),
        ("file:none.csv", "there is no such file, and none on record"),
        ("model:nope", "no model 'nope' is on record"),
    ):
        status, out, err = run("impact", subject)
        assert (status, out) == (2, "")
        assert said in err
        assert err.count("\n") == 1


def test_without_a_terminal_it_does_not_ask_and_does_nothing(run, recorded):
    status, out, err = run("recall", "file:raw.csv", "--reason", "wrong labels")
    assert (status, out) == (2, "")
    assert err == "lineal: file:raw.csv: there is no terminal to ask on; give --yes to do it unasked\n"
    assert recorded.events("recall") == []


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_it_shows_the_plan_and_asks(run, recorded, monkeypatch, answer, status):
    class Terminal:
        isatty = staticmethod(lambda: True)
        readline = staticmethod(lambda: answer)

    monkeypatch.setattr("sys.stdin", Terminal)
    ended, _, err = run("recall", "file:raw.csv", "--reason", "wrong labels")
    assert ended == status
    assert "file:raw.csv would be recalled: wrong labels" in err
    assert "rests on it: model:demo@1" in err
    assert "no alias moves" in err
    assert len(recorded.events("recall", "COMPLETE")) == (status == 0)


def test_a_recall_shows_in_trace_and_list_until_it_is_undone(run, recorded):
    status, out, _ = run("recall", "file:raw.csv", "--reason", "wrong labels", "--yes")
    assert status == 0
    assert "file:raw.csv is recalled: wrong labels" in out
    shown = "RECALLED  wrong labels (file:raw.csv, "
    for subject in ("file:raw.csv", "model:demo@1", "dataset:demo.predictions"):
        assert shown in run("trace", subject)[1]
    assert json.loads(run("trace", "model:demo", "--json")[1])["recalls"][0]["reason"] == "wrong labels"
    assert "file:raw.csv: wrong labels" in run("list", "models")[1]
    assert json.loads(run("list", "models", "--json")[1])["models"][0]["recalled"] == "file:raw.csv: wrong labels"
    listed = {each["name"]: each["recalled"] for each in json.loads(run("list", "datasets", "--json")[1])["datasets"]}
    assert [why for name, why in listed.items() if name.endswith("raw.csv")] == ["wrong labels"]
    assert [why for name, why in listed.items() if not name.endswith("raw.csv")] == [None] * 4

    done = json.loads(run("recall", "file:raw.csv", "--reason", "it was right", "--yes", "--undo", "--json")[1])
    assert (done["undone"], done["done"]["moved"]) == (True, [])
    assert "RECALLED" not in run("trace", "model:demo@1")[1]
    assert "recalled" not in run("list", "models")[1]


def test_a_reason_is_asked_for(run, recorded):
    status, _, err = run("recall", "file:raw.csv", "--yes")
    assert status == 2
    assert "--reason" in err
    assert "--reason is empty" in run("recall", "file:raw.csv", "--yes", "--reason", " ")[2]
    assert "cannot be asked about here" in run("recall", "run:1", "--yes", "--reason", "bad")[2]
    assert "it is not recalled" in run("recall", "file:raw.csv", "--yes", "--undo", "--reason", "good")[2]


def test_what_was_known_then(run, recorded):
    score_made = recorded.event("score")["eventTime"]
    before = recorded.event("score", "START")["eventTime"]
    assert run("recall", "file:raw.csv", "--reason", "wrong labels", "--yes")[0] == 0
    answer = json.loads(run("impact", "file:raw.csv", "--as-of", before, "--json")[1])
    assert answer["counts"]["batches"] == 0
    assert answer["as_of"]["time"] == before
    status, out, _ = run("impact", "file:raw.csv", "--as-of", score_made)
    assert status == 0
    assert out.startswith("as of 20")
    assert "1 batch of 1,000 predictions" in out
    assert "RECALLED" in run("trace", "model:demo")[1]
    assert "RECALLED" not in run("trace", "model:demo", "--as-of", score_made)[1]
    models = json.loads(run("list", "models", "--as-of", score_made, "--json")[1])
    assert [model["recalled"] for model in models["models"]] == [None]
    assert models["as_of"]["event"] == len(recorded.events()) - 2
    for words in (["list", "models"], ["trace", "model:demo"], ["impact", "model:demo"]):
        status, out, err = run(*words, "--as-of", "2999-01-01")
        assert (status, out) == (2, "")
        assert "lies ahead" in err
    assert "no part of the log" in run("list", "pipelines", "--as-of", "2020-01-01")[2]
