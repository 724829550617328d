"""`--debug`, seen from outside: this process has long decided what Prefect shows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]


def test_debug_shows_prefects_log_beside_the_result(project, monkeypatch):
    monkeypatch.delenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", raising=False)
    command = [Path(sys.executable).with_name("lineal"), "run", "pipelines/wine.toml", "--json", "--debug"]

    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)

    assert json.loads(done.stdout)["pipeline"] == "wine"
    assert "| INFO    | Flow run 'train wine' - Finished in state Completed()" in done.stderr
