"""The audit: every model that holds an alias, held to the policies."""

from __future__ import annotations

from prefect import flow

from lineal import traced
from lineal.questions.audit import ModelAudit
from tasks.audit import audit_model, models_in_use, publish


@flow(name="audit", flow_run_name="audit")
@traced
def audit(policies: list[str] | None = None, strict: bool = False) -> list[ModelAudit]:
    """Hold every model that holds an alias to policies, and show what came of it wherever the model is looked at.

    Args:
        policies: names or files; all that there are where it is left out.
        strict: count what is not on record as failed.
    """
    done = []
    for model in models_in_use(policies or ()):
        found = audit_model(model, policies or (), strict)
        publish(model, found, strict)
        done.append(found)
    return done
