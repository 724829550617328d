"""The events of a model's descent, each with the proof that it is in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import sqlalchemy as sa

from lineal.packs.interface import Document
from lineal.packs.manifest import Missing
from lineal.questions.dossier import Dossier
from lineal.store import tables
from lineal.store.checkpoints.proofs import prove_events
from lineal.store.log import Store

EVENTS, PROOFS = "events/events.ndjson", "events/proofs.json"
_BATCH = 500


def documents(store: Store, dossier: Dossier, missing: list[Missing]) -> Iterator[Document]:
    """Give the events of all runs that the dossier rests on, in the order of the log, and their proofs.

    Args:
        store: that the dossier was made from.
        dossier: of the model.
        missing: takes what could not be had.

    Raises:
        StoreError: a checkpoint is not what was signed.
    """
    events = _events(store, _roots(store, dossier))
    proofs = prove_events(store, events)
    yield Document(
        EVENTS,
        "".join(f"{body}\n" for body in events.values()).encode(),
        "application/x-ndjson",
        "Every event of the runs that made the model, judged it, predicted with it and decided on it, as OpenLineage",
    )
    unproved = len(events) - len(proofs)
    if unproved:
        why = "they are under no checkpoint of the log yet; run `lineal sweep`, and export again"
        missing.append(Missing(without_proof(unproved, len(events)), why))
    checkpoints = {proof.checkpoint.number: asdict(proof.checkpoint) for proof in proofs.values()}
    told = [
        {
            "line": line,
            "seq": seq,
            "checkpoint": proofs[seq].checkpoint.number,
            "index": proofs[seq].index,
            "path": list(proofs[seq].path),
        }
        for line, seq in enumerate(events, 1)
        if seq in proofs
    ]
    yield Document(
        PROOFS,
        _text([checkpoints[number] for number in sorted(checkpoints)], told),
        "application/json",
        "For each line of events.ndjson the Merkle proof that it stood in the log when a signed checkpoint was made",
    )


def without_proof(unproved: int, events: int) -> str:
    """Say what a pack goes without where some events have no proof."""
    return f"proofs of {unproved} of {events} events"


def _roots(store: Store, dossier: Dossier) -> set[str]:
    """The roots of all runs that the dossier names, and that are about this model."""
    facts = dossier.facts
    named = {run.root_id for run in (*facts.runs, *facts.evaluations, *facts.scorings, *facts.drifts)}
    said = {decision.run_id for decision in facts.decisions}
    said |= {decided.decision.run_id for decided in dossier.decisions}
    said |= {recall.run_id for recall in facts.recalls}
    columns, ids = tables.runs.c, sorted(said)
    for start in range(0, len(ids), _BATCH):
        query = sa.select(columns.root_id).where(columns.run_id.in_(ids[start : start + _BATCH]))
        named |= {str(row.root_id) for row in store.read(query)}
    return named


def _events(store: Store, roots: set[str]) -> dict[int, str]:
    events, runs = tables.events.c, tables.runs.c
    found: dict[int, str] = {}
    ordered = sorted(roots)
    for start in range(0, len(ordered), _BATCH):
        query = (
            sa.select(events.seq, events.body)
            .join(tables.runs, runs.run_id == events.run_id)
            .where(runs.root_id.in_(ordered[start : start + _BATCH]))
        )
        found |= {row.seq: row.body for row in store.read(query)}
    return dict(sorted(found.items()))


def _text(checkpoints: Sequence[object], events: Sequence[object]) -> bytes:
    """JSON with an event a line, which a person may look into."""
    first, second = (",\n  ".join(map(json.dumps, each)) for each in (checkpoints, events))
    return (
        f'{{"format": "lineal proofs 1",\n "checkpoints": [\n  {first}\n ],\n "events": [\n  {second}\n ]}}\n'.encode()
    )
