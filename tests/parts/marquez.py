"""Marquez, the reference consumer of OpenLineage, with a PostgreSQL server of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from openlineage.client.transport.http import HttpConfig, HttpTransport

from tests.parts.postgres import database
from tests.parts.processes import free_port, served

# The newest release, and the one before, for a repository that lacks it.
VERSIONS = ("0.51.1", "0.50.0")
CACHE = Path(__file__).resolve().parent.parent.parent / ".tools" / "marquez"


Answer = dict[str, Any]


class Marquez:
    """Its API, as far as the tests ask."""

    def __init__(self, url: str) -> None:
        self.url = url

    def send(self, lines: Iterable[str]) -> None:
        """Hand events over, in order, by the official client."""
        transport = HttpTransport(HttpConfig(url=self.url, timeout=30))
        for line in lines:
            assert transport.emit(json.loads(line)).status_code == 201
        transport.close()

    def get(self, *path: str, **query: str | int) -> Answer:
        """The answer at a path."""
        answer = httpx.get(
            f"{self.url}/api/v1/" + "/".join(quote(part, safe="") for part in path), params=query, timeout=30
        )
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.json()

    def jobs(self, namespace: str) -> dict[str, Answer]:
        """A namespace's jobs, by name."""
        return {job["name"]: job for job in self.get("namespaces", namespace, "jobs", limit=100)["jobs"]}

    def runs(self, namespace: str, job: str) -> list[Answer]:
        """A job's runs, oldest first."""
        runs = self.get("namespaces", namespace, "jobs", job, "runs", limit=100)["runs"]
        return sorted(runs, key=lambda run: run["startedAt"])

    def dataset(self, namespace: str, name: str) -> Answer:
        """A dataset, or a model, as it is now."""
        return self.get("namespaces", namespace, "datasets", name)

    def versions(self, namespace: str, name: str) -> list[Answer]:
        """A dataset's versions, oldest first."""
        found = self.get("namespaces", namespace, "datasets", name, "versions", limit=100)["versions"]
        return sorted(found, key=lambda version: version["createdAt"])

    def facets(self, run_id: str, kind: str = "run") -> Answer:
        """The facets of a run, or (`kind="job"`) those of its job."""
        return self.get("jobs", "runs", run_id, "facets", type=kind)["facets"]

    def edges(self, node: str, depth: int = 20) -> set[tuple[str, str]]:
        """The graph around a node, as (from, to)."""
        graph = self.get("lineage", nodeId=node, depth=depth)["graph"]
        return {(edge["origin"], edge["destination"]) for node in graph for edge in node["outEdges"]}

    def column_edges(self, node: str) -> set[tuple[str, str]]:
        """The graph around a column, as (from, to)."""
        graph = self.get("column-lineage", nodeId=node, depth=20)["graph"]
        return {(edge["origin"], edge["destination"]) for node in graph for edge in node["outEdges"]}


@pytest.fixture(scope="session")
def marquez(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[str]:
    """Marquez's base URL. Skips where Java 17, Marquez's jar or PostgreSQL is not to be had.

    The jar is the one that the variable `MARQUEZ_JAR` names; otherwise Maven is asked for it.
    """
    java, jar = _java(), _jar()
    folder = tmp_path_factory.mktemp("marquez")
    with database(postgres_server, "marquez") as url:
        api, admin = free_port(), free_port()
        settings = folder / "marquez.yml"
        settings.write_text(json.dumps(_settings(url.replace("+psycopg", ""), api, admin)))  # JSON is YAML too
        with served(
            [java, "-Xmx512m", "-Duser.timezone=UTC", "-jar", jar, "server", settings],
            lambda: _answers(f"http://127.0.0.1:{admin}/ping"),
            log=folder / "marquez.log",
        ):
            yield f"http://127.0.0.1:{api}"


def _settings(database: str, api: int, admin: int) -> dict[str, object]:
    def listen(port: int) -> list[dict[str, object]]:
        # Its API has dataset names in paths: slashes within a segment, which newer rules of HTTP refuse.
        return [{"type": "http", "bindHost": "127.0.0.1", "port": port, "httpCompliance": "RFC7230_LEGACY"}]

    return {
        "server": {"applicationConnectors": listen(api), "adminConnectors": listen(admin)},
        "db": {
            "driverClass": "org.postgresql.Driver",
            "url": "jdbc:" + database.replace("postgres@", ""),
            "user": "postgres",
            "password": "",
        },
        "migrateOnStartup": True,
        "search": {"enabled": False},
        "logging": {"level": "WARN"},
    }


def _java() -> str:
    java = shutil.which("java")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr if java else ""
    version = re.search(r'version "(\d+)', said)
    if java is None or version is None or int(version[1]) < 17:
        pytest.skip("Marquez needs Java 17 or newer")
    return java


def _jar() -> Path:
    given = os.environ.get("MARQUEZ_JAR")
    jar = Path(given) if given else _from_maven()
    if not jar.exists():
        pytest.skip(f"MARQUEZ_JAR is {jar}, which is not there")
    with zipfile.ZipFile(jar) as archive:
        if b"Main-Class" not in archive.read("META-INF/MANIFEST.MF"):
            pytest.skip(f"{jar} cannot be started: it is Marquez without what it needs")
    return jar


def _from_maven() -> Path:
    cached = sorted(CACHE.glob("marquez-api-*.jar"))
    if cached:
        return cached[-1]
    if shutil.which("mvn") is None:
        pytest.skip("Marquez's jar is fetched by Maven, which is not installed; MARQUEZ_JAR names one that is there")
    for version in VERSIONS:
        coordinates = f"io.github.marquezproject:marquez-api:{version}"
        words = ["mvn", "-B", "-q", "dependency:copy", f"-Dartifact={coordinates}", f"-DoutputDirectory={CACHE}"]
        jar = CACHE / f"marquez-api-{version}.jar"
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(words, capture_output=True, check=False, timeout=140)
        if jar.exists():
            return jar
    pytest.skip(f"Maven has no io.github.marquezproject:marquez-api {' or '.join(VERSIONS)}; MARQUEZ_JAR names another")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False
