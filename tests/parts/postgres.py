"""A real PostgreSQL for tests: a private cluster on a free port, gone when the tests are, however they end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BINARIES = "/usr/lib/postgresql/*/bin"  # where Debian puts what it keeps off PATH
# The shell holds the server and reads a pipe from the tests. When they end, be it by SIGKILL, the pipe closes, and the
# shell stops the server and removes its files.
_KEEPER = """
"$@" >"$LOG" 2>&1 &
server=$!
read -r _
kill -INT $server 2>/dev/null
wait $server
rm -rf "$FOLDER"
"""


class NoPostgres(Exception):
    """There is no PostgreSQL server on this machine; the message says so plainly."""


@contextmanager
def running() -> Iterator[str]:
    """Start a cluster; its URL without a database.

    Raises:
        NoPostgres: no server binaries, or they cannot be run by this user.
    """
    binaries = _find()
    folder = Path(tempfile.mkdtemp(prefix="lineal-postgres-"))
    user = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        try:
            shutil.chown(folder, "postgres", "postgres")
        except LookupError as problem:
            folder.rmdir()
            raise NoPostgres("PostgreSQL does not run as root, and there is no user postgres here") from problem
    data, log = folder / "data", folder / "log"
    made = [*user, binaries / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-N", "--no-locale", "-E", "UTF8"]
    done = subprocess.run(made, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise NoPostgres(f"PostgreSQL's initdb failed: {done.stderr.strip()}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    server = [*user, binaries / "postgres", "-D", data]
    server += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    keeper = subprocess.Popen(
        ["sh", "-c", _KEEPER, "sh", *server],
        stdin=subprocess.PIPE,
        env=os.environ | {"LOG": str(log), "FOLDER": str(folder)},
        cwd="/",
        start_new_session=True,  # Ctrl-C is for the tests; the keeper learns of it by the pipe
    )
    try:
        _wait(port, log)
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}"
    finally:
        keeper.communicate(b"\n", timeout=30)


@contextmanager
def database(server: str, name: str, template: str = "template1") -> Iterator[str]:
    """A new database of a cluster, dropped at the end whoever is still in it; its URL.

    Args:
        server: the cluster's URL.
        name: the database's.
        template: whose copy it is; an empty one where it is left out.
    """
    import psycopg

    with psycopg.connect(server.replace("+psycopg", "") + "/postgres", autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template}"')
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f'drop database "{name}" with (force)')


def _find() -> Path:
    on_path = shutil.which("initdb")
    places = [Path(on_path).resolve().parent] if on_path else []
    places += sorted(Path("/").glob(_BINARIES[1:]), key=lambda place: float(place.parent.name), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise NoPostgres(f"no PostgreSQL server on PATH or in {_BINARIES}; install the package postgresql")


def _wait(port: int, log: Path, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while True:
        # The port opens before the server takes sessions: only what the server says of itself counts.
        if log.exists() and "ready to accept connections" in log.read_text(errors="replace"):
            return
        if time.monotonic() > end:
            said = log.read_text(errors="replace") if log.exists() else "nothing"
            raise NoPostgres(f"PostgreSQL did not start on port {port}: {said}")
        time.sleep(0.02)
