"""Verify finds what was done to bytes, models and MLflow's own entries, and names each thing."""

import json
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression

from lineal import Dataset, Model, current_run, settings, signing, traced
from lineal.datasets.cache import Cache
from lineal.datasets.table import write_table
from lineal.models import storage, tracking
from lineal.models.digest import digest
from lineal.models.tracking import connection
from lineal.questions.verify import verify
from lineal.store import checkpoints
from lineal.subjects import Subject
from lineal.testing import recording

pytestmark = pytest.mark.filterwarnings(
    # MLflow leaves its own engines to the garbage collector.
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


@pytest.fixture(scope="module")
def empty_mlflow(tmp_path_factory):
    """MLflow's empty database, which takes seconds to make."""
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    connection._make_store(file)
    return file


@pytest.fixture
def lineage(tmp_path):
    """What is asked of here stands in files and in MLflow; that of the log is tested on each database."""
    with recording(tmp_path) as recorded:
        yield recorded


@traced
def ingest(path: Dataset) -> Dataset:
    return write_table(pa.table({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.1]}), "wine.snapshot")


@traced
def train(data: Dataset, slope: float = 2.0) -> Model:
    import pandas as pd

    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [slope, slope * 2, slope * 3 + 0.1]})
    fitted = LinearRegression().fit(frame[["x"]], frame["y"])
    with tracking.start("wine") as recording:
        uri = recording.model(
            fitted,
            input_example=frame[["x"]],
            output_example=fitted.predict(frame[["x"]]),
            digest=digest(fitted),
            requirements=tracking.requirements(),
        )
        return Model("wine.model", digest(fitted), uri, tracked=recording.tracked)


@traced
def register(model: Model, alias: str | None) -> Model:
    about = {"namespace": tracking.namespace(), "name": "wine", "reason": "r"}
    number = tracking.register(model.tracked, "wine", tags={"lineal.digest": model.digest})
    decisions = [{"action": "register", **about, "number": number, "digest": model.digest}]
    if alias:
        tracking.set_alias("wine", alias, number)
        decisions.append({"action": "move-alias", **about, "number": number, "alias": alias, "digest": model.digest})
    current_run().decisions(decisions, by="a test")
    return model.but(name="models/wine", namespace=about["namespace"], number=number, uri=f"models:/wine/{number}")


@pytest.fixture
def record(lineage, empty_mlflow, tmp_path):
    """Two registered models of one snapshot, one that was not registered, and a source."""
    home = settings.home()
    home.mkdir()
    shutil.copy(empty_mlflow, home / "mlflow.db")
    connection._CLIENTS.clear()
    source = tmp_path / "wine.csv"
    source.write_text("x,y\n1,2\n")
    data = ingest(Dataset(source))
    register(train(data), None)
    register(train(data, 3.0), "champion")
    train(data, 4.0)
    other = write_table(pa.table({"z": [1]}), "other.snapshot")
    unrelated(other)
    checkpoints.make(lineage.store)
    yield lineage
    connection._CLIENTS.clear()


@traced
def unrelated(data: Dataset) -> None:
    pass


def told(lineage, subject=None):
    answer = verify(lineage.store, Subject.parse(subject) if subject else None)
    return [(each.family, each.problem, each.what) for each in answer.findings]


def version_of(lineage, name="wine.snapshot"):
    return lineage.event("ingest")["outputs"][0]["facets"]["version"]["datasetVersion"] if name else None


def files_of(number):
    """The folder of a registered model among MLflow's artifacts."""
    client = tracking.connect()
    source = client.get_model_version("wine", str(number)).source.removeprefix("models:/")
    location = client.get_logged_model(source).artifact_location
    return Path(location.removeprefix("file://"))


def test_a_record_that_was_left_alone_holds(record):
    answer = verify(record.store)
    assert answer.holds, answer.findings
    counts = {each.family: (each.count, each.wrong) for each in answer.checked}
    assert counts == {"log": (14, 0), "index": (counts["index"][0], 0), "datasets": (2, 0), "models": (3, 0)} | {
        "mlflow": (2, 0)
    }


def test_a_source_that_has_changed_since_is_no_fault_of_the_record(record, tmp_path):
    (tmp_path / "wine.csv").write_text("x,y\n9,9\n")
    answer = verify(record.store)
    assert answer.holds
    (kept,) = [each for each in answer.checked if each.family == "datasets"]
    assert re.fullmatch("not looked at, as only their users keep them: wine.csv@[0-9a-f]{12}", kept.note)
    (tmp_path / "wine.csv").unlink()
    assert verify(record.store).holds
    for number in range(1, 6):
        ingest(Dataset(f"s3://lake/part-{number}.csv", version=str(number)))
    (kept,) = [each for each in verify(record.store).checked if each.family == "datasets"]
    assert kept.note.endswith(", part-1.csv@1, part-2.csv@2 and 3 more")


@pytest.mark.parametrize("change", ["changed", "missing"])
def test_a_snapshot_that_is_not_what_it_was(record, change):
    version = version_of(record)
    file = Cache().path(version)
    file.chmod(0o644)
    if change == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes() + b"x")
    expected = [("datasets", change, f"dataset:wine.snapshot@{version[:12]}")]
    assert told(record) == expected
    assert told(record, "model:wine@champion") == expected
    (found,) = verify(record.store).findings
    assert str(file) in found.detail


def test_bytes_of_the_same_md5_and_another_sha256_are_a_forgery(lineage, tmp_path):
    """A file whose MD5 fits and whose recorded SHA-256 does not, which takes a collision: here the record has it so."""
    version = write_table(pa.table({"z": [1]}), "made").version
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:00+00:00",
        "producer": "urn:test",
        "run": {"runId": "11111111-1111-4111-8111-000000000001", "facets": {}},
        "job": {"namespace": "n", "name": "j"},
        "inputs": [],
        "outputs": [
            {
                "namespace": "n",
                "name": "made",
                "facets": {
                    "version": {"datasetVersion": version},
                    "datasetType": {"datasetType": "TABLE"},
                    "lineal_dvc": {"md5": version, "sha256": "0" * 64},
                },
            }
        ],
    }
    lineage.store.append(event)
    (found,) = verify(lineage.store).findings
    assert (found.family, found.problem) == ("datasets", "changed")
    assert "it is a forgery" in found.detail


def test_a_model_file_that_was_exchanged(record):
    other = LinearRegression().fit([[1.0], [2.0]], [1.0, 5.0])
    storage.save(other, files_of(1) / "model.skops")
    assert told(record) == [("models", "changed", "model:wine@1")]
    assert "model.skops was changed" in verify(record.store).findings[0].detail
    # Its own digest tells as well, where the signature was taken away.
    (files_of(1) / "model.sig").unlink()
    answer = verify(record.store)
    assert [(each.problem, each.what) for each in answer.findings] == [("changed", "model:wine@1")]
    assert "its digest is " in answer.findings[0].detail
    (line,) = [each for each in answer.checked if each.family == "models"]
    assert line.note == "1 of them not signed"


def test_a_model_that_was_damaged(record):
    (files_of(2) / "model.sig").unlink()
    (files_of(2) / "model.skops").write_bytes(b"PK no archive")
    assert told(record, "model:wine@2") == [("models", "changed", "model:wine@2")]
    assert told(record, "model:wine@1") == []


def test_a_whole_signed_model_put_in_the_place_of_another(record):
    for file in files_of(1).iterdir():
        file.unlink()
    for file in files_of(2).iterdir():
        shutil.copy(file, files_of(1))
    (found,) = verify(record.store).findings
    assert (found.problem, found.what) == ("changed", "model:wine@1")
    assert "it is signed as the model" in found.detail


def test_a_model_whose_files_are_gone(record):
    shutil.rmtree(files_of(1))
    assert told(record) == [("models", "missing", "model:wine@1")]


def test_a_model_that_was_not_registered_is_checked_as_well(record):
    client = MlflowClient(tracking_uri=settings.tracking_uri())
    models = client.search_logged_models([client.get_experiment_by_name("wine").experiment_id])
    registered = {files_of(1), files_of(2)}
    (folder,) = {Path(each.artifact_location.removeprefix("file://")) for each in models} - registered
    (folder / "conda.yaml").write_text("changed")
    ((family, problem, what),) = told(record)
    assert (family, problem, what[:10]) == ("models", "changed", "wine.model")


@pytest.mark.parametrize("how", ["changed", "another"])
def test_a_signature_that_is_not_what_it_was(record, how, own_home):
    file = files_of(1) / "model.sig"
    if how == "changed":
        bundle = json.loads(file.read_text())
        bundle["dsseEnvelope"]["signatures"][0]["sig"] = "bm8="
        file.write_text(json.dumps(bundle))
        assert told(record) == [("models", "changed", "model:wine@1")]
    else:
        signing.path_of("models").unlink()
        signing.key_for("models")
        assert {each[1] for each in told(record)} == {"not trusted"}
        assert len(told(record)) == 3


def test_what_mlflow_says_otherwise(record):
    client = tracking.connect()
    client.set_registered_model_alias("wine", "champion", "1")
    assert told(record) == [("mlflow", "changed", "model:wine@2"), ("mlflow", "changed", "model:wine@1")]
    client.set_registered_model_alias("wine", "champion", "2")
    client.set_model_version_tag("wine", "1", "lineal.digest", "ff" * 32)
    assert told(record) == [("mlflow", "changed", "model:wine@1")]
    client.delete_model_version("wine", "1")
    assert told(record) == [("models", "missing", "model:wine@1"), ("mlflow", "missing", "model:wine@1")]


def test_a_version_of_which_the_record_knows_nothing(record):
    client = tracking.connect()
    client.create_model_version("wine", str(files_of(1)), tags={"lineal.digest": "aa"})
    assert told(record) == [("mlflow", "inserted", "model:wine@3")]
    assert told(record, "model:wine@1") == []


def test_a_server_that_is_away_says_nothing_of_its_models(record, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    answer = verify(record.store)
    assert not answer.holds
    assert {(each.family, each.problem) for each in answer.findings} == {
        ("models", "not reachable"),
        ("mlflow", "not reachable"),
    }
    assert "set MLFLOW_TRACKING_URI to that server" in answer.findings[0].detail
    assert "127.0.0.1:9 refuses connections" in answer.findings[2].detail


def test_a_log_that_was_cut_off_is_found_by_mlflows_tag(record, own_home):
    client = tracking.connect()
    newest = checkpoints.newest(record.store)
    run = client.get_model_version("wine", "1").run_id
    client.set_tag(run, "lineal.checkpoint", f"{newest.number} {newest.digest}")
    assert told(record) == []
    client.set_tag(run, "lineal.checkpoint", f"{newest.number + 1} {newest.digest}")
    assert told(record) == [("log", "missing", f"checkpoint {newest.number + 1}")]
    client.set_tag(run, "lineal.checkpoint", f"{newest.number} {'0' * 64}")
    assert told(record) == [("log", "changed", f"checkpoint {newest.number}")]


def test_of_a_subject_only_its_own_events_are_told(record):
    import sqlalchemy as sa

    seqs = {}
    for seq, body in enumerate(record.store.events(), 1):
        seqs.setdefault(json.loads(body)["job"]["name"], seq)
    engine = sa.create_engine(record.url)
    with engine.begin() as connection:
        text = sa.text("update lineal_events set body = body || ' ' where seq = :seq")
        connection.execute(text, {"seq": seqs["unrelated"]})
    engine.dispose()
    assert told(record) == [("log", "changed", f"event {seqs['unrelated']}")]
    assert told(record, "model:wine@champion") == []
