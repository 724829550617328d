"""Fingerprints of large files, remembered as long as a file's size, time and inode stay, as DVC's own state does."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

from lineal import settings
from lineal.datasets.hashing import Fingerprint, fingerprint

# A smaller file is hashed sooner than looked up.
_LEAST_BYTES = 4 << 20
_known: dict[tuple[str, int, int, int], Fingerprint] = {}


def remembered(file: Path) -> Fingerprint | None:
    """The fingerprint that was taken of a file, where it has not changed since.

    Raises:
        OSError: there is no such file.
    """
    key = _key(file)
    found = _known.get(key) or _read(key)
    if found is not None:
        _known[key] = found
    return found


def fingerprint_of(file: Path) -> Fingerprint:
    """The fingerprint of a file, taken anew only where it may have changed.

    Raises:
        OSError: as `open` does.
    """
    found = remembered(file)
    if found is None:
        key, found = _key(file), fingerprint(file)
        if _key(file) == key:
            remember(file, found)
    return found


def remember(file: Path, marks: Fingerprint) -> None:
    """Keep a fingerprint that was just taken of a file; for other processes, where the file is large."""
    key = _key(file)
    _known[key] = marks
    if marks.size < _LEAST_BYTES:
        return
    place = _place(key)
    # Where it cannot be kept, the file is hashed once more the next time.
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump({"key": key, **asdict(marks)}, out)
        Path(name).replace(place)


def _key(file: Path) -> tuple[str, int, int, int]:
    status = file.stat()
    return str(file.absolute()), status.st_size, status.st_mtime_ns, status.st_ino


def _read(key: tuple[str, int, int, int]) -> Fingerprint | None:
    if key[1] < _LEAST_BYTES:
        return None
    try:
        kept = json.loads(_place(key).read_text(encoding="utf-8"))
        if tuple(kept.pop("key")) == key:
            return Fingerprint(**kept)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not kept, or by another version of Lineal
    return None


def _place(key: tuple[str, int, int, int]) -> Path:
    # One file for each path: a new version of it takes the place of the old.
    return settings.home() / "fingerprints" / hashlib.sha256(key[0].encode()).hexdigest()[:32]
