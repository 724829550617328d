"""Settings, read from the environment at each use: Lineal's own few, and those of the tools it stands beside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

PROJECT_MARKS = ("prefect.yaml", "pyproject.toml", ".git")


def project_of(start: Path) -> Path:
    """The project a file or folder belongs to: the nearest folder upwards with a mark of one, else its own folder."""
    folder = start if start.is_dir() else start.parent
    return next((up for up in (folder, *folder.parents) if any((up / mark).exists() for mark in PROJECT_MARKS)), folder)


def home() -> Path:
    """The folder that holds what Lineal keeps: `LINEAL_HOME`, else `.lineal` in the working folder's project."""
    given = os.environ.get("LINEAL_HOME")
    # A working folder that has been removed is asked for only where it matters; and a Path is not needed for it.
    return _home(given, "" if given and os.path.isabs(given) else os.getcwd())  # noqa: PTH109, PTH117 - asked often


@lru_cache(maxsize=8)
def _home(given: str | None, folder: str) -> Path:
    # Once for each folder: every event asks, and looking for a project's marks takes as long as writing a row.
    return (Path(folder) / Path(given).expanduser()) if given else project_of(Path(folder)) / ".lineal"


def store_url() -> str:
    """The lineage store as a SQLAlchemy URL: `LINEAL_STORE`, else SQLite under `home`."""
    return os.environ.get("LINEAL_STORE") or f"sqlite:///{home() / 'lineal.db'}"


def strict() -> bool:
    """Whether work that cannot be recorded must stop (`LINEAL_STRICT`), instead of going on unrecorded."""
    return os.environ.get("LINEAL_STRICT", "").strip().lower() in {"1", "true", "yes", "on"}


@contextmanager
def strictly() -> Iterator[None]:
    """Let work stop that cannot be recorded, as `LINEAL_STRICT` does: for what is nothing but its record."""
    before = os.environ.get("LINEAL_STRICT")
    os.environ["LINEAL_STRICT"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["LINEAL_STRICT"]
        else:
            os.environ["LINEAL_STRICT"] = before


def namespace() -> str:
    """The namespace of jobs and of logical datasets: `OPENLINEAGE_NAMESPACE`, default `lineal`."""
    return os.environ.get("OPENLINEAGE_NAMESPACE") or "lineal"


def tracking_uri() -> str:
    """The MLflow tracking server: `MLFLOW_TRACKING_URI`, else SQLite under `home`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home() / 'mlflow.db'}"


def sandboxed() -> bool:
    """Whether this process makes something again in a throw-away place: nothing of it is to reach anyone else.

    Set by `lineal reproduce` for what it starts, as `LINEAL_SANDBOX`.
    """
    return os.environ.get("LINEAL_SANDBOX") == "1"


def varies() -> str | None:
    """The model that this process makes a variation of, as a subject.

    Set by `lineal reproduce --set` for what it starts, as `LINEAL_VARIES`.
    """
    return os.environ.get("LINEAL_VARIES") or None


def workplace() -> Path:
    """The folder whose DVC repository keeps the data: the working folder, but for code that runs in a copy of it.

    Set by `lineal reproduce --set` for what it starts, as `LINEAL_WORKPLACE`.
    """
    return Path(os.environ.get("LINEAL_WORKPLACE") or Path.cwd())


def lasting(path: Path) -> Path:
    """Where a file of the code lies when the run is over, if it runs in a copy of the user's folder."""
    return workplace() / path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
