"""A Prefect server as `prefect server start` gives it, with its scheduler and automations, and commands to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from lineal.errors import StoreError
from lineal.store.log import Store

PREFECT = Path(sys.executable).with_name("prefect")
SECONDS = 300


@pytest.fixture
def prefect_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server as `prefect server start` gives it, with its scheduler; its API's URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    url = f"http://127.0.0.1:{port}/api"
    monkeypatch.setenv("PREFECT_API_URL", url)
    with started("server", "start", "--host", "127.0.0.1", "--port", port, log=tmp_path / "server.log"):
        until(lambda: answers(f"{url}/health"))
        yield url


@contextmanager
def started(*words: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of Prefect until the context is left."""
    with log.open("wb") as file:
        process = subprocess.Popen([PREFECT, *words], stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(url: str) -> bool:
    """Whether a server does."""
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


def request(method: str, url: str, body: Any = None) -> httpx.Response:
    """Ask a server as Prefect's own client does: one that is too busy to answer is asked again."""

    def answered() -> httpx.Response | None:
        answer = httpx.request(method, url, json=body, timeout=60)
        return None if answer.is_server_error else answer

    found: httpx.Response = until(answered)
    return found


def until(holds: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """Wait for something to be so; gives what it is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s")


def prefect(*words: str) -> str:
    """Run a command of Prefect; gives its output."""
    done = subprocess.run([PREFECT, "--no-prompt", *words], capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def recorded(project: Path) -> list[dict[str, Any]]:
    """The events that a project's store holds."""
    try:
        return [json.loads(body) for body in Store(f"sqlite:///{project}/.lineal/lineal.db", create=False).events()]
    except StoreError:
        return []
