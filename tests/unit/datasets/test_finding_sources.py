from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pytest

from lineal.datasets import patience
from lineal.datasets.sources import ingest
from lineal.errors import SourceError, UnreachableError


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(project: Path) -> Iterator[str]:
    """A web server over the project."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(project)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_folder_is_read_by_name_with_its_subfolders_but_no_hidden_files(put: Any, snap: Any, rows: Any) -> None:
    for name in ("in/b.csv", "in/a.csv", "in/sub/c.csv"):
        put(name, f"v\n{name[-5]}\n")
    for name in ("in/.hidden.csv", "in/_tmp/x.csv", "in/_SUCCESS", "in/notes.txt"):
        put(name, "no data")
    snapshot = snap("in")
    assert [row["v"] for row in rows(snapshot)] == ["a", "b", "c"]
    assert [Path(source.location).name for source in snapshot.sources] == ["a.csv", "b.csv", "c.csv"]


def test_a_glob_takes_what_it_matches(put: Any, snap: Any, project: Path) -> None:
    for name in ("2025.csv", "2026.csv", "other.csv"):
        put(name, "v\n1\n")
    put("deep/er/2024.csv", "v\n1\n")
    assert [source.location for source in snap("20*.csv").sources] == [
        str(project / "2025.csv"),
        str(project / "2026.csv"),
    ]
    assert [source.location for source in snap("**/2024.csv").sources] == [str(project / "deep/er/2024.csv")]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(put: Any, snap: Any) -> None:
    put("a[1].csv", "v\n1\n")
    assert len(snap("a[1].csv").sources) == 1


def test_a_file_uri_and_an_absolute_path_are_the_file(put: Any, snap: Any) -> None:
    file = put("with space.csv", "v\n1\n")
    assert snap(file.as_uri()).sources == snap(file).sources
    assert snap(file).sources[0].location == str(file)


def test_names_in_the_uri_come_from_the_environment(
    put: Any, pipeline: Any, cache: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("d.csv", "v,y\n1,2\n")
    made = pipeline(source='uri = "${WHERE}/d.csv"\ntarget = "y"')
    with pytest.raises(SourceError, match=r"speaks of \$\{WHERE\}, which is not set; set the environment variable"):
        ingest(made, cache)
    monkeypatch.setenv("WHERE", str(project))
    snapshot = ingest(made, cache)
    assert snapshot.sources[0].location == str(project / "d.csv")
    assert snapshot.dataset.name == "t.snapshot"
    assert snapshot.dataset.path == cache.path(snapshot.dataset.version)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("penguin.csv", r"there is no .*/project/penguin\.csv; did you mean penguins\.csv\?"),
        ("zzz.csv", r"there is no .*/project/zzz\.csv; correct source\.uri"),
        (
            "no/such/d.csv",
            r"nor the folder .*/no/such; correct source\.uri or --data \(a relative path starts at the project\)",
        ),
        ("*.parquet", r"no file matches .*/\*\.parquet; correct the pattern"),
        ("empty", r"no data file lies in .*/empty; it needs files named \*\.csv"),
        ("mixed", r"mixed mixes formats: .*a\.csv is CSV, .*b\.jsonl is JSON lines; keep one"),
        ("notes.txt", r"the format of .*notes\.txt cannot be told from its name; name it \*\.csv"),
        ("foo://x/d.csv", "foo:// is no kind of address that fsspec knows"),
        ("memory://nope/d.csv", "there is no memory://nope/d.csv"),
        ("memory://nope/*.csv", "no file matches memory://nope/"),
    ],
)
def test_what_is_not_there_is_told(put: Any, snap: Any, project: Path, uri: str, message: str) -> None:
    put("penguins.csv", "v\n1\n")
    put("mixed/a.csv", "v\n1\n")
    put("mixed/b.jsonl", '{"v": 1}\n')
    put("notes.txt", "x")
    (project / "empty").mkdir()
    with pytest.raises(SourceError, match=message):
        snap(uri)


def test_a_missing_fsspec_package_is_named(snap: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(SourceError, match=r"Install s3fs to access S3; pip install 'fsspec\[s3\]' has it"):
        snap("s3://bucket/d.csv")


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.rm("/", recursive=True) if system.ls("/") else None


def test_any_fsspec_uri_is_read_as_a_local_file_is(put: Any, snap: Any, cache: Any, memory: Any) -> None:
    local = put("d.csv", "v,w\n1,a\n2,b\n")
    memory.pipe("/data/d.csv", local.read_bytes())
    here, there = snap("d.csv"), snap("memory://data/d.csv")
    assert there.dataset == here.dataset
    (source,) = there.sources
    assert source.location == "memory:///data/d.csv"
    assert source.but(uri=here.sources[0].uri) == here.sources[0]
    assert snap("memory://data").sources == snap("memory://data/*.csv").sources == there.sources
    # What was fetched is gone again.
    assert list((cache.root / "tmp").iterdir()) == []


def test_a_folder_that_is_called_as_a_secret_is_is_no_secret(snap: Any, memory: Any) -> None:
    for number in (1, 2):
        memory.pipe(f"/lake/access_key={number}/d.csv", b"v\n1\n")
    found = snap("memory://lake/*/d.csv").sources
    assert [source.location for source in found] == [f"memory:///lake/access_key={number}/d.csv" for number in (1, 2)]


def test_the_web_is_read_and_a_secret_in_the_address_is_not_kept(put: Any, snap: Any, web: str) -> None:
    put("d.csv", "v\n1\n")
    (source,) = snap(f"{web}/d.csv?token=s3cret").sources
    assert source.location == f"{web}/d.csv?token=***"
    assert source.rows == 1


def test_a_missing_page_and_a_dead_server_are_told_apart(snap: Any, web: str) -> None:
    with pytest.raises(SourceError, match=rf"there is no {web}/nope\.csv; correct source\.uri") as told:
        snap(f"{web}/nope.csv")
    assert not isinstance(told.value, UnreachableError)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnreachableError, match=r"cannot be reached: .*check address, credentials and network"):
        snap(f"http://ada:s3cret@127.0.0.1:{port}/d.csv")


def test_a_silent_server_is_given_up_on_without_its_password(snap: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://ada:s3cret@127.0.0.1:{silent.getsockname()[1]}/d.csv"
        with pytest.raises(UnreachableError, match=r"did not answer within 0\.3 s") as told:
            snap(url)
    assert "s3cret" not in told.value.message


def test_no_wait_is_longer_than_half_a_minute() -> None:
    assert patience.SECONDS <= 30


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_of_someone_else_is_told(put: Any, snap: Any) -> None:
    put("d.csv", "v\n1\n").chmod(0)
    with pytest.raises(SourceError, match=r"d\.csv cannot be read: Permission denied"):
        snap("d.csv")
