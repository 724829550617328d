"""The misbehaving consumer does as it is told: what is built on it rests on that."""

import threading
import time

import httpx
import pytest

from tests.parts.consumer import consumer


@pytest.fixture
def server():
    with consumer() as made:
        yield made


def send(server, number, timeout=5, client=httpx):
    return client.post(f"{server.url}/api/v1/lineage", json={"n": number}, timeout=timeout)


def taken(server):
    return [event["n"] for event in server.events]


def test_it_takes_events_in_order(server):
    with httpx.Client() as client:
        assert [send(server, n, client=client).status_code for n in range(3)] == [201, 201, 201]
    assert taken(server) == [0, 1, 2]
    assert server.requests == 3
    assert server.headers[0]["content-type"] == "application/json"


def test_it_refuses_connections_also_those_that_are_open_and_comes_back(server):
    with httpx.Client() as client:
        send(server, 1, client=client)
        server.refuse()
        with pytest.raises(httpx.TransportError):
            send(server, 2, client=client)
        with pytest.raises(httpx.ConnectError):
            send(server, 3)
        server.come_back()
        assert send(server, 4, client=client).status_code == 201
    assert taken(server) == [1, 4]


@pytest.mark.parametrize("status", [400, 401, 422, 429, 500, 503])
def test_it_answers_as_told(server, status):
    server.answer(status, {"Retry-After": "7"}, "not now")
    answer = send(server, 1)
    assert (answer.status_code, answer.headers["Retry-After"], answer.text) == (status, "7", "not now")
    server.accept()
    assert send(server, 2).status_code == 201
    assert taken(server) == [2]
    assert server.requests == 2


def test_it_answers_so_for_some_events_only(server):
    server.answer_for(lambda event: event["n"] == 2, 422, "two is bad")
    assert [send(server, n).status_code for n in (1, 2, 3)] == [201, 422, 201]
    assert taken(server) == [1, 3]


def test_it_hangs_and_takes_nothing(server):
    server.hang(60)
    with pytest.raises(httpx.ReadTimeout):
        send(server, 1, timeout=0.2)
    assert server.events == []
    assert server.requests == 1


def test_it_hangs_up_after_a_time(server):
    server.hang(0.1)
    with pytest.raises(httpx.RemoteProtocolError):
        send(server, 1)
    assert server.events == []


def test_it_is_slow(server):
    server.slow(0.2)
    start = time.monotonic()
    assert send(server, 1).status_code == 201
    assert time.monotonic() - start >= 0.2
    assert taken(server) == [1]


@pytest.mark.parametrize(("during", "kept"), [("request", []), ("response", [1])])
def test_it_cuts_half_way(server, during, kept):
    server.cut(during)
    with pytest.raises(httpx.TransportError):
        send(server, 1)
    assert taken(server) == kept
    server.accept()
    send(server, 2)
    assert taken(server) == [*kept, 2]


def test_it_can_be_waited_for(server):
    threading.Timer(0.1, send, (server, 1)).start()
    assert server.wait(1) == [{"n": 1}]
    with pytest.raises(AssertionError, match="1 events of 2"):
        server.wait(2, seconds=0.1)
