"""A fresh environment of the recorded packages, made by uv from the recorded lock file."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from lineal.errors import ReproductionError
from lineal.questions.materials import Materials, bytes_of
from lineal.reproduction.sandbox import Code


def python(found: Materials, code: Code, folder: Path, project: Path) -> str:
    """Make the environment that a model was made in, and return its interpreter.

    Args:
        found: what is on record.
        code: the code, whose project file the lock file belongs to.
        folder: where the environment may be put.
        project: the folder that the user is in.

    Raises:
        ReproductionError: there is no lock file or uv, another Python is needed, or a package is no longer to be had.
    """
    lock = str(found.environment.get("lockFile") or "")
    content = bytes_of(found, lock) if lock else None
    if content is None:
        raise ReproductionError(
            f"{found.subject}: its record has no lock file, so its environment cannot be made anew; "
            "leave out --env locked, and keep a uv.lock or requirements.txt in the project"
        )
    if lock not in ("uv.lock", "requirements.txt"):
        raise ReproductionError(
            f"{found.subject} was made from a {lock}, which uv cannot install from; leave out --env locked, "
            "or keep a uv.lock or requirements.txt in the project"
        )
    if lock == "uv.lock" and code.top is None:
        raise ReproductionError(
            f"{found.subject}: a uv.lock is of use beside the pyproject.toml of its commit only, and the record names "
            "none; leave out --env locked"
        )
    uv = _uv(found, project)
    wanted = str(found.environment.get("python"))
    # The one that runs here need not be on the path.
    version = getattr(sys, "_base_executable", sys.executable) if wanted == platform.python_version() else wanted
    place = folder / "environment"
    variables = {
        **{name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")},
        "UV_PROJECT_ENVIRONMENT": str(place),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
    }
    asked = f"Python {wanted}"
    install = "install that Python, or use --env present"
    _run([uv, "venv", "--quiet", "--python", version, str(place)], code.folder, variables, found, asked, install)
    made = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    if lock == "uv.lock":
        (code.folder / lock).write_bytes(content)
        command = [uv, "sync", "--quiet", "--frozen", "--no-dev", "--python", str(made)]
    else:
        listed = folder / lock
        listed.write_bytes(content)
        command = [uv, "pip", "install", "--quiet", "--python", str(made), "--requirements", str(listed)]
    asked = f"the packages of the recorded {lock}"
    _run(command, code.folder, variables, found, asked, "see that the package index has them, or use --env present")
    there = subprocess.run([str(made), "-P", "-c", "import lineal"], capture_output=True, check=False, env=variables)
    if there.returncode:
        raise ReproductionError(
            f"{found.subject}: the recorded {lock} does not name lineal, which has to be in the environment that a "
            "model is made in; add it to the project's dependencies, or leave out --env locked"
        )
    return str(made)


def _uv(found: Materials, project: Path) -> str:
    """The uv on the path, beside this interpreter, or of the project's own tools."""
    beside = os.pathsep.join(
        (os.environ.get("PATH", ""), str(Path(sys.executable).parent), str(project / ".tools/bin"))
    )
    for folder in beside.split(os.pathsep):
        uv = shutil.which("uv", path=folder)
        # One on the path may be a shim with nothing behind it.
        if uv and subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0:
            return uv
    raise ReproductionError(
        f"{found.subject}: --env locked needs uv, which is not on the path; `pip install uv`, or leave it out"
    )


def _run(command: list[str], folder: Path, variables: dict[str, str], found: Materials, what: str, remedy: str) -> None:
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReproductionError(f"{found.subject}: {what} cannot be had: {_reason(done.stderr)}; {remedy}")


def _reason(said: str) -> str:
    """The heart of what uv says went wrong, on one line."""
    lines = [re.sub(r"^\W+|^error: ", "", line).strip() for line in said.splitlines()]
    return (
        " ".join(line for line in lines if line and not line.startswith("hint:"))[:300].rstrip(". ")
        or "no reason given"
    )
