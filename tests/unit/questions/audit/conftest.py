"""A committed project that a model is trained in, and short ways to ask for one verdict."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lineal.questions.audit.asking import _ask
from lineal.questions.audit.checks import find
from lineal.questions.audit.findings import Found
from lineal.questions.audit.gather import gather
from lineal.questions.audit.policy import Control
from lineal.questions.lookup import find_model
from lineal.subjects import Subject
from lineal.testing import Lineage
from tests.parts import audited


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a git repository with the code of the flow, committed."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "prefect.yaml").touch()
    (folder / "uv.lock").write_text("version = 1\n")
    (folder / "flow_of_mine.py").write_bytes(Path(audited.__file__).read_bytes())
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "As it is")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LINEAL_HOME", str(tmp_path / "kept"))
    return folder


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *words], cwd=folder, check=True)


@pytest.fixture
def flow(project: Path) -> ModuleType:
    """The flow's code, from the project."""
    name = f"flow_of_mine_{abs(hash(project))}"
    spec = importlib.util.spec_from_file_location(name, project / "flow_of_mine.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ask(lineage: Lineage) -> Any:
    """The answer of a check about a version of `demo`."""

    def call(check: str, *, number: int = 1, later: float = 0, **parameters: Any) -> Found:
        made = find(check, None)
        model = find_model(lineage.store, Subject("model", "demo", str(number)))
        now = datetime.now(UTC) + timedelta(days=later)
        facts = gather(lineage.store, model, wants=made.wants, now=now)
        asked = Control(id="c", title="c", statement="c", check=check, parameters=parameters)
        found = _ask(made, asked, facts)
        assert "went wrong" not in found.sentence
        assert found.verdict == "n/a" or found.command or not found.runs
        return found

    return call
