"""Other people's tools that judge what Lineal writes, in an environment of their own (`tests/validators`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.prefix) / "validators" / "bin"


def run_validator(*command: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run one of the tools' commands, or `python` with a script; skips where `make test` has not installed them."""
    if not (BIN.parent / ".ready").exists():
        pytest.skip("the validators are not installed; `make test` installs them")
    tool = BIN / command[0]
    return subprocess.run([tool, *command[1:]], capture_output=True, text=True, timeout=timeout, check=False)
