"""Dataset: a handle on one version of a named table. Small, picklable, and good on another machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name and type (Arrow's name for it, such as `int64` or `string`)."""

    name: str
    type: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A handle on one version of a named table.

    Write `Dataset("clean.parquet")` for a file; what is left out is looked up when a traced call takes or returns it.

    Attributes:
        uri: where the bytes lie, a path or any fsspec URI.
        name: a logical name, the same on every machine; None for one that follows from `uri` by the OpenLineage naming.
        namespace: of the name; None for the job namespace (with a name) or the one that follows from `uri`.
        version: MD5 of the bytes, DVC's hash of the file, as lower-case hex.
        sha256: SHA-256 of the same bytes.
        size: in bytes.
        rows: how many records.
        columns: the schema, in order.
        description: one line for a person.
    """

    uri: str | Path
    name: str | None = None
    namespace: str | None = None
    version: str | None = None
    sha256: str | None = None
    size: int | None = None
    rows: int | None = None
    columns: tuple[Column, ...] = ()
    description: str | None = None

    def __post_init__(self) -> None:
        """Take columns that are given as a list for what they are: a handle can be a key."""
        if self.columns:
            object.__setattr__(self, "columns", tuple(self.columns))

    @property
    def location(self) -> str:
        """`uri` as text."""
        return str(self.uri)

    @property
    def path(self) -> Path | None:
        """The local file, or None where the bytes lie elsewhere."""
        if self.location.startswith("file://"):
            return Path(unquote(urlsplit(self.location).path))
        return None if "://" in self.location else Path(self.location)

    def but(self, **changes: Any) -> Self:
        """The same handle with some attributes changed."""
        return replace(self, **changes)
