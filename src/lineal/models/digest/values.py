"""What is hashed as one piece: plain values and arrays of them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

# Elements hashed at a time: large enough to be quick, small enough that a copy of them is no matter.
_BLOCK = 1 << 20
_NAN = struct.pack("<d", float("nan"))


class Hash(Protocol):
    """What `hashlib` makes."""

    def update(self, data: Any, /) -> None:
        """Take in more bytes."""

    def hexdigest(self) -> str:
        """Return the hash of all bytes so far as hex."""


def plain(value: object) -> tuple[str, str, bytes] | None:
    """Return tag, type and canonical bytes of a plain value; None where `value` is no such."""
    kind = type(value)
    if value is None or value is Ellipsis or value is NotImplemented:
        return "constant", repr(value), b""
    if kind is bool or kind is int:
        return "number", kind.__name__, str(value).encode()
    if kind is float:
        return "number", "float", _float(value)  # type: ignore[arg-type]
    if kind is complex:
        return "number", "complex", _float(value.real) + _float(value.imag)  # type: ignore[attr-defined]
    if kind is str:
        return "text", "str", value.encode("utf-8", "surrogatepass")  # type: ignore[attr-defined]
    if kind is bytes:
        return "text", "bytes", value  # type: ignore[return-value]
    if isinstance(value, np.generic) and value.dtype.names is None and value.dtype.kind != "O":
        collected = _Collected()
        feed(collected, np.asarray(value))
        return "number", value.dtype.name, b"".join(collected.parts)
    return None


def feed_plain(target: Hash, values: Iterable[object]) -> bool:
    """Hash plain values one after another; False (and an unusable hash) at the first that is not plain."""
    for value in values:
        found = plain(value)
        if found is None:
            return False
        tag, kind, data = found
        target.update(f"{tag} {kind} {len(data)}:".encode())
        target.update(data)
    return True


def feed(target: Hash, array: np.ndarray[Any, Any]) -> None:
    """Hash an array's elements in C order, little-endian, every NaN alike and -0.0 apart from 0.0.

    Args:
        target: takes the bytes.
        array: of any shape and layout; without fields and without objects.
    """
    dtype = array.dtype
    if dtype.kind == "c":
        feed(target, array.real)
        feed(target, array.imag)
        return
    # A view where memory is in C order already; nothing is computed from the array but this.
    flat = array.reshape(-1)
    for start in range(0, flat.size if dtype.itemsize else 0, _BLOCK):
        block = flat[start : start + _BLOCK]
        if dtype.kind == "f" and dtype.itemsize > 8:
            # A long double has bytes that are no part of the number.
            target.update("\0".join(map(str, block)).encode())
            continue
        block = np.ascontiguousarray(block, dtype.newbyteorder("<"))
        # The least of what holds a NaN is one.
        if dtype.kind == "f" and np.isnan(block.min()):
            block = np.where(np.isnan(block), block.dtype.type("nan"), block)
        target.update(block.view(np.uint8))


def _float(value: float) -> bytes:
    # Any NaN is unequal to itself; its payload is not part of a model.
    return _NAN if value != value else struct.pack("<d", value)


class _Collected:
    """A hash that keeps the bytes instead: a scalar has few."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def update(self, data: Any, /) -> None:
        self.parts.append(bytes(data))

    def hexdigest(self) -> str:
        return b"".join(self.parts).hex()
