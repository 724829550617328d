"""A run of MLflow, and what is written to it."""

from __future__ import annotations

import getpass
import json
import logging
import math
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineal import settings
from lineal.datasets.dataset import Dataset
from lineal.errors import LinealError, TrackingError, UnreachableError
from lineal.models.drawing import any_script
from lineal.models.model import TrackedRun
from lineal.models.tracking import logged, place
from lineal.models.tracking.connection import code_of, connect, explained
from lineal.redaction import redact, redact_urls

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

_LOGGER = logging.getLogger(__name__)
# MLflow's limits, in characters and in entries of one call.
_LONGEST_PARAM = 6000
_LONGEST_TAG = 8000
_LONGEST_KEY = 250
_LONGEST_SCHEMA = 1_000_000
_BATCH = 100
_METRICS_BATCH = 900
_UNFIT = re.compile(r"[^\w\-. /]")


@dataclass(frozen=True, slots=True)
class Trial:
    """One combination of a search, for a child run of its own.

    Attributes:
        name: of the child run.
        params: what was tried.
        metrics: how it scored.
        tags: of the child run.
    """

    name: str
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)


class Recording:
    """An open run; all that is written is in MLflow when the call returns.

    Attributes:
        tracked: the run, and the model once it is logged.
    """

    def __init__(self, client: MlflowClient, tracked: TrackedRun) -> None:
        self.tracked = tracked
        self._client = client
        self._run_id = tracked.run_id

    def params(self, values: Mapping[str, object]) -> None:
        """Log parameters; a value over MLflow's limit is cut, and ends by saying so."""
        self._batch(params=values)

    def metrics(self, values: Mapping[str, float], *, step: int = 0) -> None:
        """Log metrics, to the run's model as well once it is logged; a value that is no finite number is left out."""
        self._batch(metrics=values, step=step)

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags of the run."""
        self._batch(tags=values)

    def dataset(self, dataset: Dataset, context: str) -> None:
        """Log a dataset version as the run's input, under our name and version id.

        Args:
            dataset: with a version.
            context: what it was used for: `training`, `evaluation`, …
        """
        from mlflow.entities import Dataset as Entity
        from mlflow.entities import DatasetInput, InputTag

        schema = logged.schema_json([(column.name, column.type) for column in dataset.columns])
        profile = {"num_rows": dataset.rows, "num_elements": (dataset.rows or 0) * len(dataset.columns)}
        location = redact_urls(dataset.location)
        entity = Entity(
            name=(dataset.name or location)[:500],
            digest=(dataset.version or "unversioned")[:36],
            source_type="http" if location.startswith(("http://", "https://")) else "local",
            source=json.dumps({"url" if location.startswith(("http://", "https://")) else "uri": location}),
            schema=schema if len(schema) <= _LONGEST_SCHEMA else None,
            profile=json.dumps(profile) if dataset.rows is not None else None,
        )
        with explained(f"log the dataset {entity.name}"):
            self._client.log_inputs(self._run_id, [DatasetInput(entity, [InputTag("mlflow.data.context", context)])])

    def used_model(self, tracked: TrackedRun) -> None:
        """Log as the run's input the model that another run made."""
        from mlflow.entities import LoggedModelInput

        if tracked.model_id is None:
            return
        with explained(f"log the model {tracked.model_id} as an input"):
            self._client.log_inputs(self._run_id, models=[LoggedModelInput(tracked.model_id)])

    def model(
        self,
        fitted: Any,
        *,
        input_example: pd.DataFrame,
        output_example: Any,
        digest: str,
        requirements: Sequence[str],
        name: str = "model",
        trusted: Collection[str] = (),
    ) -> str:
        """Log a fitted pipeline as the run's model and return its URI, `models:/m-…`.

        Metrics that the run has so far become the model's too.

        Args:
            fitted: the whole pipeline, from raw columns to prediction.
            input_example: a few raw rows; gives the signature's inputs.
            output_example: what the pipeline predicts for them.
            digest: of the model; a tag of it.
            requirements: pinned packages, as `requirements` returns them.
            name: of the model within the run.
            trusted: classes beyond Lineal's own list that the user named.

        Raises:
            EstimatorError: skops cannot save it.
            UntrustedModelError: it holds classes that could not be loaded again.
        """
        with explained("log the model"):
            data = self._client.get_run(self._run_id).data
            model_id = logged.log(
                self._client,
                experiment_id=self.tracked.experiment_id,
                run_id=self._run_id,
                name=name,
                model=fitted,
                input_example=input_example,
                output_example=output_example,
                pins=requirements,
                trusted=trusted,
                tags={"lineal.digest": digest},
                params=data.params,
            )
        self.tracked = replace(self.tracked, model_id=model_id)
        self._batch(metrics=data.metrics)
        return f"models:/{model_id}"

    def artifact_text(self, text: str, path: str) -> None:
        """Write a text file among the run's artifacts."""
        with explained(f"write the artifact {path}"):
            self._client.log_text(self._run_id, text, path)

    def artifact_table(self, table: pd.DataFrame | Mapping[str, Sequence[object]], path: str) -> None:
        """Write a table among the run's artifacts, as CSV or JSON by the path's ending; columns, or a frame."""
        import pandas as pd

        frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame(dict(table))
        text = frame.to_json(orient="split", index=False) if path.endswith(".json") else frame.to_csv(index=False)
        self.artifact_text(text, path)

    def artifact_figure(self, figure: Figure, path: str) -> None:
        """Write a figure among the run's artifacts, as PNG or SVG by the path's ending."""
        with explained(f"write the artifact {path}"), any_script():
            self._client.log_figure(self._run_id, figure, path)

    def artifact_file(self, file: str | Path, folder: str | None = None) -> None:
        """Copy a local file among the run's artifacts."""
        with explained(f"write the artifact {Path(file).name}"):
            self._client.log_artifact(self._run_id, str(file), folder)

    def nested(self, trials: Iterable[Trial]) -> list[str]:
        """Write each trial of a search as a finished child run and return their ids."""
        made = []
        for trial in trials:
            with explained(f"record the trial {trial.name}"):
                tags = {"mlflow.parentRunId": self._run_id, **_origin(), **trial.tags}
                child = self._client.create_run(
                    self.tracked.experiment_id, start_time=_now(), tags=tags, run_name=trial.name
                ).info.run_id
            tracked = replace(self.tracked, run_id=child, model_id=None, url=None)
            Recording(self._client, tracked)._batch(params=trial.params, metrics=trial.metrics)
            with explained(f"record the trial {trial.name}"):
                self._client.set_terminated(child, "FINISHED")
            made.append(str(child))
        return made

    def _batch(
        self,
        *,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        step: int = 0,
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        now = _now()
        given = [Param(_key(name), _cut(str(value), _LONGEST_PARAM)) for name, value in (params or {}).items()]
        scored = [
            Metric(_key(name), float(value), now, step, model_id=self.tracked.model_id)
            for name, value in (metrics or {}).items()
            if math.isfinite(value)
        ]
        marked = [RunTag(_key(name), _cut(str(value), _LONGEST_TAG)) for name, value in (tags or {}).items()]
        with explained("record parameters and metrics"):
            # One call as a rule; more only where MLflow takes no more at a time.
            for start in range(0, max(len(given), len(marked), len(scored), 1), _BATCH):
                window = slice(start, start + _BATCH)
                some = given[window], marked[window], scored[window]
                if any(some):
                    self._client.log_batch(self._run_id, params=some[0], tags=some[1], metrics=some[2])


@contextmanager
def start(
    pipeline: str,
    *,
    run_name: str | None = None,
    tags: Mapping[str, str] | None = None,
    description: str | None = None,
) -> Iterator[Recording]:
    """Open a new run in the pipeline's experiment; it is RUNNING within, and FINISHED, FAILED or KILLED after.

    Args:
        pipeline: names the experiment, unless `MLFLOW_EXPERIMENT_NAME` or `MLFLOW_EXPERIMENT_ID` does.
        run_name: of the run; MLflow makes one up where there is none.
        tags: of the run.
        description: of the run, in Markdown.

    Raises:
        TrackingError: MLflow refuses.
        UnreachableError: its server does not answer.
        StorageError: its store cannot be written.
    """
    client = connect()
    with explained(f"open a run of {pipeline}"):
        experiment = _experiment(client, pipeline)
        marks = {**_origin(), **(tags or {})}
        if description:
            marks["mlflow.note.content"] = description
        marks = {_key(name): _cut(value, _LONGEST_TAG) for name, value in marks.items()}
        run_id = client.create_run(experiment, start_time=_now(), tags=marks, run_name=run_name).info.run_id
    tracked = TrackedRun(tracking_uri=redact(settings.tracking_uri()), experiment_id=experiment, run_id=run_id)
    with _closing(Recording(client, replace(tracked, url=place.run_url(tracked)))) as recording:
        yield recording


@contextmanager
def resume(tracked: TrackedRun) -> Iterator[Recording]:
    """Open a run again to write more to it; it is RUNNING within, and FINISHED, FAILED or KILLED after."""
    client = connect()
    with explained(f"open run {tracked.run_id} again"):
        client.update_run(tracked.run_id, status="RUNNING")
    with _closing(Recording(client, tracked)) as recording:
        yield recording


@contextmanager
def _closing(recording: Recording) -> Iterator[Recording]:
    try:
        yield recording
    except BaseException as problem:
        # As mlflow.start_run does, but that what stops a program rather than fails in it is a kill.
        status = "FAILED" if isinstance(problem, Exception) else "KILLED"
        if isinstance(problem, UnreachableError) and problem.uri == redact(settings.tracking_uri()):
            # To ask again would only double the wait.
            raise
        try:
            _finish(recording, status)
        except LinealError as second:
            # The first failure is what the user must hear of.
            _LOGGER.warning("%s", second)
        raise
    _finish(recording, "FINISHED")


def _finish(recording: Recording, status: str) -> None:
    with explained(f"close run {recording.tracked.run_id}"):
        recording._client.set_terminated(recording.tracked.run_id, status)


def _experiment(client: MlflowClient, pipeline: str) -> str:
    """The id of the experiment that runs of a pipeline stand in, made if need be."""
    from mlflow.exceptions import MlflowException

    given = os.environ.get("MLFLOW_EXPERIMENT_ID")
    if given:
        return str(client.get_experiment(given).experiment_id)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or pipeline
    found = client.get_experiment_by_name(name)
    if found is None:
        # MLflow's own default for a local store is ./mlruns, wherever that is today.
        location = (place.artifacts() / name).as_uri() if place.is_embedded() else None
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException as problem:
            if code_of(problem) != "RESOURCE_ALREADY_EXISTS":
                raise
            # Another process made it in between.
            found = client.get_experiment_by_name(name)
    if found is None or found.lifecycle_stage != "active":
        raise TrackingError(
            f"the MLflow experiment {name} was deleted; restore it with `mlflow experiments restore`, "
            "or set MLFLOW_EXPERIMENT_NAME to another"
        )
    return str(found.experiment_id)


def _origin() -> dict[str, str]:
    """Who runs this, as MLflow's own pages show it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container whose user has no name.
        user = str(os.getuid())
    return {"mlflow.user": user, "mlflow.source.name": "lineal", "mlflow.source.type": "LOCAL"}


def _key(name: str) -> str:
    """A key as MLflow takes it: letters, digits and `_-. /`."""
    return _UNFIT.sub("_", name)[:_LONGEST_KEY]


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    note = f"… (cut; {len(text)} characters in all)"
    return text[: limit - len(note)] + note


def _now() -> int:
    """Milliseconds since 1970, as MLflow counts time."""
    return time.time_ns() // 1_000_000
