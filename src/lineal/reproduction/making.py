"""Run a flow again in a process of its own, and hear what came of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineal.errors import ReproductionError

_COMMAND = "from lineal.cli.app import main; main()"
_END_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is run.

    Attributes:
        python: the interpreter.
        file: the pipeline file.
        data: the source.
        overrides: `KEY=VALUE` over the file's values, in order.
        folder: the project's folder.
        environment: the process's variables.
    """

    python: str
    file: Path
    data: Path
    overrides: Sequence[str]
    folder: Path
    environment: Mapping[str, str]


def make(recipe: Recipe, failing: str) -> dict[str, Any]:
    """Run `lineal run` and return the result that it prints.

    The process ends with this one, also where this is interrupted.

    Args:
        recipe: what is run.
        failing: begins the message where it comes to no result.

    Raises:
        ReproductionError: it comes to no result; its `status` is the process's.
    """
    # -P: the folder may hold modules of any name; the flow's own are found by Lineal.
    command = [recipe.python or sys.executable, "-P", "-c", _COMMAND, "run", str(recipe.file)]
    command += ["--data", str(recipe.data)]
    for override in recipe.overrides:
        command += ["--set", override]
    process = subprocess.Popen(
        [*command, "--json"],
        cwd=recipe.folder,
        env=dict(recipe.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Ctrl-C is for this process, which tells the other.
        start_new_session=True,
    )
    try:
        out, said = process.communicate()
    except BaseException:
        _end(process)
        raise
    with suppress(ValueError, IndexError):
        # What a flow prints of its own goes before.
        result = json.loads(out.decode().strip().splitlines()[-1])
        if isinstance(result, dict) and "digest" in result:
            return result
    # Where the file lay for the while says nothing to anyone.
    text = said.decode(errors="replace").replace(f"{recipe.folder}{os.sep}", "")
    raise _failure(failing, text, process.returncode)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started, gently first, so that its own server ends as well."""
    for how, patience in ((signal.SIGTERM, _END_SECONDS), (signal.SIGKILL, _END_SECONDS)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=patience)
            return


def _failure(failing: str, said: str, status: int) -> ReproductionError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    told = [line.removeprefix("lineal: ") for line in lines if line.startswith("lineal: ")]
    reason = (told or lines or [f"its process ended with status {status} and said nothing"])[-1].rstrip(".")
    return ReproductionError(f"{failing}: {reason}", status=status)
