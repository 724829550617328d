"""The process of the embedded Prefect server; `lineal.orchestration.server` starts it with `python -m`.

It is Prefect's own application in the mode that Prefect itself uses for a temporary server (no UI, no scheduler, but
events, task runs and automations), with four things added: it never outlives its parent, only one at a time brings a
database up to date, a new database begins as a copy of the environment's template, and what it has accepted is stored
before it ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import IO, Any

from lineal.orchestration import template

SETTLE_SECONDS = 20.0
END_SECONDS = 30.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


def main(descriptor: int, parent: int, lock: Path) -> None:
    """Serve Prefect's API until told to end, or until the parent is gone.

    Args:
        descriptor: of a listening socket that the parent has opened.
        parent: the parent's process id.
        lock: the file that guards the database while a server starts on it.
    """
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    # Nothing that importing creates is garbage; looking for some costs half a second.
    gc.disable()
    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app(ephemeral=True, final=True)
    gc.freeze()
    gc.enable()
    config = uvicorn.Config(_guarded(app, lock), log_config=None, access_log=False, timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


def _end_with(parent: int) -> None:
    """End this process when `parent` does, however it ended: there is no other way to hear of a SIGKILL everywhere."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_SECONDS)
    os._exit(1)


def _guarded(app: App, lock: Path) -> App:
    """Let `app` start under the lock, and end only when it has stored the events it has accepted."""

    async def guarded(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        held: list[IO[bytes]] = []

        async def received() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup":
                held.append(_locked(lock))
                database = template.database_file()
                if database is not None:
                    template.provide(database, template.template_file())
            elif message["type"] == "lifespan.shutdown":
                await _settled()
            return message

        async def sent(message: Message) -> None:
            if held:
                held.pop().close()
            await send(message)

        await app(scope, received, sent)

    return guarded


def _locked(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab")
    # Two servers that bring one fresh database up to date at the same time both fail.
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


async def _settled() -> None:
    """Wait until the events accepted so far have been handed to the services that store them.

    Prefect drops what is still queued when it ends, and task runs are recorded from such events only.
    """
    from prefect.server.utilities.messaging.memory import Topic

    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        subscriptions = Topic.by_name("events")._subscriptions
        if all(subscription._queue.empty() and subscription._retry.empty() for subscription in subscriptions):
            return
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
