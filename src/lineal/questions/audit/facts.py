"""Facts: what the record says of one model, the same frozen values for our checks and for anyone's."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from lineal.questions.lookup import ModelRow
from lineal.store.recalls import Recall

# Figures on the rows that a model was fitted to say nothing of how it was judged, nor do those on what it predicted.
NO_JUDGEMENT = ("train", "cross-validation", "predictions")


@dataclass(frozen=True, slots=True)
class Table:
    """A dataset version, file or model, as a run read or wrote it.

    Attributes:
        key: of the version, the same wherever it is named.
        version: content hash; empty where its producer gave none.
        kind: TABLE, FILE or MODEL, or what another producer calls it.
        columns: their names.
        rows: how many, where known.
        facets: all that the run said of it, by the facets' names.
        shared: whether several namespaces have its name.
    """

    key: str
    namespace: str
    name: str
    version: str
    kind: str
    columns: tuple[str, ...] = ()
    rows: int | None = None
    facets: Mapping[str, Any] = field(default_factory=dict)
    shared: bool = False

    @property
    def subject(self) -> str:
        """How the commands are asked about it."""
        # By its version, whatever has become of the file since.
        name = f"{self.namespace}/{self.name}" if self.shared or "://" in self.namespace else self.name
        return f"dataset:{name}@{self.version[:12]}" if self.version else f"dataset:{name}"


@dataclass(frozen=True, slots=True)
class Run:
    """A run, with what its newest event says.

    Attributes:
        id: OpenLineage's.
        state: START, RUNNING, COMPLETE, FAIL or ABORT.
        begun_seq: place of its first event in the log.
        last_seq: place of its newest.
        facets: of the run.
        job_facets: of its job.
        parameters: what it was called with.
    """

    id: str
    namespace: str
    job: str
    state: str
    started_at: str | None
    ended_at: str | None
    root_id: str
    parent_id: str | None
    begun_seq: int
    last_seq: int
    facets: Mapping[str, Any] = field(default_factory=dict)
    job_facets: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Table, ...] = ()
    outputs: tuple[Table, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables_read(self) -> tuple[Table, ...]:
        """Its inputs that are no models."""
        return tuple(table for table in self.inputs if table.kind != "MODEL")

    @property
    def metrics(self) -> tuple[Mapping[str, Any], ...]:
        """The figures that it found: `name`, `value`, `of` and perhaps `spread`."""
        return tuple((self.facets.get("lineal_metrics") or {}).get("metrics") or ())

    @property
    def tests(self) -> tuple[Mapping[str, Any], ...]:
        """What it held something to: `name`, `status`, `type`, and perhaps `expected` and `actual`."""
        return tuple((self.facets.get("test") or {}).get("tests") or ())


@dataclass(frozen=True, slots=True)
class Step:
    """One version of the way from the model back to its sources.

    Attributes:
        table: the version.
        run: that wrote it; None for what nobody on record wrote.
        made_of: keys of what that run made it of.
    """

    table: Table
    run: Run | None
    made_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that was decided or noted about the model.

    Attributes:
        action: such as register, move-alias, approve, reject, waive, withdraw, note.
        by: who: a person, or the rules of a pipeline.
        at: when the run that says so ended.
        reason: why, in their words.
        until: when it ends, if it does.
        control: that a waiver is about.
        run_id: that recorded it.
        values: all that the record says of it.
        standing: of a person's that says what it rests on: stands, stale, ended, withdrawn, overruled or not counted;
            of any other not counted where it cannot be taken for that person's, else None.
        why: in what it does not count; empty where it does.
        signed: whether it is signed by a key that is known here as that person's.
        subject: that it is about, as it was named.
        on: key of the version that it is about, where it is a note on something else than the model.
        kind: of a note, what it tells of: incident, data-gap or review.
        closes: of a note, the run that recorded the incident which it closes.
    """

    action: str
    by: str
    at: str
    reason: str
    until: str | None
    control: str | None
    run_id: str
    values: Mapping[str, Any] = field(default_factory=dict)
    standing: str | None = None
    why: str = ""
    signed: bool = False
    subject: str = ""
    on: str | None = None
    kind: str | None = None
    closes: str | None = None

    @property
    def counts(self) -> bool:
        """Whether nothing on record takes it back."""
        return self.standing in (None, "stands")


@dataclass(frozen=True, slots=True)
class Asked:
    """A parameter that a run gave, and when the log first had it.

    Attributes:
        value: as text.
        seq: place of the first event that has it, with this value.
        at: time of that event.
        run_id: whose event it was.
    """

    value: str
    seq: int
    at: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """How the events that the facts rest on stand under the log's signed checkpoints.

    Attributes:
        events: how many there are.
        held: how many of them are under a trusted signature, unchanged.
        open: how many are under no checkpoint yet.
        untrusted: how many are under one by a key that is not believed here.
        changed: the places of those that are not what was signed.
        checkpoints: the numbers of the checkpoints.
        first_seq: place of the first event that the log has.
        first_sealed: place of the first event that was ever put under a checkpoint.
        gone: how many events of the whole log were put under a checkpoint and are not there any more.
        first_at: time of the first event that the log has.
        problem: why nothing could be checked, if so.
    """

    events: int = 0
    held: int = 0
    open: int = 0
    untrusted: int = 0
    changed: tuple[int, ...] = ()
    checkpoints: tuple[int, ...] = ()
    first_seq: int | None = None
    first_sealed: int | None = None
    gone: int = 0
    first_at: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """What the signature beside the model's files says.

    Attributes:
        signed: whether there is one.
        trusted: whether its key is believed here.
        key: its id.
        wrong: in what files or digest are not what was signed.
        problem: why it could not be looked at, if so.
    """

    signed: bool = False
    trusted: bool = False
    key: str = ""
    wrong: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Consumer:
    """A job that reads what the model was made of, beside those that made the model and use it.

    Attributes:
        namespace: of the job.
        job: the root's, which read it itself or in a run below it.
        runs: how many root runs of it read the version that it reads most.
        newest: id of the newest.
        reads: names of what it reads.
    """

    namespace: str
    job: str
    runs: int
    newest: str
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    """An evidence pack of the model that was written.

    Attributes:
        sha256: of the file.
        at: when.
        to: where it was put.
        run_id: that recorded it.
        kept: whether the file is there as it was written, changed, or not to be found from here.
    """

    sha256: str
    at: str
    to: str
    run_id: str
    kept: Literal["same", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a check is given.

    Attributes:
        subject: the model version, as a subject.
        model: as it was registered, and the aliases that it holds.
        now: the time that is asked for.
        steps: the way from the model back to its sources, by key of the version: what it was made of, nothing else.
        top: key of the registered model among `steps`.
        runs: of the flows that these steps are part of, in the order of the log.
        fit: the run that fitted the model; None where none is on record.
        evaluations: the runs that judged the model, oldest first.
        held_out: what it was judged on.
        held_out_from: keys of all that was made of, by the key of each of `held_out`.
        judged_on: by the key of each of `held_out`, how many root runs have read it.
        tested: the newest runs that tested how robust it is, newest first.
        scorings: the newest runs that predicted with the model, newest first.
        drifts: the newest runs that compared a batch with the training rows, newest first.
        decisions: about the model, oldest first.
        notes: of people on the model, on what it was made of and on what it predicted, oldest first.
        recalls: that stand against the model or anything it was made of.
        asked: the parameters of the flow that trained it and of its tasks.
        declared: what a person declared in the pipeline file's `[declared]`.
        environment: what the model was trained in, as the facet `lineal_environment` has it.
        materials: what is kept of code and environment, as the facet `lineal_materials` has it.
        before: the version registered before it; only for checks that want it.
        before_asked: the parameters of the flow that trained it.
        changed: what changed since then, a short phrase each; None where that cannot be told.
        sealed: how the events stand under the log's checkpoints; only for checks that want it.
        signature: of the model's files; only for checks that want it.
        consumers: who else reads what it was made of; only for checks that want it.
        packs: of evidence, newest first; only for checks that want it.
        cut: what was left out of these facts as there is too much of it, a sentence each.
    """

    subject: str
    model: ModelRow
    now: datetime
    steps: Mapping[str, Step]
    top: str
    runs: tuple[Run, ...]
    fit: Run | None
    evaluations: tuple[Run, ...]
    held_out: tuple[Table, ...]
    held_out_from: Mapping[str, frozenset[str]]
    judged_on: Mapping[str, int]
    scorings: tuple[Run, ...]
    drifts: tuple[Run, ...]
    decisions: tuple[Decision, ...]
    recalls: tuple[Recall, ...]
    asked: Mapping[str, Asked]
    declared: Mapping[str, Any]
    environment: Mapping[str, Any]
    materials: Mapping[str, Any]
    before: ModelRow | None = None
    before_asked: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] | None = None
    sealed: Sealed | None = None
    signature: Signature | None = None
    notes: tuple[Decision, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    packs: tuple[Pack, ...] = ()
    tested: tuple[Run, ...] = ()
    cut: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        """How the commands are asked about the model, whichever its version."""
        return self.subject.rpartition("@")[0]

    def sources(self) -> Iterator[Step]:
        """What the model was made of that nothing on record wrote."""
        return (step for step in self.steps.values() if step.run is None and step.table.kind != "MODEL")

    def makers(self) -> dict[str, Run]:
        """The runs that made the model, from the source on, by id."""
        found = {step.run.id: step.run for step in self.steps.values() if step.run is not None}
        return dict(sorted(found.items(), key=lambda pair: pair[1].begun_seq))

    def readers(self, key: str) -> list[Run]:
        """Of `runs`, those that completed and read a version."""
        return [run for run in self.runs if run.state == "COMPLETE" and any(each.key == key for each in run.inputs)]


def listed(text: str) -> tuple[str, ...]:
    """A parameter that is a list of texts."""
    try:
        found = literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return (text,) if text else ()  # of another producer, which has another way to write a list
    return tuple(map(str, found)) if isinstance(found, (list, tuple)) else (text,)
