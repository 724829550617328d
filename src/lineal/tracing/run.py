"""Run: what is being recorded of one run, and its events."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from openlineage.client import event_v2 as ol
from openlineage.client.facet_v2 import (
    base_subset_dataset,
    column_lineage_dataset,
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    error_message_run,
    execution_parameters_run,
    extraction_error_run,
    ownership_job,
    parent_run,
    source_code_job,
    sql_job,
    tags_run,
    test_run,
)

from lineal import settings
from lineal.datasets.dataset import Dataset
from lineal.datasets.describe import describe
from lineal.errors import EventError
from lineal.models.model import Model
from lineal.redaction import is_secret, redact
from lineal.tracing import facets
from lineal.tracing.clean import MAX_EVENT_BYTES, Verbatim, clean, clean_text, fit, verbatim
from lineal.tracing.naming import name_of
from lineal.tracing.statements import Assertion, EventType, Origin, Outcome, RunRef

# Room in an event for what says that something was cut from it.
_NOTICE_BYTES = 16 * 1024
# What of a decision names what it is about.
_NAMING = frozenset({"subject", "namespace", "name", "evidence"})
logger = logging.getLogger("lineal")


class Run:
    """One run that is being recorded; `current_run()` gives it to the running code.

    What it is told stays with it: each of its events repeats all inputs, outputs and facets known so far, because
    consumers drop the edges that a later event leaves out.
    """

    def __init__(self, ref: RunRef, *, parent: RunRef | None = None, root: RunRef | None = None) -> None:
        self.ref = ref
        self.parent = parent
        self.root = root or parent or ref
        self.is_parent = False
        self.is_outermost = False
        self.outermost_id = str(self.root.id)
        self.store_url = ""
        self.home: Path | None = None
        self.facets: dict[str, Any] = {"tags": tags_run.TagsRunFacet(tags=[])}
        self.job_facets: dict[str, Any] = {}
        self._inputs: dict[tuple[str, ...], ol.InputDataset] = {}
        self._outputs: dict[tuple[str, ...], ol.OutputDataset] = {}
        # What of them is clean JSON already: a wide schema is cleaned once, not for each event.
        self._cleaned: dict[tuple[str, ...], dict[str, Any]] = {}
        self._repeated: dict[tuple[str, ...], dict[str, Any]] = {}
        self._earlier: dict[str, Any] = {}
        self._errors: list[extraction_error_run.Error] = []
        if parent is not None:
            self.facets["parent"] = _parent_facet(parent, self.root)

    def input(
        self,
        thing: Dataset | Model,
        *,
        assertions: Iterable[Assertion] = (),
        rows: int | None = None,
        columns: Mapping[str, Mapping[str, float | None]] | None = None,
    ) -> None:
        """Record that the run reads a dataset or model.

        Args:
            thing: the handle; a file's hash and schema are looked up where it leaves them out.
            assertions: checks that were held against it, passed or failed.
            rows: how many rows the figures in `columns` rest on.
            columns: figures a column, by the names of the specification's column metrics (`nullCount`,
                `distinctCount`, `min`, `max`, `sum`, `count`).
        """
        if self._is_no_handle(thing, "input"):
            return
        thing = self._described(thing)
        key = _key("inputs", thing)
        entry = self._inputs.get(key) or self._inputs.setdefault(key, facets.input_of(thing))
        self._cleaned.pop(key, None)
        assert entry.inputFacets is not None  # noqa: S101 - the client types it optional, `input_of` always fills it
        checks = [
            data_quality_assertions_dataset.Assertion(
                assertion=check.assertion,
                success=check.success,
                column=check.column,
                severity="error",
                expected=check.expected,
                actual=check.actual,
            )
            for check in assertions
        ]
        if checks:
            entry.inputFacets["dataQualityAssertions"] = (
                data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(assertions=checks)
            )
        if columns is not None:
            metrics = data_quality_metrics_input_dataset
            entry.inputFacets["dataQualityMetrics"] = metrics.DataQualityMetricsInputDatasetFacet(
                rowCount=rows,
                bytes=thing.size if isinstance(thing, Dataset) else None,
                columnMetrics={name: metrics.ColumnMetrics(**figures) for name, figures in columns.items()},  # type: ignore[arg-type]
            )

    def pushed(self, dataset: Dataset, *, to: str, problem: str | None = None) -> None:
        """Record that an input's bytes are in a DVC remote, or what kept them out of it."""
        self.input(dataset)
        key = _key("inputs", self._described(dataset))
        known: Any = self._inputs[key].facets
        if "lineal_dvc" in known:
            told = {"remote": to, "pushed": problem is None, "problem": problem}
            known["lineal_dvc"] = {**known["lineal_dvc"], **told}
            self._cleaned.pop(key, None)

    def output(
        self,
        thing: Dataset | Model,
        *,
        columns: Mapping[str, Iterable[Origin]] | None = None,
        part: Mapping[str, str | int] | None = None,
    ) -> None:
        """Record that the run writes a dataset or model.

        Args:
            thing: the handle; a file's hash and schema are looked up where it leaves them out.
            columns: for each of its columns, the columns it comes from.
            part: what makes it a part of something larger, such as the split it is one side of.
        """
        if self._is_no_handle(thing, "output"):
            return
        thing = self._described(thing)
        key = _key("outputs", thing)
        entry = self._outputs.get(key) or self._outputs.setdefault(key, facets.output_of(thing))
        self._cleaned.pop(key, None)
        if columns and entry.facets is not None:
            entry.facets["columnLineage"] = column_lineage_dataset.ColumnLineageDatasetFacet(
                fields={name: _column_lineage(origins) for name, origins in columns.items()}
            )
        if part and entry.outputFacets is not None:
            partitions = [base_subset_dataset.Partition(dimensions=dict(part))]
            entry.outputFacets["subset"] = base_subset_dataset.OutputSubsetOutputDatasetFacet(
                outputCondition=base_subset_dataset.PartitionSubsetCondition(partitions=partitions)
            )

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Record what the run was called with, but for secrets; the specification takes texts."""
        facet = self.facets.setdefault(
            "executionParameters", execution_parameters_run.ExecutionParametersRunFacet(parameters=[])
        )
        known = {entry.key: entry for entry in facet.parameters}
        for key, value in values.items():
            known[key] = execution_parameters_run.ExecutionParameter(
                key=key,
                name=key,
                value="***" if is_secret(key) else value if isinstance(value, Verbatim) else str(value),
            )
        facet.parameters = list(known.values())

    def metrics(self, values: Mapping[str, float], *, of: str, spread: Mapping[str, float] | None = None) -> None:
        """Record figures that the run found.

        Args:
            values: by name.
            of: what they were taken on, such as `held-out`, `train` or `cross-validation`.
            spread: the standard deviation of each, over folds or repeats.
        """
        spreads = spread or {}
        facet = self.facets.setdefault("lineal_metrics", facets.custom("LinealMetricsRunFacet", {"metrics": []}))
        facet["metrics"] += [
            {"name": name, "value": value, "of": of, "spread": spreads.get(name)} for name, value in values.items()
        ]

    def tests(self, outcomes: Iterable[Outcome]) -> None:
        """Record what the run held something to, passed or failed."""
        facet = self.facets.setdefault("test", test_run.TestRunFacet(tests=[]))
        facet.tests += [
            test_run.TestExecution(
                name=outcome.name,
                status="skip" if outcome.passed is None else "pass" if outcome.passed else "fail",
                severity=outcome.severity,
                type=outcome.kind,
                expected=outcome.expected,
                actual=outcome.actual,
                description=outcome.description,
            )
            for outcome in outcomes
        ]

    def tag(self, key: str, value: str = "true") -> None:
        """Record a tag of the run."""
        self.facets["tags"].tags.append(tags_run.TagsRunFacetFields(key=key, value=value, source="lineal"))

    def decisions(self, decisions: Iterable[Mapping[str, Any]], *, by: str) -> None:
        """Record what was decided, by whom; each decision has an `action` and a `reason`."""
        told = [
            {key: verbatim(value) if key in _NAMING else value for key, value in decision.items()}
            for decision in decisions
        ]
        self.facets["lineal_decision"] = facets.custom("LinealDecisionRunFacet", {"by": by, "decisions": told})

    def mlflow(self, values: Mapping[str, Any]) -> None:
        """Record the MLflow run that belongs to this one."""
        self.facets["lineal_mlflow"] = facets.custom("LinealMlflowRunFacet", values)

    def prediction(self, values: Mapping[str, Any]) -> None:
        """Record which model predicted a batch, and what its predictions' ids begin with."""
        self.facets["lineal_prediction"] = facets.custom("LinealPredictionRunFacet", values)

    def drift(self, values: Mapping[str, Any]) -> None:
        """Record how a batch compares with the rows that its model learnt from."""
        self.facets["lineal_drift"] = facets.custom("LinealDriftRunFacet", values)

    def groups(self, values: Mapping[str, Any]) -> None:
        """Record how a model does on groups of the held-out rows."""
        self.facets["lineal_groups"] = facets.custom("LinealGroupsRunFacet", values)

    def leakage(self, values: Mapping[str, Any]) -> None:
        """Record how well each column alone tells the target."""
        self.facets["lineal_leakage"] = facets.custom("LinealLeakageRunFacet", values)

    def process(self, values: Mapping[str, Any]) -> None:
        """Record the process that the run runs in."""
        self.facets["lineal_process"] = facets.custom("LinealProcessRunFacet", values)

    def environment(self, values: Mapping[str, Any]) -> None:
        """Record what the run runs in."""
        self.facets["lineal_environment"] = facets.custom("LinealEnvironmentRunFacet", values)

    def materials(self, values: Mapping[str, Any]) -> None:
        """Record what else it takes to do the run again, beside what is recorded of it already."""
        known = {**self.facets.get("lineal_materials", {}), **verbatim(values)}
        self.facets["lineal_materials"] = facets.custom("LinealMaterialsRunFacet", known)

    def reproduction(self, values: Mapping[str, Any]) -> None:
        """Record what came of making something again."""
        self.facets["lineal_reproduction"] = facets.custom("LinealReproductionRunFacet", values)

    def pack(self, values: Mapping[str, Any]) -> None:
        """Record an evidence pack that was handed out."""
        self.facets["lineal_pack"] = facets.custom("LinealPackRunFacet", values)

    def source(self, text: str, language: str) -> None:
        """Record the text that defines the job, such as a pipeline file."""
        self.job_facets["sourceCode"] = source_code_job.SourceCodeJobFacet(language=language, sourceCode=Verbatim(text))

    def query(self, text: str) -> None:
        """Record the SQL that the job reads by."""
        self.job_facets["sql"] = sql_job.SQLJobFacet(query=text)

    def owner(self, name: str) -> None:
        """Record who answers for the job."""
        self.job_facets["ownership"] = ownership_job.OwnershipJobFacet(
            owners=[ownership_job.Owner(name=name, type="OWNER")]
        )

    def failed(self, error: BaseException | None, message: str | None = None) -> None:
        """Record what ended the run: an exception, and what it comes to where its own words do not say it."""
        self.facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
            message=message or _said(error),
            programmingLanguage="PYTHON",
            stackTrace="".join(traceback.format_exception(error)) if error is not None else None,
        )

    def prefect(self, values: Mapping[str, Any]) -> None:
        """Record what is known of the Prefect run, beside what is known of it already."""
        self.facets["lineal_prefect"] = facets.custom(
            "LinealPrefectRunFacet", {**self.facets.get("lineal_prefect", {}), **values}
        )

    def repeat(self, event: Mapping[str, Any], *, facets: bool = False) -> None:
        """Take over the datasets of an event that was recorded before, and its run facets where they are asked for.

        What this run says itself of the same dataset version, or in the same facet, goes before it.
        """
        for role in ("inputs", "outputs"):
            for dataset in event.get(role) or ():
                version = (dataset.get("facets") or {}).get("version") or {}
                key = (role, dataset["namespace"], dataset["name"], version.get("datasetVersion", ""))
                self._repeated[key] = dataset
        if facets:
            self._earlier = dict(event["run"].get("facets") or {})

    def versions(self, role: Literal["inputs", "outputs"]) -> list[tuple[str, ...]]:
        """The dataset versions that the run reads or writes: namespace, name and version of each."""
        known = (self._inputs if role == "inputs" else self._outputs).keys() | self._repeated.keys()
        return sorted(key[1:] for key in known if key[0] == role)

    def leave_out(self, versions: Iterable[tuple[str, ...]]) -> None:
        """Say nothing more of some outputs: runs within say better what they were made of."""
        for version in versions:
            self._outputs.pop(("outputs", *version), None)
            self._repeated.pop(("outputs", *version), None)

    def environ(self) -> dict[str, str]:
        """The variables that make this run the parent of what a child process records, for its `env`.

        `subprocess.run(…, env={**os.environ, **current_run().environ()})`. They are not put into `os.environ`: that
        is one for the whole process, and tasks that run in it at a time would be taken for each other.
        """
        if self.ref.id.int == 0:
            return {}
        pairs = (("OPENLINEAGE_PARENT_ID", self.ref), ("OPENLINEAGE_ROOT_PARENT_ID", self.root))
        return {name: f"{ref.job.namespace}/{ref.job.name}/{ref.id}" for name, ref in pairs}

    def uncaptured(self, error: BaseException, what: str) -> None:
        """Record that something about the run could not be captured."""
        self._errors.append(
            extraction_error_run.Error(
                errorMessage=f"{what}: {error}",
                stackTrace="".join(traceback.format_exception(error)),
                task=what,
                taskNumber=len(self._errors),
            )
        )
        self.facets["extractionError"] = extraction_error_run.ExtractionErrorRunFacet(
            totalTasks=len(self._errors), failedTasks=len(self._errors), errors=self._errors
        )

    def _is_no_handle(self, thing: object, role: str) -> bool:
        """Whether a caller's own mistake is to be told instead of ending the caller's work."""
        if isinstance(thing, (Dataset, Model)):
            return False
        error = TypeError(
            f"an {role} is a Dataset or Model, not a {type(thing).__name__}; write Dataset(...) around it"
        )
        if settings.strict():
            raise error
        self.uncaptured(error, f"adding an {role}")
        logger.warning("lineage: adding an %s to %s went wrong: %s", role, self.ref.job.name, error)
        return True

    def _described(self, thing: Dataset | Model) -> Dataset | Model:
        """A handle with what it leaves out; as it is where its file cannot be read, for its name is known even so."""
        if not isinstance(thing, Dataset):
            return thing
        try:
            return describe(thing)
        except OSError as problem:
            if settings.strict():
                raise
            what = f"looking up {redact(thing.location)}"
            self.uncaptured(problem, what)
            logger.warning("lineage: %s went wrong: %s", what, problem)
            return thing

    def event(self, kind: EventType) -> tuple[dict[str, Any], str]:
        """The run as one OpenLineage event: clean JSON data, and its text.

        Raises:
            EventError: a facet is no JSON object, and the settings are strict; without them, it is left out.
        """
        try:
            return self._event(kind)
        except Exception:
            if not self._leave_out_what_is_no_facet():
                raise
            return self._event(kind)

    def _leave_out_what_is_no_facet(self) -> bool:
        """Give up the facets that cannot be written, so that all else can; whether there are any."""
        entries = (*self._inputs.values(), *self._outputs.values())
        own = [getattr(entry, "inputFacets", None) or getattr(entry, "outputFacets", None) for entry in entries]
        problems = []
        for holder in (self.facets, self.job_facets, *(entry.facets for entry in entries), *own):
            for name, facet in list((holder or {}).items()):
                problem = _no_facet(facet)
                if problem is not None and holder is not None:
                    del holder[name]
                    problems.append(EventError(f"the facet {name!r} of {self.ref.job.name} is left out: {problem}"))
        self._cleaned.clear()
        for error in problems:
            if settings.strict():
                raise error
            self.uncaptured(error, "writing a facet")
            logger.warning("lineage: %s", error)
        return bool(problems)

    def _event(self, kind: EventType) -> tuple[dict[str, Any], str]:
        event = ol.RunEvent(
            eventType=ol.RunState[kind],
            eventTime=datetime.now(UTC).isoformat(),
            run=ol.Run(str(self.ref.id), facets=self.facets),
            job=ol.Job(self.ref.job.namespace, self.ref.job.name, facets=self.job_facets),
            producer=facets.producer(),
        )
        data: dict[str, Any] = clean(event)
        data["run"]["facets"] = {**self._earlier, **data["run"]["facets"]}
        data["inputs"] = self._all("inputs", self._inputs)
        data["outputs"] = self._all("outputs", self._outputs)
        _stamp(data)
        text, cuts = fit(data, MAX_EVENT_BYTES - _NOTICE_BYTES)
        if cuts:
            self._cleaned.clear()  # it was cut in place; the next event is to say so again
            data["run"]["facets"]["lineal_truncation"] = clean(
                facets.custom("LinealTruncationRunFacet", {"cuts": cuts[:50], "count": len(cuts)})
            )
            text, _ = fit(data)
        return data, text

    def _all(
        self, role: str, said: Mapping[tuple[str, ...], ol.InputDataset | ol.OutputDataset]
    ) -> list[dict[str, Any]]:
        repeated = [entry for key, entry in self._repeated.items() if key[0] == role and key not in said]
        return [self._clean(key, entry) for key, entry in said.items()] + repeated

    def _clean(self, key: tuple[str, ...], entry: ol.InputDataset | ol.OutputDataset) -> dict[str, Any]:
        if key not in self._cleaned:
            self._cleaned[key] = clean(entry)
        return self._cleaned[key]


def _said(error: BaseException | None) -> str:
    # An exit's own words are a bare number as a rule.
    bare = isinstance(error, SystemExit) or not str(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ") if bare else str(error)


def _no_facet(facet: Any) -> str | None:
    """Why something can be no facet; None for one that can."""
    try:
        return None if isinstance(clean(facet), dict) else f"it is no JSON object but a {type(facet).__name__}"
    except Exception as problem:  # noqa: BLE001 - a value's own code may raise whatever it likes
        return f"it is no JSON ({problem})"


def _key(role: str, thing: Dataset | Model) -> tuple[str, ...]:
    return (role, *name_of(thing), (thing.digest if isinstance(thing, Model) else thing.version) or "")


def _parent_facet(parent: RunRef, root: RunRef) -> parent_run.ParentRunFacet:
    return parent_run.ParentRunFacet(
        run=parent_run.Run(str(parent.id)),
        job=parent_run.Job(parent.job.namespace, parent.job.name),
        root=parent_run.Root(
            run=parent_run.RootRun(str(root.id)), job=parent_run.RootJob(root.job.namespace, root.job.name)
        ),
    )


def _column_lineage(origins: Iterable[Origin]) -> column_lineage_dataset.Fields:
    names = [(name_of(origin.source), origin) for origin in origins]
    return column_lineage_dataset.Fields(
        inputFields=[
            column_lineage_dataset.InputField(
                Verbatim(name.namespace),
                Verbatim(name.name),
                clean_text(origin.column),
                transformations=[column_lineage_dataset.Transformation("DIRECT", origin.how)],
            )
            for name, origin in names
        ]
    )


def _stamp(event: dict[str, Any]) -> None:
    """Name ourselves as the producer of every facet; the client's own default is a constant shared with its users."""
    datasets = (*event["inputs"], *event["outputs"])
    kinds = [event["run"]["facets"], event["job"]["facets"]]
    kinds += [
        dataset[key] for dataset in datasets for key in ("facets", "inputFacets", "outputFacets") if key in dataset
    ]
    for kind in kinds:
        for facet in kind.values():
            facet["_producer"] = facets.producer()
