"""A broker that speaks Kafka's protocol over TCP: librdkafka's own, in memory, in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The broker's `bootstrap.servers`. Its topics have 4 partitions, and appear when they are first used."""
    confluent_kafka = pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    # The broker lives as long as this client does.
    holder = confluent_kafka.Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
    brokers = holder.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    holder.flush(5)
