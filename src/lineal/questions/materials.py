"""Materials: what a model was made of and from, as its record has it, enough to make it again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineal.datasets.cache import Cache
from lineal.errors import LinealError, SubjectError, VersionError
from lineal.models import tracking
from lineal.models.keeping import FOLDER, KeptFile
from lineal.questions import lookup
from lineal.questions.lookup import ModelRow
from lineal.store import graph
from lineal.store.log import Store
from lineal.store.runs import RunRow, find_run
from lineal.subjects import Subject


@dataclass(frozen=True, slots=True)
class Version:
    """A dataset version that the work read or wrote; its bytes are in the cache by `version`."""

    name: str
    version: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure, and what it was taken on."""

    name: str
    of: str
    value: float


@dataclass(frozen=True, slots=True)
class Materials:
    """What one training run rests on, and what came of it.

    Attributes:
        subject: the model as a subject, or the run where none was registered.
        model: the registered version, if any.
        run_id: the flow's run.
        pipeline: the pipeline's name.
        file: the pipeline file, from the project's folder where it lies below it.
        text: the file's text, credentials taken out.
        overrides: `KEY=VALUE` that were set over it.
        data: the source that took the place of the file's, if any.
        snapshot: all rows.
        train: the rows the model was fitted to.
        test: the rows held out.
        evaluation: its predictions on the rows held out.
        digest: of the model.
        features: digest of the training rows after all preprocessing; None where it could not be had.
        parameters: of the flow and its tasks, seeds and threads among them.
        metrics: every figure, in the order of the work.
        environment: as the facet `lineal_environment` has it.
        uncommitted: what of the code no commit holds, as the facet `lineal_materials` has it.
        files: what is kept of code and environment, by name.
        tracking_uri: of the MLflow server that holds the run.
        mlflow_run: the MLflow run.
        model_id: the logged model.
    """

    subject: str
    model: ModelRow | None
    run_id: str
    pipeline: str
    file: str
    text: str
    overrides: tuple[str, ...]
    data: str | None
    snapshot: Version
    train: Version
    test: Version
    evaluation: Version | None
    digest: str
    features: str | None
    parameters: Mapping[str, str]
    metrics: tuple[Metric, ...]
    environment: Mapping[str, Any]
    uncommitted: Mapping[str, Any]
    files: Mapping[str, KeptFile]
    tracking_uri: str | None
    mlflow_run: str | None
    model_id: str | None

    @property
    def commit(self) -> str | None:
        """The commit of the code; None where there was no git."""
        return self.environment.get("gitCommit")


def materials(store: Store, subject: Subject) -> Materials:
    """Find what a model was made of and from.

    Args:
        store: the lineage store.
        subject: a registered model.

    Raises:
        SubjectError: it is unknown, or its record does not hold what it takes to make it again.
    """
    model = lookup.find_model(store, subject)
    run = find_run(store, model.run_id)
    name = str(lookup.subject_of(store, model))
    if run is None:
        raise SubjectError(f"{name}: the run that registered it is not on record", subject=name)
    return materials_of(store, run, name, model)


def materials_of(store: Store, run: RunRow, subject: str, model: ModelRow | None = None) -> Materials:
    """Gather what the flow that a run belongs to was made of and from.

    Args:
        store: the lineage store.
        run: the flow's run, or one of its tasks'.
        subject: names what is asked about, in errors.
        model: the registered version that is asked about.

    Raises:
        SubjectError: the record does not hold what it takes to do the run again.
    """
    flow, tasks = _flow_of(store, run)
    events = [event for _, event in tasks]
    facets, job = _facets(flow), (flow.get("job") or {}).get("facets") or {}
    text = (job.get("sourceCode") or {}).get("sourceCode")
    asked = facets.get("lineal_materials") or {}
    parameters = {key: value for event in (flow, *events) for key, value in _parameters(event).items()}
    pipeline = parameters.get("name")
    kept = next((found for event in events if "files" in (found := _facets(event).get("lineal_materials") or {})), None)
    made = {version.name: version for event in events for version in _outputs(event)}
    if not text or not pipeline or "pipelineFile" not in asked or kept is None:
        raise SubjectError(
            f"{subject}: its record holds no pipeline file, or not all that went into it, as of a model that was "
            "imported, trained by a flow of another kind, or recorded by an older Lineal; it can be traced, and not "
            "made again",
            subject=subject,
        )
    missing = [part for part in ("snapshot", "train", "test", "model") if f"{pipeline}.{part}" not in made]
    if missing:
        raise SubjectError(
            f"{subject}: its record has no {pipeline}.{missing[0]}, so the run did not come to its end", subject=subject
        )
    mlflow: Mapping[str, Any] = next(
        (found for event in reversed(events) if (found := _facets(event).get("lineal_mlflow"))), {}
    )
    files = [KeptFile(**entry) for entry in kept["files"]]
    return Materials(
        subject=subject,
        model=model,
        run_id=flow["run"]["runId"],
        pipeline=pipeline,
        file=asked["pipelineFile"],
        text=text,
        overrides=tuple(asked.get("overrides") or ()),
        data=asked.get("data"),
        snapshot=made[f"{pipeline}.snapshot"],
        train=made[f"{pipeline}.train"],
        test=made[f"{pipeline}.test"],
        evaluation=made.get(f"{pipeline}.evaluation"),
        digest=made[f"{pipeline}.model"].version,
        features=kept.get("featuresDigest"),
        parameters=parameters,
        metrics=tuple(metric for event in events for metric in _metrics(event)),
        environment=facets.get("lineal_environment") or {},
        uncommitted=kept.get("uncommitted") or {},
        files={file.name: file for file in files},
        tracking_uri=mlflow.get("trackingUri"),
        mlflow_run=mlflow.get("runId"),
        model_id=mlflow.get("modelId"),
    )


def bytes_of(found: Materials, name: str, cache: Cache | None = None) -> bytes | None:
    """Give the bytes of a kept file, from the cache, else from the MLflow run's artifacts; None where none was kept.

    Raises:
        VersionError: it was kept, and is nowhere to be had as it was.
    """
    file = found.files.get(name)
    if file is None:
        return None
    try:
        return checked(cache or Cache(), file.md5, name).read_bytes()
    except VersionError as problem:
        content = _artifact(found, name)
        if content is None or _md5(content) != file.md5:
            raise VersionError(f"{found.subject}: of its record, {problem.message}", version=file.md5) from None
        return content


def checked(cache: Cache, version: str, name: str) -> Path:
    """Give the file of a version, from the cache or the DVC remote, whose bytes are those that were recorded.

    Raises:
        VersionError: they are nowhere to be had, or only altered.
    """
    try:
        return cache.get(version, thorough=True)
    except VersionError as problem:
        raise VersionError(f"{name}@{version[:12]}: {problem.message}", version=version) from None


def _artifact(found: Materials, name: str) -> bytes | None:
    if found.mlflow_run is None:
        return None
    try:
        return tracking.artifact(found.mlflow_run, f"{FOLDER}/{name}")
    except LinealError:
        return None


def _md5(content: bytes) -> str:
    import hashlib

    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _flow_of(store: Store, run: RunRow) -> tuple[dict[str, Any], list[tuple[RunRow, dict[str, Any]]]]:
    """The newest event of the flow that a run belongs to, and of its tasks, in order."""
    under = graph.runs_under(store, run.root_id) or [run]
    top = run.parent_id or run.run_id
    rows = [row for row in under if row.run_id == top or row.parent_id == top]
    bodies = graph.bodies(store, (row.last_seq for row in rows))
    events = [(row, json.loads(bodies[row.last_seq])) for row in sorted(rows, key=lambda row: row.first_seq)]
    flow = next((event for row, event in events if row.run_id == top), None)
    if flow is None:
        return events[0][1], events
    # Of a task that was tried again the last attempt counts, and it is the one that has written something.
    return flow, [(row, event) for row, event in events if row.run_id != top and row.state == "COMPLETE"]


def _facets(event: Mapping[str, Any]) -> Mapping[str, Any]:
    return (event.get("run") or {}).get("facets") or {}


def _parameters(event: Mapping[str, Any]) -> dict[str, str]:
    entries = (_facets(event).get("executionParameters") or {}).get("parameters") or ()
    return {entry["key"]: entry.get("value") or "" for entry in entries}


def _outputs(event: Mapping[str, Any]) -> Iterable[Version]:
    for dataset in event.get("outputs") or ():
        version = ((dataset.get("facets") or {}).get("version") or {}).get("datasetVersion")
        if version:
            statistics = (dataset.get("outputFacets") or {}).get("outputStatistics") or {}
            yield Version(dataset["name"], version, statistics.get("rowCount"))


def _metrics(event: Mapping[str, Any]) -> Iterable[Metric]:
    for entry in (_facets(event).get("lineal_metrics") or {}).get("metrics") or ():
        if isinstance(entry.get("value"), (int, float)):
            yield Metric(entry["name"], entry.get("of") or "", float(entry["value"]))
