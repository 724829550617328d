"""The consumers that the official client's own configuration names: `openlineage.yml`, `OPENLINEAGE_URL` and so on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from lineal.errors import DeliveryError
from lineal.redaction import redact

# Our own transport, where other programs are configured with it: what it delivers to is what we deliver to.
DURABLE = "lineal.store.transport.DurableTransport"
_NOWHERE = ("noop", "console")
_SECRET = ("auth", "key", "token", "password", "secret", "header")


@dataclass(frozen=True, slots=True)
class Consumer:
    """One system that events go to.

    Attributes:
        name: says which, without secrets; its place in the log is kept under it.
        kind: the transport's type, such as `http` or `kafka`.
        config: the transport's configuration, as JSON; it may hold secrets, so it is never shown.
    """

    name: str
    kind: str
    config: str = field(repr=False)


def is_disabled() -> bool:
    """Whether delivery is turned off, by the official client's own variable."""
    return os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true"


def configured() -> tuple[Consumer, ...]:
    """The consumers that are configured here; none where nothing is, or `OPENLINEAGE_DISABLED` is true.

    Raises:
        DeliveryError: the configuration cannot be used.
    """
    variables = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("OPENLINEAGE_")))
    home = os.path.expanduser("~")  # noqa: PTH111 - asked for each event
    try:
        folder = os.getcwd()  # noqa: PTH109 - the same
    except FileNotFoundError:
        # The client would look for its file there, and cannot be asked for what it would find elsewhere.
        if is_disabled() or not (_is_named(dict(variables)) or Path(home, ".openlineage", "openlineage.yml").exists()):
            return ()
        raise DeliveryError("the working folder was removed; deliver them from another one (lineal deliver)") from None
    found = _outcome(folder, home, variables)
    if isinstance(found, DeliveryError):
        raise DeliveryError(found.message)  # anew: one that is raised for each event would grow its traceback
    return found


@lru_cache(maxsize=16)
def _outcome(_folder: str, _home: str, variables: tuple[tuple[str, str], ...]) -> tuple[Consumer, ...] | DeliveryError:
    # Also what is wrong is found out once, not for each event.
    try:
        return _configured(dict(variables))
    except DeliveryError as problem:
        return problem


def _configured(names: Mapping[str, str]) -> tuple[Consumer, ...]:
    if is_disabled():
        return ()
    from openlineage.client import OpenLineageClient

    file = OpenLineageClient._find_yaml_config_path()
    if file is None and not _is_named(names):
        return ()
    if file is not None:
        _require_readable(file)
    transport = _transport()
    return tuple(consumers_of(transport)) if transport else ()


def _is_named(names: Mapping[str, str]) -> bool:
    """Whether variables name a consumer, or the file that does."""
    return any(name.startswith(("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT")) for name in names)


def consumers_of(transport: Mapping[str, Any]) -> Iterator[Consumer]:
    """The consumers of a transport's configuration; each part of a composite one is a consumer of its own.

    Raises:
        DeliveryError: it cannot be used.
    """
    kind = str(transport.get("type") or "")
    if not kind:
        raise DeliveryError("the OpenLineage transport has no `type`; write one such as http, kafka or composite")
    if kind == DURABLE:
        yield from consumers_of(transport.get("transport") or {"type": "noop"})
    elif kind == "composite":
        parts = transport.get("transports") or ()
        for part in parts.values() if isinstance(parts, Mapping) else parts:
            yield from consumers_of(part)
    elif kind not in _NOWHERE:
        config = {key: value for key, value in transport.items() if key not in ("name", "priority")}
        # What is asynchronous here is the delivery; a transport that returns before it knows could lose events.
        config["type"] = "http" if kind == "async_http" else kind
        if config["type"] == "http":
            _require_http(str(config.get("url") or ""))
        consumer = Consumer(_name(config), str(config["type"]), json.dumps(config, sort_keys=True))
        from lineal.store.delivery.senders import sender_of

        sender_of(consumer).close()  # a configuration that cannot work is told now
        yield consumer


def _transport() -> dict[str, Any]:
    """The transport's configuration as the official client finds it."""
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.noop import NoopConfig, NoopTransport

    with _unchanged_environment():
        try:
            config = OpenLineageClient(transport=NoopTransport(NoopConfig())).config.transport
        except (ValueError, TypeError, AttributeError) as problem:
            raise DeliveryError(
                f"the OpenLineage configuration cannot be used: {redact(str(problem))}; mend openlineage.yml or the "
                "OPENLINEAGE__ variables"
            ) from problem
    url = os.environ.get("OPENLINEAGE_URL")
    if not url or (config and config.get("type")):
        return dict(config or {})
    found: dict[str, Any] = {
        "type": "http",
        "url": url,
        "endpoint": os.environ.get("OPENLINEAGE_ENDPOINT") or "api/v1/lineage",
    }
    if os.environ.get("OPENLINEAGE_API_KEY"):
        found["auth"] = {"type": "api_key", "apiKey": os.environ["OPENLINEAGE_API_KEY"]}
    return found


@contextmanager
def _unchanged_environment() -> Iterator[None]:
    """Undo that the client writes aliases of its variables into the environment."""
    before = set(os.environ)
    try:
        yield
    finally:
        for name in [name for name in os.environ if name not in before and name.startswith("OPENLINEAGE__")]:
            del os.environ[name]


def _require_readable(file: str) -> None:
    # The client logs a traceback and goes on as if there were no file.
    import yaml

    try:
        with open(file, encoding="utf-8") as opened:  # noqa: PTH123 - the client gives the path as text
            found = yaml.safe_load(opened)
    except yaml.MarkedYAMLError as problem:
        line = f":{problem.problem_mark.line + 1}" if problem.problem_mark else ""
        raise DeliveryError(f"{file}{line}: is not valid YAML: {problem.problem}; mend that line") from None
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise DeliveryError(f"{file} cannot be read: {problem}; mend the file") from None
    if found is not None and not isinstance(found, dict):
        raise DeliveryError(f"{file}: should hold keys such as `transport`, and holds a {type(found).__name__}")


def _require_http(url: str) -> None:
    if url and not url.lower().startswith(("http://", "https://")):
        # Without a scheme a host and its port look like one.
        bare = "://" not in url
        hint = f"write http://{redact(url)}" if bare else "it begins with http:// or https://"
        raise DeliveryError(f"{redact(url)!r} is no URL that the OpenLineage transport http can send to; {hint}")


def _name(config: Mapping[str, Any]) -> str:
    kind = str(config["type"])
    if kind == "http":
        return redact(urljoin(str(config.get("url", "")), str(config.get("endpoint") or "api/v1/lineage")))
    if kind == "kafka":
        brokers = config.get("config") or {}
        servers = brokers.get("bootstrap.servers", "") if isinstance(brokers, Mapping) else ""
        return redact(f"kafka://{servers}/{config.get('topic', '')}")
    open_part = {
        key: value
        for key, value in config.items()
        if key != "type" and not any(word in key.lower() for word in _SECRET) and isinstance(value, (str, int, float))
    }
    rest = " ".join(f"{key}={redact(str(value))}" for key, value in sorted(open_part.items()))
    return f"{kind} {rest}".strip()
