"""The table that a model is taken apart into, and the digest of it."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass

# Names the rules by which models are taken apart; to be changed with them, so that two digests made by different
# rules are never equal.
_SCHEME = b"lineal model digest 1\n"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One piece of a model.

    Attributes:
        path: where in the model, as Python would write it: `steps[1][1].coef_`; empty for the model itself.
        tag: what kind of piece: `array`, `number`, `text`, `constant`, `object`, `list`, `dict`, `function`, …
        dtype: its type: an array's dtype, a number's type, an object's class, a function's name.
        shape: of an array; of a container, how many elements.
        sha256: of the piece's own value, without the pieces it holds.
    """

    path: str
    tag: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str


def of_leaves(table: Iterable[Leaf]) -> str:
    """Return the digest of the model that `table` was taken from."""
    total = hashlib.sha256(_SCHEME)
    for leaf in table:
        path, dtype, shape = leaf.path, leaf.dtype, ",".join(map(str, leaf.shape))
        if path.isascii() and dtype.isascii():
            # A character is a byte: what the way below comes to, in half the time.
            text = (
                f"{len(path)}:{path}{len(leaf.tag)}:{leaf.tag}{len(dtype)}:{dtype}{len(shape)}:{shape}64:{leaf.sha256}"
            )
            total.update(text.encode())
            continue
        encoded = [part.encode("utf-8", "surrogatepass") for part in (path, leaf.tag, dtype, shape, leaf.sha256)]
        total.update(b"".join([b"%d:%b" % (len(part), part) for part in encoded]))
    return total.hexdigest()


_HEAD = ("path", "tag", "type", "shape", "sha256")


def to_csv(table: Iterable[Leaf]) -> bytes:
    """Write the table down, a line a leaf."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEAD)
    writer.writerows((leaf.path, leaf.tag, leaf.dtype, "x".join(map(str, leaf.shape)), leaf.sha256) for leaf in table)
    return text.getvalue().encode("utf-8", "surrogatepass")


def from_csv(content: bytes) -> tuple[Leaf, ...]:
    """Read a table that `to_csv` wrote.

    Raises:
        ValueError: it is none.
    """
    head, *rows = csv.reader(io.StringIO(content.decode("utf-8", "surrogatepass"), newline=""))
    if tuple(head) != _HEAD:
        raise ValueError(f"the leaf table begins with {','.join(head)}, not with {','.join(_HEAD)}")
    return tuple(
        Leaf(path, tag, dtype, tuple(int(size) for size in shape.split("x") if size), sha256)
        for path, tag, dtype, shape, sha256 in rows
    )
