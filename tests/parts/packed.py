"""Packs of the shipped pipelines' models, trained for real, once for all tests that look at them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.parts.project import lay_out

PIPELINES = ("breast_cancer", "wine", "penguins")
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Packed:
    """A project with a model of a shipped pipeline, and the model's pack.

    Attributes:
        name: of the model.
        project: the folder, committed to git.
        file: the pack.
        folder: the same, unpacked.
        variables: that the command was run with.
    """

    name: str
    project: Path
    file: Path
    folder: Path
    variables: Mapping[str, str]

    def lineal(self, *words: str | Path) -> str:
        """Run the command in the project; give what it prints."""
        return _run(BIN / "lineal", *words, cwd=self.project, variables=self.variables)


def pack(pipeline: str, folder: Path, prefect_api: str) -> Packed:
    """Train a shipped pipeline in a new project, note something on its model, and export that.

    Args:
        pipeline: its file's stem.
        folder: a new one.
        prefect_api: a Prefect server's URL.
    """
    home = folder / "home"
    home.mkdir(parents=True)
    keep = {
        name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "VIRTUAL_ENV", "PREFECT_HOME")
    }
    variables = keep | {
        **{"HOME": str(home), "LINEAL_USER": "Ada", "PREFECT_API_URL": prefect_api, "MPLBACKEND": "agg"},
        **{"DO_NOT_TRACK": "true", "DVC_NO_ANALYTICS": "true", "DVC_SITE_CACHE_DIR": str(home / "dvc")},
        **{"GIT_CONFIG_GLOBAL": str(home / ".gitconfig"), "PYTHONDONTWRITEBYTECODE": "1"},
    }
    project, name = lay_out(folder / "project"), pipeline.replace("_", "-")
    packed = Packed(name, project, folder / "pack.zip", folder / "unpacked", variables)
    (project / ".gitignore").write_text(".lineal\n")
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "As it is")):
        _run(*git, *words, cwd=project, variables=variables)
    packed.lineal("run", f"pipelines/{pipeline}.toml")
    packed.lineal("note", f"model:{name}@1", "Looked at | with *care* <b>today</b>.")
    packed.lineal("export", f"model:{name}@champion", "--to", packed.file)
    with zipfile.ZipFile(packed.file) as archive:
        archive.extractall(packed.folder)
    return packed


def _run(*command: str | Path, cwd: Path, variables: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=dict(variables), capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
