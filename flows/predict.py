"""Batch prediction: from new rows to a version of the predictions table, each row with an id that leads back."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run

from lineal import traced
from lineal.models.batch import learnt_types
from lineal.models.estimators import named_classes
from tasks.batch import check, read
from tasks.choose import choose
from tasks.drift import drift
from tasks.export import export
from tasks.publish_predictions import Predicted, publish
from tasks.recalled import refuse_recalled
from tasks.score import score
from tasks.version import version


def _name() -> str:
    given = flow_run.parameters or {}
    return f"predict {str(given.get('model', '')).removeprefix('model:').partition('@')[0]}"


@flow(name="predict", flow_run_name=_name)
@traced
def predict(
    model: str,
    data: str,
    query: str | None = None,
    out: Path | None = None,
    force: bool = False,
    allow_recalled: bool = False,
) -> Predicted:
    """Score a batch with a registered model, and compare it with what the model was trained on.

    Args:
        model: `model:NAME@VERSION_OR_ALIAS`.
        data: the rows: a file, folder, glob or URI, or with `query` a database URL.
        query: the SQL that gives the rows.
        out: where a copy of the predictions goes, as Parquet or CSV by its ending.
        force: whether `out` may replace a file.
        allow_recalled: whether a model or data that was recalled may be used.
    """
    chosen = choose(model, data, out, force)
    refuse_recalled(chosen.model, allowed=allow_recalled)
    learnt = learnt_types(chosen.model, trusted=named_classes(chosen.plan))
    batch = read(chosen.plan, data, query, learnt)
    refuse_recalled(batch, allowed=allow_recalled)
    held = check(chosen.plan, chosen.model, batch)
    scored = score(chosen, batch.dataset, held)
    drifted = drift(chosen, batch.dataset, scored.tracked)
    kept = version(chosen.plan, [batch.dataset, scored.scores.predictions], scored.tracked)
    written = export(scored.scores.predictions, out, force) if out is not None else None
    return publish(chosen, batch, held, scored, drifted, kept, written)
