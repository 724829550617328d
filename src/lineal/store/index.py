"""What one event says to the index: a pure function from an event to rows, and how they are merged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, MetaData, Table, case, func, select, true

from lineal.store import tables
from lineal.store.facts import fact_of, root_of, texts_of
from lineal.store.tables import key_of

ENDED = ("COMPLETE", "FAIL", "ABORT")
_KIND_LENGTH = 20  # of the column; other producers have words of their own
_UTC_LENGTH = len("2026-01-01T00:00:00.000000+00:00")
Row = dict[str, Any]


@dataclass(slots=True)
class Rows:
    """The index rows that one event stands for, a list a table."""

    jobs: list[Row] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)
    datasets: list[Row] = field(default_factory=list)
    versions: list[Row] = field(default_factory=list)
    edges: list[Row] = field(default_factory=list)
    models: list[Row] = field(default_factory=list)
    aliases: list[Row] = field(default_factory=list)
    recalls: list[Row] = field(default_factory=list)
    facts: list[Row] = field(default_factory=list)
    texts: list[Row] = field(default_factory=list)

    def without(self, known: set[str]) -> Rows:
        """The rows but for those that are known to be there, each of the others once."""
        kept = {}
        for table, known_by in _KNOWN_BY.items():
            first: dict[str, Row] = {}
            for row in getattr(self, table):
                first.setdefault(known_by(row), row)
            kept[table] = [row for key, row in first.items() if key not in known]
        return replace(self, **kept)

    def keys(self) -> set[str]:
        """What the rows are known by that no later event changes: names, versions, edges, texts."""
        return {known_by(row) for table, known_by in _KNOWN_BY.items() for row in getattr(self, table)}


# By what such a row is known; a job, a dataset and a text may have the same key.
_KNOWN_BY: dict[str, Callable[[Row], str]] = {
    "jobs": lambda row: f"j{row['key']}",
    "datasets": lambda row: f"d{row['key']}",
    # One whose rows are told for the first time is not known yet.
    "versions": lambda row: f"v{row['key']}" if row["rows"] is None else f"v{row['key']} {row['rows']}",
    "edges": lambda row: f"{row['run_id']}{row['role']}{row['version']}",
    "texts": lambda row: f"t{row['key']}",
}


def rows_of(event: Mapping[str, Any], seq: int) -> Rows:
    """The rows that an event of the log stands for.

    Args:
        event: a valid OpenLineage event; job and dataset events give only names.
        seq: its place in the log.
    """
    rows = Rows()
    _say(rows, event, seq)
    return rows


def rows_of_all(events: Iterable[tuple[Mapping[str, Any], int]]) -> Rows:
    """The rows of several events with their places, in order, each name once."""
    rows = Rows()
    for event, seq in events:
        _say(rows, event, seq)
    return rows.without(set())


def _say(rows: Rows, event: Mapping[str, Any], seq: int) -> None:
    job, run = event.get("job"), event.get("run")
    if job:
        namespace, name = job["namespace"], job["name"]
        job_key = key_of(namespace, name)
        rows.jobs.append({"key": job_key, "namespace": namespace, "name": name})
    if run and job:
        rows.runs.append(_run_row(event, run, job_key, seq))
    for role, dataset in _datasets(event):
        namespace, name = dataset["namespace"], dataset["name"]
        dataset_key = key_of(namespace, name)
        facets = dataset.get("facets") or {}
        version = (facets.get("version") or {}).get("datasetVersion", "")
        version_key = key_of(namespace, name, version)
        kind = (facets.get("datasetType") or {}).get("datasetType", "")[:_KIND_LENGTH]
        rows.datasets.append({"key": dataset_key, "namespace": namespace, "name": name})
        rows.versions.append(
            {
                "key": version_key,
                "dataset": dataset_key,
                "version": version,
                "kind": kind,
                "first_seq": seq,
                "rows": _row_count(dataset) if version else None,
            }
        )
        if run and role:
            rows.edges.append({"run_id": run["runId"], "role": role, "version": version_key})
    if run:
        _decisions(event, run, seq, rows)
    if run and job:
        fact = fact_of(event, seq)
        rows.facts += [fact] if fact else []
    rows.texts += texts_of(event, seq)


def merge(connection: Connection, rows: Rows) -> None:
    """Write rows into the index; what is there already stays, a run's row moves on."""
    for table in tables.INDEX_TABLES:
        found: list[Row] = getattr(rows, table.name.removeprefix("lineal_"))
        if found:
            sql, order = _written(connection.dialect, table)
            connection.exec_driver_sql(sql, [*map(itemgetter(*order), found)] if order else found)


def join(connection: Connection, schema: str) -> None:
    """Write the rows of another index, which was made of later events, into this one.

    Args:
        connection: to the database of both.
        schema: by which it knows the other one.
    """
    for table in tables.INDEX_TABLES:
        others = table.to_metadata(MetaData(), schema=schema)
        # SQLite would take the ON of what follows for that of a join, where nothing is between.
        rows = select(others).where(true())
        statement = _statement(connection.dialect.name, table)
        connection.execute(statement.from_select([column.name for column in table.columns], rows))


@cache
def _written(dialect: Dialect, table: Table) -> tuple[str, tuple[str, ...]]:
    """The text of a table's statement, and the order of its values where the driver takes them by place.

    SQLAlchemy 2.0 does not cache a statement with ON CONFLICT: compiling it anew would take half the time of an event.
    """
    compiled = _statement(dialect.name, table).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return str(compiled), tuple(compiled.positiontup or ())


def _statement(dialect: str, table: Table) -> Any:
    # Both dialects know ON CONFLICT, each by a construct of its own; the other one takes long to load.
    statement = import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
    if table is tables.versions:
        # The first to tell is taken at its word, as a rebuild takes it.
        told = func.coalesce(table.c.rows, statement.excluded.rows)
        return statement.on_conflict_do_update(index_elements=[table.c.key], set_={"rows": told})
    if table is not tables.runs:
        return statement.on_conflict_do_nothing()
    old, new = tables.runs.c, statement.excluded
    # A terminal state is final; START and RUNNING never take it back, whatever order events arrive in.
    final = old.state.in_(ENDED)
    return statement.on_conflict_do_update(
        index_elements=[old.run_id],
        set_={
            "state": case((final, old.state), (new.state == "OTHER", old.state), else_=new.state),
            "ended_at": func.coalesce(old.ended_at, new.ended_at),
            "started_at": func.coalesce(old.started_at, new.started_at),
            "parent_id": func.coalesce(old.parent_id, new.parent_id),
            "root_id": func.coalesce(old.root_id, new.root_id),
            "engine_id": func.coalesce(old.engine_id, new.engine_id),
            "mlflow_id": func.coalesce(new.mlflow_id, old.mlflow_id),
            "last_seq": case((final, old.last_seq), else_=new.last_seq),
        },
    )


def utc(time: str) -> str:
    """A time in the one form of the index, in which the order of the texts is that of the times."""
    if len(time) == _UTC_LENGTH and time[10] == "T" and time.endswith("+00:00"):
        return time
    moment = datetime.fromisoformat(time)
    # Without a zone it would be that of whoever reads it: another on each machine.
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.isoformat(timespec="microseconds")


def _run_row(event: Mapping[str, Any], run: Mapping[str, Any], job_key: str, seq: int) -> Row:
    facets = run.get("facets") or {}
    parent = facets.get("parent") or {}
    prefect = facets.get("lineal_prefect") or {}
    state = event.get("eventType") or "OTHER"
    parent_id = (parent.get("run") or {}).get("runId")
    return {
        "run_id": run["runId"],
        "job": job_key,
        "parent_id": parent_id,
        "root_id": root_of(run),
        "state": state,
        "started_at": utc(event["eventTime"]) if state == "START" else None,
        "ended_at": utc(event["eventTime"]) if state in ENDED else None,
        "engine_id": prefect.get("taskRunId") or prefect.get("flowRunId"),
        "mlflow_id": (facets.get("lineal_mlflow") or {}).get("runId"),
        "first_seq": seq,
        "last_seq": seq,
    }


def _datasets(event: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for dataset in event.get("inputs") or ():
        yield "i", dataset
    for dataset in event.get("outputs") or ():
        yield "o", dataset
    if event.get("dataset"):
        yield "", event["dataset"]


def _row_count(dataset: Mapping[str, Any]) -> int | None:
    """How many records a dataset has, as its statistics tell; other producers may say anything there."""
    for facets, facet in (("outputFacets", "outputStatistics"), ("inputFacets", "inputStatistics")):
        found: Any = dataset.get(facets)
        if not found:
            continue
        for key in (facet, "rowCount"):
            found = found.get(key) if isinstance(found, Mapping) else None
        if type(found) is int and 0 <= found < 1 << 63:
            return found
    return None


def _decisions(event: Mapping[str, Any], run: Mapping[str, Any], seq: int, rows: Rows) -> None:
    """Registered versions, moved aliases and recalls, from the decision facet of a run that has completed."""
    if event.get("eventType") != "COMPLETE":
        return
    facet = (run.get("facets") or {}).get("lineal_decision") or {}
    for decision in facet.get("decisions") or ():
        action, namespace, name = decision.get("action"), decision.get("namespace"), decision.get("name")
        if action == "register":
            digest = decision["digest"]
            rows.models.append(
                {
                    "namespace": namespace,
                    "name": name,
                    "number": decision["number"],
                    "digest": digest,
                    "version": key_of(namespace, f"models/{name}", digest),
                    "run_id": run["runId"],
                    "registered_at": event["eventTime"],
                }
            )
        elif action == "move-alias":
            rows.aliases.append(
                {
                    "seq": seq,
                    "namespace": namespace,
                    "name": name,
                    "alias": decision["alias"],
                    "number": decision.get("number"),
                    "previous": decision.get("previous"),
                    "moved_at": event["eventTime"],
                    "moved_by": facet.get("by"),
                    "reason": decision.get("reason"),
                    "run_id": run["runId"],
                }
            )
        elif action in ("recall", "restore-trust"):
            content = decision.get("version") or decision.get("digest") or ""
            rows.recalls.append(
                {
                    "seq": seq,
                    "version": key_of(namespace, name, content),
                    "content": content,
                    "subject": decision["subject"],
                    "action": action,
                    "decided_at": event["eventTime"],
                    "decided_by": facet.get("by"),
                    "reason": decision["reason"],
                    "run_id": run["runId"],
                }
            )
