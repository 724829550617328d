"""Which model is to predict, known to be there before anything is read."""

from __future__ import annotations

from pathlib import Path

from lineal import current_run
from lineal.datasets import versioning
from lineal.datasets.export import FORMATS
from lineal.datasets.newfile import require_free
from lineal.models import tracking
from lineal.models.chosen import Chosen
from lineal.models.chosen import choose as find
from lineal.redaction import redact
from lineal.subjects import Subject
from tasks.links import tag_with_lineage


def choose(model: str, data: str, out: Path | None = None, force: bool = False) -> Chosen:
    """Find the registered model version, and record with the flow what it is asked to do.

    Args:
        model: `model:NAME@VERSION_OR_ALIAS`.
        data: the source of the rows.
        out: where a copy of the predictions is to go.
        force: whether a file that is there may be replaced.
    """
    tag_with_lineage()
    if out is not None:
        require_free(out, force=force, endings=FORMATS)
    versioning.set_up()
    tracking.check_reachable()
    chosen = find(Subject.parse(model, allowed=("model",)))
    run = current_run()
    run.tag("pipeline", chosen.plan.name)
    run.parameters({"model": model, "model.version": chosen.subject, "data": redact(data)})
    if chosen.plan.owner:
        run.owner(chosen.plan.owner)
    return chosen
