"""A project like a user's: the shipped flows, pipelines and data, in a folder of its own."""

from __future__ import annotations

import shutil
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
