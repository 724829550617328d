"""Proof that one event is in the log: the way from it up to a signed root, to be checked without the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from lineal.errors import StoreError
from lineal.signing import PublicKey
from lineal.store import tables
from lineal.store.checkpoints import merkle
from lineal.store.checkpoints.checkpoint import Checkpoint, unpack
from lineal.store.log import Store


@dataclass(frozen=True, slots=True)
class EventProof:
    """That an event stood at a place of the log when a checkpoint was made.

    Attributes:
        seq: the event's place.
        index: its place among the checkpoint's events, from 0.
        path: the hashes beside the way up to the root, as hex.
        checkpoint: what was signed.
    """

    seq: int
    index: int
    path: tuple[str, ...]
    checkpoint: Checkpoint

    def to_json(self) -> dict[str, Any]:
        """The proof as plain JSON data."""
        return asdict(self) | {"path": list(self.path)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> EventProof:
        """Read what `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: something is missing, or no such value.
        """
        path = tuple(str(part) for part in values["path"])
        return cls(int(values["seq"]), int(values["index"]), path, Checkpoint.of(values["checkpoint"]))


def prove_event(store: Store, seq: int) -> EventProof | None:
    """Prove that an event is in the log; None for one that is under no checkpoint yet.

    Raises:
        StoreError: what is kept beside the checkpoint is not what was signed, or has no such event.
    """
    return prove_events(store, [seq]).get(seq)


def prove_events(store: Store, seqs: Iterable[int]) -> dict[int, EventProof]:
    """Prove that some events are in the log, by place; those that are under no checkpoint yet are left out.

    Raises:
        StoreError: what is kept beside a checkpoint is not what was signed, or has no such event.
    """
    waiting = sorted(set(seqs))
    found: dict[int, EventProof] = {}
    while waiting:
        query = sa.select(tables.checkpoints).where(tables.checkpoints.c.last_seq >= waiting[0])
        rows = store.read(query.order_by(tables.checkpoints.c.number).limit(1))
        if not rows:
            break
        checkpoint = Checkpoint.of(rows[0]._mapping)
        under = [seq for seq in waiting if seq <= checkpoint.last_seq]
        found |= _prove_under(store, checkpoint, unpack(rows[0].leaves), under)
        waiting = waiting[len(under) :]
    return found


def _prove_under(
    store: Store, checkpoint: Checkpoint, kept: Sequence[tuple[int, bytes]], seqs: Sequence[int]
) -> dict[int, EventProof]:
    hashes = [hashed for _, hashed in kept]
    if merkle.root_of(hashes).hex() != checkpoint.root:
        raise StoreError(f"{store}: checkpoint {checkpoint.number} was changed; see `lineal verify`")
    places = {place: index for index, (place, _) in enumerate(kept)}
    lost = next((seq for seq in seqs if seq not in places), None)
    if lost is not None:
        raise StoreError(f"{store}: there was no event {lost} when checkpoint {checkpoint.number} was made")
    proofs = merkle.prove_each(hashes, [places[seq] for seq in seqs])
    return {
        seq: EventProof(seq, proof.index, tuple(each.hex() for each in proof.path), checkpoint)
        for seq, proof in zip(seqs, proofs, strict=True)
    }


def check_proof(proof: EventProof, body: str, key: PublicKey) -> bool:
    """Whether a proof shows that an event with this body was in the log that the key's owner signed.

    Args:
        proof: from `prove_event`.
        body: the event as `lineal events` prints it, without the line's end.
        key: of who signed, from a source of your own.
    """
    try:
        path = tuple(bytes.fromhex(part) for part in proof.path)
        root = bytes.fromhex(proof.checkpoint.root)
        leaf = merkle.leaf(proof.seq, body)
    except (ValueError, OverflowError):
        return False
    way = merkle.Proof(proof.index, proof.checkpoint.count, path)
    return proof.checkpoint.is_signed_by(key) and merkle.holds(way, leaf, root)
