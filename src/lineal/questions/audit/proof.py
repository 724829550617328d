"""What stands behind the facts: the log's checkpoints over their events, and the signature of the model's files."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from lineal import signing
from lineal.errors import LinealError, SigningError
from lineal.models import signature as signatures
from lineal.models import tracking
from lineal.questions.audit.facts import Sealed, Signature
from lineal.questions.lookup import ModelRow
from lineal.store import tables
from lineal.store.checkpoints.checkpoint import Checkpoint, unpack
from lineal.store.checkpoints.merkle import leaf, root_of
from lineal.store.log import Store

_BATCH = 500


def sealed(store: Store, run_ids: Collection[str]) -> Sealed:
    """Hold the events of some runs against the checkpoints that they are under.

    The rest of the log is left to `lineal verify`: this reads what the facts rest on, and no more.
    """
    try:
        keys = signing.trusted("log")
    except SigningError as problem:
        return Sealed(problem=problem.message)
    events = _events(store, run_ids)
    under: dict[int, list[tuple[int, str]]] = {}
    rows: dict[int, tuple[Checkpoint, bytes]] = {}
    open_events = 0
    last: Checkpoint | None = None
    for seq, body in events:
        if last is None or not last.first_seq <= seq <= last.last_seq:
            found = _checkpoint(store, seq)
            if found is None:
                open_events += 1
                continue
            last = found[0]
            rows[last.number] = found
        under.setdefault(last.number, []).append((seq, body))
    held = untrusted = 0
    changed: list[int] = []
    for number, covered in under.items():
        checkpoint, kept = rows[number]
        leaves = dict(unpack(kept))
        whole = root_of(list(leaves.values())).hex() == checkpoint.root and len(leaves) == checkpoint.count
        key = keys.get(checkpoint.key)
        signed = key is not None and checkpoint.is_signed_by(key)
        for seq, body in covered:
            if not whole or leaves.get(seq) != leaf(seq, body) or (key is not None and not signed):
                changed.append(seq)
            elif key is None:
                untrusted += 1
            else:
                held += 1
    first = store.read(
        sa.select(tables.events.c.seq, tables.events.c.event_time).order_by(tables.events.c.seq).limit(1)
    )
    columns = tables.checkpoints.c
    whole_log = sa.select(sa.func.min(columns.first_seq), sa.func.max(columns.last_seq), sa.func.sum(columns.count))
    first_sealed, last_sealed, ever_sealed = store.read(whole_log)[0]
    return Sealed(
        events=len(events),
        held=held,
        open=open_events,
        untrusted=untrusted,
        changed=tuple(changed),
        checkpoints=tuple(under),
        first_seq=int(first[0][0]) if first else None,
        first_sealed=first_sealed,
        gone=int(ever_sealed) - _upto(store, last_sealed) if ever_sealed else 0,
        first_at=str(first[0][1]) if first else None,
        problem=None if keys else "there is no public key here to verify by",
    )


def _events(store: Store, run_ids: Collection[str]) -> list[tuple[int, str]]:
    columns, ids = tables.events.c, sorted(run_ids)
    found: list[tuple[int, str]] = []
    for start in range(0, len(ids), _BATCH):
        query = sa.select(columns.seq, columns.body).where(columns.run_id.in_(ids[start : start + _BATCH]))
        found += [(row.seq, row.body) for row in store.read(query)]
    return sorted(found)


def _upto(store: Store, last: int) -> int:
    """How many events there are up to a place."""
    # All are counted by an index, and few come after the last one under a checkpoint.
    counted = sa.select(sa.func.count()).select_from(tables.events)
    return int(store.read(counted)[0][0]) - int(store.read(counted.where(tables.events.c.seq > last))[0][0])


def _checkpoint(store: Store, seq: int) -> tuple[Checkpoint, bytes] | None:
    columns = tables.checkpoints.c
    query = sa.select(tables.checkpoints).where(columns.last_seq >= seq).order_by(columns.last_seq).limit(1)
    rows = store.read(query)
    return (Checkpoint.of(rows[0]._mapping), bytes(rows[0].leaves)) if rows else None


def signature(model: ModelRow, logged: Mapping[str, Any]) -> Signature:
    """Check the signature beside a model's files, as MLflow keeps them.

    Args:
        model: the registered version.
        logged: the MLflow run and model that the fit names.
    """
    try:
        keys = signing.trusted("models")
        folder = tracking.files_of(str(logged.get("modelId") or ""))
        if folder is not None:
            return _checked(folder, model, keys)
        if not logged:
            return Signature(problem="the record names no MLflow run that keeps its files")
        with tempfile.TemporaryDirectory(prefix="lineal-audit-") as temporary:
            tracking.check_reachable()
            brought = tracking.download(f"models:/{model.name}/{model.number}", Path(temporary))
            return _checked(brought, model, keys)
    except LinealError as problem:
        return Signature(problem=problem.message)


def _checked(folder: Path, model: ModelRow, keys: Mapping[str, signing.PublicKey]) -> Signature:
    if not (folder / signatures.FILE_NAME).is_file():
        return Signature()
    try:
        said = signatures.check(folder, keys)
    except SigningError as problem:
        return Signature(signed=True, wrong=(problem.message,))
    wrong = [f"{name} was {how}" for how in ("changed", "missing", "added") for name in getattr(said, how)]
    if said.subject != model.digest:
        wrong.append(f"it is signed as the model {said.subject[:12]}, not as {model.digest[:12]}")
    return Signature(signed=True, trusted=said.trusted, key=said.key, wrong=tuple(wrong))
