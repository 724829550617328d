"""Prefect events and artifacts: what automations and webhooks react to, and what the UI shows of a run.

The record itself is the lineage store; what is told to Prefect is a courtesy that never breaks the work.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal

logger = logging.getLogger(__name__)

Name = Literal[
    "lineal.model.registered",
    "lineal.alias.moved",
    "lineal.gate.failed",
    "lineal.drift.detected",
    "lineal.audit.failed",
]


def emit(
    event: Name,
    resource: Mapping[str, str],
    *,
    related: Sequence[Mapping[str, str]] = (),
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Send an event to Prefect, for automations and webhooks.

    Inside a flow Prefect relates it to the flow run, its deployment, flow, task run and tags.

    Args:
        event: what happened.
        resource: what it happened to; needs `prefect.resource.id`, such as `lineal.model.breast-cancer`.
        related: what else was part of it, each with `prefect.resource.id` and `prefect.resource.role`.
        payload: JSON-able details.
    """
    from prefect.events import emit_event

    try:
        emit_event(
            event=event,
            resource=dict(resource),
            related=[dict(other) for other in related],
            payload=dict(payload or {}),
        )
    except Exception:  # a resource that Prefect refuses, or too large a payload, must not end a run
        logger.warning("The Prefect event %s could not be sent", event, exc_info=True)


def markdown_artifact(key: str, markdown: str, description: str | None = None) -> None:
    """Show a page of Markdown beside the run in Prefect's UI.

    Args:
        key: lower-case letters, digits and dashes; artifacts of one key form a history.
        markdown: the page.
        description: one line about it.
    """
    from prefect.artifacts import create_markdown_artifact

    try:
        create_markdown_artifact(markdown, key=key, description=description)
    except Exception:  # as above: the run's result does not hang on how it is shown
        logger.warning("The artifact %s could not be stored in Prefect", key, exc_info=True)


def table_artifact(key: str, rows: Sequence[Mapping[str, Any]], description: str | None = None) -> None:
    """Show a table beside the run in Prefect's UI.

    Args:
        key: as for `markdown_artifact`.
        rows: JSON-able.
        description: one line about it.
    """
    from prefect.artifacts import create_table_artifact

    try:
        create_table_artifact([dict(row) for row in rows], key=key, description=description)
    except Exception:  # as above
        logger.warning("The artifact %s could not be stored in Prefect", key, exc_info=True)


def tag_flow_run(*tags: str) -> None:
    """Add tags to the flow run that is going on; by them it is found in Prefect's UI."""
    from lineal.orchestration.context import enclosing_flow

    flow = enclosing_flow()
    if flow is None:
        return
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            known = client.read_flow_run(flow.id).tags
            client.update_flow_run(flow.id, tags={*known, *tags})
    except Exception:  # as above
        logger.warning("The flow run could not be tagged in Prefect", exc_info=True)
