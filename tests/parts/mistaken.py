"""A user's own flows, as they stand in a project: the shipped steps in another order, or with a step of one's own.

Each makes one mistake that is made in earnest; what is recorded is what they really did.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from prefect import flow

from lineal import Column, Dataset, Model, current_run, traced
from lineal.datasets.read import to_frame
from lineal.datasets.sources import ingest as read_source
from lineal.datasets.split import split as divide
from lineal.datasets.table import write_table
from lineal.models import tracking
from lineal.models.digest import digest
from lineal.models.estimators import named_classes
from lineal.models.evaluation import evaluate as score
from lineal.models.fitting import fit as learn
from lineal.models.judgement import judge
from lineal.models.loaded import estimator_of
from lineal.pipeline import Pipeline, load
from lineal.tracing.statements import Outcome
from tasks.check import check
from tasks.evaluate import evaluate
from tasks.ingest import ingest
from tasks.plan import plan
from tasks.register import register
from tasks.split import split
from tasks.train import train as fit


@flow(name="fits-to-everything")
@traced
def fits_to_everything(pipeline: Path, data: str | None = None, overrides: list[str] | None = None) -> None:
    """More rows are better, and the held-out ones are left over."""
    planned = plan(pipeline, data, overrides or ())
    snapshot = ingest(planned)
    parts = split(planned, snapshot.dataset)
    trained = fit(planned, snapshot.dataset)
    judgement = evaluate(planned, trained.model, parts.test)
    check(planned, snapshot)
    register(planned, trained.model, judgement)


@traced
def note_thresholds(planned: Pipeline) -> None:
    """Write down what was asked for, for the record."""
    current_run().parameters({key: value for key, value in planned.parameters().items() if "gates" in key})


@flow(name="sets-thresholds-late")
@traced
def sets_thresholds_late(pipeline: Path, data: str | None = None, overrides: list[str] | None = None) -> None:
    """The thresholds are chosen when the figures are there."""
    asked = load(pipeline, data=data, overrides=overrides or ())
    planned = asked.model_copy(update={"evaluate": asked.evaluate.model_copy(update={"gates": ()})})
    snapshot = ingest(planned)
    check(planned, snapshot)
    parts = split(planned, snapshot.dataset)
    trained = fit(planned, parts.train)
    judgement = evaluate(asked, trained.model, parts.test)
    note_thresholds(asked)
    register(asked, trained.model, judgement)


@traced
def download(planned: Pipeline, url: str) -> Dataset:
    """Read what a web service says today."""
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - the test's own server
        rows = pd.read_csv(answer)
    current_run().input(Dataset(url))
    return write_table(pa.Table.from_pandas(rows, preserve_index=False), planned.table("snapshot"))


@flow(name="reads-a-service")
@traced
def reads_a_service(pipeline: Path, data: str | None = None, overrides: list[str] | None = None) -> None:
    """The data is whatever a service gives."""
    planned = plan(pipeline, None, overrides or ())
    parts = split(planned, download(planned, os.environ["WINE_SERVICE"]))
    trained = fit(planned, parts.train)
    register(planned, trained.model, evaluate(planned, trained.model, parts.test))


@flow(name="prepares-by-hand")
@traced
def prepares_by_hand(pipeline: Path, data: str | None = None, overrides: list[str] | None = None) -> None:
    """The snapshot is made by a function that nothing records; and a step of it is killed."""
    planned = plan(pipeline, data, overrides or ())
    snapshot = read_source(planned)
    parts = split(planned, snapshot.dataset)
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from mistaken import summarise; summarise()"
    )
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **current_run().environ()}, check=False)
    assert done.returncode == -signal.SIGKILL
    trained = fit(planned, parts.train)
    register(planned, trained.model, evaluate(planned, trained.model, parts.test))


@traced
def summarise() -> None:
    """A step in a process of its own, which the system ends for want of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


@flow(name="only-registers")
@traced
def only_registers(pipeline: Path, data: str | None = None, overrides: list[str] | None = None) -> None:
    """The model comes out of a notebook: that it was registered is all that is on record."""
    planned = load(pipeline, data=data, overrides=overrides or ())
    parts = divide(planned, read_source(planned).dataset)
    train, test = to_frame(parts.train), to_frame(parts.test)
    fitted = learn(planned, train)
    with tracking.start(planned.name, run_name="notebook") as recording:
        rows = train[list(fitted.features)].head(5)
        made = digest(fitted.estimator)
        uri = recording.model(
            fitted.estimator,
            input_example=rows,
            output_example=fitted.estimator.predict(rows),
            digest=made,
            requirements=tracking.requirements(),
            trusted=named_classes(planned),
        )
        tracked = recording.tracked
    evaluation = score(planned, fitted, test)
    table = write_table(pa.Table.from_pandas(evaluation.predictions, preserve_index=False), planned.table("evaluation"))
    columns = tuple(Column(name, "double") for name in fitted.features)
    model = Model(planned.table("model"), made, uri, tracked=tracked, columns=columns)
    register(planned, model, judge(planned, evaluation, None, table))


@traced
def shake(planned: Pipeline, model: Model, test: Dataset, noise: float) -> None:
    """Judge the model on held-out rows whose numbers are off by so many of their standard deviations."""
    frame, estimator = to_frame(test), estimator_of(model, trusted=named_classes(planned))
    names = [str(name) for name in estimator.feature_names_in_]
    shaken = (
        frame[names]
        + np.random.default_rng(0).normal(size=(len(frame), len(names))) * frame[names].std().to_numpy() * noise
    )
    reached = float((estimator.predict(shaken) == frame[planned.source.target].to_numpy(dtype=object)).mean())
    name = f"accuracy with numbers off by {noise:g} standard deviations"
    outcome = Outcome(name, reached >= 0.8, "robustness", ">= 0.8", f"{reached:.3g}")
    current_run().tests([outcome])


@traced
def score_by_hand(planned: Pipeline, model: Model, service: Dataset) -> Dataset:
    """Predict what a service gives, and keep no version of it."""
    with urllib.request.urlopen(str(service.uri)) as answer:  # noqa: S310 - the test's own server
        rows = pd.read_csv(answer)
    estimator = estimator_of(model, trusted=named_classes(planned))
    predicted = estimator.predict(rows[[str(name) for name in estimator.feature_names_in_]])
    current_run().prediction(
        {"model": model.name.removeprefix("models/"), "version": model.number, "rows": len(rows), "idPrefix": "mine_"}
    )
    return write_table(pa.table({"prediction": pa.array(list(predicted))}), planned.table("predictions"))


@flow(name="mailing")
@traced
def mailing(rows: Dataset) -> int:
    """Another team's job, which takes the rows for its letters."""
    return len(to_frame(rows))
