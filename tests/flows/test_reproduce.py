"""A model made again from its record alone: identical, equivalent or different, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lineal.datasets.cache import Cache
from lineal.models import tracking
from lineal.questions.materials import materials
from lineal.store.log import Store
from lineal.subjects import Subject
from tests.parts.git import commit_all, git
from tests.parts.project import ROOT, few_trees

# Each starts several whole processes, one after the other.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(1200)]

EXAMPLES = {"breast_cancer": "breast-cancer", "wine": "wine", "penguins": "penguins"}
COMMAND = [sys.executable, "-P", "-c", "from lineal.cli.app import main; main()"]
SEARCH = """
name = "sorts"
[source]
uri = "rows.csv"
target = "sold"
[model]
estimator = "sklearn.ensemble.RandomForestClassifier"
params = { random_state = 3, n_jobs = 2 }
[model.search]
space = { n_estimators = [5, 10], max_depth = [2, 3] }
method = "random"
iterations = 3
folds = 3
[evaluate]
metrics = ["accuracy"]
[register]
name = "sorts"
alias = "champion"
"""
OWN = """
name = "own"
[source]
uri = "rows.csv"
target = "sold"
[model]
estimator = "shaky.Shaky"
[evaluate]
metrics = ["accuracy"]
[register]
name = "own"
"""
# Draws from the system's randomness, as no seed reaches it.
SHAKY = """
import os
import numpy as np
from sklearn.linear_model import LogisticRegression

class Shaky(LogisticRegression):
    def __init__(self, noise=1e-13):
        super().__init__()
        self.noise = noise

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.coef_ = self.coef_ + self.noise * int.from_bytes(os.urandom(4)) / 2**32
        return self
"""


@pytest.fixture
def repository(tmp_path, prefect_api, monkeypatch):
    """The working folder: the shipped project with its own copy of the code, in a git repository."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("flows", "tasks", "pipelines"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "prefect.yaml", few_trees(folder))
    (folder / ".gitignore").write_text("__pycache__/\n.lineal/\n")
    rows = [f"{number},{'abc'[number % 3]},{number % 7},{'yes' if number % 3 else 'no'}" for number in range(90)]
    (folder / "rows.csv").write_text("\n".join(["row,sort,weight,sold", *rows]) + "\n")
    (folder / "sorts.toml").write_text(SEARCH)
    commit_all(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LINEAL_HOME", str(folder / ".lineal"))
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    # Its own temporary folder too: other tests, at the same time, make models again as well.
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    return folder


@pytest.fixture
def lineal(repository):
    """Run the command in a process of its own, as the code of each test is its own; status, output, errors."""

    def run(*words):
        done = subprocess.run([*COMMAND, *map(str, words)], cwd=repository, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    return run


def left_behind():
    return sorted(Path(os.environ["TMPDIR"]).glob("lineal-again-*"))


def lost(repository):
    """Take away what the record must do without: the data's files, MLflow's artifacts."""
    shutil.rmtree(repository / "pipelines" / "data")
    (repository / "rows.csv").unlink()
    shutil.rmtree(repository / ".lineal" / "mlartifacts")


def test_it_is_made_again_bit_for_bit_without_its_data_and_artifacts(lineal, repository, check_events):
    assert lineal("run", "pipelines/breast_cancer.toml")[0] == 0
    lost(repository)
    status, out, err = lineal("reproduce", "model:breast-cancer", "--json")
    assert status == 0, out + err
    answer = json.loads(out)
    assert (answer["verdict"], answer["held"], answer["digest"]) == ("identical", True, answer["made"])
    assert [step["same"] for step in answer["steps"]] == [True] * 6
    assert answer["differences"] == []
    assert git(repository, "worktree", "list").count("\n") == 0
    assert left_behind() == []

    log = lineal("events")[1]
    check_events(log)
    events = [json.loads(line) for line in log.splitlines()]
    (end,) = [event for event in events if event["job"]["name"] == "reproduce"][1:]
    assert end["eventType"] == "COMPLETE"
    assert end["run"]["facets"]["lineal_reproduction"]["verdict"] == "identical"
    assert [test["status"] for test in end["run"]["facets"]["test"]["tests"]] == ["pass"]
    assert "models/breast-cancer" in {dataset["name"] for dataset in end["inputs"]}
    found = materials(Store(), Subject.parse("model:breast-cancer"))
    tags = tracking.connect().get_run(found.mlflow_run).data.tags
    assert tags["lineal.reproduced"].startswith("identical (present environment")
    # What was tried in the throw-away place is on no one's record.
    assert [event["job"]["name"] for event in events].count("train") == 2


def test_code_that_no_commit_holds_is_part_of_the_record(lineal, repository):
    # A shell would take it for two words.
    pipeline = (repository / "sorts.toml").rename(repository / "all sorts.toml")
    train = repository / "flows" / "train.py"
    train.write_text(train.read_text().replace("    snapshot = ingest", "    import extra\n\n    snapshot = ingest"))
    (repository / "extra.py").write_text("THERE = True\n")
    shutil.copy(repository / "rows.csv", repository / "other.csv")
    set_over = ("split.seed=5", "model.search.iterations=2", "source.uri=other.csv")
    words = ("run", pipeline.name, *(word for each in set_over for word in ("--set", each)))
    status, out, err = lineal(*words, "--json")
    assert status == 0, err
    digest = json.loads(out)["digest"]
    # The code goes on: what ran is now in no file.
    (repository / "extra.py").unlink()
    (repository / "other.csv").write_text("not,these\n")
    train.write_text("raise SystemExit('not this')\n")
    pipeline.write_text("not = 'this'\n")
    commit_all(repository)
    lost(repository)
    status, out, err = lineal("reproduce", "model:sorts@1")
    assert status == 0, out + err
    assert out.startswith("model:sorts@1: identical (the same digest)")
    assert "with the changes that were not committed" in out

    back = repository.parent / "back"
    status, out, _ = lineal("restore", "model:sorts@1", "--to", back)
    assert status == 1
    assert "the files of the model models:/m-" in out
    assert (back / "code" / "extra.py").read_text() == "THERE = True\n"
    environment = {**os.environ, "LINEAL_HOME": str(back / ".lineal"), "PATH": f"{_bin()}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", back / "run.sh", "--json"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["digest"] == digest


def test_what_no_seed_reaches_is_equivalent_or_different_and_the_parts_are_named(lineal, repository):
    (repository / "own.toml").write_text(OWN)
    (repository / "shaky.py").write_text(SHAKY)
    commit_all(repository)
    for setting in ((), ("--set", "model.params.noise=5.0")):
        status, _, err = lineal("run", "own.toml", *setting)
        assert status == 0, err
    status, out, _ = lineal("reproduce", "model:own@1", "--expect", "equivalent", "--json")
    assert (status, json.loads(out)["verdict"]) == (0, "equivalent")
    assert lineal("reproduce", "model:own@1")[0] == 1
    status, out, _ = lineal("reproduce", "model:own@2", "--expect", "equivalent")
    assert status == 1
    assert out.startswith("model:own@2: different (other predictions)")
    assert "coef_ (float64" in out
    events = [json.loads(line) for line in lineal("events")[1].splitlines()]
    verdicts = [
        event["run"]["facets"].get("lineal_reproduction") for event in events if event["job"]["name"] == "reproduce"
    ]
    assert [facet["verdict"] for facet in verdicts if facet] == ["equivalent", "equivalent", "different"]


def test_a_variation_is_a_run_that_says_what_it_varies(lineal, repository, check_events):
    assert lineal("run", "sorts.toml")[0] == 0
    lost(repository)
    status, out, err = lineal("reproduce", "model:sorts", "--set", "split.seed=9")
    assert status == 0, err
    assert out.startswith("model:sorts@2 varies model:sorts@1 in split.seed=9 and holds @champion now\n")
    assert "lineal diff model:sorts@1 model:sorts@2" in out
    found = materials(Store(), Subject.parse("model:sorts@2"))
    assert found.overrides == ("split.seed=9",)
    assert found.snapshot == materials(Store(), Subject.parse("model:sorts@1")).snapshot
    tags = tracking.connect().get_run(found.mlflow_run).data.tags
    assert (tags["lineal.varies"], tags["lineal.varies.set"]) == ("model:sorts@1", "split.seed=9")
    log = lineal("events")[1]
    check_events(log)
    assert '"varies":"model:sorts@1"' in log
    # It came of the same file, and would be recalled with it.
    models = json.loads(lineal("impact", "file:rows.csv", "--json")[1])["models"]
    assert [(model["number"], bool(model["aliases"])) for model in models] == [(1, True), (2, True)]
    assert "rows.csv@" in lineal("trace", "model:sorts@2")[1]
    assert "sorts.toml is gone" not in lineal("stale")[1]
    # A variation can be made again as any other.
    assert lineal("reproduce", "model:sorts@2")[0] == 0

    status, _, err = lineal("reproduce", "model:sorts@1", "--set", "split.sed=9")
    assert (status, err.splitlines()[-1]) == (
        2,
        "lineal: a variation of model:sorts@1 cannot be made: sorts.toml: --set split.sed=9: [split] sed is no key "
        "here; did you mean seed?",
    )


def test_an_interrupted_reproduction_leaves_nothing_behind(lineal, repository):
    assert lineal("run", "sorts.toml")[0] == 0
    # Where tests run in the background, Ctrl-C is off for all that they start.
    on = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    process = subprocess.Popen(
        [*COMMAND[:-1], f"{on}; {COMMAND[-1]}", "reproduce", "model:sorts"],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 120
    while git(repository, "worktree", "list").count("\n") == 0 and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert left_behind() == []
    assert git(repository, "worktree", "list").count("\n") == 0
    last = json.loads(lineal("events")[1].splitlines()[-1])
    assert (last["job"]["name"], last["eventType"]) == ("reproduce", "ABORT")


def test_what_cannot_be_had_is_one_sentence(lineal, repository):
    assert lineal("run", "sorts.toml")[0] == 0
    snapshot = materials(Store(), Subject.parse("model:sorts")).snapshot
    assert lineal("reproduce", "model:sort")[::2] == (
        2,
        "lineal: model:sort: no model 'sort' is on record; did you mean sorts?\n",
    )
    (repository.parent / "mine").mkdir()
    (repository.parent / "mine" / "notes.txt").write_text("not to be lost\n")
    status, _, err = lineal("restore", "model:sorts", "--to", "../mine")
    assert status == 2
    assert err.endswith("mine holds something already; choose another folder, or add --force to write over it\n")
    assert lineal("restore", "model:sorts", "--to", "../mine", "--force")[0] == 0
    assert (repository.parent / "mine" / "notes.txt").read_text() == "not to be lost\n"
    assert (repository.parent / "mine" / "model" / "model.skops").is_file()
    file = Cache().path(snapshot.version)
    file.chmod(0o644)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"!")
    status, _, err = lineal("reproduce", "model:sorts")
    assert status == 2
    assert err.startswith(f"lineal: sorts.snapshot@{snapshot.version[:12]}: the file ")
    assert "was altered" in err
    file.unlink()
    status, _, err = lineal("reproduce", "model:sorts")
    assert status == 2
    assert "are not in the cache" in err
    file.write_bytes(whole)
    # A history that was begun anew has no such commit.
    commit = git(repository, "rev-parse", "HEAD")
    shutil.rmtree(repository / ".git")
    status, _, err = lineal("reproduce", "model:sorts")
    assert (status, err) == (
        2,
        f"lineal: model:sorts@1 was made by commit {commit[:12]}, and {repository} is in no git repository; "
        "run this in a clone (with git installed)\n",
    )
    (repository / "new.txt").touch()
    commit_all(repository)
    status, _, err = lineal("reproduce", "model:sorts")
    assert status == 2
    assert f"was made by commit {commit[:12]}, which is not in the repository {repository}" in err


def test_without_git_the_present_code_is_taken_and_told(lineal, repository):
    shutil.rmtree(repository / ".git")
    assert lineal("run", "sorts.toml")[0] == 0
    (repository / "sorts.toml").write_text(SEARCH.replace("iterations = 3", "iterations = 1"))
    status, out, err = lineal("reproduce", "model:sorts")
    assert status == 0, out + err
    assert "the present code, as the record names no commit" in out


def _bin():
    return Path(sys.executable).parent


@pytest.mark.parametrize(("file", "model"), EXAMPLES.items())
def test_each_example_from_a_fresh_clone_with_the_dvc_remote(lineal, repository, tmp_path, monkeypatch, file, model):
    """Nothing is left of the folder that trained but its log: data and kept files come from the remote."""
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], check=True)
    (repository / ".dvc" / "config").write_text(
        f"[core]\n    remote = far\n['remote \"far\"']\n    url = {tmp_path / 'far'}\n"
    )
    commit_all(repository)
    train = repository / "flows" / "train.py"
    train.write_text(f"{train.read_text()}\nCHANGED = True\n")
    status, _, err = lineal("run", f"pipelines/{file}.toml")
    assert status == 0, err
    git(tmp_path, "clone", "--quiet", str(repository), "clone")
    shutil.copy(repository / ".lineal" / "lineal.db", tmp_path / "log.db")
    for suffix in ("-wal", "-shm"):
        if (repository / ".lineal" / f"lineal.db{suffix}").exists():
            shutil.copy(repository / ".lineal" / f"lineal.db{suffix}", tmp_path / f"log.db{suffix}")
    shutil.rmtree(repository)
    monkeypatch.chdir(tmp_path / "clone")
    shutil.rmtree(tmp_path / "clone" / "pipelines" / "data")
    environment = {
        **os.environ,
        "LINEAL_STORE": f"sqlite:///{tmp_path}/log.db",
        "LINEAL_HOME": str(tmp_path / "clone" / ".lineal"),
    }
    done = subprocess.run(
        [*COMMAND, "reproduce", f"model:{model}", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert answer["verdict"] == "identical"
    assert "with the changes that were not committed" in answer["code"]
    # There is no MLflow run here to tag.
    assert "could not be tagged" in answer["notes"][0]
