"""A fresh environment of the recorded packages, made by uv from the recorded lock file."""

from __future__ import annotations

import os
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
    uv = _uv(found, project)
    wanted = str(found.environment.get("python"))
    place = folder / "environment"
    variables = {
        **{name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")},
        "UV_PROJECT_ENVIRONMENT": str(place),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
    }
    _run([uv, "venv", "--quiet", "--python", wanted, str(place)], code.folder, variables, found, f"Python {wanted}")
    made = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    if lock == "uv.lock":
        if code.top is None:
            raise ReproductionError(
                f"{found.subject}: a uv.lock is of use beside the pyproject.toml of its commit only, and the record "
                "names none; leave out --env locked"
            )
        (code.folder / lock).write_bytes(content)
        command = [uv, "sync", "--quiet", "--frozen", "--no-dev", "--python", str(made)]
    elif lock == "requirements.txt":
        listed = folder / lock
        listed.write_bytes(content)
        command = [uv, "pip", "install", "--quiet", "--python", str(made), "--requirements", str(listed)]
    else:
        raise ReproductionError(
            f"{found.subject} was made from a {lock}, which uv cannot install from; leave out --env locked, "
            "or keep a uv.lock or requirements.txt in the project"
        )
    _run(command, code.folder, variables, found, f"the packages of the recorded {lock}")
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


def _run(command: list[str], folder: Path, variables: dict[str, str], found: Materials, what: str) -> None:
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    raise ReproductionError(
        f"{found.subject}: {what} cannot be had: {_reason(done.stderr)}; use --env present, or see "
        "that the package index has it"
    )


def _reason(said: str) -> str:
    """The heart of what uv says went wrong, on one line."""
    lines = [re.sub(r"^\W+", "", line).strip() for line in said.splitlines()]
    return (
        " ".join(line for line in lines if line and not line.startswith("hint:"))[:300].rstrip(". ")
        or "no reason given"
    )
