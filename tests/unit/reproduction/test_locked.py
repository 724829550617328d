"""The locked environment: made by the real uv, or one sentence that says why not."""

from __future__ import annotations

import platform
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lineal.datasets.cache import Cache
from lineal.errors import ReproductionError
from lineal.models.keeping import KeptFile
from lineal.questions.materials import Materials
from lineal.reproduction import locked
from lineal.reproduction.sandbox import Code
from tests.parts.project import ROOT
from tests.unit.reproduction.test_sandbox import recorded
from tests.unit.reproduction.test_sandbox import repository as repository


def with_lock(repository: Path, name: str, text: str, python: str = platform.python_version()) -> Materials:
    cache = Cache()
    with cache.temporary() as file:
        file.write_text(text)
        _, marks = cache.put(file)
    found = recorded(repository)
    kept = KeptFile(name, marks.md5, marks.sha256, marks.size)
    return replace(found, environment={**found.environment, "lockFile": name, "python": python}, files={name: kept})


def refused(found: Materials, repository: Path, tmp_path: Path) -> str:
    with pytest.raises(ReproductionError) as problem:
        locked.python(found, Code(repository, repository, ""), tmp_path, repository)
    assert "\n" not in str(problem.value)
    return str(problem.value)


@pytest.fixture
def uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real uv on the path, which asks no index; skips where there is none."""
    places = (shutil.which("uv"), str(ROOT / ".tools" / "bin" / "uv"))
    for place in places:
        if (
            place
            and Path(place).exists()
            and subprocess.run([place, "-V"], capture_output=True, check=False).returncode == 0
        ):
            monkeypatch.setenv("PATH", f"{Path(place).parent}:/usr/bin:/bin")
            monkeypatch.setenv("UV_OFFLINE", "1")
            return
    pytest.skip("uv is not installed")


def test_a_record_without_a_lock_file(repository: Path, tmp_path: Path) -> None:
    assert "its record has no lock file" in refused(recorded(repository), repository, tmp_path)


def test_no_uv(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = with_lock(repository, "uv.lock", "")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(locked.sys, "executable", "/nowhere/python")
    said = refused(found, repository, tmp_path)
    assert "--env locked needs uv, which is not on the path; `pip install uv`" in said


@pytest.mark.usefixtures("uv")
def test_a_python_that_is_not_here(repository: Path, tmp_path: Path) -> None:
    said = refused(with_lock(repository, "requirements.txt", "", python="3.7.1"), repository, tmp_path)
    assert said.startswith("model:p@1: Python 3.7.1 cannot be had: ")


@pytest.mark.usefixtures("uv")
def test_a_package_that_the_index_no_longer_has(repository: Path, tmp_path: Path) -> None:
    found = with_lock(repository, "requirements.txt", "no-such-package-of-ours==9.9\n")
    said = refused(found, repository, tmp_path)
    assert said.startswith("model:p@1: the packages of the recorded requirements.txt cannot be had: ")
    assert "no-such-package-of-ours" in said


@pytest.mark.usefixtures("uv")
def test_an_environment_without_lineal(repository: Path, tmp_path: Path) -> None:
    said = refused(with_lock(repository, "requirements.txt", ""), repository, tmp_path)
    assert "the recorded requirements.txt does not name lineal" in said


@pytest.mark.usefixtures("uv")
def test_a_lock_file_of_another_tool(repository: Path, tmp_path: Path) -> None:
    said = refused(with_lock(repository, "poetry.lock", ""), repository, tmp_path)
    assert "was made from a poetry.lock, which uv cannot install from" in said
