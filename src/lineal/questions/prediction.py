"""Trace a prediction: the value, the row that it was made for, and where that row, the model and its rows came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lineal.datasets.dataset import Dataset
from lineal.datasets.prediction_ids import PredictionPlace, prediction_place
from lineal.datasets.rows import as_values, row_of
from lineal.datasets.snapshot import locate
from lineal.errors import LinealError, SubjectError, VersionError
from lineal.questions import lookup
from lineal.questions.trace import Node, RunDetail, Trace
from lineal.questions.trace import trace as trace_subject
from lineal.store import tables
from lineal.store.log import Store
from lineal.store.recalls import Recall
from lineal.store.runs import RunRow, read_runs, select_runs
from lineal.subjects import Subject

if TYPE_CHECKING:
    from lineal.questions.decisions import Decided

# How many of several batches an error names, and among how many it looks.
_SHOWN = 5
_BATCHES = 2_000
_BEGINNING = re.compile(r"p([0-9a-z]{1,12})(?:_(\d+))?_?")


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Where a row of a table was read.

    Attributes:
        uri: of the source: a file, a folder's file, a database.
        version: the MD5 of its bytes; None where its reader knew none.
        row: the 1-based number of the record in it (a header does not count).
        id: what the pipeline's id column says of the row, where it has one.
    """

    uri: str
    version: str | None
    row: int
    id: Any = None


@dataclass(frozen=True, slots=True)
class ModelThen:
    """The model version that predicted, as it was then.

    Attributes:
        name: of the registered model.
        number: of the version.
        digest: what the model is.
        asked_by: the alias by which it was asked for; None where it was asked for otherwise.
        aliases: all that it held then.
        target: what it predicts.
        estimator: the class that the pipeline named.
    """

    name: str
    number: int
    digest: str
    asked_by: str | None
    aliases: tuple[str, ...]
    target: str
    estimator: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """A prediction, and what is on record of it.

    Attributes:
        subject: as a subject.
        id: of the prediction.
        row: its 1-based number in the batch.
        rows: of the batch.
        value: what was predicted; None where the predictions' bytes are gone.
        answers: the columns of probabilities or scores.
        predicted_at: when the scoring run ended.
        predictions: the table of predictions.
        batch: the table of the rows that were scored; None where the scoring run says of none.
        input: the row, by column; None where the batch's bytes are gone.
        source: where that row was read.
        model: that predicted.
        run: the flow's run, or the scoring run itself where it had no flow.
        run_id: the scoring run's id.
        descent: the model's, as `trace` has it.
        missing: what cannot be shown, a sentence each.
        recalls: that stand against the batch, the model, or anything that these were made of.
        decisions: the notes of people on it, newest first; `lineal.questions.decisions` finds them.
    """

    subject: str
    id: str
    row: int
    rows: int | None
    value: Any
    answers: Mapping[str, float]
    predicted_at: str | None
    predictions: Dataset
    batch: Dataset | None
    input: Mapping[str, Any] | None
    source: SourceRow | None
    model: ModelThen
    run: RunDetail | None
    run_id: str
    descent: Trace
    missing: tuple[str, ...] = ()
    recalls: tuple[Recall, ...] = ()
    decisions: tuple[Decided, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """Where a prediction stands, by the log alone: the tables are not looked at.

    Attributes:
        id: of the prediction, whole.
        row: its 1-based number in the batch.
        run: that scored the batch.
        event: the run's newest event.
        facet: what that says of the predictions.
        table: of predictions, as the event names it.
        version: of that table.
    """

    id: str
    row: int
    run: RunRow
    event: RunDetail
    facet: Mapping[str, Any]
    table: Mapping[str, Any]
    version: str

    @property
    def subject(self) -> str:
        """The prediction as a subject."""
        return f"prediction:{self.id}"


def scored(store: Store, subject: Subject) -> Scored:
    """Find the batch that a prediction is one of.

    Raises:
        SubjectError: no prediction has such an id, or several may be meant.
    """
    place = _place(store, subject)
    run, event, facet = _scoring(store, subject, place)
    rows = facet.get("rows")
    if rows is not None and place.row > rows:
        raise SubjectError(
            f"{subject}: the batch has {rows:,} predictions, {facet['idPrefix']}1 to {facet['idPrefix']}{rows}",
            subject=str(subject),
        )
    made = next(out for out in event.outputs if out["name"].endswith(".predictions"))
    return Scored(f"{facet['idPrefix']}{place.row}", place.row, run, event, facet, made, _version(made) or "")


def prediction(store: Store, subject: Subject) -> Prediction:
    """Find a prediction and where it came from; reads one row group of each table, whatever their size.

    Args:
        store: the lineage store.
        subject: `prediction:ID`.

    Raises:
        SubjectError: no prediction has such an id, or several may be meant.
        VersionError: the bytes at the recorded place are not those of the recorded batch.
    """
    place = scored(store, subject)
    run, event, facet, made = place.run, place.event, place.facet, place.table
    missing: list[str] = []
    predictions = handle(made)
    answer = _row(predictions, place.row - 1, missing)
    if answer is not None and answer.get("prediction_id") != place.id:
        raise VersionError(
            f"row {place.row} of {_called(made)} holds the id {answer.get('prediction_id')!r} and not {place.id!r}; "
            "the file is not the recorded one (see `lineal verify`)",
            version=_version(made),
        )
    read = next((each for each in event.inputs if not _is_model(each)), None)
    batch = None if read is None else handle(read)
    given = None if batch is None else _row(batch, place.row - 1, missing)
    descent = trace_subject(store, _used(store, facet, event.inputs))
    parameters = parameters_of(descent.flow)
    key = parameters.get("source.id")
    above = trace_subject(store, Subject("run", run.root_id), depth=0)
    source = _source(above.runs, read, place.row - 1, (given or {}).get(key or ""))
    if source is None:
        missing.append(f"where row {place.row} of the batch was read is not on record")
    return Prediction(
        subject=place.subject,
        id=place.id,
        row=place.row,
        rows=facet.get("rows"),
        value=None if answer is None else answer.get("prediction"),
        answers=_answers(answer),
        predicted_at=run.ended_at,
        predictions=predictions,
        batch=batch,
        input=given,
        source=source,
        model=ModelThen(
            name=facet["model"],
            number=facet["version"],
            digest=facet["digest"],
            asked_by=facet.get("askedBy"),
            aliases=tuple(facet.get("aliases") or ()),
            target=parameters.get("source.target", ""),
            estimator=parameters.get("model.estimator", ""),
        ),
        run=above.flow or event,
        run_id=run.run_id,
        descent=descent,
        missing=tuple(missing),
        recalls=trace_subject(store, Subject("dataset", made["name"], _version(made)), depth=0).recalls,
    )


def _used(store: Store, facet: Mapping[str, Any], read: Iterable[Mapping[str, Any]]) -> Subject:
    """The model version that predicted; when it was registered its server may have had another address."""
    columns = tables.models.c
    called = [each["namespace"] for each in read if _is_model(each)]
    same = (columns.number == facet["version"]) & (columns.digest == facet["digest"])
    known = lookup.models(store, facet["model"], same)
    found = next((row for row in known if row.namespace in called), None) or next(iter(known), None)
    if found is not None:
        return lookup.subject_of(store, found)
    name = f"{called[0]}/{facet['model']}" if called else facet["model"]
    return Subject("model", name, str(facet["version"]))


def parameters_of(run: RunDetail | None) -> dict[str, str]:
    """The parameters that a run's facet holds."""
    facet = (run.facets if run else {}).get("executionParameters") or {}
    return {entry["key"]: entry.get("value", "") for entry in facet.get("parameters") or ()}


def handle(dataset: Mapping[str, Any]) -> Dataset:
    """A handle on a dataset as an event names it."""
    location = str((dataset["facets"].get("dataSource") or {}).get("uri") or "")
    return Dataset(location, name=dataset["name"], version=_version(dataset))


def handle_of(node: Node) -> Dataset:
    """A handle on a version in a descent."""
    return Dataset(node.location or "", name=node.name, version=node.version or None, rows=node.rows)


def source_of(runs: Sequence[RunDetail], table: str, version: str, row: int, record: Any = None) -> SourceRow | None:
    """Lead a row of a table back to where a run read it.

    Args:
        runs: among which its reader is.
        table: the table's name.
        version: the table's version.
        row: its 0-based number there.
        record: what the id column says of it.
    """
    for run in runs:
        wrote = any(out["name"] == table and _version(out) == version for out in run.outputs)
        if not wrote or not run.inputs:
            continue
        sources = [_with_rows(read) for read in run.inputs]
        if len(sources) > 1 and any(source.rows is None for source in sources):
            return None
        try:
            source, number = locate(sources, row)
        except IndexError:
            return None
        return SourceRow(source.location, source.version, number, record)
    return None


def _source(runs: Sequence[RunDetail], scored: Mapping[str, Any] | None, row: int, record: Any) -> SourceRow | None:
    if scored is None:
        return None
    return source_of(runs, scored["name"], _version(scored) or "", row, record)


def _with_rows(dataset: Mapping[str, Any]) -> Dataset:
    statistics = (dataset.get("inputFacets") or {}).get("inputStatistics") or {}
    uri = dataset["name"] if dataset["namespace"] == "file" else f"{dataset['namespace'].rstrip('/')}/{dataset['name']}"
    return Dataset(uri, version=_version(dataset), rows=statistics.get("rowCount"))


def _place(store: Store, subject: Subject) -> PredictionPlace:
    try:
        return prediction_place(subject.name)
    except SubjectError as problem:
        found = _BEGINNING.fullmatch(subject.name.strip().lower())
        batches = list(_beginning(store, found[1])) if found else []
        if not batches:
            raise SubjectError(f"{subject}: {problem}", subject=str(subject)) from problem
        row = int(found[2]) if found and found[2] else None
        shown = ", ".join(_example(facet, row) for _, facet in batches[:_SHOWN])
        more = ", …" if len(batches) > _SHOWN else ""
        what = "names a batch; write the row as well" if len(batches) == 1 and row is None else "is incomplete"
        raise SubjectError(f"{subject}: this {what}; there are {shown}{more}", subject=str(subject)) from problem


def _example(facet: Mapping[str, Any], row: int | None) -> str:
    prefix, rows = facet["idPrefix"], facet.get("rows")
    if row is not None and (rows is None or 0 < row <= rows):
        return f"{prefix}{row}"
    return f"{prefix}1 to {prefix}{rows}" if rows else f"{prefix}1"


def _beginning(store: Store, start: str) -> Iterator[tuple[RunRow, Mapping[str, Any]]]:
    """Scoring runs whose predictions' ids begin so, the newest first, among the newest."""
    from lineal.questions.listing import predictions

    for item in predictions(store, limit=_BATCHES):
        if item.id_prefix.startswith(f"p{start}"):
            yield _run(store, item.run_id), {"idPrefix": item.id_prefix, "rows": item.rows}


def _scoring(store: Store, subject: Subject, place: PredictionPlace) -> tuple[RunRow, RunDetail, Mapping[str, Any]]:
    """The run that scored a batch, its newest event, and what that says of the predictions."""
    columns = tables.runs.c
    # Bounds of an id's own form: every database, and every order of texts, has an index for these.
    low, high = (f"{place.run_prefix}-{digit * 4}-{digit * 12}" for digit in "0f")
    begins = columns.run_id.between(low, high)
    found = []
    for run in read_runs(store, select_runs().where(begins).order_by(columns.first_seq)):
        detail = next(
            each for each in trace_subject(store, Subject("run", run.run_id), depth=0).runs if each.run_id == run.run_id
        )
        facet = detail.facets.get("lineal_prediction")
        if facet is not None and any(out["name"].endswith(".predictions") for out in detail.outputs):
            found.append((run, detail, facet))
    if len(found) == 1:
        return found[0]
    if not found:
        raise SubjectError(
            f"{subject}: no batch on record has predictions of such an id; see `lineal list predictions`",
            subject=str(subject),
        )
    shown = ", ".join(
        f"row {place.row} of {out['name']}@{(_version(out) or '')[:12]} by run {run.run_id}"
        for run, detail, _ in found[:_SHOWN]
        for out in detail.outputs
    )
    raise SubjectError(f"{subject}: several batches have this id: {shown}", subject=str(subject))


def _run(store: Store, run_id: str) -> RunRow:
    return read_runs(store, select_runs().where(tables.runs.c.run_id == run_id))[0]


def _row(dataset: Dataset, row: int, missing: list[str]) -> dict[str, Any] | None:
    """One row of a table, by column; None, and a sentence in `missing`, where the bytes are gone."""
    try:
        return as_values(row_of(dataset, row))
    except LinealError as problem:
        missing.append(str(problem))
        return None


def _answers(answer: Mapping[str, Any] | None) -> dict[str, float]:
    return {
        name: value
        for name, value in (answer or {}).items()
        if name.startswith(("probability_", "score_")) and isinstance(value, float)
    }


def _is_model(dataset: Mapping[str, Any]) -> bool:
    return (dataset["facets"].get("datasetType") or {}).get("datasetType") == "MODEL"


def _version(dataset: Mapping[str, Any]) -> str | None:
    return ((dataset.get("facets") or {}).get("version") or {}).get("datasetVersion")


def _called(dataset: Mapping[str, Any]) -> str:
    return f"{dataset['name']}@{(_version(dataset) or '')[:12]}"
