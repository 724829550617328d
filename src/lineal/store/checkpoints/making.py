"""Make checkpoints: beside the writers, who wait for one no longer than for an event."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from lineal import signing
from lineal.store import tables
from lineal.store.checkpoints import heads
from lineal.store.checkpoints.checkpoint import NOTHING, Checkpoint, pack, signed
from lineal.store.checkpoints.merkle import leaf, root_of
from lineal.store.log import Store

# The most events under one checkpoint: a proof is made from all of them.
SLICE = 10_000
_CHUNK = 500
COLUMNS = tuple(column for column in tables.checkpoints.c if column.name != "leaves")


def newest(store: Store) -> Checkpoint | None:
    """The newest checkpoint of a store."""
    rows = store.read(sa.select(*COLUMNS).order_by(tables.checkpoints.c.number.desc()).limit(1))
    return Checkpoint.of(rows[0]._mapping) if rows else None


def make(store: Store, *, most: int | None = None, patience: float | None = None) -> list[Checkpoint]:
    """Put the events that are under no checkpoint yet under one, or several where they are very many.

    They are read and hashed while others write: events that can be seen are all there up to the last of them, as one
    writer at a time takes a place. Only to put the row down is the writers' lock taken. Of two processes that make a
    checkpoint at once, the second sees the first's and goes on behind it: the chain does not fork.

    Args:
        store: whose events.
        most: leave it at about so many events; the next one takes the rest.
        patience: seconds to wait for other writers; as long as an event would where it is left out.

    Returns:
        Those that were made, in order.

    Raises:
        SigningError, StorageError: there is no key, and none can be made.
        StoreError: the store cannot be read or written.
    """
    made: list[Checkpoint] = []
    left = most
    before = newest(store)
    while left is None or left > 0:
        size = SLICE if left is None else min(SLICE, left)
        leaves = _leaves(store, before.last_seq if before else 0, size)
        if not leaves:
            break
        key = signing.key_for("log")
        checkpoint = signed(
            key,
            number=before.number + 1 if before else 1,
            first_seq=leaves[0][0],
            last_seq=leaves[-1][0],
            count=len(leaves),
            root=root_of([hashed for _, hashed in leaves]).hex(),
            previous=before.digest if before else NOTHING,
            made_at=datetime.now(UTC).isoformat(timespec="microseconds"),
        )
        if _put(store, checkpoint, pack(leaves), patience):
            made.append(checkpoint)
            before = checkpoint
            left = None if left is None else left - len(leaves)
        else:
            before = newest(store)
    if made:
        heads.note(store, made)
    return made


def _leaves(store: Store, after: int, most: int) -> list[tuple[int, bytes]]:
    columns = tables.events.c
    leaves: list[tuple[int, bytes]] = []
    while len(leaves) < most:
        size = min(_CHUNK, most - len(leaves))
        query = sa.select(columns.seq, columns.body).where(columns.seq > after).order_by(columns.seq).limit(size)
        rows = store.read(query)
        leaves += [(row.seq, leaf(row.seq, row.body)) for row in rows]
        if len(rows) < size:
            break
        after = rows[-1].seq
    return leaves


def _put(store: Store, checkpoint: Checkpoint, leaves: bytes, patience: float | None) -> bool:
    """Add a checkpoint to the chain, unless another process was first."""
    highest = sa.select(sa.func.coalesce(sa.func.max(tables.checkpoints.c.number), 0))
    values = {column.name: getattr(checkpoint, column.name) for column in COLUMNS} | {"leaves": leaves}

    def write(connection: sa.Connection) -> bool:
        if connection.execute(highest).scalar_one() != checkpoint.number - 1:
            return False
        connection.execute(sa.insert(tables.checkpoints), values)
        return True

    return store.write(write, patience=patience)
