"""A project like a user's: the shipped flows, pipelines and data, in a folder of its own, beside a real server."""

import os
import shutil

import pytest

from lineal.models.tracking import connection
from tests.parts.packed import PIPELINES, pack
from tests.parts.project import ROOT, few_trees, lay_out


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory):
    """MLflow's database as Lineal makes it, without runs: its seventy migrations are not the point of each test."""
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with connection.hushed():
        connection._make_store(file)
    return file


@pytest.fixture
def project(tmp_path, monkeypatch, prefect_api, mlflow_database):
    """The working folder: the shipped project but for its forests' size, with an own store, MLflow and cache."""
    folder = few_trees(lay_out(tmp_path / "project", mlflow_database))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LINEAL_HOME", str(folder / ".lineal"))
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    return folder


@pytest.fixture
def shipped(project):
    """The project with its pipelines exactly as they are shipped."""
    shutil.copytree(ROOT / "pipelines", project / "pipelines", dirs_exist_ok=True)
    return project


@pytest.fixture
def lineal(project, capsys):
    """Run the command; gives its exit status, output and errors."""
    from lineal.cli.app import main

    def run(*words):
        before = dict(os.environ)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        os.environ.clear()
        os.environ.update(before)
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


@pytest.fixture(scope="session", params=PIPELINES)
def packed(request, tmp_path_factory, prefect_api):
    """The pack of a shipped pipeline's model, and the project that it was made in; to be read, not changed."""
    return pack(request.param, tmp_path_factory.mktemp("packed") / request.param, prefect_api)
