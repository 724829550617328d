"""A project like a user's: the shipped flows, pipelines and data, in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def lay_out(folder: Path) -> Path:
    """Put the shipped project into a new folder."""
    folder.mkdir()
    for name in ("flows", "tasks"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "pipelines", folder / "pipelines")
    shutil.copy(ROOT / "prefect.yaml", folder)
    return folder


def clone(folder: Path) -> Path:
    """Put the project as a clone has it into a new folder, committed to git, with all that DVC's stages depend on."""
    folder.mkdir()
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("flows", "tasks", "pipelines", "src/lineal"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    (folder / ".dvc").mkdir()
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "dvc.yaml", "prefect.yaml", "uv.lock"):
        shutil.copy(ROOT / name, folder / name)
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "As shipped")):
        subprocess.run([*git, *words], cwd=folder, check=True)
    return folder
