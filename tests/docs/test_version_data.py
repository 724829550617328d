"""The how-to on DVC: each command it shows is run, in the order of the page, in a clone of this project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.project import ROOT, clone

PAGE = ROOT / "docs" / "how-to" / "version-data-with-dvc.md"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("prefect")
def test_every_command_of_the_page_works(tmp_path, prefect_api, own_home):
    shown = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    commands = [line.removeprefix("$ ") for block in shown for line in block.splitlines() if line.startswith("$ ")]
    assert len(commands) > 20
    folder = clone(tmp_path / "clone")
    (own_home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    script = "\n".join(f"echo '==' {number}; {command}" for number, command in enumerate(commands))
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PREFECT_API_URL": prefect_api,
    }
    del environment["LINEAL_HOME"]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=850,
    )
    last = re.findall(r"^== (\d+)$", done.stdout, re.MULTILINE)[-1]
    assert done.returncode == 0, f"{commands[int(last)]}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    said = {
        int(n): text for n, text in re.findall(r"^== (\d+)\n(.*?)(?=^== |\Z)", done.stdout, re.MULTILINE | re.DOTALL)
    }
    by = {command: said.get(number, "") for number, command in enumerate(commands)}
    # Of a command shown twice the second is kept: there is nothing to do.
    assert (
        "didn't change, skipping"
        in said[max(n for n, c in enumerate(commands[: commands.index("git add .")]) if "repro" in c)]
    )
    assert "train_model" in by["dvc dag"]
    assert "split.test_size" in by["dvc params diff"]
    assert "accuracy" in by["dvc metrics diff"]
    assert (folder / "got.parquet").read_bytes() == (folder / "train.parquet").read_bytes()
    assert shutil.which("dvc", path=environment["PATH"])
