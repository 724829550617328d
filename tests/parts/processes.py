"""Servers for the tests, which end with the tests, whatever ends those."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(
    command: Sequence[str | Path],
    answers: Callable[[], bool],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    end_by: signal.Signals = signal.SIGTERM,
    seconds: float = 120,
) -> Iterator[None]:
    """A server that answers within the context.

    Args:
        command: the server, to stay in the foreground.
        answers: whether it does so yet.
        log: a file for what it says.
        environment: its whole environment; this process's where it is left out.
        user: as whom to run it, instead of root.
        end_by: the signal that ends it.
        seconds: how long to wait for its first answer.
    """
    words = [*_as_user(user, end_by), *map(str, command)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            words, stdout=file, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    try:
        end = time.monotonic() + seconds
        while not answers():
            if process.poll() is not None or time.monotonic() > end:
                said = log.read_text(errors="replace")[-3000:]
                raise RuntimeError(f"{words} does not answer (exit status {process.poll()}):\n{said}")
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(end_by)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(command: Sequence[str | Path], *, user: str | None = None) -> None:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed.
    """
    words = [*_as_user(user), *map(str, command)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise RuntimeError(f"{words} failed:\n{done.stdout}{done.stderr}")


def on_machine(name: str) -> list[str]:
    """What a command is preceded by to run as on another machine: one with a name of its own.

    Skips the test where this may not be done here.
    """
    words = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name]
    try:
        done = subprocess.run([*words, "uname", "-n"], capture_output=True, text=True, check=False)
        said = done.stdout.strip() or done.stderr.strip()
    except OSError as problem:
        said = str(problem)
    if said != name:
        pytest.skip(f"another machine cannot be played here: {said}")
    return words


def _as_user(user: str | None, when_we_die: signal.Signals | None = None) -> list[str]:
    # Without setpriv (it is Linux's) a server outlives tests that are killed outright, and nothing worse.
    if shutil.which("setpriv") is None:
        return []
    words = [f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    words += [f"--pdeathsig={when_we_die.name.removeprefix('SIG')}"] if when_we_die else []
    return ["setpriv", *words] if words else []
