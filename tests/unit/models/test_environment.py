import getpass
import hashlib
import importlib.metadata
import os
import platform
import re
import subprocess
import sys

import pytest

from lineal.models import code
from lineal.models import environment as module
from lineal.models.environment import environment, lock_file, packages, source_location


def git(folder, *arguments):
    return subprocess.run(
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    module._environment.cache_clear()
    code.difference.cache_clear()


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "project"
    (folder / "flows").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "work")
    git(folder, "config", "user.name", "Grace")
    (folder / "flows" / "train.py").write_text("print('train')\n")
    (folder / "uv.lock").write_text("locked\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    return folder


def test_what_this_process_runs_on(tmp_path):
    found = environment(tmp_path)

    assert found.python == platform.python_version()
    assert found.implementation == platform.python_implementation()
    assert found.os == platform.system()
    assert found.cpu
    assert found.cores >= 1
    assert found.user == getpass.getuser()
    assert found.host
    assert found.packages["scikit-learn"] == importlib.metadata.version("scikit-learn")
    blas = next(each for each in found.libraries if each.api == "blas")
    assert blas.name
    assert blas.threads >= 1


def test_every_installed_package_counts():
    expected = {
        re.sub(r"[-_.]+", "-", each.metadata["Name"]).lower(): each.version
        for each in importlib.metadata.distributions()
    }

    assert module.installed() == expected


def test_the_hash_is_of_names_and_versions(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "installed", lambda: {"b": "2", "a": "1"})

    assert environment(tmp_path).packages_sha256 == hashlib.sha256(b"a==1\nb==2\n").hexdigest()
    assert packages() == "a==1\nb==2\n"


def test_outside_git_and_without_a_lock_file_there_is_none(tmp_path):
    found = environment(tmp_path)

    assert (found.git, found.lock_file, found.lock_sha256) == (None, None, None)
    assert lock_file(tmp_path) is None
    assert source_location(tmp_path / "file.py") is None


def test_without_git_installed_there_is_none(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")

    assert environment(repository).git is None
    assert source_location(repository / "flows" / "train.py") is None


def test_a_user_without_a_name_is_none(tmp_path, monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nobody)

    assert environment(tmp_path).user is None


def test_a_clean_work_tree(repository):
    found = environment(repository)

    assert found.git.commit == git(repository, "rev-parse", "HEAD")
    assert (found.git.branch, found.git.user, found.git.remote) == ("work", "Grace", None)
    assert (found.git.dirty, found.git.diff_sha256) == (False, None)
    assert found.lock_file == "uv.lock"
    assert found.lock_sha256 == hashlib.sha256(b"locked\n").hexdigest()


def test_a_changed_work_tree(repository):
    (repository / "flows" / "train.py").write_text("print('https://me:hush@host/x')\n")

    found = environment(repository).git
    diff = git(repository, "diff", "HEAD", "--no-color", "--binary")

    assert found.dirty
    assert found.diff_sha256 == hashlib.sha256(f"{diff}\n".encode()).hexdigest()


def test_a_staged_change_is_a_change(repository):
    (repository / "new.py").write_text("")
    git(repository, "add", "new.py")

    assert environment(repository).git.dirty


def test_a_repository_without_a_commit(tmp_path):
    git(tmp_path, "init", "--quiet", "--initial-branch", "work")

    found = environment(tmp_path).git

    assert (found.commit, found.branch, found.dirty) == (None, "work", None)
    assert source_location(tmp_path / "x.py") is None


def test_a_detached_head_has_no_branch(repository):
    git(repository, "checkout", "--quiet", "--detach")

    assert environment(repository).git.branch is None


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://me:hush@example.org/team/project.git", "https://example.org/team/project.git"),
        ("https://hush@example.org/team/project.git", "https://example.org/team/project.git"),
        ("git@example.org:team/project.git", "ssh://example.org/team/project.git"),
        ("ssh://git@example.org:2222/project.git", "ssh://example.org:2222/project.git"),
        ("/srv/git/project.git", "/srv/git/project.git"),
        ("C:/git/project.git", "C:/git/project.git"),
    ],
)
def test_the_remote_is_told_without_credentials(repository, url, told):
    git(repository, "remote", "add", "origin", url)

    assert environment(repository).git.remote == told
    assert source_location(repository / "flows" / "train.py").repository == told


def test_origin_goes_before_other_remotes(repository):
    git(repository, "remote", "add", "backup", "https://example.org/backup.git")
    assert environment(repository).git.remote == "https://example.org/backup.git"
    module._environment.cache_clear()

    git(repository, "remote", "add", "origin", "https://example.org/origin.git")
    assert environment(repository).git.remote == "https://example.org/origin.git"


def test_a_file_is_told_by_repository_path_and_commit(repository):
    found = source_location(repository / "flows" / "train.py")

    assert found.repository == repository.as_uri()
    assert found.path == "flows/train.py"
    assert found.commit == git(repository, "rev-parse", "HEAD")


def test_a_file_that_git_does_not_track_has_no_location(repository):
    (repository / "flows" / "scratch.py").write_text("")

    assert source_location(repository / "flows" / "scratch.py") is None
    assert source_location(repository / "nowhere" / "at_all.py") is None


def test_a_file_that_the_commit_does_not_have_is_not_of_it(repository):
    (repository / "flows" / "new.py").write_text("")
    git(repository, "add", "flows/new.py")

    assert source_location(repository / "flows" / "new.py") == (repository.as_uri(), "flows/new.py", None)
    git(repository, "commit", "--quiet", "--message", "new")
    assert source_location(repository / "flows" / "new.py").commit == git(repository, "rev-parse", "HEAD")


def test_a_file_added_before_the_first_commit_is_of_none(tmp_path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "new.py").write_text("")
    git(tmp_path, "add", "new.py")

    assert source_location(tmp_path / "new.py") == (tmp_path.as_uri(), "new.py", None)


def test_a_git_that_hangs_is_given_up(repository, tmp_path, monkeypatch):
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "git").write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    (bin_folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")
    monkeypatch.setattr(code, "GIT_TIMEOUT", 0.2)

    assert environment(repository).git is None


def test_a_repositorys_own_programs_are_not_run_for_its_diff(repository, tmp_path):
    trap = tmp_path / "ran"
    for key in ("diff.external", "core.fsmonitor"):
        git(repository, "config", key, f"touch {trap}; true")
    (repository / "flows" / "train.py").write_text("changed\n")

    assert environment(repository).git.dirty
    assert not trap.exists()


def test_all_but_the_libraries_is_looked_up_once(repository, monkeypatch):
    first = environment(repository)
    monkeypatch.setattr(module, "_state", lambda folder: pytest.fail("git was asked again"))

    assert environment(repository) == first
