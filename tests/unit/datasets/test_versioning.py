"""Data versions in DVC: the repository found or made, its cache, its remote, its pointers; each DVC is a real one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lineal import settings
from lineal.datasets import pushing, versioning
from lineal.datasets.cache import Cache
from lineal.datasets.dataset import Dataset
from lineal.datasets.read import to_table
from lineal.datasets.sources import read
from lineal.datasets.table import write_table
from lineal.datasets.versioning import pointer_of
from lineal.errors import VersionError

MD5_OF_HELLO = "5d41402abc4b2a76b9719d911017c592"
TABLE = pa.table({"a": [1, 2], "b": ["x", None]})


def git(*words: str, folder: Path) -> str:
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def dvc(*words: str | Path, folder: Path) -> str:
    command = [Path(sys.executable).with_name("dvc"), *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "prefect.yaml").touch()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LINEAL_HOME")
    return folder


@pytest.fixture
def remote(project: Path, tmp_path: Path) -> Path:
    """The project in DVC, with a folder as its default remote."""
    versioning.set_up()
    folder = tmp_path / "remote"
    (project / ".dvc" / "config").write_text(
        f"['remote \"backup\"']\n    url = {folder}\n[core]\n    no_scm = True\n    remote = backup\n"
    )
    return folder


def keep(data: bytes, cache: Cache | None = None) -> Path:
    cache = cache or Cache()
    with cache.temporary() as file:
        file.write_bytes(data)
        return cache.put(file)[0]


def in_remote(remote: Path, version: str) -> Path:
    return remote / "files" / "md5" / version[:2] / version[2:]


def alter(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def test_without_git_a_repository_is_made_that_dvc_takes_for_its_own(project: Path) -> None:
    found = versioning.set_up()
    assert found == versioning.find()
    assert found.root == project
    assert "no_scm = True" in (project / ".dvc" / "config").read_text()
    path = keep(b"hello")
    assert path == project / ".dvc/cache/files/md5" / MD5_OF_HELLO[:2] / MD5_OF_HELLO[2:]
    (project / "hello.dvc").write_text(versioning.Pointer(MD5_OF_HELLO, "hello", 5).text)
    dvc("checkout", "hello.dvc", folder=project)
    assert (project / "hello").read_bytes() == b"hello"


def test_with_git_nothing_is_staged_and_no_tracked_file_changes(project: Path) -> None:
    git("init", folder=project)
    (project / ".gitignore").write_text(".lineal\n")
    git("add", ".", folder=project)
    git("commit", "-m", "x", folder=project)
    versioning.set_up()
    assert git("status", "--porcelain", folder=project).split("\n")[:-1] == ["?? .dvc/", "?? .dvcignore"]
    assert "no_scm" not in (project / ".dvc" / "config").read_text()
    git("add", ".", folder=project)
    assert "cache" not in git("ls-files", folder=project)


def test_a_project_within_a_git_repository_has_its_own(project: Path) -> None:
    git("init", folder=project.parent)
    found = versioning.set_up()
    assert found is not None
    assert found.root == project
    assert "no_scm" not in (project / ".dvc" / "config").read_text()
    dvc("status", folder=project)


def test_the_repository_above_is_used_with_the_cache_it_names(project: Path, tmp_path: Path) -> None:
    (project.parent / ".dvc").mkdir()
    (project.parent / ".dvc" / "config").write_text(
        "[core]\n    no_scm = true\n[cache]\n    dir = ../shared\n    shared = group\n    type = hardlink,symlink\n"
    )
    found = versioning.set_up()
    assert found is not None
    assert (found.root, found.cache, found.links) == (tmp_path, tmp_path / "shared", ("hardlink", "symlink"))
    assert not (project / ".dvc").exists()
    path = keep(b"hello")
    assert path.is_relative_to(tmp_path / "shared" / "files" / "md5")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o2775
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert dvc("cache", "dir", folder=project).strip() == str(tmp_path / "shared")


@pytest.mark.parametrize("way", ["reflink", "hardlink", "symlink", "copy"])
def test_a_repository_whose_files_are_links_into_its_cache_is_used_as_it_is(
    project: Path, tmp_path: Path, way: str
) -> None:
    git("init", folder=project)
    dvc("init", folder=project)
    dvc("config", "cache.type", way, folder=project)
    dvc("cache", "dir", "../shared cache", folder=project)
    source = project / "raw ü" / "mine 1.csv"
    source.parent.mkdir()
    source.write_text("a,b\n1,x\n2,\n")
    # Where the disk has no reflinks, and is told of nothing else, DVC itself refuses.
    if way == "reflink" and not _reflinks(project):
        dvc("config", "cache.type", "reflink,copy", folder=project)
    dvc("add", source, folder=project)
    git("add", ".", folder=project)
    git("commit", "-m", "x", folder=project)
    before = (source.lstat().st_mode, source.stat().st_nlink)
    found = versioning.set_up()
    assert found is not None
    assert (found.cache, found.links[0]) == (tmp_path / "shared cache", way)

    snapshot = read(str(source), "t.snapshot", folder=project).dataset
    assert Path(snapshot.location).is_relative_to(tmp_path / "shared cache" / "files" / "md5")
    assert to_table(snapshot).num_rows == 2
    pointer = versioning.tracked(source)
    assert pointer is not None
    assert f"md5: {pointer.md5}\n" in (project / "raw ü" / "mine 1.csv.dvc").read_text()
    assert (source.lstat().st_mode, source.stat().st_nlink) == before
    assert source.is_symlink() == (way == "symlink")
    assert "up to date" in dvc("status", folder=project)
    assert git("status", "--porcelain", folder=project) == ""


def _reflinks(folder: Path) -> bool:
    (folder / "one").write_text("x")
    done = subprocess.run(["cp", "--reflink=always", "one", "two"], cwd=folder, capture_output=True, check=False)
    for name in ("one", "two"):
        (folder / name).unlink(missing_ok=True)
    return done.returncode == 0


def test_a_folder_that_is_no_project_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some").mkdir()
    monkeypatch.chdir(tmp_path / "some")
    assert versioning.set_up() is None
    assert list((tmp_path / "some").iterdir()) == []


def test_where_dvc_cannot_be_set_up_versions_stay_where_they_were(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (project / ".gitignore").write_text(".dvc\n")
    git("init", folder=project)
    assert versioning.set_up() is None
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith(f"DVC cannot be set up in {project} ({project}/.dvc is ignored by your SCM tool")
    assert line.endswith(f"data versions are kept in {project}/.lineal/cache, and pushed nowhere")
    assert keep(b"hello").is_relative_to(settings.home() / "cache")


def test_a_configuration_that_dvc_refuses_is_told_and_not_used(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    (project / ".dvc").mkdir()
    (project / ".dvc" / "config").write_text("[core\n")
    assert versioning.set_up() is None
    assert f"{project}/.dvc/config cannot be used (config file error: " in caplog.text
    assert keep(b"hello").is_relative_to(settings.home() / "cache")


def test_two_runs_that_begin_at_once_make_one_repository(project: Path) -> None:
    code = "from lineal.datasets import versioning; print(versioning.set_up().root)"
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [run.communicate()[0].strip() for run in both] == [str(project)] * 2
    dvc("status", folder=project)


def test_what_was_kept_before_there_was_dvc_is_found(project: Path) -> None:
    before = keep(b"hello")
    assert before.is_relative_to(settings.home())
    versioning.set_up()
    assert Cache().get(MD5_OF_HELLO) == before


def test_a_push_sends_what_the_remote_lacks_and_only_that(remote: Path) -> None:
    keep(b"hello")
    assert pushing.push([MD5_OF_HELLO]) == pushing.Pushed("backup", sent=1)
    assert in_remote(remote, MD5_OF_HELLO).read_bytes() == b"hello"
    assert pushing.push([MD5_OF_HELLO]) == pushing.Pushed("backup", sent=0)


def test_without_a_default_remote_nothing_is_pushed(project: Path) -> None:
    versioning.set_up()
    keep(b"hello")
    assert pushing.push([MD5_OF_HELLO]) == pushing.Pushed(None)


def test_a_remote_that_refuses_is_told_and_gets_it_later(
    remote: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    keep(b"hello")
    remote.touch()
    pushed = pushing.push([MD5_OF_HELLO])
    assert (pushed.sent, pushed.waiting) == (0, 1)
    assert pushed.problem is not None
    assert pushed.problem.startswith(f"the DVC remote backup ({remote}) refuses to push: ")
    assert "\n" not in pushed.problem
    remote.unlink()
    other = keep(b"other")
    assert pushing.push([other.parent.name + other.name]).sent == 2
    assert pushing.waiting() == set()
    assert in_remote(remote, MD5_OF_HELLO).read_bytes() == b"hello"
    # Our one sentence is all there is to hear of it.
    assert capfd.readouterr() == ("", "")


def test_a_remote_that_is_away_is_not_waited_for_long(
    remote: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineal.datasets.patience.SECONDS", 1.0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-mine")
    (project / ".dvc" / "config").write_text(
        "['remote \"s3\"']\n    url = s3://bucket/x\n    endpointurl = http://127.0.0.1:9\n"
        "[core]\n    no_scm = True\n    remote = s3\n"
    )
    keep(b"hello")
    start = time.monotonic()
    problem = pushing.push([MD5_OF_HELLO]).problem
    assert time.monotonic() - start < 20
    assert problem is not None
    assert "s3://bucket/x" in problem
    assert "secret-of-mine" not in problem


def test_what_the_cache_lacks_comes_from_the_remote(remote: Path) -> None:
    path = keep(b"hello")
    pushing.push([MD5_OF_HELLO])
    path.unlink()
    cache = Cache()
    assert cache.get(MD5_OF_HELLO) == path
    assert path.read_bytes() == b"hello"
    assert cache.fetched == {MD5_OF_HELLO}
    with pytest.raises(
        VersionError,
        match=r"^the bytes of version 0{12} are not in the cache \S+, and the DVC remote backup \(\S+\) does not hold ",
    ):
        cache.get("0" * 32)


def test_a_file_of_the_cache_that_was_altered_is_refused_and_fetched_anew(remote: Path) -> None:
    path = keep(b"hello")
    alter(path, b"jello")
    with pytest.raises(
        VersionError, match=rf"the file {path} no longer holds version 5d41402abc4b: it was altered, and"
    ):
        Cache().get(MD5_OF_HELLO)
    assert path.read_bytes() == b"jello"
    keep(b"hello")
    pushing.push([MD5_OF_HELLO])
    alter(path, b"cello")
    assert Cache().get(MD5_OF_HELLO).read_bytes() == b"hello"
    assert list(path.parent.iterdir()) == [path]


def test_what_is_altered_in_the_remote_as_well_is_refused(remote: Path) -> None:
    path = keep(b"hello")
    pushing.push([MD5_OF_HELLO])
    alter(in_remote(remote, MD5_OF_HELLO), b"cello")
    path.unlink()
    with pytest.raises(VersionError, match="and what the DVC remote backup holds under its name is altered; bring"):
        Cache().get(MD5_OF_HELLO)
    assert not path.exists()


def test_an_altered_file_is_not_pushed(remote: Path) -> None:
    alter(keep(b"hello"), b"jello")
    pushing.push([MD5_OF_HELLO])
    assert not in_remote(remote, MD5_OF_HELLO).exists()


def test_the_same_bytes_again_mend_an_altered_file(remote: Path) -> None:
    alter(keep(b"hello"), b"jello")
    assert keep(b"hello").read_bytes() == b"hello"


def test_a_handle_from_another_machine_is_read_from_the_remote(remote: Path) -> None:
    made = write_table(TABLE, "t.train")
    assert made.version is not None
    pushing.push([made.version])
    Path(made.location).unlink()
    elsewhere = made.but(uri=f"/there/.dvc/cache/files/md5/{made.version[:2]}/{made.version[2:]}")
    assert to_table(elsewhere).equals(TABLE)


def test_a_handle_on_an_altered_file_is_not_read(project: Path) -> None:
    versioning.set_up()
    made = write_table(TABLE, "t.train")
    alter(Path(made.location), Path(made.location).read_bytes()[:-1] + b"x")
    with pytest.raises(VersionError, match="no longer holds version"):
        to_table(made)


_HOLD = """
import sys, time
from dvc.repo import Repo
repo = Repo(sys.argv[1])
with repo.lock:
    print("held", flush=True)
    time.sleep(5)
"""


@contextmanager
def holding(project: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds DVC's lock for five seconds: longer than DVC itself waits for it."""
    with subprocess.Popen([sys.executable, "-c", _HOLD, project], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder


def test_a_push_waits_for_another_dvc_process(remote: Path, project: Path) -> None:
    keep(b"hello")
    with holding(project) as holder:
        assert pushing.push([MD5_OF_HELLO]).sent == 1
        assert holder.wait() == 0


@contextmanager
def _held(project: Path) -> Iterator[None]:
    """DVC's lock, held by this process, for as long as it takes."""
    from dvc.repo import Repo

    with Repo(str(project)) as repo, repo.lock:
        yield


_PUSH = """
import sys
from pathlib import Path
from lineal.datasets import pushing
from lineal.datasets.cache import Cache
cache = Cache()
with cache.temporary() as file:
    file.write_text(sys.argv[1])
    _, marks = cache.put(file)
import dvc.repo
print("begun", flush=True)
print(pushing.push([marks.md5]))
"""


def test_runs_that_push_at_the_same_moment_wait_for_each_other(remote: Path, project: Path) -> None:
    command = [sys.executable, "-c", _PUSH]
    runs = [subprocess.Popen([*command, name], cwd=project, stdout=subprocess.PIPE, text=True) for name in "abc"]
    with _held(project):
        for run in runs:
            assert run.stdout is not None
            assert run.stdout.readline() == "begun\n"
        time.sleep(6)  # longer than DVC itself waits
    said = [run.communicate()[0].strip() for run in runs]
    assert said == ["Pushed(remote='backup', sent=1, waiting=0, problem=None)"] * 3
    assert len([file for file in remote.rglob("*") if file.is_file()]) == 3


def test_a_lock_that_is_never_given_up_is_told(remote: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineal.datasets.versioning.repository.LOCK_SECONDS", 0.1)
    keep(b"hello")
    with holding(project):
        problem = pushing.push([MD5_OF_HELLO]).problem
    assert problem is not None
    assert problem.startswith(f"another DVC process has held the lock of {project} for 0.1 s; end it")


def test_a_pointer_is_what_dvc_add_writes(project: Path) -> None:
    versioning.set_up()
    made = write_table(TABLE, "t.train")
    pointer = pointer_of(made)
    assert pointer is not None
    (project / pointer.path).write_bytes(Path(made.location).read_bytes())
    dvc("add", pointer.path, folder=project)
    assert (project / f"{pointer.path}.dvc").read_text() == pointer.text


def test_dvc_pulls_what_a_pointer_names(remote: Path, project: Path) -> None:
    made = write_table(TABLE, "t.train")
    assert made.version is not None
    pushing.push([made.version])
    Path(made.location).unlink()
    pointer = pointer_of(made)
    assert pointer is not None
    (project / "t.train.dvc").write_text(pointer.text)
    dvc("pull", "t.train.dvc", folder=project)
    assert to_table(Dataset(project / "t.train.parquet")).equals(TABLE)


def test_a_source_that_the_user_tracks_is_known(project: Path, lineage: Any) -> None:
    from lineal import traced

    versioning.set_up()
    (project / "data").mkdir()
    for name in ("mine.csv", "data/a.csv", "other.csv"):
        (project / name).write_text("a,b\n1,2\n")
    dvc("add", "mine.csv", "data", folder=project)

    @traced
    def work(mine: Dataset, inside: Dataset, other: Dataset) -> None: ...

    work(Dataset("mine.csv"), Dataset("data/a.csv"), Dataset("other.csv"))
    found = {Path(each["name"]).name: each["facets"].get("lineal_dvc") for each in lineage.event("work")["inputs"]}
    assert found["other.csv"] is None
    assert found["mine.csv"]["pointer"] == str(project / "mine.csv.dvc")
    assert f"md5: {found['mine.csv']['md5']}\n" in (project / "mine.csv.dvc").read_text()
    assert found["a.csv"]["pointer"] == str(project / "data.dvc")
    assert found["a.csv"]["md5"].endswith(".dir")


def test_a_file_is_added_once_and_only_looked_at_when_unchanged(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versioning.set_up()
    file = project / "big.bin"
    file.write_bytes(os.urandom(5 << 20))
    path, marks = Cache().add(file)
    assert path.read_bytes() == file.read_bytes()
    monkeypatch.setattr("lineal.datasets.remembered._known", {})
    monkeypatch.setattr("lineal.datasets.cache._copied", None)
    monkeypatch.setattr("lineal.datasets.remembered.fingerprint", None)
    assert Cache().add(file) == (path, marks)


def test_a_file_that_has_changed_is_added_anew(project: Path) -> None:
    file = project / "f.bin"
    file.write_bytes(b"one")
    first, _ = Cache().add(file)
    file.write_bytes(b"two")
    second, _ = Cache().add(file)
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")


def test_looking_for_the_repository_imports_no_more_of_dvc_than_its_configuration(project: Path) -> None:
    versioning.set_up()
    code = "import sys\nfrom lineal.datasets.cache import Cache\nCache()\nprint('dvc.repo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
