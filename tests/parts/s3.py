"""An S3 server of the package index: moto's, in a process of its own."""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.parts.processes import free_port, served

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "key-of-ada",
    "AWS_SECRET_ACCESS_KEY": "secret-of-ada",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def bucket(name: str, log: Path) -> Iterator[str]:
    """A server with an empty bucket; gives the server's URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def made() -> bool:
        request = urllib.request.Request(f"{url}/{name}", method="PUT")  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with served(command, made, log=log, environment=os.environ | CREDENTIALS):
        yield url
