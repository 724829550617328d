"""The throw-away place: the recorded code as it ran, and one sentence where it is not to be had."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lineal.datasets.cache import Cache
from lineal.errors import ReproductionError
from lineal.models import code as kept_code
from lineal.models.code import uncommitted
from lineal.models.keeping import DIFF, KeptFile
from lineal.questions.materials import Materials, Version
from lineal.reproduction.sandbox import Code, code_of, environment, python_path, throwaway, variation
from tests.parts.git import commit_all, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "team" / "flows").mkdir(parents=True)
    (folder / "team" / "flows" / "train.py").write_text("first = 1\n")
    commit_all(folder)
    kept_code.difference.cache_clear()
    return folder


def recorded(repository: Path, prefix: str = "team/", **changes: Any) -> Materials:
    """What a run in the repository, as it is now, leaves on record of its code."""
    found = uncommitted(repository)
    files = {}
    if found.patch is not None:
        cache = Cache()
        with cache.temporary() as file:
            file.write_bytes(found.patch)
            _, marks = cache.put(file)
        files[DIFF] = KeptFile(DIFF, marks.md5, marks.sha256, marks.size, found.secrets)
    version = Version("p.snapshot", "s" * 32)
    made = Materials(
        subject="model:p@1",
        model=None,
        run_id="r",
        pipeline="p",
        file="p.toml",
        text="",
        overrides=(),
        data=None,
        snapshot=version,
        train=version,
        test=version,
        evaluation=None,
        digest="d",
        features=None,
        parameters={},
        metrics=(),
        environment={"gitCommit": git(repository, "rev-parse", "HEAD"), "gitPrefix": prefix},
        uncommitted={"state": found.state, "size": found.size, "modules": list(found.modules)},
        files=files,
        tracking_uri=None,
        mlflow_run=None,
        model_id=None,
    )
    return replace(made, **changes)


def test_the_code_is_that_of_the_commit_with_what_was_not_committed(repository: Path) -> None:
    train = repository / "team" / "flows" / "train.py"
    train.write_text("first = 2\n")
    found = recorded(repository)
    train.write_text("first = 3\n")
    commit_all(repository)
    with throwaway() as folder, code_of(found, repository / "team", folder) as code:
        assert (code.folder / "flows" / "train.py").read_text() == "first = 2\n"
        assert code.told == f"commit {(found.commit or '')[:12]} with the changes that were not committed"
        tree = code.top
    assert tree is not None
    assert not tree.exists()
    assert train.read_text() == "first = 3\n"
    assert git(repository, "worktree", "list").count("\n") == 0


def test_nothing_is_left_where_the_work_fails(repository: Path) -> None:
    found, places = recorded(repository), []

    def fails() -> None:
        with throwaway() as folder, code_of(found, repository, folder):
            places.append(folder)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert not places[0].exists()
    assert git(repository, "worktree", "list").count("\n") == 0


def test_a_patch_that_does_not_apply_is_told_and_leaves_nothing(repository: Path) -> None:
    (repository / "team" / "flows" / "train.py").write_text("first = 2\n")
    found = recorded(repository)
    (repository / "team" / "flows" / "train.py").write_text("quite = 'another'\n")
    moved = replace(found, environment={**found.environment, "gitCommit": commit_all(repository)})
    with pytest.raises(ReproductionError, match=r"^git apply failed in .*: patch failed: team/flows/train.py:1; mend"):
        enter(moved, repository)
    assert git(repository, "worktree", "list").count("\n") == 0


def test_hooks_of_the_repository_are_not_run(repository: Path, tmp_path: Path) -> None:
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    enter(recorded(repository), repository)
    assert not (tmp_path / "ran").exists()


def test_a_commit_that_is_not_here(repository: Path) -> None:
    found = recorded(repository)
    remote = {"gitCommit": "a" * 40, "gitRemote": "https://host/team/project.git"}
    with pytest.raises(ReproductionError) as told:
        enter(replace(found, environment=remote), repository)
    assert str(told.value) == (
        f"model:p@1 was made by commit aaaaaaaaaaaa, which is not in the repository {repository}; `git fetch` it, or "
        "run this in a clone of https://host/team/project.git that has it"
    )


def test_no_repository_at_all(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(ReproductionError, match=r"elsewhere is in no git repository; run this in a clone"):
        enter(recorded(repository), tmp_path / "elsewhere")


def test_no_git_on_this_machine(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = recorded(repository)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ReproductionError, match=r"run this in a clone \(with git installed\)"):
        enter(found, repository)


def test_no_commit_on_record_takes_the_present_code(repository: Path) -> None:
    found = recorded(repository, environment={})
    with throwaway() as folder, code_of(found, repository, folder) as code:
        assert (code.folder, code.top) == (repository, None)
        assert code.told.startswith("the present code")


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("too large", "uncommitted changes that were 31.0 MB in all and too large to keep"),
        ("redacted", "uncommitted changes of which uncommitted.diff lost a credential that git needs to apply it"),
        ("unknown", "uncommitted changes that git did not tell in time"),
    ],
)
def test_changes_that_were_not_kept(repository: Path, state: str, told: str) -> None:
    found = recorded(repository, uncommitted={"state": state, "size": 31_000_000})
    with pytest.raises(ReproductionError) as problem:
        enter(found, repository)
    assert told in str(problem.value)
    assert "commit before the next run" in str(problem.value)


def test_nothing_of_the_users_settings_leads_out_of_it(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENLINEAGE_URL", "MLFLOW_TRACKING_URI", "LINEAL_STORE", "PREFECT_API_URL", "DVC_REMOTE", "GIT_DIR"):
        monkeypatch.setenv(name, "http://host")
    monkeypatch.setenv("KEPT", "yes")
    made = environment(repository / "home", Code(repository, None, ""), repository)
    assert not [name for name, value in made.items() if value == "http://host"]
    assert (made["LINEAL_HOME"], made["LINEAL_SANDBOX"], made["KEPT"]) == (str(repository / "home"), "1", "yes")


def test_a_variation_is_recorded_where_the_user_records(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setenv("LINEAL_HOME", "mine")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///m.db")
    monkeypatch.setenv("OPENLINEAGE_URL", "http://host")
    made = variation(Code(repository, None, ""), repository, "model:p@1")
    assert made["LINEAL_HOME"] == str(repository / "mine")
    assert made["LINEAL_STORE"] == f"sqlite:///{repository}/mine/lineal.db"
    assert made["MLFLOW_TRACKING_URI"] == f"sqlite:///{repository}/m.db"
    assert (made["OPENLINEAGE_URL"], made["LINEAL_VARIES"]) == ("http://host", "model:p@1")


def test_what_is_installed_in_place_comes_from_the_recorded_work_tree(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for top in (repository, tmp_path / "tree"):
        (top / "src" / "mine").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(repository / "src"), "/usr/lib/python3", str(repository / "gone"), ""])
    code = Code(tmp_path / "tree", tmp_path / "tree", "")
    assert python_path(code, repository) == {"PYTHONPATH": str(tmp_path / "tree" / "src")}
    assert python_path(Code(repository, None, ""), repository) == {}


def enter(found: Materials, project: Path) -> None:
    with throwaway() as folder, code_of(found, project, folder):
        pass
