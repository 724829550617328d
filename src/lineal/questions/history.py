"""History: all versions of a dataset, model or alias, and what changed from one to the next."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from lineal.errors import SubjectError
from lineal.questions import lookup
from lineal.questions.diff.code import code, is_code
from lineal.questions.diff.record import Record, Table, facts_of, read_record, scope_of
from lineal.questions.diff.settings import packages, settings
from lineal.questions.lookup import AliasMove, ModelRow
from lineal.store import graph, tables
from lineal.store.log import Store
from lineal.store.runs import find_run
from lineal.subjects import Kind, Subject

KINDS: tuple[Kind, ...] = ("model", "dataset")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a history, or one move of an alias.

    Attributes:
        version: a model's number, a dataset's version; of an alias the number that it went to, None where to none.
        at: when it was registered, recorded or moved.
        by: who ran what made it, or moved the alias.
        hash: a model's digest; a dataset's version.
        run_id: of the flow that made it.
        holds: the aliases that it holds now.
        changed: what changed from the one before it, a short phrase each; empty where nothing did.
        first: whether there is none before it.
        reason: of an alias's move.
    """

    version: str | None
    at: str | None
    by: str | None
    hash: str
    run_id: str | None
    holds: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    first: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The answer to `history`, newest first.

    Attributes:
        subject: as it was asked.
        total: how many versions (or moves) there are in all.
    """

    subject: str
    versions: tuple[Version, ...]
    total: int


def history(store: Store, subject: Subject, limit: int = 20) -> History:
    """Find all versions of a model or dataset, or all moves of an alias.

    Args:
        store: the lineage store.
        subject: `model:NAME`, `model:NAME@ALIAS` or `dataset:NAME`.
        limit: the most to tell of, the newest.

    Raises:
        SubjectError: unknown, or a single version.
    """
    if subject.kind == "dataset":
        return _dataset(store, subject, limit)
    if subject.version is None:
        return _model(store, subject, limit)
    return _alias(store, subject, limit)


def changes(left: Record, right: Record, matter: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """What changed from one run to another, a short phrase each.

    Args:
        left: the run before.
        right: the run after.
        matter: how the settings begin that are told of; all where it is left out.
    """
    asked = settings(left, right)
    said = [*_data(left, right)]
    keys = [*asked.parameters, *asked.pipeline, *asked.seeds]
    if matter is not None:
        keys = [setting for setting in keys if setting.key.startswith(matter)]
    if keys:
        first = f"{keys[0].key} {keys[0].left or '-'} → {keys[0].right or '-'}"
        said.append(f"params ({first}{f', {len(keys) - 1} more' if len(keys) > 1 else ''})")
    coded = code(left, right)
    if coded is not None and (coded.note or any(is_code(each.path) for each in coded.files)):
        said.append("code")
    if packages(left, right):
        said.append("packages")
    return tuple(said)


def _model(store: Store, subject: Subject, limit: int) -> History:
    model = lookup.find_model(store, subject)  # says what there is where there is none
    columns = tables.models.c
    of_model = (columns.name == model.name) & (columns.namespace == model.namespace)
    query = sa.select(tables.models).where(of_model).order_by(columns.registered_at.desc(), columns.number.desc())
    # One more, for what changed since then.
    rows = [ModelRow(**row._mapping) for row in store.read(query.limit(limit + 1))]
    held: dict[tuple[str, int | None], list[str]] = {}
    for move in lookup.holding(store, model.name):
        held.setdefault((move.namespace, move.number), []).append(move.alias)
    records = [_record(store, row.run_id) for row in rows]
    found = [
        Version(
            version=str(row.number),
            at=row.registered_at,
            by=_user(record),
            hash=row.digest,
            run_id=record.run.run_id if record else None,
            holds=tuple(sorted(held.get((row.namespace, row.number), ()))),
            changed=_between(before, record),
            first=place == len(rows) - 1,
        )
        for place, (row, record, before) in enumerate(zip(rows, records, [*records[1:], None], strict=True))
    ]
    named = lookup.subject_of(store, model).name
    return History(f"model:{named}", tuple(found[:limit]), _count(store, tables.models, of_model))


def _alias(store: Store, subject: Subject, limit: int) -> History:
    columns = tables.aliases.c
    name, named = lookup.named_by(subject, tables.aliases)
    of_alias = named & (columns.alias == subject.version)
    newest = sa.select(columns.namespace).where(of_alias).group_by(columns.namespace)
    for server in lookup.meant(store.read(newest.order_by(sa.func.max(columns.seq).desc())))[:1]:
        of_alias &= columns.namespace == server.namespace
    query = sa.select(tables.aliases).where(of_alias).order_by(columns.seq.desc())
    fields = AliasMove.__dataclass_fields__
    moves = [AliasMove(**{name: row._mapping[name] for name in fields}) for row in store.read(query.limit(limit + 1))]
    if not moves:
        lookup.find_model(store, subject)
        raise SubjectError(
            f"{subject} is one version, which has no history; write model:{subject.name}, or an alias after the @",
            subject=str(subject),
        )
    server = tables.models.c.namespace == moves[0].namespace
    models = {row.number: row for row in lookup.models(store, name, server)}
    rows = [models.get(move.number) if move.number is not None else None for move in moves]
    records = [_record(store, row.run_id) if row else None for row in rows]
    found = [
        Version(
            version=None if move.number is None else str(move.number),
            at=move.moved_at,
            by=move.moved_by,
            hash=row.digest if row else "",
            run_id=record.run.run_id if record else None,
            changed=_between(before, record),
            first=place == len(rows) - 1,
            reason=move.reason,
        )
        for place, (move, row, record, before) in enumerate(
            zip(moves, rows, records, [*records[1:], None], strict=True)
        )
    ]
    of = next((lookup.subject_of(store, row).name for row in rows if row), subject.name)
    return History(f"model:{of}@{subject.version}", tuple(found[:limit]), _count(store, tables.aliases, of_alias))


def _dataset(store: Store, subject: Subject, limit: int) -> History:
    subject, _ = lookup.datasets_called(store, subject)
    if subject.version is not None:
        raise SubjectError(
            f"{subject} is one version, which has no history; write dataset:{subject.name}", subject=str(subject)
        )
    newest = lookup.find_version(store, subject)
    dataset = tables.versions.c.dataset == tables.key_of(newest.namespace, newest.name)
    query = graph.select_versions().where(dataset).order_by(tables.versions.c.first_seq.desc()).limit(limit + 1)
    rows = graph.read_versions(store, query)
    bodies = graph.bodies(store, (row.first_seq for row in rows))
    # The event that first spoke of a version names the run that made it, or, of a source, that read it.
    runs = [find_run(store, json.loads(bodies[row.first_seq]).get("run", {}).get("runId", "")) for row in rows]
    records = [_record(store, run.run_id) if run else None for run in runs]
    facts = [facts_of(store, row, run) for row, run in zip(rows, runs, strict=True)]
    found = [
        Version(
            version=row.version,
            at=(run.ended_at or run.started_at) if run else None,
            by=_user(record),
            hash=row.version,
            run_id=record.run.run_id if record else None,
            changed=_of_table(older, table, before, record) if older else (),
            first=older is None,
        )
        for row, run, table, record, older, before in zip(
            rows, runs, facts, records, [*facts[1:], None], [*records[1:], None], strict=True
        )
    ]
    named = lookup.subject_of(store, newest).name
    return History(f"dataset:{named}", tuple(found[:limit]), _count(store, tables.versions, dataset))


def _record(store: Store, run_id: str) -> Record | None:
    run = scope_of(store, run_id)
    return read_record(store, run) if run else None


def _between(before: Record | None, record: Record | None) -> tuple[str, ...]:
    return changes(before, record) if before is not None and record is not None else ()


def _user(record: Record | None) -> str | None:
    user = record.environment.get("user") if record else None
    return str(user) if user else None


def _data(left: Record, right: Record) -> Iterable[str]:
    """The tables that a run started from, if others: a pipeline's snapshot, or all that was read."""
    one, two = left.table("snapshot"), right.table("snapshot")
    if one is not None and two is not None:
        pairs: Sequence[tuple[Table, Table]] = [(one, two)]
    else:
        pairs = [(left.read[name], right.read[name]) for name in left.read if name in right.read]
    different = [(a, b) for a, b in pairs if a.version != b.version]
    if different or (not pairs and set(left.read) != set(right.read)):
        said = next((phrase for a, b in different for phrase in _rows(a, b)), "")
        yield f"data ({said})" if said else "data"


def _of_table(older: Table, table: Table, before: Record | None, record: Record | None) -> tuple[str, ...]:
    """What changed in a dataset, and what of that which made it."""
    part = table.name.rpartition(".")[2]
    said = _rows(older, table) or ("values",)
    if table.kind == "FILE" or before is None or record is None:
        return said
    why = changes(before, record, _MATTER.get(part))
    return (*said, *(phrase for phrase in why if part != "snapshot" or not phrase.startswith("data")))


# The settings that a pipeline's own tables are made by; of others, such as an evaluation, all may matter.
_MATTER = dict.fromkeys(("snapshot", "train", "test"), ("source.", "split.", "name"))


def _rows(left: Table, right: Table) -> tuple[str, ...]:
    if left.rows is None or right.rows is None or left.rows == right.rows:
        columns = len(right.columns) - len(left.columns)
        return (f"{len(left.columns)} → {len(right.columns)} columns",) if columns else ()
    return (f"{left.rows:,} → {right.rows:,} rows",)


def _count(store: Store, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    return int(store.read(sa.select(sa.func.count()).select_from(table).where(condition))[0][0])
