"""data-rentgen, a consumer of OpenLineage with models of its own; it asks for a newer Python than we do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.parts.postgres import database
from tests.parts.processes import free_port, served

REQUIREMENT = "data-rentgen[consumer,http2kafka,postgres,server]==0.7.2"
TOOLS = Path(__file__).resolve().parent.parent.parent / ".tools"
CACHE = TOOLS / "data-rentgen-0.7.2"
READER = Path(__file__).with_name("data_rentgen_reader.py")

Read = Callable[[Iterable[str]], dict[str, Any]]


@pytest.fixture(scope="session")
def data_rentgen_python() -> Path:
    """An interpreter that has data-rentgen. Skips where it or Python 3.12 is not to be had."""
    python, ready = CACHE / "bin" / "python", CACHE / "ready"
    if not ready.exists() or ready.read_text() != REQUIREMENT:
        _install(python)
    return python


@pytest.fixture(scope="session")
def data_rentgen(data_rentgen_python: Path) -> Read:
    """Give data-rentgen's own reader events; returns what it made of them."""

    def read(lines: Iterable[str]) -> dict[str, Any]:
        given = "".join(f"{line}\n" for line in lines)
        done = subprocess.run(
            [data_rentgen_python, "-P", READER],
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            encoding="utf-8",
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return read


def _install(python: Path) -> None:
    shutil.rmtree(CACHE, ignore_errors=True)
    newest = next(_interpreters(), None)
    if newest is None:
        pytest.skip("data-rentgen needs Python 3.12 or newer")
    uv = _uv()
    if uv:
        made = [uv, "venv", "--quiet", "--no-project", "--python", newest, CACHE]
        filled = [uv, "pip", "install", "--quiet", "--python", python, REQUIREMENT]
    else:
        made = [newest, "-m", "venv", CACHE]
        filled = [python, "-m", "pip", "install", "--quiet", "--no-compile", REQUIREMENT]
    # Not compiled ahead: a minute more, for modules of which most are never imported.
    quick = {**os.environ, "UV_COMPILE_BYTECODE": "0"}
    for command in (made, filled):
        try:
            done = subprocess.run(command, env=quick, capture_output=True, text=True, timeout=140, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{REQUIREMENT} cannot be installed within 140 s")
        if done.returncode:
            pytest.skip(f"{REQUIREMENT} cannot be installed: {done.stderr.strip()[-300:]}")
    (CACHE / "ready").write_text(REQUIREMENT)


def _uv() -> Path | None:
    """A uv that answers, on PATH or the Makefile's own: it installs in seconds what takes pip half a minute."""
    for place in (shutil.which("uv"), TOOLS / "bin" / "uv"):
        if place and Path(place).exists():
            said = subprocess.run([place, "--version"], capture_output=True, check=False)
            if said.returncode == 0:
                return Path(place)
    return None


def _interpreters() -> Iterator[Path]:
    """Pythons from 3.12 on that answer: those on PATH, where pyenv's may be shims of nothing, and pyenv's own."""
    for version in ("3.12", "3.13"):
        on_path = shutil.which(f"python{version}")
        pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
        for candidate in ([Path(on_path)] if on_path else []) + sorted(pyenv.glob(f"{version}.*/bin/python3")):
            said = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False).stdout
            if said.startswith(f"Python {version}."):
                yield candidate


class DataRentgen:
    """The whole of it, running: where it takes events, and its REST answers.

    Attributes:
        url: takes events over HTTP, at `v1/openlineage`, from who shows `key`.
        topic: of Kafka, that it reads as well.
    """

    topic = "input.runs"

    def __init__(self, url: str, server: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=server, timeout=30)
        said = self._client.post("/v1/auth/token", data={"username": "ada", "password": "any"})
        self._client.headers["Authorization"] = f"Bearer {said.json()['access_token']}"
        self.key = self._client.post("/v1/personal-tokens", json={"name": "lineal"}).json()["content"]

    def get(self, path: str, **query: str | int) -> Any:
        """The answer at a path."""
        answer = self._client.get(f"/v1/{path}", params=query)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.json()

    def listed(self, what: str, **query: str | int) -> list[dict[str, Any]]:
        """All items of a list."""
        items: list[dict[str, Any]] = []
        page: int | None = 1
        while page is not None:
            found = self.get(what, page_size=50, page=page, **query)
            items += found["items"]
            page = found["meta"]["next_page"] if found["meta"]["has_next"] else None
        return items


@pytest.fixture(scope="session")
def data_rentgen_server(
    tmp_path_factory: pytest.TempPathFactory, data_rentgen_python: Path, postgres_server: str, kafka: str
) -> Iterator[DataRentgen]:
    """data-rentgen as it is deployed: HTTP, Kafka, consumer, PostgreSQL, and the server that answers."""
    folder = tmp_path_factory.mktemp("data-rentgen")
    with ExitStack() as stack:
        stored = urlsplit(stack.enter_context(database(postgres_server, "data_rentgen")))
        # It wants a password; the cluster trusts whoever comes.
        url = f"postgresql+asyncpg://postgres:any@{stored.hostname}:{stored.port}{stored.path}"
        environment = os.environ | {
            "DATA_RENTGEN__DATABASE__URL": url,
            "DATA_RENTGEN__KAFKA__BOOTSTRAP_SERVERS": json.dumps([kafka]),
            "DATA_RENTGEN__CONSUMER__AUTO_OFFSET_RESET": "earliest",
            "DATA_RENTGEN__AUTH__PROVIDER": "data_rentgen.server.providers.auth.dummy_provider.DummyAuthProvider",
            "DATA_RENTGEN__AUTH__ACCESS_TOKEN__SECRET_KEY": "access-token-of-a-test-and-nobody-else",
            "DATA_RENTGEN__AUTH__PERSONAL_TOKENS__ENABLED": "true",
            "DATA_RENTGEN__AUTH__PERSONAL_TOKENS__SECRET_KEY": "personal-token-of-a-test-and-nobody-else",
            "DATA_RENTGEN__SERVER__SESSION__SECRET_KEY": "session-of-a-test-and-nobody-else-at-all",
            "DATA_RENTGEN__SERVER__STATIC_FILES__ENABLED": "false",
        }
        for words in (["db.migrations", "upgrade", "head"], ["db.scripts.create_partitions"]):
            command = [data_rentgen_python, "-P", "-m", f"data_rentgen.{words[0]}", *words[1:]]
            done = subprocess.run(
                command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=120
            )
            assert done.returncode == 0, done.stderr
        addresses = {part: f"http://127.0.0.1:{free_port()}" for part in ("consumer", "http2kafka", "server")}
        for part, address in addresses.items():
            command = [data_rentgen_python, "-P", "-m", f"data_rentgen.{part}"]
            command += ["--host", "127.0.0.1", "--port", address.rpartition(":")[2]]
            log = folder / f"{part}.log"
            stack.enter_context(served(command, _ready(address), log=log, environment=environment))
        yield DataRentgen(addresses["http2kafka"], addresses["server"])


def _ready(address: str) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            return httpx.get(f"{address}/monitoring/ping", timeout=5).is_success
        except httpx.HTTPError:
            return False

    return answers
