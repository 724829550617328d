"""The command: what it loads, how it ends, and what it says."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lineal import Column, Dataset, Model, traced
from lineal.cli.app import main
from lineal.tracing.decorator import current_run

HEAVY = ("prefect", "mlflow", "sklearn", "pandas", "dvc", "matplotlib", "scipy")


def loaded_by(code):
    """The packages that a fresh interpreter has loaded after some code."""
    script = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    return set(done.stderr.split())


@pytest.fixture
def recorded(lineage, tmp_path):
    """A store with a model that has a descent."""
    (tmp_path / "raw.csv").write_text("a,y\n1,2\n")

    @traced
    def train(raw: Dataset) -> Model:
        return register(ingest(raw))

    @traced
    def ingest(raw: Dataset) -> Dataset:
        (tmp_path / "table.parquet").write_bytes(b"table")
        return Dataset(tmp_path / "table.parquet", name="demo.train", rows=1, columns=(Column("a", "int64"),))

    @traced
    def register(table: Dataset) -> Model:
        model = Model("models/demo", "d1" * 32, "models:/demo/1", namespace="mlflow://local", number=1)
        about = {"namespace": "mlflow://local", "name": "demo", "number": 1, "digest": model.digest, "reason": "held"}
        moved = about | {"action": "move-alias", "alias": "champion"}
        current_run().decisions([about | {"action": "register"}, moved], by="a rule")
        return model

    train(Dataset(tmp_path / "raw.csv"))
    return lineage


def test_importing_lineal_loads_nothing_heavy():
    assert not loaded_by("import lineal") & {
        *HEAVY,
        "sqlalchemy",
        "openlineage",
        "rich",
        "cyclopts",
        "pydantic",
        "pyarrow",
    }


def test_help_loads_nothing_heavy():
    code = "from lineal.cli.app import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert not loaded_by(code) & {*HEAVY, "sqlalchemy", "openlineage", "pyarrow"}


def test_asking_loads_neither_prefect_nor_mlflow(recorded):
    code = "from lineal.cli.app import main\ntry: main(['trace', 'model:demo@1'])\nexcept SystemExit: pass"
    assert not loaded_by(code) & {*HEAVY, "openlineage", "pyarrow", "numpy", "pydantic_core"}


def test_asking_for_a_row_loads_none_of_arrows_functions():
    code = "import sys, lineal.questions.prediction; sys.exit('pyarrow.compute' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_json_of_no_descent_loads_none():
    assert "sqlalchemy" not in loaded_by("from lineal.reports.terminal import to_json; to_json({'pipelines': []})")


def test_a_model_is_traced_by_number_alias_and_digest(run, recorded, tmp_path):
    for version in ("1", "v1", "champion", "d1d1", ""):
        subject = f"model:demo@{version}" if version else "model:demo"
        status, out, _ = run("trace", subject, "--json")
        answer = json.loads(out)
        assert (status, answer["subject"]) == (0, "model:demo@1")
        assert answer["node"]["inputs"][0]["inputs"][0]["name"] == str(tmp_path / "raw.csv")
    status, out, _ = run("trace", "model:demo")
    assert "model:demo@1  @champion" in out
    assert "demo.train@" in out


def test_the_descent_stops_where_it_was_told_to(run, recorded):
    node = json.loads(run("trace", "model:demo", "--depth", "1", "--json")[1])["node"]
    assert [child["name"] for child in node["inputs"]] == ["demo.train"]
    assert node["inputs"][0]["inputs"] == []
    assert node["inputs"][0]["cut"] is True


def test_a_file_is_known_by_its_content_wherever_it_lies(run, recorded, tmp_path):
    (tmp_path / "raw.csv").rename(tmp_path / "moved.csv")
    status, out, _ = run("trace", f"file:{tmp_path}/moved.csv", "--json")
    assert (status, json.loads(out)["node"]["name"]) == (0, str(tmp_path / "raw.csv"))


def test_a_run_is_found_by_the_beginning_of_its_id(run, recorded):
    whole = recorded.event("train.ingest")["run"]["runId"]
    answer = json.loads(run("trace", f"run:{whole[:23]}", "--json")[1])  # what comes before is the time of day
    assert answer["subject"] == f"run:{whole}"
    assert answer["node"]["name"] == "demo.train"


@pytest.mark.parametrize(
    ("subject", "sentence"),
    [
        ("model:dmeo", "no model 'dmeo' is on record; did you mean demo?"),
        ("model:demo@7", "model demo has no version or alias '7'; there are 1 @champion"),
        ("dataset:demo.trian", "no dataset 'demo.trian' is on record; did you mean demo.train?"),
        ("dataset:demo.train@ffff", "there is no such version; there are"),
        ("run:ffffffff", "no run on record has an id that begins so; see `lineal list runs`"),
        ("file:nowhere.csv", "there is no such file, and none on record; see `lineal list datasets`"),
        ("prediction:1", "is no prediction id; they look like p01k2m9c3q8x4_17"),
        ("record:demo/1", "cannot be asked about here; write one of model:NAME@VERSION_OR_ALIAS"),
        ("mdel:demo", "is no subject; did you mean model:demo?"),
    ],
)
def test_what_is_not_there_is_said_in_one_sentence(run, recorded, subject, sentence):
    status, out, err = run("trace", subject)
    assert (status, out) == (2, "")
    assert err.startswith(f"lineal: {subject}") or err.startswith(f"lineal: '{subject}'")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_failed_run_says_which_of_its_parts_failed_and_where(run, lineage):
    @traced
    def works(): ...

    @traced
    def breaks():
        raise ValueError("the third column is gone\nand more")

    @traced
    def whole():
        works()
        try:
            breaks()
        except ValueError as problem:
            raise RuntimeError("no table") from problem

    with pytest.raises(RuntimeError):
        whole()
    (failed,) = lineage.events("whole", "FAIL")
    status, out, _ = run("trace", f"run:{failed['run']['runId']}")
    assert status == 0
    facts = dict(line.strip().split("  ", 1) for line in out.splitlines() if line.startswith("  "))
    assert facts["error"].strip() == "no table"
    part = facts["failed in"].strip()
    assert part.startswith("whole.breaks  ")
    assert part.endswith(": the third column is gone")
    assert "works" not in out
    place = facts["at"].strip()
    assert place.startswith(f'"{__file__}", line ')
    assert place.endswith("in whole")


def test_lists(run, recorded):
    models = json.loads(run("list", "models", "--json")[1])["models"]
    assert [(row["name"], row["number"], row["aliases"]) for row in models] == [("demo", 1, ["champion"])]
    names = {row["name"] for row in json.loads(run("list", "datasets", "--json")[1])["datasets"]}
    assert "demo.train" in names
    assert not any(name.startswith("models/") for name in names)
    runs = json.loads(run("list", "runs", "--json")[1])["runs"]
    assert [(row["job"], row["state"]) for row in runs] == [("train", "COMPLETE")]
    for what in ("models", "datasets", "runs"):
        status, out, _ = run("list", what)
        assert status == 0
        assert "lineal trace" in out


def test_pipelines_are_listed_with_what_is_wrong_with_one(run, tmp_path, monkeypatch):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "prefect.yaml").write_text("")
    (tmp_path / "pipelines" / "bad.toml").write_text("name = 1\n")
    monkeypatch.chdir(tmp_path)
    status, out, _ = run("list", "pipelines")
    assert status == 0
    assert "pipelines/bad.toml" in out
    assert "name" in out


PIPELINE = """
name = "NAME"
source = { uri = "x.csv", target = "y" }
split = { seed = 1 }
model = { estimator = "sklearn.tree.DecisionTreeClassifier" }
"""


@traced
def ran(file):
    """As `lineal run` records a pipeline file."""
    asked = {"pipeline.file": file, "source.target": "y", "model.estimator": "sklearn.tree.DecisionTreeClassifier"}
    current_run().parameters(asked)
    current_run().output(Dataset("s3://lake/x", name=f"{file.stem}.snapshot", version="1"))


def test_pipelines_are_listed_wherever_their_files_lie(run, lineage, tmp_path, monkeypatch):
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    for file in (project / "pipelines" / "shipped.toml", project / "own.toml", elsewhere / "far.toml"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(PIPELINE.replace("NAME", file.stem))
    (project / "prefect.yaml").write_text("")
    (project / "pyproject.toml").write_text('[project]\nname = "no pipeline"\n')
    (project / "broken.toml").write_text("[")
    monkeypatch.chdir(project)
    for file in (elsewhere / "far.toml", project / "own.toml", elsewhere / "gone.toml"):
        ran(file)
    items = json.loads(run("list", "pipelines", "--json")[1])["pipelines"]
    assert [(item["name"], item["problem"]) for item in items] == [
        ("own", None),
        ("shipped", None),
        ("far", None),
        ("gone", "on record only: the file is gone"),
    ]
    status, out, _ = run("list", "pipelines")
    assert status == 0
    (line,) = [line for line in out.splitlines() if line.startswith("gone ")]
    assert line.split()[1:3] == ["y", "sklearn.tree.DecisionTreeClassifier"]
    assert "gone.toml  on record only" in line
    assert out.splitlines()[-1] == "lineal run own.toml"

    (elsewhere / "far.toml").write_text("name = 1\n[source]\n[model]\n")
    assert "far.toml" in run("list", "pipelines")[1]


def test_where_there_is_no_pipeline_at_all(run, tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAL_STORE", f"sqlite:///{tmp_path}/none.db")
    monkeypatch.chdir(tmp_path)
    assert run("list", "pipelines") == (
        0,
        "there is no pipeline file in pipelines/ or beside it, and none on record\n",
        "",
    )


def test_events_of_one_run_are_those_below_it(run, recorded):
    whole = recorded.event("train")["run"]["runId"]
    assert run("events", "--run", whole)[1] == recorded.ndjson() == run("events")[1]
    part = recorded.event("train.ingest")["run"]["runId"]
    assert len(run("events", "--run", part)[1].splitlines()) == 2


def test_a_terminal_that_is_not_utf_8_gets_what_it_can_show_and_programs_all(lineage, monkeypatch, tmp_path):
    (tmp_path / "größe 表.csv").write_text("a\n1\n")
    traced(lambda data: data)(Dataset(tmp_path / "größe 表.csv"))

    def said(*words):
        out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
        monkeypatch.setattr(sys, "stdout", out)
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        out.flush()
        assert ended.value.code == 0
        return out.buffer.getvalue()

    assert "größe ?.csv" in said("list", "datasets").decode("latin-1")
    assert "größe 表.csv" in said("list", "datasets", "--json").decode()
    assert said("events").decode() == lineage.ndjson()


def test_rebuild_says_that_nothing_differed(run, recorded):
    status, out, _ = run("rebuild")
    assert status == 0
    assert "nothing differed" in out
    assert set(json.loads(run("rebuild", "--json")[1])["differing"].values()) == {0}


def test_where_nothing_is_recorded(run, tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAL_STORE", f"sqlite:///{tmp_path}/none.db")
    said = "nothing is recorded here yet; run a pipeline or a traced flow first"
    for words in (["events"], ["trace", "model:x"], ["rebuild"]):
        status, _, err = run(*words)
        assert status == 2
        assert said in err
    # There is nothing to be done or shown, which is no mistake.
    for words in (["list", "models"], ["sweep"], ["deliver"], ["deliver", "--status"]):
        status, out, err = run(*words)
        assert (status, err) == (0, "")
        assert said in out
    assert json.loads(run("sweep", "--json")[1]) == {"ended": [], "deliveries": []}


@pytest.mark.parametrize("words", [["trace"], ["list", "shoes"], ["nonsense"], ["trace", "model:x", "--nope"]])
def test_wrong_usage_is_one_line_and_status_2(run, words):
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert err.startswith("lineal: ")
    assert "`lineal --help`" in err
    assert err.count("\n") == 1


def test_debug_adds_the_traceback(run, recorded):
    assert "Traceback" in run("trace", "model:nope", "--debug")[2]
    assert "Traceback" not in run("trace", "model:nope")[2]


def test_a_reader_that_leaves_early_is_no_error(recorded):
    again = recorded.event("train.ingest")
    for _ in range(200):  # more than a pipe holds
        recorded.store.append(again)
    command = [Path(sys.executable).with_name("lineal"), "events"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("{")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
