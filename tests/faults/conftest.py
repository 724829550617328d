"""Flows on a real Prefect server whose lineage is looked at: what was recorded of them, a line a run."""

import json
import os
import subprocess
import sys
import textwrap
from collections import defaultdict
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from lineal import Dataset


@pytest.fixture(autouse=True)
def prefect_server(prefect_api, lineage, tmp_path):
    """This process's Prefect speaks to the session's server, and keeps results in the test's own folder."""
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_LOCAL_STORAGE_PATH,
        PREFECT_LOGGING_TO_API_ENABLED,
        temporary_settings,
    )

    with temporary_settings(
        {
            PREFECT_API_URL: prefect_api,
            PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,  # its thread costs each flow run a second
            PREFECT_LOCAL_STORAGE_PATH: tmp_path / "results",
            PREFECT_LOGGING_TO_API_ENABLED: False,
        }
    ):
        yield prefect_api


@pytest.fixture(scope="session")
def check_prefect_facets():
    """Hold what events say of Prefect to the schema that the package ships; it knows every key."""
    name = "LinealPrefectRunFacet"
    schema = json.loads((files("lineal.tracing.schemas") / f"{name}.json").read_text())["$defs"][name]["allOf"][1]
    validator = Draft202012Validator(schema, format_checker=FormatChecker())

    def check(events):
        for event in events:
            facet = event["run"]["facets"].get("lineal_prefect", {"attempt": 1, "runName": ""})
            assert [error.message for error in validator.iter_errors(facet)] == []
            assert facet.keys() <= schema["properties"].keys() | {"_producer", "_schemaURL"}

    return check


@pytest.fixture
def cycles(lineage, check_events, check_prefect_facets):
    """The types of the events of each run of a job, in order of the runs; the whole log is held to the rules first."""

    def of(job):
        check_events(lineage.ndjson())
        check_prefect_facets(lineage.events())
        runs = defaultdict(list)
        for event in lineage.events(job):
            runs[event["run"]["runId"]].append(event["eventType"])
        return list(runs.values())

    return of


@pytest.fixture
def table(tmp_path):
    """Make a file of one row; its handle."""

    def make(name, value=1):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"a\n{value}\n")
        return Dataset(path)

    return make


@pytest.fixture
def script(prefect_server, tmp_path):
    """Start a user's own script as a process of its own, against the session's server."""
    started = []

    def start(text, *arguments, **environ):
        file = tmp_path / "flows.py"
        file.write_text(textwrap.dedent(text))
        process = subprocess.Popen(
            [sys.executable, file, *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "PREFECT_API_URL": prefect_server,
                "PREFECT_LOCAL_STORAGE_PATH": str(tmp_path / "results"),
                "PREFECT_LOGGING_TO_API_ENABLED": "false",
                **environ,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def run(script):
    """Run a user's own script to its end; what it printed."""

    def to_its_end(text, *arguments, **environ):
        process = script(text, *arguments, **environ)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return said

    return to_its_end
