"""Checkpoint: what is signed of a stretch of the log."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from lineal.signing import PublicKey, SigningKey

# The `previous` of the first.
NOTHING = "0" * 64
_LEAF = struct.Struct(">q32s")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A stretch of the log under a signature, and the checkpoint before it.

    Attributes:
        number: from 1, without a gap.
        first_seq: place of its first event.
        last_seq: place of its last event; all events between the last of the checkpoint before and this one are its.
        count: how many they are.
        root: Merkle root over them, as hex.
        previous: `digest` of the checkpoint before; zeros for the first.
        made_at: ISO 8601 in UTC, by the clock of who made it.
        key: id of the key that it is signed with.
        signature: over `note`, in base64.
    """

    number: int
    first_seq: int
    last_seq: int
    count: int
    root: str
    previous: str
    made_at: str
    key: str
    signature: str

    @property
    def note(self) -> bytes:
        """The text that is signed."""
        lines = [f"{each.name}: {getattr(self, each.name)}" for each in fields(self) if each.name != "signature"]
        return ("lineal checkpoint 1\n" + "\n".join(lines) + "\n").encode()

    @property
    def digest(self) -> str:
        """What the checkpoint after it calls it by."""
        return hashlib.sha256(self.note).hexdigest()

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether its signature is this key's, over what it says."""
        try:
            signature = base64.b64decode(self.signature, validate=True)
        except ValueError:
            return False
        return key.verifies(signature, self.note)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Checkpoint:
        """Make one of a row or a JSON object.

        Raises:
            KeyError, TypeError, ValueError: something is missing, or no such value.
        """
        found: dict[str, Any] = {
            each.name: str(values[each.name]) if each.type == "str" else int(values[each.name]) for each in fields(cls)
        }
        "".join(map(str, found.values())).encode()  # half a surrogate pair is no text, and cannot be signed
        return cls(**found)


def signed(key: SigningKey, **values: Any) -> Checkpoint:
    """Make a checkpoint with its signature."""
    bare = Checkpoint(**values, key=key.public.id, signature="")
    return Checkpoint(**values, key=key.public.id, signature=base64.b64encode(key.sign(bare.note)).decode())


def pack(leaves: Iterable[tuple[int, bytes]]) -> bytes:
    """Places and leaf hashes as they are kept beside a checkpoint."""
    return b"".join(_LEAF.pack(*each) for each in leaves)


def unpack(kept: bytes) -> list[tuple[int, bytes]]:
    """Places and leaf hashes of a checkpoint, in order; of what is damaged, as many as there are."""
    whole = len(kept) - len(kept) % _LEAF.size
    return [(seq, hashed) for seq, hashed in _LEAF.iter_unpack(kept[:whole])]
