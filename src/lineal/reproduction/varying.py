"""Make a variation of a model: a new run on the recorded data and code, with another value somewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lineal import settings
from lineal.datasets.cache import Cache
from lineal.datasets.dataset import Dataset
from lineal.errors import LinealError, ReproductionError
from lineal.models import tracking
from lineal.questions.materials import checked, materials
from lineal.reproduction import locked, pipeline_file
from lineal.reproduction.making import Recipe, make
from lineal.reproduction.reproduce import Environment, Tell, silent
from lineal.reproduction.sandbox import code_of, throwaway, variation
from lineal.settings import project_of
from lineal.store.log import Store
from lineal.subjects import Subject
from lineal.tracing.decorator import traced

# The tags of the MLflow run.
TAG, CHANGED_TAG = "lineal.varies", "lineal.varies.set"


@dataclass(frozen=True, slots=True)
class Variation:
    """A new run that varies a model.

    Attributes:
        subject: the model that was varied, its version filled in.
        changed: `KEY=VALUE` that were set.
        made: the new model as a subject; None where a gate kept it from being registered.
        run: the new run's MLflow id.
        digest: of the new model.
        code: how the code was had.
        metrics: held out, of the new model.
        before: the same of the varied one.
        passed: whether all gates held.
        notes: what else a person should know.
        took: the alias that the new model took, as any run's may; None where it took none.
        aliases: what was decided about each alias, and why.
    """

    subject: str
    changed: tuple[str, ...]
    made: str | None
    run: str | None
    digest: str
    code: str
    metrics: Mapping[str, float]
    before: Mapping[str, float]
    passed: bool
    notes: tuple[str, ...] = ()
    took: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)


def vary(
    store: Store,
    subject: Subject,
    changed: Sequence[str],
    environment: Environment = "present",
    *,
    project: Path | None = None,
    tell: Tell = silent,
) -> Variation:
    """Run a model's pipeline again on its recorded data and code, with other values, and record that it varies it.

    Args:
        store: the lineage store.
        subject: the model.
        changed: `KEY=VALUE`, after those that were set when the model was made.
        environment: `present` or `locked`.
        project: the folder whose repository has the code; default the working folder's project.
        tell: told in a sentence what is being done.

    Raises:
        SubjectError: it is unknown, or its record does not hold what it takes.
        ReproductionError: other data is asked for; its code, packages or Python are not to be had; or the run does not
            come to a result.
        VersionError: its data is not to be had.
    """
    _require_same_data(changed)
    found = materials(store, subject)
    project = project or project_of(Path.cwd())
    data = checked(Cache(), found.snapshot.version, found.snapshot.name)
    with throwaway() as folder, code_of(found, project, folder) as code:
        tell(f"code: {code.told}")
        variables = variation(code, project, found.subject)
        python = sys.executable
        if environment == "locked":
            tell("packages: a new environment from the recorded lock file")
            python = locked.python(found, code, folder, project)
            variables.pop("PYTHONPATH", None)
        snapshot = Dataset(data, name=found.snapshot.name, version=found.snapshot.version)
        given = Path(lay_out(snapshot).location)
        file = pipeline_file.put(found, code, folder)
        tell(f"training {found.pipeline} on {found.snapshot.name}@{found.snapshot.version[:12]}, {', '.join(changed)}")
        overrides = (*pipeline_file.reading(str(given), found.overrides), *changed)
        recipe = Recipe(python, file, given, overrides, code.folder, variables)
        result = make(recipe, f"a variation of {found.subject} cannot be made")
        told = code.told
    model, tracked = result.get("model") or {}, result.get("tracked") or {}
    number, name = model.get("number"), str(model.get("name") or "").removeprefix("models/")
    run = tracked.get("run_id")
    decided = [each for each in result.get("decisions") or () if each.get("alias")]
    return Variation(
        subject=found.subject,
        changed=tuple(changed),
        made=f"model:{name}@{number}" if number is not None else None,
        run=run,
        digest=result["digest"],
        code=told,
        metrics=result.get("metrics") or {},
        before={metric.name: metric.value for metric in found.metrics if metric.of == "held-out"},
        passed=bool(result.get("passed")),
        notes=_tagged(run, found.subject, changed),
        took=next((each["alias"] for each in decided if each["action"] == "move-alias"), None),
        aliases={each["alias"]: each["reason"] for each in decided},
    )


def _require_same_data(changed: Sequence[str]) -> None:
    for each in changed:
        key = each.partition("=")[0].strip()
        if key in pipeline_file.FROM:
            raise ReproductionError(
                f"--set {key}: a variation is made on the recorded data; train on other data by "
                "`lineal run PIPELINE --data URI`"
            )


@traced
def lay_out(snapshot: Dataset) -> Dataset:
    """Give recorded rows a file's name, which the variation's own record can go on naming as its source."""
    # It is a step on record: what came of the rows' first source came of it through this as well.
    place = settings.home().absolute() / "varied" / f"{snapshot.name}-{snapshot.version}.parquet"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(snapshot.location)
    return Dataset(place)


def _tagged(run: str | None, subject: str, changed: Sequence[str]) -> tuple[str, ...]:
    if run is None:
        return ()
    try:
        tracking.mark(run, {TAG: subject, CHANGED_TAG: " ".join(changed)})
    except LinealError as problem:
        return (f"the MLflow run {run} could not be tagged: {problem.message}",)
    return ()
