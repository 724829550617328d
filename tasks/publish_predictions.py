"""Show what came of a prediction run where the run is watched, and hand it to the caller."""

from __future__ import annotations

import re

from lineal import Dataset
from lineal.datasets.snapshot import Snapshot
from lineal.models.batch import Held
from lineal.models.chosen import Chosen
from lineal.models.drift import Drift
from lineal.orchestration import context
from lineal.orchestration.events import markdown_artifact
from lineal.reports.prediction import Predicted, markdown
from tasks.score import Scored
from tasks.version import Versioned

__all__ = ["Predicted", "publish"]


def publish(
    chosen: Chosen,
    batch: Snapshot,
    held: Held,
    scored: Scored,
    drift: Drift | None,
    kept: Versioned,
    written: Dataset | None,
) -> Predicted:
    """Gather what came of a run, and show it beside the run in Prefect's UI."""
    flow, scores = context.enclosing_flow(), scored.scores
    result = Predicted(
        pipeline=chosen.plan.name,
        model=chosen.subject,
        alias=chosen.alias,
        digest=chosen.model.digest,
        source=batch.sources[0].location,
        sources=len(batch.sources),
        rows=scores.predictions.rows or 0,
        checks=len(held.checks),
        predictions=scores.predictions,
        batch=batch.dataset.version or "",
        out=written.location if written else None,
        example=scores.example,
        shares=scores.shares,
        spread=scores.spread,
        drift=drift,
        tracked=scored.tracked,
        flow_run_id=str(flow.id) if flow else None,
        flow_run_name=flow.name if flow else None,
        notes=(*chosen.notes, *held.notes, *(drift.notes if drift else ()), *kept.warnings),
    )
    # An artifact's key takes nothing else.
    key = re.sub(r"[^a-z0-9-]+", "-", chosen.plan.name.lower())
    markdown_artifact(f"{key}-predictions", markdown(result), f"A batch of {chosen.plan.name}")
    return result
