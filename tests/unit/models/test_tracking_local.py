"""A model's file on this disk, found without MLflow; all else is left to MLflow."""

import sqlite3
from contextlib import closing

import pytest

from lineal.models.tracking.local import model_file


@pytest.fixture
def store(tmp_path, monkeypatch):
    """What MLflow's SQLite store says of a model, and the folder that it names."""
    folder = tmp_path / "art ifacts"
    folder.mkdir()
    (folder / "model.skops").touch()
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as made, made:
        made.execute("CREATE TABLE logged_models (model_id TEXT, artifact_location TEXT)")
        made.execute("CREATE TABLE model_versions (name TEXT, version INT, storage_location TEXT)")
        made.execute("INSERT INTO logged_models VALUES ('m-1', ?)", [folder.as_uri()])
        made.execute("INSERT INTO logged_models VALUES ('m-2', 's3://bucket/m-2')")
        made.execute("INSERT INTO logged_models VALUES ('m-3', ?)", [(tmp_path / "gone").as_uri()])
        made.execute("INSERT INTO model_versions VALUES ('wine', 7, ?)", [str(folder)])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return folder


@pytest.mark.parametrize("uri", ["models:/m-1", "models:/wine/7"])
def test_a_file_on_this_disk_is_found(store, uri):
    assert model_file(uri) == store / "model.skops"


@pytest.mark.parametrize(
    "uri", ["models:/m-2", "models:/m-3", "models:/m-4", "models:/wine/8", "models:/wine@champion", "models:/wine", "x"]
)
def test_what_lies_elsewhere_is_left_to_mlflow(store, uri):
    assert model_file(uri) is None


@pytest.mark.parametrize("uri", ["http://localhost:1", "sqlite:////nowhere/mlflow.db", "sqlite://"])
def test_another_store_is_left_to_mlflow(monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert model_file("models:/m-1") is None


def test_a_database_of_something_else_is_left_to_mlflow(tmp_path, monkeypatch):
    (tmp_path / "other.db").write_bytes(b"no database at all")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    assert model_file("models:/m-1") is None
