"""data-rentgen, a consumer of OpenLineage with models of its own; it asks for a newer Python than we do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

REQUIREMENT = "data-rentgen[consumer,server]==0.7.2"
CACHE = Path(__file__).resolve().parent.parent.parent / ".tools" / "data-rentgen-0.7.2"
READER = Path(__file__).with_name("data_rentgen_reader.py")

Read = Callable[[Iterable[str]], dict[str, Any]]


@pytest.fixture(scope="session")
def data_rentgen() -> Read:
    """Give data-rentgen events; returns what it made of them. Skips where it or Python 3.12 is not to be had."""
    python = CACHE / "bin" / "python"
    if not (CACHE / "ready").exists():
        _install(python)

    def read(lines: Iterable[str]) -> dict[str, Any]:
        given = "".join(f"{line}\n" for line in lines)
        done = subprocess.run(
            [python, "-P", READER],
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
    for command in ([newest, "-m", "venv", CACHE], [python, "-m", "pip", "install", "--quiet", REQUIREMENT]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=140, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{REQUIREMENT} cannot be installed within 140 s")
        if done.returncode:
            pytest.skip(f"{REQUIREMENT} cannot be installed: {done.stderr.strip()[-300:]}")
    (CACHE / "ready").touch()


def _interpreters() -> Iterator[Path]:
    """Pythons from 3.12 on that answer: those on PATH, where pyenv's may be shims of nothing, and pyenv's own."""
    for version in ("3.12", "3.13"):
        on_path = shutil.which(f"python{version}")
        pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
        for candidate in ([Path(on_path)] if on_path else []) + sorted(pyenv.glob(f"{version}.*/bin/python3")):
            said = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False).stdout
            if said.startswith(f"Python {version}."):
                yield candidate
