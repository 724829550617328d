"""A project to read in, and short ways to write a source and a pipeline file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lineal.datasets.cache import Cache
from lineal.datasets.read import to_table
from lineal.datasets.snapshot import Snapshot
from lineal.datasets.sources import read
from lineal.pipeline import Pipeline, load


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    return folder


@pytest.fixture
def cache(project: Path) -> Cache:
    return Cache(project / "cache")


@pytest.fixture
def put(project: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file of the project."""

    def write(name: str, data: str | bytes) -> Path:
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if isinstance(data, bytes) else data.encode())
        return file

    return write


@pytest.fixture
def snap(project: Path, cache: Cache) -> Callable[..., Snapshot]:
    """Read a source of the project into a snapshot."""

    def ingest(uri: str | Path, **options: Any) -> Snapshot:
        return read(str(uri), "t.snapshot", folder=project, cache=cache, **options)

    return ingest


@pytest.fixture
def pipeline(project: Path) -> Callable[..., Pipeline]:
    """Load a pipeline file whose target is `y`, with more TOML after its source."""

    def make(more: str = "", *, source: str = 'uri = "d.csv"\ntarget = "y"') -> Pipeline:
        file = project / "p.toml"
        file.write_text(f'name = "t"\n[source]\n{source}\n{more}\n[model]\nestimator = "a.B"\n')
        return load(file)

    return make


@pytest.fixture
def rows() -> Callable[[Snapshot], list[dict[str, Any]]]:
    return lambda snapshot: to_table(snapshot.dataset).to_pylist()


@pytest.fixture
def types() -> Callable[[Snapshot], dict[str, str]]:
    return lambda snapshot: {column.name: column.type for column in snapshot.dataset.columns}
