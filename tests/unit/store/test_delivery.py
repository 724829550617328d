"""Delivery to consumers that are well, slow, down, wrong or back again: nothing is lost, in order, without a hole."""

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from uuid import uuid4

import pytest
import sqlalchemy as sa

from lineal import Dataset, traced
from lineal.errors import DeliveryError
from lineal.store import tables
from lineal.store.delivery import consumers, courier
from lineal.store.delivery import deliver as delivery
from lineal.store.log import Store
from tests.parts.consumer import consumer
from tests.parts.processes import on_machine


@pytest.fixture
def lineage(lineage):
    """What is recorded is delivered, which other tests' records are not."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("OPENLINEAGE_DISABLED")
        yield lineage


@pytest.fixture
def server(monkeypatch):
    with consumer() as made:
        monkeypatch.setenv("OPENLINEAGE_URL", made.url)
        yield made


@pytest.fixture
def unconfigured(monkeypatch):
    """Events that are recorded while no consumer is configured."""

    def record(count, name="step"):
        before = os.environ.pop("OPENLINEAGE_URL", None)
        for number in range(count):
            traced(named(name))(Dataset(f"s3://b/{number}", version="1"))
        if before is not None:
            monkeypatch.setenv("OPENLINEAGE_URL", before)

    return record


@pytest.fixture
def held_up(monkeypatch):
    """How long the work has been held up by its delivery, in seconds, a figure for each time."""
    seconds = []

    def timed(function):
        def call(*arguments):
            start = time.monotonic()
            function(*arguments)
            seconds.append(time.monotonic() - start)

        return call

    for name in ("wake", "finish"):
        monkeypatch.setattr(courier, name, timed(getattr(courier, name)))
    return seconds


def named(name):
    def function(data):
        return data

    function.__name__ = name
    return function


def log():
    return [json.loads(body) for body in Store().events()]


def sent_all(server):
    """Every event of the log came, the first time in the log's order."""
    seen, first = set(), []
    for event in server.events:
        mark = json.dumps(event, sort_keys=True)
        if mark not in seen:
            seen.add(mark)
            first.append(event)
    return first == log()


def deliver(**options):
    return delivery.deliver_all(Store(), delivery.required()[0], **options)


def test_a_run_sends_what_it_records(lineage, server):
    traced(named("step"))(Dataset("s3://b/k", version="1"))
    assert [event["eventType"] for event in server.wait(2)] == ["START", "COMPLETE"]
    assert sent_all(server)


def test_what_was_recorded_before_a_consumer_was_configured_comes_first(lineage, server, unconfigured):
    unconfigured(3)
    traced(named("later"))(Dataset("s3://b/k", version="1"))
    server.wait(8)
    assert sent_all(server)


def test_history_can_be_passed_over(lineage, server, unconfigured):
    unconfigured(3)
    assert delivery.skip(Store(), delivery.required()[0]) == 6
    assert deliver().complete
    assert server.events == []
    unconfigured(1)
    assert deliver().sent == 2


@pytest.mark.parametrize(
    "trouble",
    [
        lambda server: server.refuse(),
        lambda server: server.hang(30),
        lambda server: server.answer(503),
        lambda server: server.answer(500, body="no"),
        lambda server: server.answer(429, {"Retry-After": "600"}),
        lambda server: server.answer(401),
        lambda server: server.answer(404),
        lambda server: server.cut("request"),
        lambda server: server.cut("response"),
        lambda server: server.slow(0.5),
        lambda server: server.slow(15),
    ],
    ids=["refuses", "hangs", "503", "500", "429", "401", "404", "cut-request", "cut-response", "slow", "too-slow"],
)
def test_a_consumer_in_trouble_costs_a_run_two_seconds_at_most_and_loses_nothing(
    lineage, server, trouble, caplog, monkeypatch, held_up
):
    trouble(server)
    with caplog.at_level(logging.WARNING, logger="lineal"):

        @traced
        def run():
            for number in range(20):
                traced(named("step"))(Dataset(f"s3://b/{number}", version="1"))

        run()
    # An event each, and the end.
    assert len(held_up) == 43
    assert sum(held_up) < 2
    assert len(log()) == 42
    # Those of this consumer: a thread that another test has left may still speak of its own.
    said = [record.message for record in caplog.records if server.url in record.message]
    assert sum("takes no events" in message for message in said) <= 1
    server.accept()
    server.come_back()
    monkeypatch.setattr(courier, "_couriers", {})
    assert deliver().complete
    assert sent_all(server)


def test_the_next_run_sends_what_the_last_one_could_not(lineage, server, monkeypatch):
    server.refuse()
    traced(named("first"))(Dataset("s3://b/1", version="1"))
    server.come_back()
    monkeypatch.setattr(courier, "_couriers", {})  # as a new process has none
    time.sleep(1.1)  # longer than a consumer is left alone for after its first failure
    traced(named("second"))(Dataset("s3://b/2", version="1"))
    server.wait(4)
    assert sent_all(server)


def test_a_process_that_lives_on_sends_it_by_itself(lineage, server):
    server.refuse()
    traced(named("first"))(Dataset("s3://b/1", version="1"))
    server.come_back()
    server.wait(2)
    assert sent_all(server)


def test_a_consumer_that_has_failed_for_months_is_asked_as_before(lineage, server, unconfigured, monkeypatch):
    unconfigured(1)
    server.refuse()
    deliver()
    Store().write(lambda connection: connection.execute(sa.update(tables.consumers).values(failures=2000)))
    assert deliver().problem == "it refuses connections"
    server.come_back()
    deliver()
    unconfigured(1)
    monkeypatch.setattr(courier, "_MOST_PATIENCE", 0.01)
    rounds = courier._Rounds(Store(), delivery.required()[0])
    rounds._failures = 2000
    rounds.wake()
    server.wait(4)
    assert sent_all(server)


def test_retry_after_is_heeded_by_runs_but_not_by_who_insists(lineage, server, monkeypatch):
    server.answer(429, {"Retry-After": "600"})
    traced(named("first"))(Dataset("s3://b/1", version="1"))
    # On a busy machine the answer comes when the run has waited long enough for it.
    end = time.monotonic() + 30
    while not delivery.standings(Store())[0].status.problem and time.monotonic() < end:
        time.sleep(0.02)
    asked = server.requests
    server.accept()
    monkeypatch.setattr(courier, "_couriers", {})
    traced(named("second"))(Dataset("s3://b/2", version="1"))
    assert server.requests == asked
    assert deliver().complete
    assert sent_all(server)


def test_a_redirect_is_not_taken_for_an_answer(lineage, server, unconfigured):
    unconfigured(1)
    server.answer(302, {"Location": "http://elsewhere/api"})
    done = deliver()
    assert not done.complete
    assert "it redirects to http://elsewhere/api; configure that as its URL" in str(done.problem)
    server.accept()
    assert deliver().complete
    assert sent_all(server)


def test_what_is_refused_for_good_is_set_aside_with_the_answer_and_can_be_sent_again(lineage, server, unconfigured):
    unconfigured(1, "good")
    unconfigured(1, "bad")
    unconfigured(1, "fine")
    server.answer_for(lambda event: event["job"]["name"] == "bad", 422, body="no such job")
    result = deliver()
    assert (result.sent, result.refused, result.waiting, result.complete) == (4, 2, 0, False)
    assert {event["job"]["name"] for event in server.events} == {"good", "fine"}
    standing = delivery.standings(Store())[0]
    assert standing.status.refused == 2
    assert {(refusal.status, refusal.answer) for refusal in standing.refusals} == {(422, "no such job")}
    assert deliver(again=True).refused == 2
    assert not deliver().complete  # what is set aside is not forgotten
    server.accept()
    assert deliver(again=True).complete
    assert [event["eventType"] for event in server.events[-2:]] == ["START", "COMPLETE"]
    assert delivery.standings(Store())[0].status.refused == 0


def test_each_consumer_gets_all_by_itself(lineage, server, monkeypatch, unconfigured):
    unconfigured(2)
    with consumer() as other:
        monkeypatch.delenv("OPENLINEAGE_URL")
        monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "composite")
        for name, each in (("A", server), ("B", other)):
            monkeypatch.setenv(
                f"OPENLINEAGE__TRANSPORT__TRANSPORTS__{name}__TYPE", "async_http" if name == "B" else "http"
            )
            monkeypatch.setenv(f"OPENLINEAGE__TRANSPORT__TRANSPORTS__{name}__URL", each.url)
        server.refuse()
        results = {each.name: delivery.deliver_all(Store(), each) for each in delivery.required()}
        assert len(results) == 2
        assert sent_all(other)
        server.come_back()
        for each in delivery.required():
            assert delivery.deliver_all(Store(), each).complete
        assert sent_all(server)
        assert len(other.events) == 4


@pytest.mark.slow
@pytest.mark.parametrize("machines", [(), ("alpha", "beta")], ids=["one-machine", "two-machines"])
def test_many_processes_that_deliver_at_a_time_keep_the_order(lineage, server, unconfigured, machines):
    before = [on_machine(name) for name in machines] or [[]]
    unconfigured(50)
    server.slow(0.005)
    code = (
        "from lineal.store.delivery import deliver as d; from lineal.store.log import Store\n"
        "for each in d.required(): assert d.deliver_all(Store(), each).complete"
    )
    workers = [subprocess.Popen([*before[n % len(before)], sys.executable, "-c", code]) for n in range(3)]
    for number in range(20):
        unconfigured(1, f"meanwhile{number}")
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert deliver().complete
    assert server.events == log()  # none twice, as nobody failed


@pytest.mark.slow
def test_a_deliverer_that_was_killed_leaves_nothing_undone(lineage, server, unconfigured):
    unconfigured(200)
    server.slow(0.02)
    code = (
        "from lineal.store.delivery import deliver as d; from lineal.store.log import Store\n"
        "d.deliver_all(Store(), d.required()[0])"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ))
    server.wait(30)
    worker.kill()
    worker.wait()
    server.accept()
    start = time.monotonic()
    assert deliver().complete
    assert time.monotonic() - start < 20  # nobody waits until the dead process's time is over
    assert sent_all(server)


def test_the_log_goes_out_while_others_write(lineage, server, unconfigured):
    done = threading.Event()

    def write():
        for number in range(60):
            traced(named(f"job{number}"))(Dataset(f"s3://b/{number}", version="1"))
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join(60)
    assert done.is_set()
    server.wait(120)
    assert sent_all(server)


@pytest.mark.parametrize("way", ["in the URL", "as a key"])
def test_a_consumer_gets_its_secret_and_nothing_keeps_it(lineage, server, monkeypatch, unconfigured, way):
    unconfigured(1)
    if way == "as a key":
        monkeypatch.setenv("OPENLINEAGE_API_KEY", "hush-hush")
    else:
        monkeypatch.setenv("OPENLINEAGE_URL", server.url.replace("http://", "http://me:hush-hush@"))
    server.answer(503)
    assert not deliver().complete
    server.accept()
    assert deliver().complete
    assert server.headers[0]["authorization"] == ("Bearer hush-hush" if way == "as a key" else "Basic bWU6aHVzaC1odXNo")
    assert "hush-hush" not in repr(delivery.standings(Store()))
    kept = [row for table in tables.metadata.tables.values() for row in lineage.store.read(sa.select(table))]
    assert "hush-hush" not in repr(kept)


@pytest.mark.parametrize(
    ("variables", "file", "said"),
    [
        ({"OPENLINEAGE_URL": "no url"}, None, "'no url' is no URL that the OpenLineage transport http can send to"),
        ({"OPENLINEAGE_URL": "localhost:5000"}, None, "write http://localhost:5000"),
        ({"OPENLINEAGE_URL": "ftp://h/p"}, None, "it begins with http:// or https://"),
        ({"OPENLINEAGE__TRANSPORT__TYPE": "htpp"}, None, "the transport htpp cannot be loaded"),
        ({"OPENLINEAGE__TRANSPORT__URL": "http://h"}, None, "has no `type`"),
        ({}, "transport: [", "openlineage.yml:1: is not valid YAML"),
        ({}, "- a\n", "should hold keys such as `transport`"),
        ({}, "filters: []\n", "no consumer is configured"),
        ({}, "transport:\n  url: http://h\n", "has no `type`"),
        ({"OPENLINEAGE__TRANSPORT__TYPE": "http"}, None, "`url` key not passed"),
        (
            {"OPENLINEAGE__TRANSPORT__TYPE": "lineal.store.transport.DurableTransport"},
            None,
            "no consumer is configured",
        ),
    ],
)
def test_a_wrong_setting_is_told_once_and_work_goes_on(lineage, monkeypatch, tmp_path, caplog, variables, file, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(courier, "_said", set())
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if file is not None:
        (tmp_path / "openlineage.yml").write_text(file)
    with caplog.at_level(logging.WARNING, logger="lineal"):
        traced(named("step"))(Dataset("s3://b/k", version="1"))
    assert len(log()) == 2
    with pytest.raises(DeliveryError) as caught:
        delivery.required()
    assert said in str(caught.value)
    if said != "no consumer is configured":
        assert sum(said in record.message for record in caplog.records) == 1


def test_nothing_is_sent_where_it_is_turned_off(lineage, server, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    traced(named("step"))(Dataset("s3://b/k", version="1"))
    assert server.requests == 0


def test_reading_the_configuration_leaves_the_environment_alone(server):
    before = dict(os.environ)
    assert consumers.configured()[0].name == f"{server.url}/api/v1/lineage"
    assert dict(os.environ) == before


def test_any_transport_of_the_client_can_be_configured(lineage, monkeypatch, tmp_path, unconfigured):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "openlineage.yml").write_text(
        f"transport:\n  type: file\n  log_file_path: {tmp_path / 'out.ndjson'}\n  append: true\n"
    )
    traced(named("step"))(Dataset("s3://b/k", version="1"))
    assert deliver().complete
    lines = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text().splitlines()]
    assert [line["eventType"] for line in lines] == ["START", "COMPLETE"]
    assert lines[1]["inputs"] == log()[1]["inputs"]
    assert lines[1]["run"] == log()[1]["run"]


def to_kafka(monkeypatch, servers, topic):
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "kafka")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TOPIC", topic)
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__CONFIG", json.dumps({"bootstrap.servers": servers}))


def test_a_broker_gets_the_same_events_those_of_one_flow_in_order(lineage, kafka, monkeypatch, unconfigured):
    from confluent_kafka import Consumer

    @traced
    def outer(data):
        return traced(named("inner"))(data)

    for number in range(5):
        outer(Dataset(f"s3://b/{number}", version="1"))
    topic = f"lineage-{uuid4().hex}"
    to_kafka(monkeypatch, kafka, topic)
    assert deliver().sent == 20
    reader = Consumer({"bootstrap.servers": kafka, "group.id": topic, "auto.offset.reset": "earliest"})
    reader.subscribe([topic])
    messages, end = [], time.monotonic() + 30
    while len(messages) < 20 and time.monotonic() < end:
        message = reader.poll(1.0)
        if message is not None and message.error() is None:
            messages.append(message)
    reader.close()
    assert {message.key() for message in messages} == {b"run:lineal/outer"}
    assert [json.loads(message.value()) for message in messages] == log()


def test_a_broker_that_is_away_holds_nothing_up_and_loses_nothing(lineage, kafka, monkeypatch, held_up):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        to_kafka(monkeypatch, f"127.0.0.1:{closed.getsockname()[1]}", "lineage")
        traced(named("step"))(Dataset("s3://b/k", version="1"))
    assert len(held_up) == 3
    assert sum(held_up) < 2
    assert len(log()) == 2
    monkeypatch.setattr(courier, "_couriers", {})
    to_kafka(monkeypatch, kafka, f"lineage-{uuid4().hex}")
    assert deliver().sent == 2


def test_a_consumer_that_is_meant_no_more_can_be_forgotten(lineage, server, unconfigured):
    unconfigured(1)
    server.refuse()
    deliver()
    name = delivery.required()[0].name
    with pytest.raises(DeliveryError, match="no consumer is known as 'marquez'; there is http"):
        delivery.forget(Store(), "marquez")
    delivery.forget(Store(), name)
    assert Store().read(sa.select(tables.consumers)) == []


def test_delivery_that_is_turned_off_says_so(lineage, server, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    with pytest.raises(DeliveryError, match="turned off by OPENLINEAGE_DISABLED"):
        delivery.required()


def test_a_consumer_that_is_silent_is_said_to_be(lineage, server, unconfigured, monkeypatch):
    unconfigured(1)
    monkeypatch.delenv("OPENLINEAGE_URL")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "http")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__URL", server.url)
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TIMEOUT", "0.5")
    server.hang(30)
    assert deliver().problem == "it does not answer in time"
