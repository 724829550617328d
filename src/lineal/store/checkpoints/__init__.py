"""Checkpoints: what makes tampering with the log show.

The events since the last checkpoint are put under a Merkle root; that, the checkpoint before, and the time are signed.
Whoever changes, deletes, inserts or moves an event, or a checkpoint, must sign anew: see `lineal.questions.verify`.
"""

from __future__ import annotations

from lineal.store.checkpoints.checkpoint import Checkpoint
from lineal.store.checkpoints.making import make, newest
from lineal.store.checkpoints.proofs import EventProof, check_proof, prove_event

__all__ = ["Checkpoint", "EventProof", "check_proof", "make", "newest", "prove_event"]
