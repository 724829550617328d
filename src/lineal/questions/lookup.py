"""Find what a subject names: exact, shortened while it stays unique, or newest where the version is left out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from lineal.errors import SubjectError
from lineal.store import graph, tables
from lineal.store.graph import VersionRow
from lineal.store.log import Store
from lineal.store.recalls import taken_away
from lineal.store.runs import RunRow, read_runs, select_runs
from lineal.subjects import Subject, name_of_file

# How many of several things an answer names.
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A registered model version as the index has it."""

    namespace: str
    name: str
    number: int
    digest: str
    version: str
    run_id: str
    registered_at: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AliasMove:
    """One move of an alias; `number` is None where it was taken away."""

    namespace: str
    name: str
    alias: str
    number: int | None
    previous: int | None
    moved_at: str
    moved_by: str | None
    reason: str | None
    run_id: str


# What is kept under a namespace.
_Kept = TypeVar("_Kept", ModelRow, sa.Row[Any])


def find_model(store: Store, subject: Subject) -> ModelRow:
    """The registered model version that a subject names, by number, alias or digest.

    Several tracking servers may have a model of one name: the one that is set is meant, where it has one that is called
    so. `model:NAMESPACE/NAME` names that of any server.

    Raises:
        SubjectError: unknown or ambiguous; the message shows what there is.
    """
    wanted = subject.version
    name, named = named_by(subject, tables.models)
    found = meant(_newest(store, name, named) if wanted is None else _versions_called(store, name, named, wanted))
    if len(found) == 1 or (found and wanted is None):
        return found[0]
    newest = models(store, name, named, limit=_SHOWN)
    if not newest:
        raise _unknown(
            subject, "model", _names(store, sa.select(tables.models.c.name).distinct()), "lineal list models"
        )
    shown = found[:_SHOWN] or newest
    several = len({row.namespace for row in shown}) > 1
    known = ", ".join(
        (f"{row.namespace}/{name}@{row.number} ({row.digest[:12]})" if several else str(row.number))
        + "".join(f" @{alias}" for alias in row.aliases)
        for row in shown
    )
    what = (
        f"{len(found)} versions of model {subject.name} {'are called' if several else 'begin'} so"
        if found
        else taken_away(store, name, wanted or "") or f"model {subject.name} has no version or alias {wanted!r}"
    )
    raise SubjectError(f"{subject}: {what}; there are {known}", subject=str(subject))


def named_by(subject: Subject, table: sa.Table) -> tuple[str, sa.ColumnElement[bool]]:
    """The name of the model that a subject names, and the condition on a table that a row is of that model."""
    # MLflow takes no name with a / in it.
    namespace, _, name = subject.name.rpartition("/")
    named = table.c.name == name
    return name, named & (table.c.namespace == namespace) if namespace else named


def meant(rows: list[_Kept]) -> list[_Kept]:
    """Of what several tracking servers have under one name, that of the one that is set, where it has any."""
    if len({row.namespace for row in rows}) < 2:
        return rows
    from lineal.models import tracking

    here = tracking.namespace()
    return [row for row in rows if row.namespace == here] or rows


def subject_of(store: Store, row: ModelRow | VersionRow) -> Subject:
    """The subject that names a model or dataset version: by its namespace too, where its name alone is in several."""
    table = tables.models if isinstance(row, ModelRow) else tables.datasets
    name = called(row.namespace, row.name, shared(store, table, [row.name]))
    if isinstance(row, ModelRow):
        return Subject("model", name, str(row.number))
    return Subject("dataset", name, row.version or None)


def shared(store: Store, table: sa.Table, names: Collection[str]) -> frozenset[str]:
    """Those of some names that several namespaces have, of `tables.models` or `tables.datasets`."""
    columns = table.c
    several = sa.func.min(columns.namespace) != sa.func.max(columns.namespace)
    query = sa.select(columns.name).group_by(columns.name).having(several)
    known = sorted(set(names))
    batches = (known[start : start + 500] for start in range(0, len(known), 500))
    return frozenset(row.name for batch in batches for row in store.read(query.where(columns.name.in_(batch))))


def called(namespace: str, name: str, shared: Collection[str]) -> str:
    """A name as it is asked for: with its namespace, where it is one of those that several have."""
    return f"{namespace}/{name}" if name in shared else name


def _newest(store: Store, name: str, named: sa.ColumnElement[bool]) -> list[ModelRow]:
    """The newest version of a model on each tracking server that has one, the newest of them first."""
    columns = tables.models.c
    servers = store.read(sa.select(columns.namespace).where(named).distinct())
    found = [row for server in servers for row in models(store, name, columns.namespace == server.namespace, limit=1)]
    return sorted(found, key=lambda row: (row.registered_at, row.number), reverse=True)


def _versions_called(store: Store, name: str, named: sa.ColumnElement[bool], wanted: str) -> list[ModelRow]:
    """The versions of a model that hold an alias, bear a number, or have a digest that begins so."""
    columns = tables.models.c
    held = [move.number for move in holding(store, name) if move.alias == wanted]
    found = (
        [row for row in models(store, name, named & columns.number.in_(held)) if wanted in row.aliases] if held else []
    )
    number = wanted.removeprefix("v")
    if not found and number.isascii() and number.isdecimal() and len(number) < 10:
        found = models(store, name, named & (columns.number == int(number)))
    if not found and len(wanted) >= 4:
        # The same training gives the same digest again: of equal models the newest version is meant.
        begun = models(store, name, named & _begins(store, columns.digest, wanted))
        found = list({(row.namespace, row.digest): row for row in reversed(begun)}.values())
    return found


def models(
    store: Store, name: str | None = None, which: sa.ColumnElement[bool] | None = None, limit: int | None = None
) -> list[ModelRow]:
    """Registered model versions, newest first, each with the aliases it holds.

    Args:
        store: the lineage store.
        name: of one model only.
        which: a condition on `tables.models`.
        limit: at most so many.
    """
    columns = tables.models.c
    query = sa.select(tables.models).order_by(columns.registered_at.desc(), columns.number.desc()).limit(limit)
    if name is not None:
        query = query.where(columns.name == name)
    if which is not None:
        query = query.where(which)
    holders: dict[tuple[str, str, int | None], list[str]] = {}
    for move in holding(store, name):
        holders.setdefault((move.namespace, move.name, move.number), []).append(move.alias)
    return [
        ModelRow(**row._mapping, aliases=tuple(sorted(holders.get((row.namespace, row.name, row.number), ()))))
        for row in store.read(query)
    ]


def holding(store: Store, name: str | None = None) -> list[AliasMove]:
    """The newest move of each alias: who holds it now."""
    columns = tables.aliases.c
    last = sa.select(sa.func.max(columns.seq).label("seq"), columns.namespace, columns.name, columns.alias).group_by(
        columns.namespace, columns.name, columns.alias
    )
    if name is not None:
        last = last.where(columns.name == name)
    newest = last.subquery()
    same = [columns[each] == newest.c[each] for each in ("seq", "namespace", "name", "alias")]
    fields = AliasMove.__dataclass_fields__
    query = sa.select(*(columns[field] for field in fields)).join(newest, sa.and_(*same)).order_by(columns.seq)
    return [AliasMove(**row._mapping) for row in store.read(query)]


def find_version(store: Store, subject: Subject) -> VersionRow:
    """The dataset version that `dataset:NAME@VERSION` names.

    Raises:
        SubjectError: unknown or ambiguous.
    """
    subject, tables_named = datasets_called(store, subject)
    # A table may have very many versions: only those are read that are shown or meant.
    newest = [
        row
        for table in tables_named
        for row in graph.read_versions(
            store,
            graph.select_versions()
            .where(tables.versions.c.dataset == table.key)
            .order_by(tables.versions.c.first_seq.desc())
            .limit(_SHOWN),
        )
    ]
    newest.sort(key=lambda row: row.first_seq, reverse=True)
    if not newest:
        raise _unknown(
            subject, "dataset", _names(store, sa.select(tables.datasets.c.name).distinct()), "lineal list datasets"
        )
    if subject.version is None:
        return newest[0]
    whole_keys = [graph.version_key(table.namespace, table.name, subject.version) for table in tables_named]
    found = list(graph.versions(store, whole_keys).values())
    if not found:
        begin_so = tables.versions.c.dataset.in_([table.key for table in tables_named]) & _begins(
            store, tables.versions.c.version, subject.version
        )
        found = graph.read_versions(store, graph.select_versions().where(begin_so).limit(_SHOWN))
    return _one(subject, found, newest)


def datasets_called(store: Store, subject: Subject) -> tuple[Subject, list[Any]]:
    """The rows of the datasets that `dataset:NAME` or `dataset:NAME@VERSION` names, and the subject as it is meant.

    A name may have an @ in it: where none on record is what stands before it, all of it may be the name.
    """
    found = _datasets_named(store, subject.name)
    if not found and subject.version is not None:
        whole = Subject("dataset", f"{subject.name}@{subject.version}")
        found = _datasets_named(store, whole.name)
        return (whole if found else subject), found
    return subject, found


def _datasets_named(store: Store, name: str) -> list[Any]:
    names = tables.datasets.c
    # As `lineal list datasets` prints it: a name, a path from here, or namespace and name of what lies elsewhere.
    here = (names.namespace == "file") & (names.name == name_of_file(name))
    whole = names.namespace + "/" + names.name == name
    return store.read(sa.select(tables.datasets).where((names.name == name) | here | whole))


def _begins(store: Store, column: sa.ColumnElement[str], start: str) -> sa.ColumnElement[bool]:
    begins = column.startswith(start, autoescape=True)
    if store.engine.dialect.name != "sqlite":
        return begins
    # LIKE knows no case there, and so uses no index; texts are compared by their code points.
    return begins & (column >= start) & (column < f"{start}\U0010ffff")


def find_file(store: Store, subject: Subject) -> VersionRow:
    """The recorded file that `file:PATH` names: by its content where the file is there, else by its path.

    Raises:
        SubjectError: neither content nor path is on record.
    """
    path = Path(subject.name)
    query = graph.select_versions().order_by(tables.versions.c.first_seq.desc())
    if path.is_file():
        from lineal.datasets.hashing import fingerprint

        rows = graph.read_versions(store, query.where(tables.versions.c.version == fingerprint(path).md5))
        if rows:
            return rows[0]
    rows = graph.read_versions(store, query.where(tables.datasets.c.name == name_of_file(path)))
    if rows and not path.is_file():
        return rows[0]
    reason = "its content is not on record" if path.is_file() else "there is no such file, and none on record"
    raise SubjectError(f"{subject}: {reason}; see `lineal list datasets`", subject=str(subject))


def find_run(store: Store, subject: Subject) -> RunRow:
    """The run that `run:ID` names: an OpenLineage, Prefect or MLflow run id, or its beginning.

    Raises:
        SubjectError: unknown or ambiguous.
    """
    columns = tables.runs.c
    start = subject.name.replace("%", "").replace("_", "")
    found: list[RunRow] = []
    for column in (columns.run_id, columns.engine_id, columns.mlflow_id):
        # Attempts of one Prefect run share its id: the last is meant; runs of one flow its MLflow run: the first.
        meant = sa.func.min if column is columns.mlflow_id else sa.func.max
        begin_so = column.like(f"{start}%")
        places = sa.select(meant(columns.first_seq)).where(begin_so).group_by(column).order_by(column).limit(_SHOWN)
        found = read_runs(store, select_runs().where(begin_so, columns.first_seq.in_(places)))
        if found:
            break
    if len(found) == 1:
        return found[0]
    if not found:
        raise SubjectError(
            f"{subject}: no run on record has an id that begins so; see `lineal list runs`", subject=str(subject)
        )
    known = ", ".join(row.run_id for row in found)
    raise SubjectError(f"{subject}: several runs begin so: {known}; write more of the id", subject=str(subject))


def _one(subject: Subject, found: list[VersionRow], known: list[VersionRow]) -> VersionRow:
    if len({row.key for row in found}) == 1:
        return found[0]
    shown = (found or known)[:_SHOWN]
    several = len({(row.namespace, row.name) for row in shown}) > 1
    listed = ", ".join(
        (f"{row.namespace}/{row.name}@" if several else "") + (row.version[:12] or "(no version)") for row in shown
    )
    what = "several versions begin so" if found else "there is no such version"
    raise SubjectError(f"{subject}: {what}; there are {listed}", subject=str(subject))


def _names(store: Store, query: sa.Select[tuple[str]]) -> list[str]:
    return [str(row[0]) for row in store.read(query.limit(2000))]


def _unknown(subject: Subject, what: str, names: list[str], command: str) -> SubjectError:
    near = get_close_matches(subject.name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"see `{command}`"
    return SubjectError(f"{subject}: no {what} {subject.name!r} is on record; {hint}", subject=str(subject))
