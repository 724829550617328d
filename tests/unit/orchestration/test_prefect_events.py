"""Events and artifacts told to Prefect."""

import logging

import pytest
from prefect.context import refresh_global_settings_context
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker

from lineal.orchestration.events import emit, markdown_artifact


@pytest.fixture
def sent(monkeypatch):
    # Prefect would start a server of its own to send events to.
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    refresh_global_settings_context()
    AssertingEventsClient.reset()
    EventsWorker.set_client_override(AssertingEventsClient)

    def events():
        EventsWorker.instance().wait_until_empty()
        return [event for client in AssertingEventsClient.all for event in getattr(client, "events", [])]

    yield events
    EventsWorker.drain_all()
    EventsWorker.set_client_override(None)
    monkeypatch.undo()
    refresh_global_settings_context()


def test_an_event_carries_its_resource_what_is_related_and_its_payload(sent):
    emit(
        "lineal.alias.moved",
        {"prefect.resource.id": "lineal.model.wine", "lineal.alias": "champion"},
        related=[{"prefect.resource.id": "lineal.model.wine.2", "prefect.resource.role": "before"}],
        payload={"from": 2, "to": 3},
    )

    [event] = sent()
    assert event.event == "lineal.alias.moved"
    assert event.resource.id == "lineal.model.wine"
    assert event.resource["lineal.alias"] == "champion"
    assert [(other.id, other.role) for other in event.related] == [("lineal.model.wine.2", "before")]
    assert event.payload == {"from": 2, "to": 3}


def test_what_prefect_refuses_is_one_line_in_the_log(sent, caplog):
    with caplog.at_level(logging.WARNING):
        emit("lineal.gate.failed", {"prefect.resource.id": "lineal.model.wine"}, payload={"text": "x" * 2_000_000})

    assert sent() == []
    assert "The Prefect event lineal.gate.failed could not be sent" in caplog.text


def test_an_artifact_that_cannot_be_stored_breaks_nothing(caplog):
    with caplog.at_level(logging.WARNING):
        markdown_artifact("Not A Key", "# Result")

    assert "The artifact Not A Key could not be stored in Prefect" in caplog.text
