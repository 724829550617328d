"""What stands around a model on record: notes on its data and predictions, who else reads its data, its packs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from lineal.questions.audit.facts import Consumer, Decision, Pack, Run, Step
from lineal.questions.decisions import Decided, noted
from lineal.questions.lookup import ModelRow
from lineal.store import graph, tables
from lineal.store.decisions import noted_versions
from lineal.store.log import Store
from lineal.store.runs import read_runs, select_runs

_BATCH = 500
# Lineal's own jobs read data to decide on it and to make it again; nobody is given it by them. Anybody's job may have
# such a name, so that what its run says counts as well.
_OWN = ("decide", "note", "recall", "reproduce")
_OWN_FACETS = ("lineal_decision", "lineal_reproduction")


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
    for key in noted_versions(store, keys):
        found += [_decision(each, key) for each in noted(store, key)]
    return tuple(sorted(found, key=lambda each: each.at))


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
    ours = _jobs_of(store, {run.root_id for run in own})
    jobs, runs, edges, roots = tables.jobs.c, tables.runs.c, tables.edges.c, tables.runs.alias("roots")
    found: dict[tuple[str, str], list[tuple[int, str, int]]] = {}
    for batch in _batches(names):
        query = (
            sa.select(jobs.namespace, jobs.name, edges.version, sa.func.count(sa.distinct(roots.c.run_id)))
            .add_columns(sa.func.max(roots.c.first_seq), sa.func.max(roots.c.last_seq))
            .select_from(tables.edges.join(tables.runs, runs.run_id == edges.run_id))
            .join(roots, roots.c.run_id == runs.root_id)
            .join(tables.jobs, jobs.key == roots.c.job)
            .where(edges.version.in_(batch), edges.role == "i")
            # Only at its end does a run of Lineal's own say what it is.
            .where(jobs.name.not_in(_OWN) | (roots.c.state == "COMPLETE"))
            .group_by(jobs.namespace, jobs.name, edges.version)
        )
        for namespace, name, version, count, newest, last in store.read(query):
            job = (str(namespace), str(name))
            if job not in ours and not (name in _OWN and _is_own(store, last)):
                found.setdefault(job, []).append((int(newest), names[version], int(count)))
    return tuple(
        Consumer(*job, max(each[2] for each in read), _run_at(store, max(read)[0]), tuple(sorted({e[1] for e in read})))
        for job, read in sorted(found.items())
    )


def _jobs_of(store: Store, run_ids: Collection[str]) -> set[tuple[str, str]]:
    found = set[tuple[str, str]]()
    for batch in _batches(run_ids):
        rows = read_runs(store, select_runs().where(tables.runs.c.run_id.in_(batch)))
        found |= {(row.namespace, row.job) for row in rows}
    return found


def _is_own(store: Store, seq: int) -> bool:
    bodies = graph.bodies(store, [seq]).values()
    facets = [(json.loads(body).get("run") or {}).get("facets") or {} for body in bodies]
    return any(name in each for each in facets for name in _OWN_FACETS)


def _run_at(store: Store, first_seq: int) -> str:
    return str(store.read(sa.select(tables.events.c.run_id).where(tables.events.c.seq == first_seq))[0][0])


def _batches(values: Collection[str]) -> Iterator[list[str]]:
    known = sorted(values)
    for start in range(0, len(known), _BATCH):
        yield known[start : start + _BATCH]


def packs(runs: Iterable[Run], model: ModelRow) -> tuple[Pack, ...]:
    """The evidence packs of a model that were handed out, held against their files where these are here.

    Args:
        runs: that read the model, in the order that the packs are to be in.
        model: the version.
    """
    found = []
    for run in runs:
        said = run.facets.get("lineal_pack") or {}
        called = {f"model:{name}@{model.number}" for name in (model.name, f"{model.namespace}/{model.name}")}
        if run.state != "COMPLETE" or said.get("subject") not in called:
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
