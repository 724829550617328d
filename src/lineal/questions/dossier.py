"""Dossier: all that the record says of one subject, gathered once for a page or a pack to show it whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lineal.errors import LinealError, VersionError
from lineal.questions.audit import Audit, Facts, Policy, Run, Table, chosen
from lineal.questions.audit import audit as hold_to_policies
from lineal.questions.audit.gather import gather as gather_facts
from lineal.questions.decisions import Decided, added, with_notes
from lineal.questions.groups import Groups, recorded
from lineal.questions.lookup import find_model, subject_of
from lineal.questions.materials import Materials, bytes_of, materials
from lineal.questions.trace import Trace, trace
from lineal.store.log import Store
from lineal.subjects import Kind, Subject

if TYPE_CHECKING:
    import pyarrow as pa

    from lineal.models.answers import Answers
    from lineal.questions.explanation import Explained
    from lineal.questions.importances import ModelExplanation

# What a page can be about.
KINDS: tuple[Kind, ...] = ("model", "dataset", "run", "prediction")


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of the model.

    Attributes:
        name: scikit-learn's scorer.
        of: what it was taken on: `train`, `cross-validation`, `test` …
        spread: its standard deviation over folds, where it was taken on several.
        low: the lower end of its interval of 95 %, by a bootstrap of the held-out rows; None where there is none.
        high: its upper end.
    """

    name: str
    of: str
    value: float
    spread: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """A Python distribution that the model was trained with."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Account:
    """What the record says of a dataset version, a run or a prediction.

    Attributes:
        subject: as it was asked, the version filled in.
        gathered_at: when, in UTC.
        trace: its descent, with what people decided on it; of a prediction, that of the table that it stands in.
        prediction: it, and why it is what it is; None for any other subject.
        missing: what could not be had, a sentence each.
    """

    subject: str
    gathered_at: datetime
    trace: Trace
    prediction: Explained | None = None
    missing: tuple[str, ...] = ()


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
        answers: what it answered on the held-out rows, summed up; None where these answers are gone.
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
    answers: Answers | None = None

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

    @property
    def groups(self) -> Groups | None:
        """How it does on groups of the held-out rows, by the newest run that says; None where none does."""
        return recorded((run.id, run.facets) for run in self.facts.evaluations)


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
    exact = subject_of(store, model)
    facts = gather_facts(store, model, wants=("before", "sealed", "signature"), now=moment)
    missing: list[str] = []
    made = _materials(store, exact, missing)
    descent = added(store, trace(store, exact), at=moment)
    table = _predictions(made, descent, missing)
    return Dossier(
        subject=str(exact),
        gathered_at=moment,
        trace=descent,
        facts=facts,
        audit=hold_to_policies(store, chosen(()) if policies is None else policies, exact, now=moment),
        metrics=_with_intervals(_metrics(facts), table),
        packages=_packages(made, missing),
        materials=made,
        explanation=_explanation(store, exact, missing),
        files=_files(facts, missing),
        answers=_answers(made, table),
        missing=tuple(missing),
    )


def account(store: Store, subject: Subject, *, now: datetime | None = None) -> Account:
    """Gather what the record says of a dataset version, a run or a prediction.

    Args:
        store: the lineage store.
        subject: `dataset:NAME@VERSION`, `run:ID` or `prediction:ID`.
        now: the time that is asked for.

    Raises:
        SubjectError: unknown or ambiguous.
        VersionError: the bytes at the recorded place are not those of the recorded batch.
    """
    moment = now or datetime.now(UTC)
    if subject.kind != "prediction":
        found = added(store, trace(store, subject), at=moment)
        return Account(found.subject, moment, found)
    from lineal.questions import explanation
    from lineal.questions.prediction import prediction

    asked = with_notes(store, prediction(store, subject))
    missing: list[str] = []
    why = None
    try:
        why = explanation.explain(asked)
    except LinealError as problem:
        missing.append(problem.message)
    descent = trace(store, Subject("run", asked.run_id))
    return Account(
        asked.subject,
        moment,
        replace(descent, recalls=asked.recalls, decisions=asked.decisions),
        explanation.Explained(asked, why),
        (*asked.missing, *missing, *(why.missing if why else ())),
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


def _predictions(made: Materials | None, descent: Trace, missing: list[str]) -> pa.Table | None:
    """What the model answered on the held-out rows, out of the evaluation's dataset version; None where it is gone."""
    if made is None or made.evaluation is None or descent.node is None:
        return None
    from lineal.datasets.read import opened
    from lineal.questions.prediction import handle_of

    version = made.evaluation.version
    kept = next((node for node in descent.node.inputs if node.version == version), None)
    if kept is None:
        return None
    try:
        with opened(handle_of(kept)) as file:
            named = file.schema_arrow.names
            answers = ("actual", "prediction", "probability_", "score_")
            return file.read(columns=[name for name in named if name.startswith(answers)])
    except LinealError as problem:
        missing.append(f"the answers on the held-out rows: {problem.message}")
        return None


def _with_intervals(found: tuple[Metric, ...], table: pa.Table | None) -> tuple[Metric, ...]:
    """The figures, those on held-out rows with their intervals."""
    if table is None:
        return found
    from lineal.models.intervals import intervals

    known = intervals(table, {metric.name: metric.value for metric in found if metric.of == "held-out"})
    return tuple(
        replace(metric, low=known[metric.name].low, high=known[metric.name].high)
        if metric.of == "held-out" and metric.name in known
        else metric
        for metric in found
    )


def _answers(made: Materials | None, table: pa.Table | None) -> Answers | None:
    if made is None or table is None:
        return None
    from lineal.models.answers import answers

    return answers(table, regression=made.parameters.get("model.kind") == "regression")


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
