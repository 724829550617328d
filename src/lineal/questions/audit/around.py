"""What stands around a model on record: notes on its data and predictions, who else reads its data, its packs."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from lineal.questions.audit.facts import Consumer, Decision, Pack, Run, Step
from lineal.questions.decisions import Decided, noted
from lineal.questions.lookup import ModelRow
from lineal.store import tables
from lineal.store.log import Store
from lineal.store.runs import RunRow, read_runs, select_runs

_BATCH, _LOOKED_AT = 500, 5_000
# Lineal's own jobs read data to decide on it and to make it again; nobody is given it by them.
_OWN = ("decide", "note", "recall", "reproduce", "export")


def notes(
    store: Store, model: Iterable[Decision], steps: Iterable[Step], scorings: Iterable[Run]
) -> tuple[Decision, ...]:
    """The notes of people on a model, on what it was made of, and on what it predicted; oldest first.

    Args:
        store: the lineage store.
        model: what was decided and noted about the model itself.
        steps: what it was made of.
        scorings: the runs that predicted with it.
    """
    keys = {step.table.key for step in steps if step.table.kind != "MODEL"}
    keys |= {table.key for run in scorings for table in run.outputs}
    found = [each for each in model if each.action == "note"]
    for key in _noted(store, keys):
        found += [_decision(each, key) for each in noted(store, key)]
    return tuple(sorted(found, key=lambda each: each.at))


def _noted(store: Store, keys: Collection[str]) -> list[str]:
    """Those of some versions that somebody noted something on."""
    jobs, runs, edges = tables.jobs.c, tables.runs.c, tables.edges.c
    named = sa.select(jobs.key).where(sa.or_(jobs.name == "note", jobs.name.like("%.note")))
    known, found = sorted(keys), list[str]()
    for start in range(0, len(known), _BATCH):
        query = (
            sa.select(sa.distinct(edges.version))
            .select_from(tables.edges.join(tables.runs, runs.run_id == edges.run_id))
            .where(edges.version.in_(known[start : start + _BATCH]), edges.role == "i", runs.job.in_(named))
        )
        found += [str(row[0]) for row in store.read(query)]
    return sorted(found)


def _decision(decided: Decided, key: str) -> Decision:
    said = decided.decision
    return Decision(
        action=said.action,
        by=said.by,
        at=said.at,
        reason=said.reason,
        until=said.until,
        control=said.control,
        run_id=said.run_id,
        standing=decided.standing,
        why=decided.why,
        signed=decided.signed,
        subject=said.subject,
        on=key,
        kind=said.kind,
        closes=said.closes,
    )


def consumers(store: Store, steps: Iterable[Step], own: Iterable[Run]) -> tuple[Consumer, ...]:
    """The jobs that read what a model was made of, beside those that made the model and use it.

    Args:
        store: the lineage store.
        steps: what it was made of.
        own: the runs that made it and use it.
    """
    names = {step.table.key: step.table.name for step in steps if step.table.kind != "MODEL"}
    runs, edges = tables.runs.c, tables.edges.c
    known, reads = sorted(names), dict[str, set[str]]()
    for start in range(0, len(known), _BATCH):
        query = (
            sa.select(runs.root_id, edges.version)
            .distinct()
            .select_from(tables.edges.join(tables.runs, runs.run_id == edges.run_id))
            .where(edges.version.in_(known[start : start + _BATCH]), edges.role == "i")
            .limit(_LOOKED_AT)
        )
        for root, version in store.read(query):
            reads.setdefault(root, set()).add(names[version])
    wanted = sorted({*reads, *(run.root_id for run in own)})
    rows: dict[str, RunRow] = {}
    for start in range(0, len(wanted), _BATCH):
        query = select_runs().where(runs.run_id.in_(wanted[start : start + _BATCH])).order_by(runs.first_seq)
        rows |= {row.run_id: row for row in read_runs(store, query)}
    ours = {(rows[run.root_id].namespace, rows[run.root_id].job) for run in own if run.root_id in rows}
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows.values():
        job = (row.namespace, row.job)
        if row.run_id in reads and job not in ours and row.job.rpartition(".")[2] not in _OWN:
            found.setdefault(job, []).append(row.run_id)
    return tuple(
        Consumer(*job, len(ids), ids[-1], tuple(sorted({name for each in ids for name in reads[each]})))
        for job, ids in sorted(found.items())
    )


def packs(runs: Iterable[Run], model: ModelRow) -> tuple[Pack, ...]:
    """The evidence packs of a model that were handed out, held against their files where these are here.

    Args:
        runs: that read the model, in the order that the packs are to be in.
        model: the version.
    """
    found = []
    for run in runs:
        said = run.facets.get("lineal_pack") or {}
        if run.state != "COMPLETE" or said.get("subject") != f"model:{model.name}@{model.number}":
            continue
        digest, to = str(said.get("sha256", "")), next((table.name for table in run.outputs), "")
        if digest and to:
            found.append(Pack(digest, run.ended_at or "", to, run.id, _kept(Path(to), digest)))
    return tuple(found)


def _kept(file: Path, digest: str) -> Literal["same", "changed", "gone"]:
    try:
        with file.open("rb") as opened:
            there = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return "gone"
    return "same" if there == digest else "changed"
