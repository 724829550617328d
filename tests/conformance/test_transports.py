"""What each of the official client's transports makes of our events, as data and as the client's own objects."""

import json
import time
from contextlib import closing
from uuid import uuid4

import pytest
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import parent_run
from openlineage.client.serde import Serde
from openlineage.client.transport import get_default_factory

from lineal import Dataset, traced
from tests.parts.consumer import consumer


@pytest.fixture
def events(lineage, monkeypatch):
    # Nothing of a test is sent, as a rule; here the client itself is at work.
    monkeypatch.delenv("OPENLINEAGE_DISABLED")

    @traced
    def inner(data: Dataset) -> Dataset:
        return Dataset("s3://bucket/out.csv", version="2")

    @traced
    def outer(data: Dataset) -> Dataset:
        return inner(data)

    outer(Dataset("s3://bucket/in.csv", version="1"))
    found = lineage.events()
    assert [event["job"]["name"] for event in found] == ["outer", "outer.inner", "outer.inner", "outer"]
    return found


def as_object(event):
    """The client's own form of an event; its facets may stay data, but for the parent, which transports look into."""
    facets = dict(event["run"]["facets"])
    if "parent" in facets:
        facets["parent"] = parent(facets["parent"])
    return RunEvent(
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=Run(event["run"]["runId"], facets),
        job=Job(event["job"]["namespace"], event["job"]["name"], event["job"]["facets"]),
        eventType=RunState[event["eventType"]],
        inputs=event["inputs"],
        outputs=event["outputs"],
    )


def parent(facet):
    root = facet["root"]
    return parent_run.ParentRunFacet(
        run=parent_run.Run(facet["run"]["runId"]),
        job=parent_run.Job(facet["job"]["namespace"], facet["job"]["name"]),
        root=parent_run.Root(
            run=parent_run.RootRun(root["run"]["runId"]),
            job=parent_run.RootJob(root["job"]["namespace"], root["job"]["name"]),
        ),
    )


def transport(kind, **settings):
    return get_default_factory().create({"type": kind, **settings})


def ends(events):
    return [(event["eventType"], event["job"]["name"]) for event in events]


def stripped(event):
    """An event but for what an object says by itself: its own schema, and its parent facet's producer."""
    event = json.loads(json.dumps(event))
    event.pop("schemaURL")
    if "parent" in event["run"]["facets"]:
        event["run"]["facets"]["parent"] = {
            key: event["run"]["facets"]["parent"][key] for key in ("run", "job", "root")
        }
    return event


@pytest.mark.parametrize("form", [dict, as_object])
def test_http_sends_both_forms_as_they_are(events, form):
    with consumer() as taker:
        sender = transport("http", url=taker.url)
        for event in events:
            sender.emit(form(event))
        sender.close()
    assert [stripped(event) for event in taker.events] == [stripped(event) for event in events]


@pytest.mark.parametrize("form", [dict, as_object])
def test_async_http_sends_both_forms(events, form):
    with consumer() as taker:
        sender = transport("async_http", url=taker.url)
        for event in events:
            sender.emit(form(event))
        assert sender.wait_for_completion(10)
        sender.close(5)
    assert sorted(ends(taker.events)) == sorted(ends(events))


def test_async_http_holds_ends_back_for_their_starts_only_where_events_are_objects(events):
    """Only of an object does it know the run: data goes out as it comes, and an end may arrive before its start."""
    on_their_way = {}
    for form in (dict, as_object):
        with consumer() as taker:
            taker.slow(1)
            sender = transport("async_http", url=taker.url)
            for event in (events[0], events[-1]):
                sender.emit(form(event))
            time.sleep(0.5)
            on_their_way[form] = taker.requests
            sender.wait_for_completion(10)
            sender.close(5)
    assert on_their_way == {dict: 2, as_object: 1}


@pytest.mark.parametrize("form", [dict, as_object])
def test_file_and_console_take_both_forms(events, form, tmp_path, caplog):
    target = tmp_path / "events.ndjson"
    sender = transport("file", log_file_path=str(target), append=True)
    for event in events:
        sender.emit(form(event))
    written = [json.loads(line) for line in target.read_text().splitlines()]
    assert [stripped(event) for event in written] == [stripped(event) for event in events]

    with caplog.at_level("INFO"):
        transport("console").emit(form(events[0]))
    assert stripped(json.loads(caplog.records[-1].message)) == stripped(events[0])


@pytest.mark.parametrize("form", [dict, as_object])
def test_composite_hands_on_what_it_is_given(events, form, tmp_path):
    target = tmp_path / "events.ndjson"
    with consumer() as taker:
        sender = transport(
            "composite",
            transports={
                "near": {"type": "file", "log_file_path": str(target), "append": True},
                "far": {"type": "http", "url": taker.url},
            },
        )
        for event in events:
            sender.emit(form(event))
        sender.close()
    assert ends(taker.events) == ends(events)
    assert ends(json.loads(line) for line in target.read_text().splitlines()) == ends(events)


def test_transform_changes_objects_only(events):
    """It hands data on untouched, with no more than a line in the log: its settings would do nothing."""
    names = {}
    for form in (dict, as_object):
        with consumer() as taker:
            sender = transport(
                "transform",
                transport={"type": "http", "url": taker.url},
                transformer_class="openlineage.client.transport.transform.JobNamespaceReplaceTransformer",
                transformer_properties={"new_job_namespace": "theirs"},
            )
            for event in events:
                sender.emit(form(event))
            sender.close()
        names[form] = [
            (event["job"]["namespace"], event["run"]["facets"].get("parent", event)["job"]["namespace"])
            for event in taker.events
        ]
    assert names[as_object] == [("theirs", "theirs")] * 4
    assert names[dict] == [("lineal", "lineal")] * 4


class TestKafka:
    @pytest.fixture
    def sent(self, kafka):
        """Send events; gives what then lies in the topic, as (key, partition, event)."""
        confluent_kafka = pytest.importorskip("confluent_kafka")
        topic = f"lineage-{uuid4()}"

        def run(events, **settings):
            sender = transport("kafka", config={"bootstrap.servers": kafka}, topic=topic, flush=True, **settings)
            for event in events:
                sender.emit(event)
            sender.close(10)
            taker = confluent_kafka.Consumer({"bootstrap.servers": kafka, "group.id": topic})
            partitions = taker.list_topics(topic, timeout=10).topics[topic].partitions
            taker.assign([confluent_kafka.TopicPartition(topic, number, 0) for number in partitions])
            messages = []
            with closing(taker):
                while len(messages) < len(events):
                    message = taker.poll(20)
                    assert message is not None, f"{len(messages)} messages of {len(events)}"
                    assert message.error() is None, message.error()
                    messages.append(message)
            return [
                (message.key() and message.key().decode(), message.partition(), json.loads(message.value()))
                for message in messages
            ]

        return run

    def test_objects_have_the_roots_job_as_key_and_so_stay_in_order(self, events, sent):
        found = sent([as_object(event) for event in events])
        assert {key for key, _, _ in found} == {"run:lineal/outer"}
        assert len({partition for _, partition, _ in found}) == 1
        assert [stripped(event) for _, _, event in found] == [stripped(event) for event in events]

    def test_data_has_no_key_unless_one_is_set(self, events, sent):
        """Without one the events of a run spread over partitions, and no reader can tell their order."""
        found = sent(events)
        assert {key for key, _, _ in found} == {None}
        assert sorted(ends(event for _, _, event in found)) == sorted(ends(events))

    def test_data_stays_in_order_with_a_key_of_the_settings(self, events, sent):
        found = sent(events, messageKey="all")
        assert {key for key, _, _ in found} == {"all"}
        assert [event for _, _, event in found] == events

    def test_an_object_whose_parent_facet_is_data_is_not_sent(self, events, sent):
        child = as_object(events[1])
        child.run.facets["parent"] = events[1]["run"]["facets"]["parent"]
        with pytest.raises(AttributeError):
            sent([child])


def test_the_clients_own_serialisation_keeps_our_events_as_they_are(events):
    assert [json.loads(Serde.to_json(event)) for event in events] == events
