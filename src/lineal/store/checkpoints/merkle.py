"""Merkle trees as RFC 6962 has them (section 2.1): leaves and nodes are told apart by a first byte.

A leaf's data is the event's place in the log (eight bytes, the highest first) and the bytes of its body as stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EMPTY = hashlib.sha256(b"").digest()


def leaf(seq: int, body: str) -> bytes:
    """The hash of one event at its place."""
    return hashlib.sha256(b"\0" + seq.to_bytes(8, "big", signed=True) + body.encode()).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The root of leaves that come one after another; keeps one hash a level."""

    def __init__(self) -> None:
        self.count = 0
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, hashed: bytes) -> None:
        """Take the next leaf."""
        self.count += 1
        size = 1
        while self._peaks and self._peaks[-1][0] == size:
            _, left = self._peaks.pop()
            hashed, size = node(left, hashed), size * 2
        self._peaks.append((size, hashed))

    def root(self) -> bytes:
        """The root over the leaves so far."""
        if not self._peaks:
            return EMPTY
        found = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            found = node(left, found)
        return found


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over some leaves."""
    tree = Tree()
    for each in leaves:
        tree.add(each)
    return tree.root()


@dataclass(frozen=True, slots=True)
class Proof:
    """That a leaf is in a tree.

    Attributes:
        index: the leaf's place among the tree's, from 0.
        count: how many leaves the tree has.
        path: the hashes beside the way from the leaf up to the root.
    """

    index: int
    count: int
    path: tuple[bytes, ...]


def prove(leaves: Sequence[bytes], index: int) -> Proof:
    """Prove that the leaf at a place is in the tree.

    Raises:
        IndexError: there is no such place.
    """
    return prove_each(leaves, [index])[0]


def prove_each(leaves: Sequence[bytes], indexes: Iterable[int]) -> list[Proof]:
    """Prove that the leaves at some places are in the tree, which is built once.

    Raises:
        IndexError: there is no such place.
    """
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        # Pairing neighbours, and taking an odd last one up as it is, gives RFC 6962's tree.
        level = levels[-1]
        paired = [node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        levels.append(paired + ([level[-1]] if len(level) % 2 else []))
    proofs = []
    for index in indexes:
        if not 0 <= index < len(leaves):
            raise IndexError(f"there is no leaf {index} among {len(leaves)}")
        path: list[bytes] = []
        place = index
        for level in levels:
            if place ^ 1 < len(level):
                path.append(level[place ^ 1])
            place //= 2
        proofs.append(Proof(index, len(leaves), tuple(path)))
    return proofs


def holds(proof: Proof, hashed: bytes, root: bytes) -> bool:
    """Whether a proof shows that a leaf is in the tree of a root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= proof.index < proof.count:
        return False
    place, last = proof.index, proof.count - 1
    for beside in proof.path:
        if last == 0:
            return False
        if place % 2 or place == last:
            hashed = node(beside, hashed)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            hashed = node(hashed, beside)
        place, last = place // 2, last // 2
    return last == 0 and hashed == root
