"""Show a run's result where the run is watched, and hand it to the caller."""

from __future__ import annotations

import re

from lineal import Dataset
from lineal.datasets.read import to_table
from lineal.datasets.snapshot import Snapshot
from lineal.datasets.split import Split
from lineal.models.judgement import Judgement
from lineal.models.registration import Registration
from lineal.orchestration import context
from lineal.orchestration.events import markdown_artifact
from lineal.pipeline import Pipeline
from lineal.redaction import redact
from lineal.reports.training import Result, markdown
from tasks.train import Trained
from tasks.version import Versioned

TOP_FEATURES = 5

__all__ = ["Result", "publish"]


def publish(
    plan: Pipeline,
    snapshot: Snapshot,
    parts: Split,
    trained: Trained,
    judgement: Judgement,
    importances: Dataset,
    registration: Registration,
    versioned: Versioned,
) -> Result:
    """Gather what came of a run, and show it beside the run in Prefect's UI."""
    flow, model = context.enclosing_flow(), trained.model
    rows = to_table(importances).to_pylist()
    permuted = [row for row in rows if row["kind"] == "permutation"][:TOP_FEATURES]
    result = Result(
        pipeline=plan.name,
        source=snapshot.sources[0].location if len(snapshot.sources) == 1 else redact(plan.source.uri),
        sources=len(snapshot.sources),
        rows=snapshot.dataset.rows or 0,
        train_rows=parts.train.rows or 0,
        test_rows=parts.test.rows or 0,
        checks=len(plan.checks),
        digest=model.digest,
        model=registration.model or model,
        metrics=judgement.metrics,
        gates=judgement.gates,
        passed=judgement.passed,
        decisions=registration.decisions,
        top_features=tuple((row["feature"], row["importance"], row["std"]) for row in permuted),
        tracked=model.tracked,
        flow_run_id=str(flow.id) if flow else None,
        flow_run_name=flow.name if flow else None,
        warnings=(*trained.warnings, *judgement.warnings, *versioned.warnings),
        predictions=judgement.predictions,
        importances=importances,
        groups=judgement.groups,
    )
    # An artifact's key takes nothing else.
    markdown_artifact(re.sub(r"[^a-z0-9-]+", "-", plan.name.lower()), markdown(result), f"What came of {plan.name}")
    return result
