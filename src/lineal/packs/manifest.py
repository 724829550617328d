"""The manifest: every file of a pack with its hash, under one signature, so that none changes, comes or goes unseen."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lineal.errors import PackError

FORMAT = "lineal evidence pack 1"
PATH, SIGNATURE = "manifest.json", "manifest.dsse.json"
# What no manifest can list: itself, and its signature.
UNLISTED = frozenset({PATH, SIGNATURE})
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as the manifest has it."""

    path: str
    sha256: str
    size: int
    media_type: str
    says: str


@dataclass(frozen=True, slots=True)
class Missing:
    """What a pack goes without.

    Attributes:
        what: as a reader would look for it.
        why: in one sentence.
    """

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a pack holds.

    Attributes:
        subject: the model version.
        digest: of the model.
        made_at: when it was made, in UTC.
        made_by: what made it, with its version.
        key: id of the key that it is signed with.
        with_data: whether data rows are in it.
        files: by path.
        missing: what it goes without.
    """

    subject: str
    digest: str
    made_at: str
    made_by: str
    key: str
    with_data: bool
    files: tuple[Entry, ...]
    missing: tuple[Missing, ...]

    def to_bytes(self) -> bytes:
        """The manifest as it stands in a pack."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def of(cls, content: bytes) -> Manifest:
        """Read what `to_bytes` gave.

        Raises:
            PackError: it is no manifest, or one of a newer form.
        """
        try:
            said: Any = json.loads(content)
            json.dumps(said, ensure_ascii=False).encode()  # half a surrogate pair is no text, and cannot be shown
            form = said.pop("format")
            if form != FORMAT:
                raise PackError(
                    f"{PATH} is of the form {str(form)[:60]!r}, which this version does not know; update it"
                )
            datetime.fromisoformat(said["made_at"])
            return cls(
                **{name: _typed(said, name, kind) for name, kind in _SCALARS.items()},
                files=tuple(Entry(**_entry(each)) for each in said["files"]),
                missing=tuple(Missing(str(each["what"]), str(each["why"])) for each in said["missing"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
            raise PackError(f"{PATH} is no manifest of a pack ({type(problem).__name__})") from problem


_SCALARS: Mapping[str, type] = {
    "subject": str,
    "digest": str,
    "made_at": str,
    "made_by": str,
    "key": str,
    "with_data": bool,
}


def _typed(said: Mapping[str, Any], name: str, kind: type) -> Any:
    if not isinstance(said[name], kind):
        raise TypeError(name)
    return said[name]


def _entry(said: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: _typed(said, name, str) for name in ("path", "sha256", "media_type", "says")}
    if not _HASH.fullmatch(found["sha256"]):
        raise ValueError(found["sha256"])
    return {**found, "size": _typed(said, "size", int)}
