"""A transport for the official OpenLineage client whose events survive the consumer's outage, and the process's end.

Any program that uses the client (Airflow, dbt) is configured with it like with any other::

    OPENLINEAGE__TRANSPORT__TYPE=lineal.store.transport.DurableTransport
    OPENLINEAGE__TRANSPORT__STORE=sqlite:////var/lib/lineage/lineal.db
    OPENLINEAGE__TRANSPORT__TRANSPORT={"type": "http", "url": "http://marquez:5000"}

An event is on disk in the store when `emit` returns; it is delivered to `transport` beside the work, and what that does
not take is delivered later: by the next program with this configuration, or by `lineal deliver`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attr
from openlineage.client.serde import Serde
from openlineage.client.transport.transport import Config, Transport

from lineal import settings
from lineal.errors import DeliveryError
from lineal.store.delivery import courier
from lineal.store.delivery.consumers import consumers_of
from lineal.store.log import Store


@attr.define
class DurableConfig(Config):
    """Where events are kept, and where they go.

    Attributes:
        transport: the configuration of the transport that delivers, such as `{"type": "http", "url": …}`.
        store: a SQLAlchemy URL; `LINEAL_STORE` or the project's own store where it is left out.
    """

    transport: dict[str, Any]
    store: str | None = None

    @classmethod
    def from_dict(cls, params: dict[str, Any]) -> DurableConfig:
        """Read the client's configuration.

        Raises:
            DeliveryError: it names no transport to deliver to, or an unusable one.
        """
        transport = params.get("transport")
        if not isinstance(transport, Mapping):
            raise DeliveryError(
                "DurableTransport has no `transport` to deliver to; give one such as "
                '{"type": "http", "url": "http://localhost:5000"}'
            )
        return cls(transport=dict(transport), store=params.get("store"))


class DurableTransport(Transport):
    """Keep each event in the lineage store, and deliver it from there."""

    kind = "lineal"
    config_class = DurableConfig

    def __init__(self, config: DurableConfig) -> None:
        self._store = Store(config.store or settings.store_url())
        self._courier = courier.Courier(self._store, tuple(consumers_of(config.transport)))

    def emit(self, event: Any) -> None:
        """Put the event on disk; it is delivered beside the work.

        Raises:
            StoreError: it cannot be kept.
        """
        self._store.append(Serde.to_dict(event))
        self._courier.wake()

    def close(self, timeout: float = -1) -> bool:
        """Give what is not delivered yet some time; what is left is delivered later."""
        self._courier.finish(courier.GRACE_SECONDS if timeout < 0 else timeout)
        return True
