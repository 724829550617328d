"""Bad input, through the whole command: one sentence, status 2, nothing half done, every run ended."""

import json
import socket
import sqlite3
from contextlib import closing

import httpx
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]

PIPELINE = """
name = "small"
[source]
uri = "rows.csv"
target = "y"
id = "id"
[split]
seed = 1
[model]
estimator = "sklearn.tree.DecisionTreeClassifier"
params = { max_depth = 2 }
[evaluate]
metrics = ["accuracy"]
[register]
name = "small"
alias = "champion"
"""


def rows(count=40, **changed):
    """A CSV of rows; `changed` gives other lines, by number (the header is line 1)."""
    lines = ["id,a,b,y", *(f"{i},{i * 0.5},{'u' if i % 2 else 'v'},{'yes' if i % 3 else 'no'}" for i in range(count))]
    for name, line in changed.items():
        lines[int(name.removeprefix("line")) - 1] = line
    return "\n".join(lines) + "\n"


@pytest.fixture
def small(project):
    (project / "small.toml").write_text(PIPELINE)
    (project / "rows.csv").write_text(rows())
    return project


@pytest.fixture
def refused(lineal, small, check_events):
    """Run the small pipeline; it must be refused, with nothing half done. Gives the one sentence."""

    def run(*words, status=2):
        code, out, err = lineal("run", "small.toml", *words)
        assert code == status, out + err
        assert out == ""
        lines = [line for line in err.splitlines() if line.startswith("lineal: ")]
        assert len(lines) == 1, err
        assert "Traceback" not in err
        _nothing_half_done(lineal, small, check_events)
        return lines[0].removeprefix("lineal: ")

    return run


def _nothing_half_done(lineal, small, check_events):
    code, log, _ = lineal("events")
    if code == 0:
        check_events(log)
        ends = [json.loads(line) for line in log.splitlines()]
        ends = [event for event in ends if event["eventType"] != "START"]
        assert any(event["eventType"] == "FAIL" for event in ends)
        assert json.loads(lineal("list", "models", "--json")[1]) == {"models": []}
    database = small / ".lineal" / "mlflow.db"
    if database.exists():
        with closing(sqlite3.connect(database)) as connection:
            assert connection.execute("select count(*) from runs where status = 'RUNNING'").fetchone() == (0,)
            assert connection.execute("select count(*) from model_versions").fetchone() == (0,)
    temporary = small / ".lineal" / "cache" / "tmp"
    assert not temporary.exists() or not list(temporary.iterdir())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", r"rows\.csv is empty"),
        ("id,a,b,y\n", r"rows\.csv has a header but no rows"),
        (rows(line7="5,1.0,u,yes,extra"), r"rows\.csv.*line 7"),
        (rows(line3="1,0.5,u,"), r"'y' has 1 missing value"),
        (rows().replace(",no", ",yes"), r"'y'.*(one|only)"),
        (rows(line5="0,1.5,u,yes"), r"'id'.*(duplicate|twice|more than once)"),
        (rows(line5="3,1.5,u,maybe"), r"'y'.*(maybe|class|one row)"),
    ],
    ids=["empty", "header only", "ragged", "missing target", "one class", "duplicate id", "class too small"],
)
def test_rows_that_cannot_be_used(refused, small, content, sentence):
    (small / "rows.csv").write_text(content)
    message = refused()
    import re

    assert re.search(sentence, message), message


def test_a_wrong_encoding_names_its_line(refused, small):
    (small / "rows.csv").write_bytes(rows(line9="7,3.5,é,yes").encode("latin-1"))
    message = refused()
    assert "line 9" in message
    assert "UTF-8" in message


def test_a_missing_file_names_a_near_one(refused, small):
    message = refused("--data", "row.csv")
    assert "row.csv" in message
    assert "rows.csv" in message
    # Told at once: nothing was started for it.
    assert [file.name for file in (small / ".lineal").iterdir()] == ["mlflow.db"]  # which was there before


def test_a_target_that_is_not_there(refused):
    assert "source.target names 'z', which is no column of the source" in refused("--set", "source.target=z")


def test_a_check_that_does_not_hold(refused):
    message = refused("--set", 'checks=[{column="a",max=10}]')
    assert "'a'" in message
    assert "max" in message or "at most 10" in message
    assert "19" in message  # rows above 10
    assert "rows.csv record 22" in message


def test_what_failed_leads_to_its_lineage_by_its_tag_in_prefect(refused, lineal, prefect_api):
    refused("--set", 'checks=[{column="a",max=10}]')
    events = [json.loads(line) for line in lineal("events")[1].splitlines()]
    run = next(event["run"] for event in events if event["job"]["name"] == "train")
    flow = httpx.get(f"{prefect_api}/flow_runs/{run['facets']['lineal_prefect']['flowRunId']}").json()
    assert (flow["state_type"], flow["tags"]) == ("FAILED", [f"openlineage:{run['runId']}"])


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        (
            "model.estimator=sklearn.tree.DecisionTreClassifier",
            ["model.estimator", "did you mean", "DecisionTreeClassifier"],
        ),
        ("model.estimator=os.system", ["os.system", "no estimator"]),
        ("model.params={max_dept=3}", ["max_dept", "did you mean max_depth"]),
        ("model.params={max_depth='deep'}", ["max_depth", "deep"]),
        ("evaluate.metrics=['acuracy']", ["acuracy", "did you mean accuracy"]),
        ("evaluate.metrics=['r2']", ["r2"]),
        ("split.tset_size=0.5", ["tset_size", "did you mean test_size"]),
        ("split.test_size=big", ["split.test_size", "number"]),
    ],
)
def test_a_mistake_in_the_pipeline_file_is_told_before_anything_runs(lineal, small, override, parts):
    code, out, err = lineal("run", "small.toml", "--set", override)
    (line,) = [line for line in err.splitlines() if line.startswith("lineal: ")]
    assert (code, out) == (2, "")
    for part in parts:
        assert part in line
    assert not (small / ".lineal" / "lineal.db").exists()


def test_an_unreachable_database(refused, small):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (small / "small.toml").write_text(
        PIPELINE.replace(
            'uri = "rows.csv"', f'uri = "postgresql+psycopg://me:hunter2@127.0.0.1:{port}/d"\nquery = "select 1"'
        )
    )
    message = refused()
    assert f"127.0.0.1:{port}" in message
    assert "hunter2" not in message


def test_a_tracking_server_that_does_not_answer(lineal, small, monkeypatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        code, _, err = lineal("run", "small.toml")
    assert code == 2
    assert uri in err
    assert "MLFLOW_TRACKING_URI" in err


def test_a_disk_that_cannot_be_written(lineal, small, monkeypatch):
    # A file where a folder is needed: as unwritable to root as to anyone.
    (small / "plain").write_text("")
    monkeypatch.setenv("LINEAL_HOME", str(small / "plain" / "home"))
    code, _, err = lineal("run", "small.toml")
    assert code == 2
    (line,) = [line for line in err.splitlines() if line.startswith("lineal: ")]
    assert "plain" in line


def test_a_fit_that_fails_half_way_ends_every_run(refused, small):
    (small / "rows.csv").write_text(rows().replace(",yes", ",1").replace(",no", ",-1"))
    message = refused(
        "--set",
        "model.estimator=sklearn.linear_model.GammaRegressor",
        "--set",
        "model.params={}",
        "--set",
        "evaluate.metrics=['r2']",
    )
    assert "GammaRegressor" in message
