"""The real parts that tests start do not outlive them."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

_START = """
import sys
from tests.parts import postgres
with postgres.running() as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def answers(port):
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def test_a_postgresql_ends_with_the_tests_even_if_they_are_killed(postgres_server):
    tests = subprocess.Popen(
        [sys.executable, "-c", _START],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    port = int(tests.stdout.readline().rsplit(":", 1)[1])
    assert answers(port)
    tests.kill()
    tests.communicate()
    end = time.monotonic() + 20
    while answers(port):
        assert time.monotonic() < end, "the server outlived the tests"
        time.sleep(0.05)
