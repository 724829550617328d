"""A broker that speaks Kafka's protocol over TCP: librdkafka's own, in memory, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

# In the tests' own process a test that forks would end it: the child, when it ends, shuts down what both listen on.
_BROKER = """
import sys
from confluent_kafka import Producer

holder = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})  # the broker lives as long as it does
print(",".join(f"{each.host}:{each.port}" for each in holder.list_topics(timeout=10).brokers.values()), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The broker's `bootstrap.servers`. Its topics have 4 partitions, and appear when they are first used."""
    pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    broker = subprocess.Popen([sys.executable, "-c", _BROKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert broker.stdout is not None
    servers = broker.stdout.readline().strip()
    assert servers, "the broker does not start"
    yield servers
    broker.communicate("", timeout=30)
