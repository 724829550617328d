from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lineal.errors import LinealError, StorageError, TrackingError, UnreachableError
from lineal.models import tracking
from lineal.models.model import TrackedRun
from lineal.models.tracking import place


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "_PATIENCE", 0.5)


@contextmanager
def listening() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def answering(status: int) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def failure(monkeypatch: pytest.MonkeyPatch, uri: str, kind: type[LinealError]) -> str:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(kind) as caught:
        tracking.check_reachable()
    assert type(caught.value) is kind
    return caught.value.message


# --- servers ------------------------------------------------------------------------------------------------------


def test_a_server_that_never_answers_is_told_soon_and_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as port:
        began = time.monotonic()
        message = failure(monkeypatch, f"http://ada:hush@127.0.0.1:{port}", UnreachableError)
        assert time.monotonic() - began < 5
    assert message == (
        f"the MLflow tracking server http://127.0.0.1:{port} takes connections but does not answer within 0.5 s; "
        "start it, or correct MLFLOW_TRACKING_URI, or unset that to keep runs in the project"
    )


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    message = failure(monkeypatch, f"http://127.0.0.1:{port}/", UnreachableError)
    assert message.startswith(f"the MLflow tracking server http://127.0.0.1:{port} refuses connections; start it")


def test_a_host_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    message = failure(monkeypatch, "https://mlflow.invalid", UnreachableError)
    assert "https://mlflow.invalid has a host name that cannot be found; start it, or correct" in message


def test_a_server_that_is_down_behind_its_proxy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(503) as port:
        message = failure(monkeypatch, f"http://127.0.0.1:{port}", UnreachableError)
    assert f"http://127.0.0.1:{port} answers 503 Service Unavailable; start it" in message


@pytest.mark.parametrize("status", [200, 401, 404])
def test_a_server_that_says_anything_else_is_there(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(status) as port:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ada:hush@127.0.0.1:{port}")
        tracking.check_reachable()


def test_a_database_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    message = failure(monkeypatch, f"postgresql+psycopg://ada:hush@127.0.0.1:{port}/mlflow", UnreachableError)
    assert message == (
        f"the MLflow database postgresql+psycopg://127.0.0.1:{port}/mlflow refuses connections; "
        "start it, or correct MLFLOW_TRACKING_URI"
    )
    with listening() as port:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://ada:hush@127.0.0.1:{port}/mlflow")
        tracking.check_reachable()


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        (
            "ftp://host/mlflow",
            "MLFLOW_TRACKING_URI=ftp://host/mlflow has a scheme that MLflow does not know; write http",
        ),
        ("postgresql://host:many/db", "MLFLOW_TRACKING_URI=postgresql://host:many/db has a port that is no number"),
        (
            "sqlite://",
            "MLFLOW_TRACKING_URI=sqlite:// names no file, so no later process could read it; write sqlite:///",
        ),
    ],
)
def test_an_address_that_mlflow_does_not_know_is_told(uri: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert failure(monkeypatch, uri, TrackingError).startswith(words)


@pytest.mark.parametrize("uri", ["databricks", "databricks://profile"])
def test_a_managed_server_is_left_to_its_own_client(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tracking.check_reachable()


# --- files --------------------------------------------------------------------------------------------------------


def test_the_embedded_store_needs_nothing_first(own_home: Path) -> None:
    tracking.check_reachable()
    assert place.is_embedded()
    assert place.artifacts() == own_home / ".lineal" / "mlartifacts"


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LINEAL_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(StorageError) as caught:
        tracking.check_reachable()
    assert caught.value.message.startswith(
        f"the MLflow database {tmp_path}/file/home/mlflow.db cannot be made: Not a dir"
    )
    assert caught.value.message.endswith("set LINEAL_HOME or MLFLOW_TRACKING_URI to a place that can be written")


def test_a_database_that_is_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mlflow.db"
    file.write_text("dear diary, today I am no database")
    assert failure(monkeypatch, f"sqlite:///{file}", StorageError) == (
        f"the MLflow database {file} is no SQLite database; move it away, or set MLFLOW_TRACKING_URI to another"
    )
    assert "is a folder; correct MLFLOW_TRACKING_URI" in failure(monkeypatch, f"sqlite:///{tmp_path}", StorageError)


@pytest.mark.parametrize("form", ["sqlite:///{}/mlflow.db", "{}", "file://{}"])
def test_a_place_that_may_not_be_written_is_told(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    message = failure(monkeypatch, form.format(tmp_path / "kept"), StorageError)
    assert f"cannot be written: no permission for {tmp_path}/kept; set LINEAL_HOME or MLFLOW_TRACKING_URI" in message


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (None, "mlflow://local"),
        ("sqlite:///somewhere.db", "mlflow://local"),
        ("./mlruns", "mlflow://local"),
        ("file:///srv/mlruns", "mlflow://local"),
        ("http://Models.Example.org:5000/", "mlflow://models.example.org:5000"),
        ("http://models.example.org", "mlflow://models.example.org:80"),
        ("https://ada:hush@models.example.org/mlflow", "mlflow://models.example.org:443"),
        ("http://[::1]:5000", "mlflow://[::1]:5000"),
        ("postgresql+psycopg://ada:hush@db/mlflow", "mlflow://db:5432"),
        ("databricks", "mlflow://databricks"),
    ],
)
def test_models_are_named_after_the_server_that_keeps_them(
    uri: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if uri is not None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert tracking.namespace() == expected


def test_a_run_has_a_page_where_a_server_keeps_it() -> None:
    assert tracking.run_url(TrackedRun("http://host:5000/", "3", "abc")) == "http://host:5000/#/experiments/3/runs/abc"
    assert tracking.run_url(TrackedRun("sqlite:///x.db", "3", "abc")) is None


# --- manners ------------------------------------------------------------------------------------------------------


def test_mlflow_is_kept_quiet_and_short_of_patience_but_for_what_the_user_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in place._DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    tracking.check_reachable()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"


def test_the_check_needs_neither_mlflow_nor_pandas(own_home: Path) -> None:
    script = (
        "import sys; from lineal.models import tracking; tracking.check_reachable(); tracking.namespace();"
        "sys.exit(bool({'mlflow', 'pandas', 'sklearn', 'numpy', 'sqlalchemy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
