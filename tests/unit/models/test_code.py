"""What of the running code no commit holds, and that what is kept of it brings it back."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from lineal.models import code
from lineal.models.code import uncommitted
from tests.parts.git import commit_all, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "steps").mkdir(parents=True)
    (folder / "steps" / "one.py").write_text("first = 1\nsecond = 2\n")
    (folder / "logo.bin").write_bytes(bytes(range(256)))
    commit_all(folder)
    code.difference.cache_clear()
    return folder


def applied(repository: Path, patch: bytes) -> Path:
    """The commit with the patch on it, elsewhere."""
    there = repository.parent / "there"
    git(repository, "worktree", "add", "--quiet", "--detach", str(there), "HEAD")
    subprocess.run(["git", "apply", "--binary", "-"], cwd=there, input=patch, check=True)
    return there


def test_a_clean_tree_has_nothing_to_keep(repository: Path) -> None:
    (repository / "notes.txt").write_text("not code that ran\n")
    found = uncommitted(repository)
    assert (found.state, found.patch, found.modules) == ("clean", None, ())


def test_outside_git_it_says_so(tmp_path: Path) -> None:
    assert uncommitted(tmp_path).state == "no git"


def test_what_is_kept_makes_the_commit_what_ran(repository: Path) -> None:
    (repository / "steps" / "one.py").write_text("first = 1\nsecond = 'zwölf'\n")
    (repository / "logo.bin").write_bytes(bytes(reversed(range(256))))
    found = uncommitted(repository / "steps")
    assert found.state == "kept"
    there = applied(repository, found.patch or b"")
    for name in ("steps/one.py", "logo.bin"):
        assert (there / name).read_bytes() == (repository / name).read_bytes()


def test_an_imported_module_that_git_does_not_track_is_kept_and_others_are_not(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "brand_new.py").write_text("value = 5\n")
    (repository / "never_run.py").write_text("value = 6\n")
    monkeypatch.syspath_prepend(str(repository))
    try:
        importlib.import_module("brand_new")
        found = uncommitted(repository)
    finally:
        sys.modules.pop("brand_new", None)
    assert (found.state, found.modules) == ("kept", ("brand_new.py",))
    there = applied(repository, found.patch or b"")
    assert (there / "brand_new.py").read_text() == "value = 5\n"
    assert not (there / "never_run.py").exists()


def test_a_credential_is_taken_out_of_an_added_line_and_the_patch_still_applies(repository: Path) -> None:
    (repository / "steps" / "one.py").write_text("first = 1\nurl = 'postgresql://ada:hush@host/db'\n")
    found = uncommitted(repository)
    assert (found.state, found.secrets) == ("kept", True)
    assert b"hush" not in (found.patch or b"")
    assert "postgresql://host/db" in (applied(repository, found.patch or b"") / "steps" / "one.py").read_text()


def test_a_credential_in_a_line_that_git_compares_leaves_a_patch_to_be_read_only(repository: Path) -> None:
    (repository / "steps" / "one.py").write_text("url = 'postgresql://ada:hush@host/db'\nlast = 1\n")
    commit_all(repository)
    (repository / "steps" / "one.py").write_text("url = 'postgresql://ada:hush@host/db'\nlast = 2\n")
    code.difference.cache_clear()
    found = uncommitted(repository)
    assert found.state == "redacted"
    assert b"hush" not in (found.patch or b"")


def test_a_difference_beyond_the_limit_is_told_and_not_kept(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "MOST_BYTES", 1000)
    (repository / "steps" / "one.py").write_text("x = 1\n" * 1000)
    found = uncommitted(repository)
    assert (found.state, found.patch) == ("too large", None)
    assert found.size > 6000


def test_no_program_of_the_repository_is_run(repository: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.write_text(f'#!/bin/sh\ntouch {tmp_path}/ran\ncat "$1" 2>/dev/null\n')
    script.chmod(0o755)
    (repository / ".gitattributes").write_text("*.py diff=mine\n")
    git(repository, "config", "diff.external", str(script))
    git(repository, "config", "diff.mine.textconv", str(script))
    git(repository, "config", "core.fsmonitor", str(script))
    (repository / "steps" / "one.py").write_text("first = 3\n")
    assert uncommitted(repository).state == "kept"
    assert not (tmp_path / "ran").exists()
