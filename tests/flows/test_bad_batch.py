"""Bad input to `lineal predict`: one sentence, status 2, nothing half-written, every run ended."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from lineal.datasets.cache import Cache
from lineal.models import loaded, storage, tracking
from lineal.store import tables
from lineal.store.engine import engine_of
from lineal.store.log import Store
from tests.parts.project import lay_out, put_back

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]

PIPELINE = """
name = "small"
[source]
uri = "rows.csv"
target = "y"
id = "id"
[[checks]]
column = "a"
max = 100
nulls = false
[model]
estimator = "sklearn.tree.DecisionTreeClassifier"
params = { max_depth = 2 }
[register]
name = "small"
alias = "champion"
"""
HEADER = "id,a,b,y"


def row(number, a=None, b=None):
    a, b = number * 0.5 if a is None else a, b or ("u" if number % 2 else "v")
    return f"{number},{a},{b},{'yes' if number % 3 else 'no'}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory, prefect_api, mlflow_database):
    """A project with a registered model and a good batch, and a copy to put back what a test has done to it."""
    from lineal.cli.app import main

    place = tmp_path_factory.mktemp("trained")
    folder = lay_out(place / "project", mlflow_database)
    (folder / "small.toml").write_text(PIPELINE)
    (folder / "rows.csv").write_text("\n".join([HEADER, *map(row, range(60))]) + "\n")
    batch(folder, *map(row, range(30)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("LINEAL_HOME", str(folder / ".lineal"))
        patch.setenv("PREFECT_API_URL", prefect_api)
        with pytest.raises(SystemExit) as ended:
            main(["run", "small.toml"])
    assert ended.value.code == 0
    shutil.copytree(folder, place / "kept", symlinks=True)
    return folder, place / "kept"


@pytest.fixture
def project(trained, monkeypatch, prefect_api):
    """The working folder: that project as it was."""
    folder, kept = trained
    put_back(kept, folder)
    loaded._held.clear()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LINEAL_HOME", str(folder / ".lineal"))
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    return folder


@pytest.fixture
def small(project):
    """The project, where a test speaks of it."""
    return project


def batch(folder, *lines, header=HEADER):
    (folder / "new.csv").write_text("\n".join([header, *lines]) + "\n")


@pytest.fixture
def refused(lineal, small, check_events):
    """Predict; it must be refused with nothing half done. Gives the one sentence."""

    def run(*words, model="model:small@champion", begun=True):
        before = {file.name for file in small.iterdir()}
        code, out, err = lineal("predict", model, "--data", "new.csv", *words)
        assert (code, out) == (2, ""), out + err
        (said,) = [line for line in err.splitlines() if line.startswith("lineal: ")]
        assert "Traceback" not in err
        log = lineal("events")[1]
        check_events(log)
        ends = [event for event in map(json.loads, log.splitlines()) if event["eventType"] != "START"]
        flows = [event["eventType"] for event in ends if event["job"]["name"] == "predict"]
        assert flows == (["FAIL"] if begun else [])
        assert json.loads(lineal("list", "predictions", "--json")[1]) == {"predictions": []}
        with closing(sqlite3.connect(small / ".lineal" / "mlflow.db")) as connection:
            assert connection.execute("select count(*) from runs where status = 'RUNNING'").fetchone() == (0,)
        assert not list((Cache().root / "tmp").glob("*"))
        assert {file.name for file in small.iterdir()} == before
        return said.removeprefix("lineal: ")

    return run


@pytest.mark.parametrize(
    ("lines", "header", "message"),
    [
        (["1,1.5"], "id,a", "lacks a column that the model takes: 'b'; add what is missing"),
        (
            [row(1), row(2, a="wide")],
            HEADER,
            "column 'a' holds text where the model learnt numbers, in 1 of 2 rows (new",
        ),
        ([row(1), row(2), row(1)], HEADER, "the id 'id' is not unique: 1 row repeats an earlier one's (new.csv record"),
        ([row(1), row(2, a="")], HEADER, "check not_null does not hold for column 'a': 1 row offends (new.csv record"),
        ([row(1, a="101")], HEADER, "check max = 100 does not hold for column 'a': 1 row offends (new.csv record 1)"),
        ([row(1), row(2, a="-inf")], HEADER, "column 'a' is infinite in 1 of 2 rows (new.csv record 2)"),
        ([], HEADER, "new.csv has a header but no rows; add the data"),
    ],
)
def test_a_batch_that_does_not_fit(refused, small, lines, header, message):
    batch(small, *lines, header=header)
    assert message in refused("--out", "scores.csv")


def test_a_batch_that_is_not_there(refused, small):
    (small / "new.csv").unlink()
    assert "there is no" in refused(begun=False)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("model:nosuch@champion", "no model 'nosuch' is registered; see `lineal list models`"),
        ("model:small@challenger", "model small has no version or alias 'challenger'; there are 1 @champion"),
        ("model:small@7", "model small has no version or alias '7'; there are 1 @champion"),
        ("dataset:small.train", "cannot be asked about here; write one of model:NAME@VERSION_OR_ALIAS"),
        ("small", "'small' is no subject; did you mean model:small?"),
    ],
)
def test_a_model_that_is_not_there(refused, model, message):
    assert message in refused(model=model, begun=False)


def test_a_model_file_that_was_altered(refused, small):
    (file,) = (small / ".lineal").rglob("model.skops")
    model = storage.load(file)
    model.named_steps["model"].set_params(max_depth=3)
    storage.save(model, file)
    said = refused()
    assert "has the digest" in said
    assert "it may have been tampered with" in said


def test_a_damaged_model_file(refused, small):
    (file,) = (small / ".lineal").rglob("model.skops")
    file.write_bytes(file.read_bytes()[:200])
    assert "is damaged or no skops model file" in refused()


def test_a_digest_that_was_altered_in_the_registry(refused):
    tracking.set_version_tags("small", 1, {"lineal.digest": "0" * 64})
    said = refused(begun=False)
    assert "MLflow has the digest 000000000000… for version 1, and the lineage" in said
    assert "it may have been tampered with" in said


def test_a_pipeline_file_that_was_altered_beside_the_model(refused, small):
    (file,) = (small / ".lineal" / "mlartifacts").rglob("pipeline/small.toml")
    file.write_text(PIPELINE.replace("sklearn.tree.DecisionTreeClassifier", "os.system"))
    assert "the pipeline file that MLflow keeps with the model is not the one on record" in refused(begun=False)


def test_a_model_that_lineal_did_not_register(lineal, small):
    client = tracking.connect()
    client.delete_model_version_tag("small", "1", "lineal.digest")
    with engine_of(Store().url).begin() as connection:
        connection.execute(tables.models.delete())
    code, _, err = lineal("predict", "model:small@1", "--data", "new.csv")
    assert code == 2
    assert "version 1 was not registered by Lineal, so its digest is not on record" in err


def test_a_copy_that_would_replace_a_file(refused, lineal, small):
    (small / "scores.csv").write_text("mine")
    assert "scores.csv is there already; name another file" in refused("--out", "scores.csv", begun=False)
    assert (small / "scores.csv").read_text() == "mine"
    assert lineal("predict", "model:small@champion", "--data", "new.csv", "--out", "scores.csv", "--force")[0] == 0
    assert (small / "scores.csv").read_text().startswith('"id","prediction_id","prediction"')


def test_a_file_of_no_known_format(refused):
    assert "the ending of scores.xlsx does not say what to write" in refused("--out", "scores.xlsx", begun=False)


def test_a_project_without_a_flow_that_predicts(refused, small):
    (small / "prefect.yaml").write_text("deployments: []\n")
    said = refused(begun=False)
    assert "no deployment has both an entrypoint and a `model` parameter, so there is no flow to run" in said
    assert "flows.predict.predict" in said


def test_what_can_be_borne_is_said_and_scored(lineal, small):
    batch(small, *(f"{row(n, b='new' if n < 15 else None)},1" for n in range(60)), header=f"{HEADER},extra")
    status, out, err = lineal("predict", "model:small", "--data", "new.csv")
    assert status == 0, err
    assert "60 rows predicted by model:small@1" in out
    assert "the target 'y' is in the batch; it is not looked at" in out
    assert "1 column that the model does not take is ignored: 'extra'" in out
    assert "column 'b' holds values that were not learnt in 15 rows (25.0%)" in out
    assert "1 of 2 columns over the limits: b (" in out
    assert "unseen 25.0%)" in out
    # What the rows hold stands in no event.
    assert '"new"' not in lineal("events")[1]


def test_text_is_text_where_all_of_it_looks_like_numbers(lineal, small):
    batch(small, row(1, b="02139"))
    status, out, err = lineal("predict", "model:small", "--data", "new.csv")
    assert status == 0, err
    assert "column 'b' holds values that were not learnt in 1 rows (100.0%)" in out


def test_a_model_without_a_training_profile_predicts_and_says_so(lineal, small):
    (file,) = (small / ".lineal" / "mlartifacts").rglob("profile/training.json")
    file.unlink()
    status, out, err = lineal("predict", "model:small", "--data", "new.csv")
    assert status == 0, err
    assert "not judged: the model was trained without a profile of its rows" in out
