"""Dossier: all that the record says of one registered model, gathered once for a page or a pack to show it whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lineal.errors import LinealError, VersionError
from lineal.questions.audit import Audit, Facts, Policy, Run, Table, chosen
from lineal.questions.audit import audit as hold_to_policies
from lineal.questions.audit.gather import gather as gather_facts
from lineal.questions.decisions import Decided, added
from lineal.questions.lookup import find_model
from lineal.questions.materials import Materials, bytes_of, materials
from lineal.questions.trace import Trace, trace
from lineal.store.log import Store
from lineal.subjects import Subject

if TYPE_CHECKING:
    from lineal.questions.importances import ModelExplanation


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of the model.

    Attributes:
        name: scikit-learn's scorer.
        of: what it was taken on: `train`, `cross-validation`, `test` …
        spread: its standard deviation over folds, where it was taken on several.
    """

    name: str
    of: str
    value: float
    spread: float | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """A Python distribution that the model was trained with."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that the record says of one registered model.

    Attributes:
        subject: the model version, as `model:NAME@NUMBER`.
        gathered_at: when, in UTC.
        trace: its descent, with what people decided on it.
        facts: the same with each run's and table's facets, as the audit has them.
        audit: what the policies say of it.
        metrics: in the order of the work.
        packages: that it was trained with, by name.
        materials: enough to make it again; None where its record does not hold that.
        explanation: what its predictions rest on; None where nothing is on record of it.
        files: texts and pictures that are kept of it, by their path in the MLflow run's artifacts.
        missing: what could not be had, a sentence each.
    """

    subject: str
    gathered_at: datetime
    trace: Trace
    facts: Facts
    audit: Audit
    metrics: tuple[Metric, ...]
    packages: tuple[Package, ...]
    materials: Materials | None
    explanation: ModelExplanation | None
    files: Mapping[str, bytes] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """The dataset versions that the model was made of and judged on, sources first."""
        found = {step.table.key: step.table for step in reversed(list(self.facts.steps.values()))}
        found |= {table.key: table for table in self.facts.held_out if table.key not in found}
        return tuple(table for table in found.values() if table.kind != "MODEL")

    @property
    def flow(self) -> Run | None:
        """The run of the flow that made the model."""
        root = self.facts.fit.root_id if self.facts.fit else self.facts.model.run_id
        return next((run for run in self.facts.runs if run.id == root), None)

    @property
    def decisions(self) -> tuple[Decided, ...]:
        """What people decided and noted, newest first."""
        return self.trace.decisions


def dossier(
    store: Store, subject: Subject, policies: Sequence[Policy] | None = None, *, now: datetime | None = None
) -> Dossier:
    """Gather all that the record says of a registered model.

    Args:
        store: the lineage store.
        subject: `model:NAME@VERSION_OR_ALIAS`.
        policies: to hold it to; all that ship or lie in the project's `policies/` where it is left out.
        now: the time that is asked for.

    Raises:
        SubjectError: unknown or ambiguous.
        EstimatorError: the model's files are not those on record.
    """
    moment = now or datetime.now(UTC)
    model = find_model(store, subject)
    exact = Subject("model", model.name, str(model.number))
    facts = gather_facts(store, model, wants=("before", "sealed", "signature"), now=moment)
    missing: list[str] = []
    made = _materials(store, exact, missing)
    return Dossier(
        subject=str(exact),
        gathered_at=moment,
        trace=added(store, trace(store, exact), at=moment),
        facts=facts,
        audit=hold_to_policies(store, chosen(()) if policies is None else policies, exact, now=moment),
        metrics=_metrics(facts),
        packages=_packages(made, missing),
        materials=made,
        explanation=_explanation(store, exact, missing),
        files=_files(facts, missing),
        missing=tuple(missing),
    )


def _materials(store: Store, subject: Subject, missing: list[str]) -> Materials | None:
    try:
        return materials(store, subject)
    except LinealError as problem:
        missing.append(problem.message)
        return None


def _metrics(facts: Facts) -> tuple[Metric, ...]:
    runs = {run.id: run for run in (*facts.runs, *facts.evaluations)}.values()
    told = [entry for run in sorted(runs, key=lambda run: run.begun_seq) for entry in run.metrics]
    return tuple(
        Metric(str(entry["name"]), str(entry.get("of") or ""), float(entry["value"]), entry.get("spread"))
        for entry in told
        if isinstance(entry.get("value"), int | float)
    )


def _packages(made: Materials | None, missing: list[str]) -> tuple[Package, ...]:
    if made is None:
        return ()
    try:
        kept = bytes_of(made, "packages.txt")
    except VersionError as problem:
        missing.append(problem.message)
        return ()
    lines = (kept or b"").decode().splitlines()
    pairs = (line.partition("==") for line in lines if "==" in line and not line.startswith("#"))
    return tuple(Package(name.strip(), version.strip()) for name, _, version in pairs)


def _explanation(store: Store, subject: Subject, missing: list[str]) -> ModelExplanation | None:
    from lineal.questions.importances import explain

    try:
        return explain(store, subject)
    except LinealError as problem:
        missing.append(problem.message)
        return None


def _files(facts: Facts, missing: list[str]) -> dict[str, bytes]:
    """The MLflow run's plots, tables and pipeline file."""
    from lineal.models import tracking

    run = ((facts.fit.facets.get("lineal_mlflow") if facts.fit else None) or {}).get("runId")
    if run is None:
        return {}
    found: dict[str, bytes] = {}
    try:
        if tracking.artifacts_of(str(run)) is None:
            tracking.check_reachable()
        for folder in ("plots", "importances", "pipeline"):
            found |= tracking.artifacts_under(str(run), folder)
    except LinealError as problem:
        missing.append(problem.message)
    return found
