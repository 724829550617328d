"""A project like a user's: the shipped flows, pipelines and data, in a folder of its own."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from lineal.tracing import sealing

ROOT = Path(__file__).resolve().parent.parent.parent


def lay_out(folder: Path, mlflow: Path | None = None) -> Path:
    """Put the shipped project into a new folder.

    Args:
        folder: the new one.
        mlflow: a database of MLflow's without runs, which is else made at the first run.
    """
    folder.mkdir()
    for name in ("flows", "tasks"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "pipelines", folder / "pipelines")
    shutil.copy(ROOT / "prefect.yaml", folder)
    if mlflow is not None:
        (folder / ".lineal").mkdir()
        shutil.copy(mlflow, folder / ".lineal" / "mlflow.db")
    return folder


def few_trees(folder: Path) -> Path:
    """Let the shipped pipelines grow small forests, for tests to which a forest's size is nothing."""
    for file in (folder / "pipelines").glob("*.toml"):
        file.write_text(re.sub(r"n_estimators = \d+", "n_estimators = 20", file.read_text()))
    return folder


def clone(folder: Path) -> Path:
    """Put the project as a clone has it, but for its forests' size, into a new folder, committed to git."""
    folder.mkdir()
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("flows", "tasks", "pipelines", "src/lineal"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    (folder / ".dvc").mkdir()
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "dvc.yaml", "prefect.yaml", "uv.lock"):
        shutil.copy(ROOT / name, folder / name)
    few_trees(folder)
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "As cloned")):
        subprocess.run([*git, *words], cwd=folder, check=True)
    return folder


def put_back(kept: Path, folder: Path) -> None:
    """Let a project's folder be as it was when it was copied, in this process as well, which has its databases open.

    Args:
        kept: the copy.
        folder: the project, whose `.lineal` holds its records; the paths in these are not those of the copy.
    """
    sealing.forget(f"sqlite:///{folder}/.lineal/lineal.db")
    databases = [file.relative_to(kept) for file in (kept / ".lineal").glob("*.db")]
    for path in [*folder.iterdir(), *(folder / ".lineal").iterdir()]:
        if path.name == ".lineal" or ".db" in path.name:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.db*"))
    for name in databases:
        copy_database(kept / name, folder / name)


def copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database as one, not as a file: what was written last may stand beside it, and who has it open."""
    with closing(sqlite3.connect(source)) as kept, closing(sqlite3.connect(target)) as copy:
        kept.backup(copy)
