"""A transport for the official OpenLineage client whose events survive the consumer's outage, and the process's end.

Any program that uses the client (Airflow, dbt) is configured with it like with any other::

    OPENLINEAGE__TRANSPORT__TYPE=lineal.store.transport.DurableTransport
    OPENLINEAGE__TRANSPORT__STORE=sqlite:////var/lib/lineage/lineal.db
    OPENLINEAGE__TRANSPORT__TRANSPORT={"type": "http", "url": "http://marquez:5000"}

An event is on disk in the store when `emit` returns; it is delivered to `transport` beside the work, and what that does
not take is delivered later: by the next program with this configuration, or by `lineal deliver`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import attr
from openlineage.client.serde import Serde
from openlineage.client.transport.transport import Config, Transport

from lineal import settings
from lineal.errors import DeliveryError, EventError, StoreError
from lineal.redaction import redact
from lineal.store.checking import parse
from lineal.store.delivery import courier
from lineal.store.delivery.consumers import consumers_of
from lineal.store.log import Store

logger = logging.getLogger("lineal")


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
    """Keep each event in the lineage store, and deliver it from there.

    An event that cannot be kept is told in one log line, and the program goes on; with `LINEAL_STRICT=1` it is raised.
    """

    kind = "lineal"
    config_class = DurableConfig

    def __init__(self, config: DurableConfig) -> None:
        self._url = config.store or settings.store_url()
        self._consumers = tuple(consumers_of(config.transport))
        self._store: Store | None = None
        self._courier: courier.Courier | None = None

    def emit(self, event: Any) -> None:
        """Put the event on disk; it is delivered beside the work.

        Raises:
            EventError: it is no valid OpenLineage, and the settings are strict.
            StoreError: it cannot be kept, and the settings are strict.
        """
        try:
            text = _text_of(event)
            self._store = self._store or Store(self._url)
            self._store.append(json.loads(text), text)
        except (EventError, StoreError) as problem:
            if settings.strict():
                raise
            logger.warning("lineage: an event of %s was not recorded: %s", _job_of(event), problem)
            return
        if self._courier is None:
            self._courier = courier.Courier(self._store, self._consumers)
        self._courier.wake()

    def close(self, timeout: float = -1) -> bool:
        """Give what is not delivered yet some time; what is left is delivered later."""
        if self._courier is not None:
            self._courier.finish(courier.GRACE_SECONDS if timeout < 0 else timeout)
        return True


def _text_of(event: Any) -> str:
    """An event of the client's as JSON that the log can hold; where it has NaN, which JSON has no word for, null."""
    try:
        data = Serde.to_dict(event)
        try:
            text = json.dumps(data, allow_nan=False, separators=(",", ":"))
        except ValueError:
            without = json.loads(json.dumps(data), parse_constant=lambda _: None)
            text = json.dumps(without, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as problem:
        raise EventError(f"is not JSON ({problem})") from problem
    return parse(text.encode())


def _job_of(event: Any) -> str:
    for part in ("job", "dataset"):
        name = getattr(getattr(event, part, None), "name", None)
        if name is not None:
            return redact(str(name)[:200]).encode("utf-8", "replace").decode()
    return "an unnamed job"
