"""The question itself: find both sides, compare an aspect at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from lineal.errors import LinealError, SourceError, SubjectError, VersionError
from lineal.questions import lookup
from lineal.questions.descent import is_content
from lineal.questions.diff import causes as explaining
from lineal.questions.diff.code import code
from lineal.questions.diff.data import Named, compare_tables
from lineal.questions.diff.features import features, importances
from lineal.questions.diff.groups import groups
from lineal.questions.diff.heldout import held_out
from lineal.questions.diff.interface import Diff, MetricChange, Side, TableDiff
from lineal.questions.diff.metrics import metrics
from lineal.questions.diff.predictions import predictions
from lineal.questions.diff.record import Record, Table, bytes_of, facts_of, read_record, scope_of
from lineal.questions.diff.settings import environment, packages, settings
from lineal.questions.diff.values import columns_of
from lineal.store import producers
from lineal.store.log import Store
from lineal.store.runs import find_run
from lineal.subjects import Kind, Subject

KINDS: tuple[Kind, ...] = ("model", "dataset", "run")
# A pipeline's own tables, the one that the others are made from first.
_PARTS = ("snapshot", "train", "test")
T = TypeVar("T")


def diff(store: Store, left: Subject, right: Subject, id_column: str | None = None) -> Diff:
    """Find what differs between two models, two dataset versions or two runs.

    Args:
        store: the lineage store.
        left: the one to start from.
        right: the one to compare it with, of the same kind.
        id_column: the column that names a record; the pipeline's `source.id` where it is left out.

    Raises:
        SubjectError: unknown, ambiguous, or of two kinds.
        VersionError: a dataset's bytes are gone, and there is nothing else to compare.
        SourceError: a dataset's bytes are damaged, or are no table.
    """
    if left.kind != right.kind:
        raise SubjectError(
            f"{left} and {right} are of two kinds; write two models, two dataset versions or two runs",
            subject=str(right),
        )
    if left.kind == "dataset":
        return _datasets(store, left, right, id_column)
    one, side_one = _scope(store, left)
    two, side_two = _scope(store, right)
    if side_one.subject == side_two.subject:
        return Diff(side_one, side_two, same=True, verdict=f"both are {side_one.subject}: the same")
    return _runs(one, two, side_one, side_two, id_column)


def _scope(store: Store, subject: Subject) -> tuple[Record, Side]:
    digest: str | None
    at: str | None
    if subject.kind == "model":
        model = lookup.find_model(store, subject)
        run = scope_of(store, model.run_id)
        named, digest, at = str(lookup.subject_of(store, model)), model.digest, model.registered_at
    else:
        asked = lookup.find_run(store, subject)
        run = find_run(store, asked.root_id) or asked
        named, digest, at = f"run:{run.run_id}", None, run.started_at
    if run is None:
        raise SubjectError(f"{subject}: the run that registered it is not on record", subject=str(subject))
    record = read_record(store, run)
    user = record.environment.get("user")
    return record, Side(named, run.run_id, at, str(user) if user else None, digest or record.digest)


def _runs(left: Record, right: Record, one: Side, two: Side, id_column: str | None) -> Diff:
    look = _Looking()
    by = id_column or right.id_column or left.id_column
    pairs = _common_tables(left, right)
    tables = [found for a, b in pairs if (found := look(partial(_tables, a, b, by))) is not None]
    started = pairs[0][0].name if pairs else None
    gone = (
        bool(look.missing)
        and started is not None
        and not started.endswith(explaining.PARTS)
        and all(table.left_name != started for table in tables)
    )
    judged = look(lambda: held_out(left, right, by))
    changed, equal_metrics = metrics(left, right, judged)
    grouped = groups(left.groups, right.groups)
    rested = look(lambda: importances(left, right))
    predicted = predictions(judged) if judged is not None else None
    asked = settings(left, right)
    coded, packaged, surrounding = code(left, right), packages(left, right), environment(left, right)
    taken = features(left, right)
    reasons = explaining.causes(
        settings=asked, tables=tables, gone=gone, code=coded, packages=packaged, environment=surrounding, features=taken
    )
    aspects = {
        "data": bool(pairs),
        "pipeline file": bool(asked.pipeline),
        "parameters": bool(asked.parameters),
        "seeds": bool(asked.seeds),
        "code": coded is not None,
        "packages": bool(packaged),
        "environment": bool(surrounding),
        "features": bool(taken),
        "importances": bool(rested) or rested is None,
        "predictions": predicted is None or bool(predicted.changed) or not predicted.common,
    }
    equal = [name for name, differs in aspects.items() if not differs]
    if grouped is not None and not (grouped.moved or grouped.only):
        equal.append("metrics of groups, but for chance")
    if equal_metrics:
        equal.append(f"{equal_metrics} metric{'' if equal_metrics == 1 else 's'}")
    return Diff(
        one,
        two,
        same=False,
        verdict=_verdict(one, two, changed, len(reasons)),
        causes=reasons,
        metrics=changed,
        groups=grouped,
        tables=tuple(tables),
        pipeline=asked.pipeline,
        parameters=asked.parameters,
        seeds=asked.seeds,
        code=coded,
        packages=packaged,
        environment=surrounding,
        features=taken,
        importances=rested or (),
        predictions=predicted if predicted is not None and "predictions" not in equal else None,
        equal=tuple(equal),
        missing=tuple(look.missing),
    )


def _verdict(one: Side, two: Side, changed: Sequence[MetricChange], reasons: int) -> str:
    if one.digest and one.digest == two.digest:
        return "the two models are equal: the same digest"
    differs = f"{reasons} thing{'' if reasons == 1 else 's'} that may matter differ{'s' if reasons == 1 else ''}"
    if not changed:
        return f"no metric differs; {differs}"
    beyond = [f"{change.name} ({change.of})" for change in changed if change.within_noise is False]
    if beyond:
        return f"{', '.join(beyond)} differ{'s' if len(beyond) == 1 else ''} by more than chance; {differs}"
    if all(change.within_noise for change in changed):
        return f"no metric differs by more than chance; {differs}"
    return differs


def _common_tables(left: Record, right: Record) -> list[tuple[Table, Table]]:
    """The versions that differ of the tables that both runs know: a pipeline's own, else all of a name."""
    if left.pipeline and right.pipeline:
        pairs = [(left.table(part), right.table(part)) for part in _PARTS]
        return [(a, b) for a, b in pairs if a is not None and b is not None and a.version != b.version]
    one, two = {**left.read, **left.written}, {**right.read, **right.written}
    return [(one[name], two[name]) for name in one if name in two and one[name].version != two[name].version]


def _datasets(store: Store, left: Subject, right: Subject, id_column: str | None) -> Diff:
    found = [lookup.find_version(store, subject) for subject in (left, right)]
    sides, tables, ids = [], [], []
    for version in found:
        run = producers.last_producer(store, version.key) or producers.last_reader(store, version.key)
        scope = scope_of(store, run.run_id) if run else None
        record = read_record(store, scope) if scope else None
        if record is not None and record.pipeline and version.name.startswith(f"{record.pipeline}."):
            ids.append(record.id_column)
        tables.append(facts_of(store, version, run))
        user = record.environment.get("user") if record else None
        at = run.ended_at if run else None
        named = replace(lookup.subject_of(store, version), version=version.version[:12])
        sides.append(Side(str(named), scope.run_id if scope else None, at, user))
    one, two = sides
    if found[0].key == found[1].key:
        return Diff(one, two, same=True, verdict=f"both are {one.subject}: the same")
    if is_content(found[0].version) and found[0].version == found[1].version:
        return Diff(one, two, same=False, verdict="the two have the same content, byte for byte")
    by = id_column or next((each for each in reversed(ids) if each), None)
    table = _tables(tables[0], tables[1], by)
    if id_column is not None and id_column not in (*tables[0].columns, *tables[1].columns, table.id):
        raise SubjectError(f"--id {id_column}: neither {left} nor {right} has such a column", subject=str(left))
    verdict = "no row and no column differs" if table.equal else explaining.told(table)
    return Diff(one, two, same=False, verdict=verdict, tables=(table,))


def _tables(left: Table, right: Table, id_column: str | None) -> TableDiff:
    for table in (left, right):
        if not table.version:
            raise VersionError(f"{table.name} was recorded without a version, so its bytes cannot be known", version="")
    with columns_of(bytes_of(left), bytes_of(right)) as (one, two):
        names = Named(left.name, left.version), Named(right.name, right.version)
        return compare_tables(one, two, names, id_column)


class _Looking:
    """Looks at bytes that may be gone; then it notes that, and the rest is compared all the same."""

    def __init__(self) -> None:
        self.missing: list[str] = []

    def __call__(self, look: Callable[[], T]) -> T | None:
        try:
            return look()
        except (VersionError, SourceError) as gone:
            self._note(gone)
            return None

    def _note(self, gone: LinealError) -> None:
        if gone.message not in self.missing:
            self.missing.append(gone.message)
