"""The embedded Prefect server: a flow can run with nothing started first.

Prefect's own temporary server costs its first flow 18 to 26 s, as the flow's process imports the whole server only to
start a subprocess that imports it again. This one is started at once, beside whatever the flow's process imports.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineal.errors import ProjectError, StorageError
from lineal.orchestration.configured import EMBEDDED, configured, prefect_home
from lineal.redaction import redact
from lineal.settings import home, sandboxed

READY_SECONDS = 120.0
# A server that the user has started is up, or is about to be.
GIVEN_SECONDS = 10.0
END_SECONDS = 30.0
_DRAIN_SECONDS = 60.0
_HEARTBEAT = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"
_CONSOLE = "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"

# Reporting off, in the words of each tool; DO_NOT_TRACK is the common one.
_REPORTING = {
    "DO_NOT_TRACK": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "true",
    "ITERATIVE_DO_NOT_TRACK": "true",
}
_SERVER_ONLY = {
    # A temporary server needs no block types. It must not note that it has registered them, or `prefect server start`
    # would not do it either.
    "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
    "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
    # A transaction an event would make it lag behind many small tasks.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
}


def quiet_environment(console: str = "CRITICAL") -> None:
    """Keep Prefect's log off the terminal and turn usage reporting off, in this process and those it starts.

    What the user has set stays, and so does what an earlier call has. Logs reach Prefect's API as before.

    Args:
        console: the level from which Prefect's log is shown on the terminal.
    """
    for name, value in {_CONSOLE: console, **_REPORTING}.items():
        if configured(name) is None:
            os.environ[name] = value


@dataclass(frozen=True, slots=True)
class PrefectApi:
    """The Prefect API that this process talks to.

    Attributes:
        url: such as `http://127.0.0.1:43121/api`.
        server: the embedded server behind it; None where the user has configured another.
    """

    url: str
    server: EmbeddedServer | None = None

    def require_given(self) -> None:
        """Wait for a server that the user has configured; the embedded one is waited for when it is needed.

        Raises:
            ProjectError: it does not answer, or does not let us in.
        """
        if self.server is None:
            self.wait_ready()
            self._require_welcome()

    def wait_ready(self, timeout: float | None = None) -> None:
        """Return once the API answers.

        Args:
            timeout: in seconds; where it is left out, an embedded server is given as long as it may take to start.

        Raises:
            ProjectError: it does not answer in time, or the embedded server has ended.
        """
        import httpx

        if timeout is None:
            timeout = GIVEN_SECONDS if self.server is None else READY_SECONDS
        end = time.monotonic() + timeout
        problem = "no answer"
        # The embedded server must not be looked for through a proxy.
        with httpx.Client(trust_env=self.server is None) as client:
            while (left := end - time.monotonic()) > 0:
                if self.server is not None:
                    self.server.check_alive()
                try:
                    answer = client.get(f"{self.url}/health", timeout=min(left, 5.0))
                except httpx.HTTPError as error:
                    problem = str(error) or type(error).__name__
                else:
                    # A server of the user's may ask who we are first; Prefect's client will tell it.
                    if self.server is None or answer.is_success:
                        return
                    problem = f"HTTP status {answer.status_code}"
                time.sleep(0.05)
        if self.server is not None:
            raise self.server.failure(f"did not answer within {timeout:g} s")
        raise ProjectError(
            f"the Prefect API at {redact(self.url)} does not answer ({problem}); start its server, or unset "
            "PREFECT_API_URL to use an embedded one"
        )

    def _require_welcome(self) -> None:
        import httpx

        # What else Prefect's client is told to send may be what lets it in.
        if configured("PREFECT_CLIENT_CUSTOM_HEADERS") is not None:
            return
        password, key = configured("PREFECT_API_AUTH_STRING"), configured("PREFECT_API_KEY")
        given = f"Basic {b64encode(password.encode()).decode()}" if password else f"Bearer {key}"
        headers = {"Authorization": given} if password or key else {}
        if not (given.isascii() and given.isprintable()):
            raise ProjectError(
                f"the Prefect API at {redact(self.url)} cannot be sent PREFECT_API_KEY, which holds other than "
                "printable ASCII; correct it, or unset PREFECT_API_URL to use an embedded one"
            )
        try:
            answer = httpx.post(f"{self.url}/flows/count", json={}, headers=headers, timeout=GIVEN_SECONDS)
        except httpx.HTTPError:
            return  # it did answer: how it goes on is for Prefect's client, which tries again
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            name = "PREFECT_API_AUTH_STRING" if password else "PREFECT_API_KEY"
            says = f"refuses {name}; correct it" if headers else f"asks who we are; set {name}"
            raise ProjectError(
                f"the Prefect API at {redact(self.url)} {says}, or unset PREFECT_API_URL to use an embedded one"
            )

    @contextmanager
    def settings(self) -> Iterator[None]:
        """Prefect's settings for a flow run on this API.

        On an embedded server it sends no heartbeats: nothing there looks for dead runs, and to stop sending them takes
        Prefect up to a second at the end of each flow.
        """
        if self.server is None or configured(_HEARTBEAT) is not None:
            yield
            return
        from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """The process of an embedded server, and its log."""

    process: subprocess.Popen[bytes]
    log: Path

    def check_alive(self) -> None:
        """Raise a ProjectError where the process has ended."""
        status = self.process.poll()
        if status is not None:
            raise self.failure(f"ended with status {status}")

    def failure(self, what: str) -> ProjectError:
        """The error that tells `what` happened, how its log ends and what to do."""
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        tail = " / ".join(line.strip() for line in lines[-5:] if line.strip()) or "(nothing)"
        return ProjectError(
            f"the embedded Prefect server {what}; its log {self.log} ends with: {redact(tail)}; mend that, or run "
            "`prefect server start` and set PREFECT_API_URL=http://127.0.0.1:4200/api"
        )

    def end(self) -> None:
        """End the process, by force if it must be; its log stays only where something went wrong."""
        failed = self.process.poll() is not None
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            failed = True
            self.process.kill()
            self.process.wait()
        if not failed:
            with suppress(OSError):
                self.log.unlink()


@contextmanager
def embedded_server() -> Iterator[PrefectApi]:
    """Give this process a Prefect API: the one the user has configured, else a server of its own.

    An own server starts at once, in a process of its own and on the user's own Prefect database, so that
    `prefect server start` shows its runs later. PREFECT_API_URL is set from the first moment: enter this before Prefect
    is imported, and call `wait_ready` just before the flow starts. The server ends with this context, or with this
    process, however it ends.

    Raises:
        StorageError: LINEAL_HOME cannot be written.
    """
    # The user's server must not take what is tried in a sandbox for work: its automations would act on it.
    given = None if sandboxed() else configured("PREFECT_API_URL")
    if given is not None:
        yield PrefectApi(given)
        return
    before = os.environ.get("PREFECT_API_URL")
    url, server = _start()
    _bypass_proxies()
    _point_prefect_to(url)
    os.environ[EMBEDDED] = "1"
    try:
        yield PrefectApi(url, server)
    finally:
        try:
            _drain(server)
        finally:
            server.end()
            os.environ.pop(EMBEDDED, None)
            _point_prefect_to(before)


def _start() -> tuple[str, EmbeddedServer]:
    folder = home() / "logs"
    log = folder / f"prefect-server-{os.getpid()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        out = log.open("wb")
    except OSError as problem:
        raise StorageError(
            f"{log} cannot be written: {problem.strerror}; set LINEAL_HOME to a folder of yours"
        ) from None
    # A socket opened here leaves no moment in which another process could take the port.
    with out, socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        defaults = {**_REPORTING, **_SERVER_ONLY}
        environment = {
            **os.environ,
            **{name: value for name, value in defaults.items() if configured(name) is None},
            "PREFECT_API_URL": url,
        }
        environment.pop(_CONSOLE, None)
        process = subprocess.Popen(
            # -P: the user's folder may hold a `tasks` or a `prefect` of its own.
            [
                *(sys.executable, "-P", "-m", "lineal.orchestration.serving"),
                *(str(listener.fileno()), str(os.getpid()), str(prefect_home() / "lineal-start.lock")),
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            # Ctrl-C is for the flow, which still has to report to the server.
            start_new_session=True,
        )
    return url, EmbeddedServer(process, log)


def _drain(server: EmbeddedServer) -> None:
    """Send what Prefect still holds in this process: events (task runs are recorded from them) and logs.

    What the server does not take is given up: when the process exits, Prefect would try each event again for 7 s.
    """
    if "prefect" not in sys.modules:
        return
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    end = time.monotonic() + _DRAIN_SECONDS
    # Events first: sending them may log.
    kinds: tuple[Any, ...] = (EventsWorker, APILogWorker)
    for kind in kinds:
        # Prefect lets go of a service's task as soon as it is told to stop.
        at_work = [(each._loop, each._task) for each in kind._instances.values() if each._loop and each._task]
        try:
            kind.drain_all(timeout=0)
            while any(not task.done() for _, task in at_work):
                if server.process.poll() is not None or time.monotonic() > end:
                    break
                time.sleep(0.01)
        finally:
            for loop, task in at_work:
                # A loop that is closed has ended its tasks.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(task.cancel)


def _bypass_proxies() -> None:
    """Keep Prefect's client from asking a proxy for the server beside it."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        if "127.0.0.1" not in hosts:
            os.environ[name] = ",".join([*hosts, "127.0.0.1"])


def _point_prefect_to(url: str | None) -> None:
    if url is None:
        os.environ.pop("PREFECT_API_URL", None)
    else:
        os.environ["PREFECT_API_URL"] = url
    if "prefect.context" in sys.modules:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()
