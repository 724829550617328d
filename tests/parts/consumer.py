"""A consumer of OpenLineage events that misbehaves as it is told: what delivery has to get along with."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Event = dict[str, Any]
Behaviour = Callable[["_Handler", bytes], None]


class Consumer:
    """An HTTP server on a free loopback port that takes events until it is told otherwise.

    What it is told holds for every request whose body arrives from then on. Requests may come at the same time: the
    order of `events` is the order in which they were taken.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []  # what it took, in order
        self.requests = 0  # all attempts that reached it, also those that it did not take
        self.headers: list[Mapping[str, str]] = []  # of each attempt, with small letters
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._connections: set[socket.socket] = set()
        self._rules: list[tuple[Callable[[Event], bool], Behaviour]] = []
        self._behaviour: Behaviour = self._take
        self._server: _Server | None = None
        self._reserved: socket.socket | None = _reserve(0)
        self.port: int = self._reserved.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.come_back()

    def accept(self) -> None:
        """Take every event at once, and forget what was told before."""
        self._rules = []
        self._behaviour = self._take

    def refuse(self) -> None:
        """Stop listening and cut what is connected: who connects from now on is refused."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        # Bound without listening, the port is nobody else's and refuses connections.
        self._reserved = _reserve(self.port)
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def come_back(self) -> None:
        """Listen again at the same port, behaving as before."""
        if self._reserved is None:
            return
        self._server = _Server(self, self._reserved)
        self._reserved = None
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def hang(self, seconds: float) -> None:
        """Read a request, say nothing for a time, then hang up: the event is not taken."""

        def behave(handler: _Handler, body: bytes) -> None:
            self._closed.wait(seconds)
            handler.close_connection = True

        self._behaviour = behave

    def slow(self, seconds: float) -> None:
        """Take every event, a time after it came."""

        def behave(handler: _Handler, body: bytes) -> None:
            self._closed.wait(seconds)
            self._take(handler, body)

        self._behaviour = behave

    def answer(self, status: int, headers: Mapping[str, str] | None = None, body: str = "") -> None:
        """Take nothing, and answer every request so."""
        self._behaviour = _answering(status, headers, body)

    def answer_for(
        self, predicate: Callable[[Event], bool], status: int, body: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer so, without taking it, where an event fits; behave to others as before."""
        self._rules = [*self._rules, (predicate, _answering(status, headers, body))]

    def cut(self, during: Literal["request", "response"] = "response") -> None:
        """Reset the connection half-way.

        Args:
            during: `request`: half the event is read, and it is not taken. `response`: the event is taken, and the
                sender hears half an answer, so that it cannot know.
        """

        def behave(handler: _Handler, body: bytes) -> None:
            self._keep(body)
            handler.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Le")
            handler.reset()

        behave.cuts_request = during == "request"  # type: ignore[attr-defined]
        self._behaviour = behave

    def wait(self, count: int, seconds: float = 10) -> list[Event]:
        """The events, once there are so many.

        Raises:
            AssertionError: there were fewer after that time.
        """
        end = time.monotonic() + seconds
        with self._changed:
            while len(self.events) < count:
                left = end - time.monotonic()
                assert left > 0, f"{len(self.events)} events of {count} after {seconds} s"
                self._changed.wait(left)
            return list(self.events)

    def close(self) -> None:
        """Let go of everything, also of requests that hang."""
        self._closed.set()
        self.refuse()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def _behave(self, handler: _Handler) -> None:
        with self._changed:
            self.requests += 1
            self.headers.append({name.lower(): value for name, value in handler.headers.items()})
            self._changed.notify_all()
        length = int(handler.headers.get("Content-Length", 0))
        if getattr(self._behaviour, "cuts_request", False):
            handler.rfile.read(length // 2)
            handler.reset()
            return
        body = handler.rfile.read(length)
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        try:
            event = json.loads(body)
        except ValueError as problem:
            handler.answer(400, {}, f"no JSON: {problem}")
            return
        fitting = (behave for predicate, behave in self._rules if predicate(event))
        next(fitting, self._behaviour)(handler, body)

    def _take(self, handler: _Handler, body: bytes) -> None:
        self._keep(body)
        handler.answer(201, {}, "")

    def _keep(self, body: bytes) -> None:
        with self._changed:
            self.events.append(json.loads(body))
            self._changed.notify_all()


@contextmanager
def consumer() -> Iterator[Consumer]:
    """A consumer that listens within the context."""
    made = Consumer()
    try:
        yield made
    finally:
        made.close()


def _answering(status: int, headers: Mapping[str, str] | None, body: str) -> Behaviour:
    return lambda handler, _: handler.answer(status, headers or {}, body)


def _reserve(port: int) -> socket.socket:
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", port))
    return reserved


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, owner: Consumer, bound: socket.socket) -> None:
        super().__init__(bound.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self.owner = owner
        self.server_activate()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.owner._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.owner._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections that break are what it is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        self.server.owner._behave(self)

    def answer(self, status: int, headers: Mapping[str, str], body: str) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def reset(self) -> None:
        self.close_connection = True
        # Closed at once, without the goodbye that says all was said.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: tests ask what was taken."""
