"""`lineal events --import`: other producers' logs, a whole one or nothing of it, and no event twice."""

import io
import json
import sys
from types import SimpleNamespace

import pytest

from lineal.store.checking import MAX_BYTES
from lineal.store.log import Store
from tests.parts.producers import dataset_event, dbt, job_event, ndjson, spark

DBT = dbt("orders", "2026-01-01T01:00:00.000000Z", "2026-01-01T01:00:09.123456Z", reads=("raw_orders",))
SPARK = spark("daily", "2026-01-01T03:00:00.001+02:00", "2026-01-01T03:05:00.5+02:00", reads=("raw",), writes="events")
pytestmark = pytest.mark.usefixtures("lineage")
LOG = [*DBT, *SPARK, dataset_event("orders", "2026-01-01T00:00:00Z"), job_event("load", "2026-01-01T00:00:00Z")]


@pytest.fixture
def take(run, tmp_path):
    """Imports some text as a file; what it says, as JSON."""

    def call(text):
        (tmp_path / "log.ndjson").write_text(text)
        status, out, err = run("events", "--import", str(tmp_path / "log.ndjson"), "--json")
        assert (status, err) == (0, "")
        said = json.loads(out)
        return said["new"], said["known"]

    return call


def nothing_differs(run):
    assert set(json.loads(run("rebuild", "--json")[1])["differing"].values()) == {0}


def test_a_log_is_taken_as_it_is(take, run):
    assert take(ndjson(*LOG)) == (7, 0)
    assert run("events")[1] == ndjson(*LOG)
    names = {row["name"] for row in json.loads(run("list", "datasets", "--json")[1])["datasets"]}
    assert names == {"shop.public.orders", "shop.public.raw_orders", "raw", "events", "orders"}
    runs = {row["job"]: row for row in json.loads(run("list", "runs", "--json")[1])["runs"]}
    assert runs["daily"]["started_at"] == "2026-01-01T01:00:00.001000+00:00"
    assert runs["daily"]["state"] == "COMPLETE"
    nothing_differs(run)


def test_the_same_events_again_are_known(take, run):
    assert take(ndjson(*LOG[:3])) == (3, 0)
    assert take(ndjson(*LOG)) == (4, 3)
    assert take(ndjson(*LOG)) == (0, 7)
    # The order of keys, and the space between them, are no content.
    assert take("".join(json.dumps(event, sort_keys=True, separators=(" , ", " : ")) + "\r\n\n" for event in LOG)) == (
        0,
        7,
    )
    assert run("events")[1] == ndjson(*LOG)
    nothing_differs(run)


def test_an_event_twice_in_one_log_is_taken_once(take, run):
    assert take(ndjson(*LOG, *LOG)) == (7, 7)
    other = LOG[0] | {"producer": "urn:another"}
    assert take(ndjson(other, other)) == (1, 1)


def test_our_own_events_are_known_by_content_too(lineage, take, run):
    for event in DBT:
        lineage.store.append(event)
    assert take(run("events")[1]) == (0, 2)
    assert take(ndjson(*LOG)) == (5, 2)
    # And they can be added to on the same store, after the imported.
    lineage.store.append(SPARK[0])
    nothing_differs(run)


def test_a_log_longer_than_one_batch_in_any_order(take, run):
    events = [
        event
        for number in range(400)
        for event in dbt(
            f"m{number}", f"2026-01-02T00:00:{number % 60:02}Z", "2026-01-03T00:00:00Z", reads=(f"m{number // 2}",)
        )
    ]
    events.sort(key=lambda event: event["run"]["runId"] + event["eventType"])  # ends before beginnings
    assert take(ndjson(*events[:700])) == (700, 0)
    assert take(ndjson(*events)) == (100, 700)
    runs = json.loads(run("list", "runs", "--json")[1])["runs"]
    assert all(row["state"] == "COMPLETE" for row in runs)
    nothing_differs(run)


def test_from_standard_input(run, monkeypatch):
    text = ndjson(*LOG).encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"\xef\xbb\xbf" + text)))
    status, out, err = run("events", "--import", "-")
    assert (status, err) == (0, "")
    assert out.endswith(": 7 events are new, 0 were known; see `lineal list datasets`\n")


GOOD = LOG[0]
NO_TYPE = {key: value for key, value in GOOD.items() if key != "eventType"}


def without(*keys):
    return json.dumps({key: value for key, value in GOOD.items() if key not in keys})


def changed(**values):
    return json.dumps(GOOD | values)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "is not JSON (Expecting property name enclosed in double quotes, column 2)"),
        ('{"eventTime": NaN}', "is not JSON (NaN is no number in JSON)"),
        ("[" * 100_000, "is not JSON"),
        ("[{}]", "is a JSON array of events; write each on a line of its own"),
        ("1", "is no JSON object; a log has one whole event on each line"),
        (without("eventTime"), "has no eventTime, which OpenLineage requires"),
        (changed(eventTime="2026-01-01T00:00:00"), "has the eventTime '2026-01-01T00:00:00', which has no zone; write"),
        (changed(eventTime="yesterday"), "has the eventTime 'yesterday', which is no time; write one such as"),
        (changed(eventTime="2026-02-31T00:00:00Z"), "has the eventTime '2026-02-31T00:00:00Z', which is no time"),
        (changed(eventTime="0001-01-01T00:00:00+14:00"), "which is no time"),
        (changed(eventTime="2026-01-31T12:00:00z"), "has the eventTime '2026-01-31T12:00:00z', which is no time"),
        (changed(eventTime=7), "has the eventTime 7, which is no time"),
        (without("producer"), "has no producer, which OpenLineage requires"),
        (without("schemaURL"), "has no schemaURL, which OpenLineage requires"),
        (changed(run={"runId": "17"}), "has the runId '17', which is no UUID"),
        (changed(run={}), "has the runId null, which is no UUID"),
        (without("run"), "has no run, which an event with an eventType must have"),
        (without("job"), "has no job, which the event of a run must have"),
        (without("run", "job", "eventType"), "is no OpenLineage event: it names no run, job or dataset"),
        (changed(job={"namespace": "n"}), "has a job without a name"),
        (
            changed(eventType="DONE"),
            "has the eventType 'DONE'; OpenLineage knows START, RUNNING, COMPLETE, ABORT, FAIL",
        ),
        (changed(inputs={}), "has inputs that are no list"),
        (changed(outputs=[{"name": "x"}]), "has a dataset of its outputs without a namespace"),
        (changed(inputs=[{"namespace": "n", "name": "x" * 3000}]), "a name of more than 2600 bytes"),
        (changed(inputs=[{"namespace": "n", "name": "x", "facets": {"version": {"datasetVersion": 7}}}]), "is no text"),
        (changed(job={"namespace": "n", "name": "x", "facets": {"sql": "select"}}), "a facet 'sql' that is no object"),
        (changed(run=GOOD["run"] | {"facets": {"parent": {"run": "x"}}}), "has the runId of its parent null"),
        (
            changed(run=GOOD["run"] | {"facets": {"lineal_prefect": {"taskRunId": 7}}}),
            "gives 7 for the engine_id of one of its runs",
        ),
        (
            json.dumps(
                DBT[1] | {"run": GOOD["run"] | {"facets": {"lineal_decision": {"decisions": [{"action": "register"}]}}}}
            ),
            "has a facet of Lineal's that is not as Lineal writes it (KeyError('digest'))",
        ),
        (changed(producer="x" * MAX_BYTES), "is larger than 16 MiB"),
    ],
)
def test_a_log_with_a_broken_line_is_not_taken(run, take, tmp_path, line, sentence):
    take(ndjson(SPARK[0]))
    (tmp_path / "bad.ndjson").write_text(ndjson(*DBT) + line + "\n" + ndjson(*SPARK))
    status, out, err = run("events", "--import", str(tmp_path / "bad.ndjson"))
    assert (status, out) == (2, "")
    assert err.startswith(f"lineal: {tmp_path}/bad.ndjson:3: ")
    assert sentence in err
    assert err.endswith("; nothing was taken\n")
    assert err.count("\n") == 1
    assert run("events")[1] == ndjson(SPARK[0])
    nothing_differs(run)


def test_a_line_that_is_not_utf8(run, tmp_path):
    (tmp_path / "bad.ndjson").write_bytes(ndjson(GOOD).encode() + b'{"a": "\xff"}\n')
    status, _, err = run("events", "--import", str(tmp_path / "bad.ndjson"))
    assert status == 2
    assert "bad.ndjson:2: is not UTF-8 (byte 8)" in err


def test_a_file_that_is_not_there(run, tmp_path):
    assert run("events", "--import", str(tmp_path / "none")) == (
        2,
        "",
        f"lineal: {tmp_path}/none: cannot be read: No such file or directory\n",
    )


def test_an_event_without_a_type_is_no_end(take, run):
    assert take(ndjson(NO_TYPE)) == (1, 0)
    (listed,) = json.loads(run("list", "runs", "--json")[1])["runs"]  # its parent's run is not on record
    assert (listed["job"], listed["state"], listed["ended_at"]) == ("shop.models.orders", "OTHER", None)
    nothing_differs(run)


def test_text_that_no_database_takes_is_cleaned(take, run):
    odd = json.dumps(GOOD | {"job": {"namespace": "n\0", "name": "job \ud800", "facets": {"x": {"k\0": ["\0"]}}}})
    assert take(odd + "\n") == (1, 0)
    event = json.loads(run("events")[1])
    assert event["job"] == {"namespace": "n\ufffd", "name": "job ?", "facets": {"x": {"k\ufffd": ["\ufffd"]}}}
    assert take(odd + "\n") == (0, 1)
    nothing_differs(run)


def test_a_store_is_made_for_what_is_imported(run, lineage, tmp_path):
    (tmp_path / "log.ndjson").write_text(ndjson(*LOG))
    assert run("events", "--import", str(tmp_path / "log.ndjson"))[0] == 0
    assert sum(1 for _ in Store(lineage.url, create=False).events()) == 7


def test_printing_and_importing_do_not_go_together(run, tmp_path):
    status, _, err = run("events", "--import", "x", "--run", "y")
    assert status == 2
    assert "leave one of them out" in err
