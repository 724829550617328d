"""Make a model again from its record alone, and say how it compares; the verdict is an event and an MLflow tag."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from lineal.datasets.cache import Cache
from lineal.datasets.dataset import Dataset
from lineal.errors import LinealError, SubjectError
from lineal.models import tracking
from lineal.models.keeping import PACKAGES
from lineal.models.model import Model, TrackedRun
from lineal.questions.materials import Materials, bytes_of, checked, materials, materials_of
from lineal.reproduction import locked, pipeline_file
from lineal.reproduction.comparing import TOLERANCE, Side, Step, Verdict, compare, surroundings, verdict_on
from lineal.reproduction.making import Recipe, make
from lineal.reproduction.sandbox import code_of, environment, throwaway
from lineal.settings import project_of
from lineal.store import graph, tables
from lineal.store.log import Store
from lineal.store.runs import read_runs, select_runs
from lineal.subjects import Subject
from lineal.tracing.decorator import current_run, traced
from lineal.tracing.statements import Outcome

Environment = Literal["present", "locked"]
Expectation = Literal["identical", "equivalent"]
Tell = Callable[[str], None]
# The tag of the MLflow run that made the model.
TAG = "lineal.reproduced"
_MOST_DIFFERENCES = 100


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        environment: `present`: the packages that are installed here; `locked`: those of the recorded lock file.
        expected: what the model must be for the question to hold.
    """

    environment: Environment = "present"
    expected: Expectation = "identical"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The answer to `reproduce`.

    Attributes:
        subject: the model, its version filled in.
        verdict: what came of it.
        expected: what was asked for.
        held: whether it is that.
        environment: `present` or `locked`.
        code: how the code was had.
        digest: the recorded model digest.
        made: the digest of the model that was made.
        steps: what was compared, in the order of the work.
        differences: what differs in Python, CPU, libraries and packages.
        tolerance: within which predictions count as equal.
        seconds: that making it took.
        notes: what else a person should know.
    """

    subject: str
    verdict: Verdict
    expected: Expectation
    held: bool
    environment: Environment
    code: str
    digest: str
    made: str
    steps: tuple[Step, ...]
    differences: tuple[str, ...]
    tolerance: str
    seconds: float
    notes: tuple[str, ...] = ()


def silent(_sentence: str) -> None:
    """Tell no one."""


def reproduce_model(
    store: Store, subject: Subject, request: Request | None = None, *, project: Path | None = None, tell: Tell = silent
) -> Reproduction:
    """Make a registered model again, and compare.

    Args:
        store: the lineage store.
        subject: the model.
        request: in which environment, and what is expected.
        project: the folder whose repository has the code; default the working folder's project.
        tell: told in a sentence what is being done.

    Raises:
        SubjectError: it is unknown, or its record does not hold what it takes.
        ReproductionError: its code, packages or Python are not to be had; or the run does not come to a result.
        VersionError: its data is not to be had.
    """
    found = materials(store, subject)
    data = checked(Cache(), found.snapshot.version, found.snapshot.name)
    snapshot = Dataset(data, name=found.snapshot.name, version=found.snapshot.version)
    work = _Work(found, request or Request(), project or project_of(Path.cwd()), tell)
    answer = reproduce(handle(store, found), snapshot, work)
    return _marked(answer, found)


@dataclass(frozen=True, slots=True)
class _Work:
    found: Materials
    request: Request
    project: Path
    tell: Tell


@traced
def reproduce(model: Model, snapshot: Dataset, work: _Work) -> Reproduction:
    """Make a model again from its record alone, and compare digest, figures and predictions."""
    found, request, run = work.found, work.request, current_run()
    values: dict[str, Any] = {
        "subject": found.subject,
        "expected": request.expected,
        "environment": request.environment,
        "digest": found.digest,
    }
    try:
        answer = _made_again(work, Path(snapshot.location))
    except LinealError as problem:
        run.reproduction({**values, "verdict": "failed", "held": False, "reason": problem.message})
        raise
    run.reproduction(
        {
            **values,
            "verdict": answer.verdict,
            "held": answer.held,
            "code": answer.code,
            "madeDigest": answer.made,
            "tolerance": answer.tolerance,
            "steps": [{"name": step.name, "same": step.same, "detail": step.detail} for step in answer.steps],
            "differences": list(answer.differences[:_MOST_DIFFERENCES]),
        }
    )
    run.tests(
        [
            Outcome(
                f"{found.subject} can be made again",
                answer.held,
                "reproduction",
                expected=request.expected,
                actual=answer.verdict,
            )
        ]
    )
    return answer


def handle(store: Store, found: Materials) -> Model:
    """The registered model as a handle, by the name it has in the lineage."""
    row = found.model
    if row is None:
        raise SubjectError(f"{found.subject} is no registered model", subject=found.subject)
    version = graph.versions(store, [row.version])[row.version]
    tracked = found.mlflow_run and TrackedRun(found.tracking_uri or "", "", found.mlflow_run, found.model_id)
    return Model(
        name=version.name,
        digest=row.digest,
        uri=f"models:/{row.name}/{row.number}",
        namespace=version.namespace,
        number=row.number,
        tracked=tracked or None,
    )


def _made_again(work: _Work, data: Path) -> Reproduction:
    found, request, tell = work.found, work.request, work.tell
    began = time.monotonic()
    with throwaway() as folder, code_of(found, work.project, folder) as code:
        tell(f"code: {code.told}")
        home = folder / "home"
        variables = environment(home, code, work.project)
        python = sys.executable
        if request.environment == "locked":
            tell("packages: a new environment from the recorded lock file")
            python = locked.python(found, code, folder, work.project)
            variables.pop("PYTHONPATH", None)
        given = folder / f"{found.snapshot.name}.parquet"
        given.symlink_to(data)
        file = pipeline_file.put(found, code, folder)
        tell(f"training {found.pipeline} again on {found.snapshot.name}@{found.snapshot.version[:12]}")
        make(
            Recipe(python, file, given, pipeline_file.reading(str(given), found.overrides), code.folder, variables),
            f"{found.subject} cannot be made again",
        )
        made = Side(_made(home, found.subject), Cache(home / "cache"))
        recorded = Side(found, Cache())
        steps = compare(recorded, made)
        verdict = verdict_on(steps)
        lists = (bytes_of(found, PACKAGES), bytes_of(made.materials, PACKAGES, made.cache))
        return Reproduction(
            subject=found.subject,
            verdict=verdict,
            expected=request.expected,
            held=verdict == "identical" or verdict == request.expected,
            environment=request.environment,
            code=code.told,
            digest=found.digest,
            made=made.materials.digest,
            steps=steps,
            differences=surroundings(found, made.materials, lists),
            tolerance=TOLERANCE,
            seconds=round(time.monotonic() - began, 1),
        )


def _made(home: Path, subject: str) -> Materials:
    """What the record of the throw-away place says of the one run in it."""
    store = Store(f"sqlite:///{home / 'lineal.db'}", create=False)
    try:
        first = read_runs(store, select_runs().order_by(tables.runs.c.first_seq).limit(1))[0]
        return materials_of(store, first, f"{subject}, made again")
    finally:
        store.engine.dispose()


def _marked(answer: Reproduction, found: Materials) -> Reproduction:
    """Tag the MLflow run that made the model; where that cannot be, the answer says so."""
    if found.mlflow_run is None:
        return answer
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    try:
        tracking.mark(found.mlflow_run, {TAG: f"{answer.verdict} ({answer.environment} environment, {when})"})
    except LinealError as problem:
        note = f"the MLflow run {found.mlflow_run} could not be tagged with the verdict: {problem.message}"
        return replace(answer, notes=(*answer.notes, note))
    return answer
