"""A PostgreSQL server for the tests: a cluster of their own, on a free loopback port, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.parts.processes import free_port, run, served


@contextmanager
def postgres(folder: Path | None = None) -> Iterator[str]:
    """A server within the context; the URL to put a database's name behind. Skips where PostgreSQL is not installed.

    Args:
        folder: where to put the cluster. Run as root the server belongs to the user `postgres`, who may not enter
            pytest's folders: a temporary one is taken where it is left out.
    """
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="lineal-postgres-", dir=folder, ignore_cleanup_errors=True) as place:
        data, port = Path(place) / "data", free_port()
        data.mkdir()
        if user is not None:
            for path in (Path(place), data):
                shutil.chown(path, user, user)
        run(
            [
                binaries / "initdb",
                "-D",
                data,
                "-A",
                "trust",
                "-U",
                "postgres",
                "--no-sync",
                "--no-locale",
                "-E",
                "UTF8",
            ],
            user=user,
        )
        url = f"postgresql://postgres@127.0.0.1:{port}/"
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": place, "fsync": "off"}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with served(
            [binaries / "postgres", "-D", data, "-p", str(port), *settings],
            lambda: _answers(url),
            log=Path(place) / "log",
            user=user,
            end_by=signal.SIGINT,  # its own word for: without waiting for clients to leave
        ):
            yield url


def _binaries() -> Path | None:
    """The folder of the server's programs; Debian keeps them off PATH, a folder a version."""
    debian = Path("/usr/lib/postgresql")
    found = sorted(debian.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve())
    return found[-1].parent if found else None


def _answers(url: str) -> bool:
    try:
        psycopg.connect(f"{url}postgres", connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
