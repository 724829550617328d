"""How one event goes to one consumer: the official client's transports, with answers told apart.

What a consumer refuses for good is `Refused`; whatever else keeps an event from it is `Unavailable`, and the event
waits. The transports' own patience is turned off: they would wait 9 s for each event, and delivery tries again anyway.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from lineal.errors import DeliveryError
from lineal.redaction import redact
from lineal.store.delivery.consumers import Consumer

# A consumer that is asleep, overloaded, misconfigured or not to be entered may take the same event later.
_LATER = frozenset({401, 403, 404, 405, 407, 408, 421, 423, 425, 429})
_ANSWER_LENGTH = 2000
_FLUSH_SECONDS = 10.0


class Refused(Exception):
    """The consumer will never take this event."""

    def __init__(self, status: int | None, answer: str) -> None:
        super().__init__(answer)
        self.status, self.answer = status, answer


class Unavailable(Exception):
    """The consumer does not take events now."""

    def __init__(self, problem: str, retry_after: float | None = None) -> None:
        super().__init__(problem)
        self.problem, self.retry_after = problem, retry_after


class Sender(Protocol):
    """Sends events to one consumer.

    Attributes:
        patience: how long one event may take, in seconds.
        immediate: an event that was sent has been taken; otherwise only `flush` tells.
    """

    patience: float
    immediate: bool

    def send(self, event: Mapping[str, Any]) -> None:
        """Send one event; raise Refused or Unavailable where it is not taken."""

    def flush(self) -> None:
        """Return when all that was sent is taken; raise Unavailable where it is not."""

    def close(self) -> None:
        """Let go of connections."""


def sender_of(consumer: Consumer) -> Sender:
    """The sender of a consumer.

    Raises:
        DeliveryError: its configuration cannot be used.
    """
    from openlineage.client.transport import get_default_factory

    config = json.loads(consumer.config)
    problems: list[Any] = []
    if consumer.kind == "kafka" and isinstance(config.get("config"), dict):
        # The driver writes to stderr by itself, for each attempt to connect; what it says is asked for here instead.
        config["config"] = {"log_level": 2, **config["config"], "error_cb": problems.append}
    try:
        transport = get_default_factory().create(config)
    except ImportError as problem:
        raise DeliveryError(
            f"{consumer.name}: the transport {consumer.kind} cannot be loaded: {problem}; correct its type, or install "
            f'what it needs, such as "openlineage-python[kafka]"'
        ) from problem
    except Exception as problem:  # a transport may be anyone's class
        raise DeliveryError(
            f"the OpenLineage transport {consumer.kind} cannot be used: {redact(str(problem))}; mend "
            "openlineage.yml or the OPENLINEAGE variables"
        ) from problem
    if consumer.kind == "http":
        return _Http(transport)
    if consumer.kind == "kafka":
        return _Kafka(transport, problems)
    return _Other(transport)


class _Http:
    immediate = True

    def __init__(self, transport: Any) -> None:
        # Statuses are for us to judge, so that none is turned into an error without its answer.
        transport.config.retry = {**transport.config.retry, "total": 0, "read": 0, "connect": 0, "status_forcelist": []}
        # A redirect turns the POST into a GET, whose answer says nothing of the event.
        transport.session.max_redirects = 0
        self._transport = transport
        self.patience = float(transport.timeout) * 2

    def send(self, event: Mapping[str, Any]) -> None:
        import requests

        try:
            self._transport.emit(event)
        except requests.HTTPError as problem:
            answer = problem.response
            if answer is None:
                raise Unavailable(str(problem)) from problem
            text = redact(answer.text[:_ANSWER_LENGTH].strip())
            if answer.status_code < 400 or answer.status_code >= 500 or answer.status_code in _LATER:
                said = f"it answers {answer.status_code} {answer.reason}"
                raise Unavailable(said, _seconds(answer.headers.get("Retry-After"))) from problem
            raise Refused(answer.status_code, text or str(answer.reason)) from problem
        except requests.TooManyRedirects as problem:
            place = problem.response.headers.get("Location", "") if problem.response is not None else ""
            raise Unavailable(f"it redirects to {redact(place)}; configure that as its URL") from problem
        except (requests.RequestException, OSError, RuntimeError, ValueError) as problem:
            raise Unavailable(_reason(problem)) from problem

    def flush(self) -> None:
        """Nothing waits: each event has had its answer."""

    def close(self) -> None:
        self._transport.close()


class _Kafka:
    """Kafka, with each message's own report: the transport only logs that a message was not delivered."""

    patience = _FLUSH_SECONDS * 2
    immediate = False

    def __init__(self, transport: Any, problems: list[Any]) -> None:
        self._transport = transport
        self._problems = problems
        self._failed: list[str] = []

    def send(self, event: Mapping[str, Any]) -> None:
        whole = as_event(event)
        try:
            self._transport.producer.produce(
                topic=self._transport.topic,
                key=self._transport.message_key or self._transport._get_message_key(whole),
                value=json.dumps(event, ensure_ascii=False).encode(),
                on_delivery=self._reported,
            )
        except Exception as problem:  # the driver's own errors: a full queue, a message that is too large
            raise Unavailable(redact(str(problem))) from problem

    def flush(self) -> None:
        left = self._transport.producer.flush(_FLUSH_SECONDS)
        if left:
            self._transport.producer.purge()
            self._transport.producer.flush(1.0)
        failed, self._failed = self._failed, []
        if left or failed:
            said = [problem.str() for problem in self._problems] or failed
            raise Unavailable(redact(said[0]) if said else f"no broker took {left} events in {_FLUSH_SECONDS:g} s")

    def close(self) -> None:
        self._transport.producer.purge()
        self._transport.producer = None

    def _reported(self, problem: object, _message: object) -> None:
        if problem is not None:
            self._failed.append(str(problem))


class _Other:
    """Any other transport: it takes the event, or it raises."""

    patience = 60.0

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.immediate = not hasattr(transport, "wait_for_completion")

    def send(self, event: Mapping[str, Any]) -> None:
        try:
            self._transport.emit(as_event(event))
        except Exception as problem:  # a transport may be anyone's class
            raise Unavailable(redact(f"{type(problem).__name__}: {problem}")) from problem

    def flush(self) -> None:
        wait = getattr(self._transport, "wait_for_completion", None)
        if wait is not None and not wait(_FLUSH_SECONDS):
            raise Unavailable(f"it has not taken all events in {_FLUSH_SECONDS:g} s")

    def close(self) -> None:
        self._transport.close(0)


def as_event(event: Mapping[str, Any]) -> Any:
    """The official client's object for an event of the log; its facets stay plain data."""
    from openlineage.client import event_v2 as ol
    from openlineage.client.facet_v2 import parent_run

    common = {"eventTime": event["eventTime"], "producer": event.get("producer", "")}
    inputs = [ol.InputDataset(**_known(each, "inputFacets")) for each in event.get("inputs") or ()]
    outputs = [ol.OutputDataset(**_known(each, "outputFacets")) for each in event.get("outputs") or ()]
    if "dataset" in event:
        return ol.DatasetEvent(dataset=ol.StaticDataset(**_known(event["dataset"])), **common)
    job = ol.Job(**_known(event["job"]))
    if "run" not in event:
        return ol.JobEvent(job=job, inputs=inputs, outputs=outputs, **common)
    facets = dict(event["run"].get("facets") or {})
    parent = facets.get("parent")
    if parent:
        # The Kafka transport reads the message's key out of this one.
        root = parent.get("root")
        facets["parent"] = parent_run.ParentRunFacet(
            run=parent_run.Run(parent["run"]["runId"]),
            job=parent_run.Job(**_known(parent["job"])),
            root=parent_run.Root(
                run=parent_run.RootRun(root["run"]["runId"]), job=parent_run.RootJob(**_known(root["job"]))
            )
            if root
            else None,
            producer=parent.get("_producer", ""),
        )
    return ol.RunEvent(
        eventType=ol.RunState[event["eventType"]] if event.get("eventType") else None,
        run=ol.Run(event["run"]["runId"], facets=facets),
        job=job,
        inputs=inputs,
        outputs=outputs,
        **common,
    )


def _known(values: Mapping[str, Any], *more: str) -> dict[str, Any]:
    return {key: values[key] for key in ("namespace", "name", "facets", *more) if key in values}


def _seconds(retry_after: str | None) -> float | None:
    """The seconds that a Retry-After header asks for: it holds a number of them, or a date (RFC 9110, 10.2.3)."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _reason(problem: BaseException) -> str:
    import requests

    if isinstance(problem, requests.Timeout):
        return "it does not answer in time"
    if isinstance(problem, requests.ConnectionError):
        text = str(problem)
        if "timed out" in text:
            return "it does not answer in time"
        if "refused" in text:
            return "it refuses connections"
        if "resolve" in text or "Name or service" in text:
            return "its host name cannot be found"
        return "the connection broke off"
    return redact(f"{type(problem).__name__}: {problem}")
