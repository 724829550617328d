"""What a run is to do, known to be possible before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lineal import current_run
from lineal.datasets import versioning
from lineal.models import tracking
from lineal.models.estimators import validate
from lineal.pipeline import Pipeline, load
from lineal.settings import lasting, project_of
from lineal.tracing.clean import Verbatim
from tasks.links import tag_with_lineage


def plan(pipeline: Path, data: str | None = None, overrides: Sequence[str] = ()) -> Pipeline:
    """Read and validate a pipeline file, and record it with the flow that runs it.

    Args:
        pipeline: the TOML file.
        data: a source that takes the place of the file's.
        overrides: `KEY=VALUE` in place of the file's values.
    """
    tag_with_lineage()
    planned = load(pipeline, data=data, overrides=overrides)
    run = current_run()
    run.tag("pipeline", planned.name)
    run.parameters({**planned.parameters(), "pipeline.file": lasting(planned.path), "pipeline.digest": planned.digest})
    if planned.overrides:
        run.parameters({"pipeline.set": Verbatim(" ".join(planned.overrides))})
    run.source(planned.text, "TOML")
    run.materials(
        {
            "pipelineFile": _from_project(planned.path),
            "overrides": list(planned.overrides),
            "data": data,
        }
    )
    if planned.owner:
        run.owner(planned.owner)
    validate(planned)
    versioning.set_up()
    tracking.check_reachable()
    return planned


def _from_project(file: Path) -> str:
    """A path as seen from the project in which the run runs; as it is, where it lies elsewhere."""
    project = project_of(Path.cwd())
    return (file.relative_to(project) if file.is_relative_to(project) else file).as_posix()
