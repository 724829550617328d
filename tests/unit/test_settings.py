"""Settings, read from the environment at each use."""

from pathlib import Path

import pytest

from lineal import settings
from lineal.store.log import Store

NAMES = ("LINEAL_HOME", "LINEAL_STORE", "LINEAL_STRICT", "OPENLINEAGE_NAMESPACE", "MLFLOW_TRACKING_URI")


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "project" / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "project" / "prefect.yaml").touch()
    monkeypatch.chdir(tmp_path / "project" / "deep" / "deeper")
    return tmp_path / "project"


def test_with_nothing_set_all_is_in_the_project(project):
    assert settings.home() == project / ".lineal"
    assert settings.store_url() == f"sqlite:///{project}/.lineal/lineal.db"
    assert settings.tracking_uri() == f"sqlite:///{project}/.lineal/mlflow.db"
    assert settings.namespace() == "lineal"
    assert settings.strict() is False


def test_what_is_set_counts_from_then_on(project, monkeypatch):
    monkeypatch.setenv("LINEAL_HOME", "kept")
    assert settings.home() == project / "deep" / "deeper" / "kept"
    assert settings.store_url() == f"sqlite:///{project}/deep/deeper/kept/lineal.db"
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("LINEAL_HOME", "~/lineal")
    assert settings.home() == Path("/home/ada/lineal")
    monkeypatch.setenv("LINEAL_STORE", "postgresql+psycopg://db/lineal")
    assert settings.store_url() == "postgresql+psycopg://db/lineal"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert settings.tracking_uri() == "http://mlflow:5000"
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "team")
    assert settings.namespace() == "team"


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_is_as_good_as_none(project, monkeypatch, name):
    asked = (settings.home, settings.store_url, settings.strict, settings.namespace, settings.tracking_uri)
    before = [ask() for ask in asked]

    monkeypatch.setenv(name, "")

    assert [ask() for ask in asked] == before


@pytest.mark.parametrize(
    ("value", "strict"),
    [("1", True), ("true", True), ("Yes", True), (" on ", True), ("0", False), ("false", False), ("no", False)],
)
def test_strict_is_a_yes_or_a_no(project, monkeypatch, value, strict):
    monkeypatch.setenv("LINEAL_STRICT", value)

    assert settings.strict() is strict


@pytest.mark.parametrize("mark", settings.PROJECT_MARKS)
def test_a_project_begins_at_the_nearest_mark(tmp_path, mark):
    file = tmp_path / "a" / "b" / "c.toml"
    file.parent.mkdir(parents=True)
    (tmp_path / "a" / mark).touch()

    assert settings.project_of(file) == tmp_path / "a"
    assert settings.project_of(file.parent) == tmp_path / "a"

    (tmp_path / "a" / "b" / mark).touch()
    assert settings.project_of(file) == tmp_path / "a" / "b"


def test_what_is_kept_in_the_project_is_no_part_of_its_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LINEAL_HOME")
    Store()
    assert (tmp_path / ".lineal" / ".gitignore").read_text() == "*\n"


def test_a_file_in_a_copy_of_the_users_folder_is_recorded_where_theirs_lies(tmp_path, monkeypatch):
    for name in ("copy", "theirs"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "copy")
    inside, outside = tmp_path / "copy" / "pipelines" / "a.toml", tmp_path / "b.toml"
    assert settings.lasting(inside) == inside
    monkeypatch.setenv("LINEAL_WORKPLACE", str(tmp_path / "theirs"))
    assert settings.lasting(inside) == tmp_path / "theirs" / "pipelines" / "a.toml"
    assert settings.lasting(outside) == outside
