"""What consumers are asked about: a whole pipeline's events."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.project import few_trees, lay_out


class Recorded:
    """The events of one `lineal run`, where its source lies, and the command in its project."""

    def __init__(self, source, lines, lineal):
        self.source = source
        self.lines = lines
        self.lineal = lineal
        self.events = [json.loads(line) for line in lines]

    def end(self, job):
        """The last event of a job's one run."""
        return [event for event in self.events if event["job"]["name"] == job][-1]

    def output(self, name):
        """A dataset or model as the run that made it says at its end."""
        return next(made for event in self.events for made in event["outputs"] if made["name"] == name)


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory, prefect_api):
    """The shipped breast cancer pipeline, run by the command as its user would."""
    folder = few_trees(lay_out(tmp_path_factory.mktemp("pipeline") / "project"))
    environment = {
        **os.environ,
        "PREFECT_API_URL": prefect_api,
        "HOME": str(folder),
        "LINEAL_HOME": str(folder / ".lineal"),
        "LINEAL_USER": "Ada",
    }

    def lineal(*words, **settings):
        command = [Path(sys.executable).with_name("lineal"), *words]
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment | settings,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    lineal("run", "pipelines/breast_cancer.toml")
    return Recorded(folder / "pipelines" / "data" / "breast_cancer.csv", lineal("events").splitlines(), lineal)
