"""DurableTransport: what a program sends through the official client survives the consumer's outage and its own end."""

import json
import os
import signal
import subprocess
import sys

import pytest

from lineal.cli.app import main
from lineal.store.log import Store
from tests.parts.consumer import consumer

PROGRAM = """
import os, signal, sys
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.uuid import generate_new_uuid

client = OpenLineageClient()
for number in range(10):
    run = Run(str(generate_new_uuid()))
    for state in (RunState.START, RunState.COMPLETE):
        client.emit(
            RunEvent(
                eventType=state, eventTime="2026-01-02T03:04:05+00:00", run=run, job=Job("airflow", f"dag.{number}"),
                inputs=[], outputs=[], producer="https://example.org/airflow",
            )
        )
print("sent", flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
client.close()
"""


@pytest.fixture
def server(monkeypatch, tmp_path):
    with consumer() as made:
        monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "lineal.store.transport.DurableTransport")
        monkeypatch.setenv("OPENLINEAGE__TRANSPORT__STORE", f"sqlite:///{tmp_path}/kept.db")
        monkeypatch.setenv("LINEAL_STORE", f"sqlite:///{tmp_path}/kept.db")
        monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TRANSPORT", json.dumps({"type": "http", "url": made.url}))
        yield made


def program(way):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, way], env=dict(os.environ), capture_output=True, text=True, check=False
    )


@pytest.fixture
def lineal(capsys):
    """Run the command; gives its exit status, output and errors."""

    def run(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = capsys.readouterr()
        return subprocess.CompletedProcess(words, ended.value.code, said.out, said.err)

    return run


def names(events):
    return [(event["job"]["name"], event["eventType"]) for event in events]


EXPECTED = [(f"dag.{number}", state) for number in range(10) for state in ("START", "COMPLETE")]


def test_a_program_with_the_official_client_only_configures_it(server):
    done = program("closed")
    assert done.returncode == 0, done.stderr
    assert names(server.events) == EXPECTED
    assert server.events[0]["producer"] == "https://example.org/airflow"


def test_a_killed_program_has_lost_nothing_and_lineal_deliver_sends_it(server, lineal):
    server.refuse()
    assert program("killed").returncode == -signal.SIGKILL
    assert len(list(Store().events())) == 20
    down = lineal("deliver")
    assert down.returncode == 1
    assert "0 events sent; 20 wait, as it refuses connections" in down.stdout
    server.come_back()
    up = lineal("deliver", "--json")
    assert up.returncode == 0, up.stdout + up.stderr
    assert json.loads(up.stdout)["deliveries"][0]["sent"] == 20
    assert names(server.events) == EXPECTED
    assert "it has all" in lineal("deliver").stdout


def test_status_shows_what_waits_and_what_was_refused(server, lineal):
    server.answer_for(lambda event: event["job"]["name"] == "dag.3", 422, body='{"error": "name\\n taken"}')
    program("closed")
    status = lineal("deliver", "--status")
    assert status.returncode == 0
    assert "refused    2 events" in status.stdout
    assert '422 {"error": "name\\n taken"}' in status.stdout
    assert status.stdout.endswith("lineal deliver --again\n")
    assert lineal("deliver", "--again").returncode == 1
    server.accept()
    assert lineal("deliver", "--again").returncode == 0
    assert sorted(set(names(server.events))) == sorted(EXPECTED)


def test_options_that_contradict_each_other_are_refused(server, lineal):
    program("closed")
    done = lineal("deliver", "--again", "--skip")
    assert done.returncode == 2
    assert "give one of them" in done.stderr


def test_without_a_transport_to_deliver_to_it_says_what_to_write(server, monkeypatch):
    monkeypatch.delenv("OPENLINEAGE__TRANSPORT__TRANSPORT")
    done = program("closed")
    assert done.returncode != 0
    assert "has no `transport` to deliver to" in done.stderr


def test_without_a_consumer_deliver_says_how_to_configure_one(server, lineal, monkeypatch):
    program("closed")
    for name in list(os.environ):
        if name.startswith("OPENLINEAGE"):
            monkeypatch.delenv(name)
    done = lineal("deliver")
    assert done.returncode == 2
    assert done.stderr.startswith("lineal: no consumer is configured; set OPENLINEAGE_URL")
    assert "not configured here" in lineal("deliver", "--status").stdout


BAD = """
import logging, sys
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.uuid import generate_new_uuid

logging.basicConfig(format="%(message)s")
client = OpenLineageClient()

def emit(name, facet=1.5, time="2026-01-02T03:04:05+00:00"):
    run = Run(str(generate_new_uuid()), facets={"mine": {"_producer": "urn:x", "_schemaURL": "urn:x", "v": facet}})
    client.emit(RunEvent(
        eventType=RunState.START, eventTime=time, run=run, job=Job("n", name), producer="urn:x", inputs=[], outputs=[]
    ))

emit("first")
bad = sys.argv[1]
if bad == "zone":
    emit("bad", time="2026-01-02T03:04:05")
elif bad == "json":
    emit("bad", facet=object())
elif bad == "large":
    emit("bad", facet="x" * 17_000_000)
elif bad == "name":
    emit("x" * 3000)
elif bad == "odd":
    emit("odd", facet=float("nan"))
    emit("odd\\0\\ud800")
emit("last")
client.close()
print("done")
"""


def lines_of(done):
    return [line for line in done.stderr.splitlines() if line.startswith("lineage: ")]


def with_bad(what, **environ):
    return subprocess.run(
        [sys.executable, "-c", BAD, what], env=os.environ | environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("zone", "an event of bad was not recorded: has the eventTime '2026-01-02T03:04:05', which has no zone"),
        ("json", "an event of bad was not recorded: is not JSON (Object of type object is not JSON serializable)"),
        ("large", "an event of bad was not recorded: is larger than 16 MiB"),
        ("name", "has a job with a name of more than 2600 bytes"),
    ],
)
def test_an_event_that_is_none_is_told_in_a_line_and_the_program_goes_on(server, what, said):
    done = with_bad(what)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    (line,) = lines_of(done)
    assert said in line
    assert [event["job"]["name"] for event in server.events] == ["first", "last"]
    strict = with_bad(what, LINEAL_STRICT="1")
    assert strict.returncode == 1
    assert said.rpartition("recorded: ")[2] in strict.stderr


def test_what_json_has_no_word_for_and_no_database_takes_is_cleaned(server):
    done = with_bad("odd")
    assert (done.returncode, lines_of(done)) == (0, []), done.stderr
    assert [event["job"]["name"] for event in server.events] == ["first", "odd", "odd\ufffd?", "last"]
    assert server.events[1]["run"]["facets"]["mine"].get("v") is None


def test_a_store_that_cannot_be_written_stops_no_program(server, monkeypatch, tmp_path):
    (tmp_path / "kept.db").write_text("not a database, and quite long enough to be looked at" * 20)
    done = with_bad("")
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    assert ["it is no Lineal store" in line for line in lines_of(done)] == [True, True]
    assert with_bad("", LINEAL_STRICT="1").returncode == 1
