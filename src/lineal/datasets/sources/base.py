"""What every format of a source offers, and what they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa

from lineal.datasets.hashing import Fingerprint
from lineal.datasets.types import ROW, unified
from lineal.errors import DataError, SourceError

BLOCK = 1 << 20
"""Bytes that are parsed at a time; what is read does not depend on it."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source, its bytes on this machine.

    Attributes:
        uri: where it comes from, an absolute path or a URI without credentials.
        path: where its bytes lie here.
        format: its format's name.
        compression: as pyarrow names it, or None.
        fingerprint: of its bytes, where they were hashed on their way here.
    """

    uri: str
    path: Path
    format: str
    compression: str | None = None
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a source's columns are to become.

    Attributes:
        schema: the snapshot's columns and types.
        parsed: the types to parse them as, which may be narrower than what a snapshot holds; `null` where no value is.
        exact: whether every value has been looked at.
    """

    schema: pa.Schema
    parsed: pa.Schema
    exact: bool = False

    def but(self, name: str, kind: pa.DataType, parsed: pa.DataType) -> Plan:
        """The same plan but for one column."""
        place = self.schema.get_field_index(name)
        return replace(
            self,
            schema=self.schema.set(place, pa.field(name, kind)),
            parsed=self.parsed.set(place, pa.field(name, parsed)),
        )


class TypeChanged(Exception):
    """A value does not fit the type that the first block of rows spoke for."""


class BlockTooSmall(Exception):
    """A record is longer than a block."""


class Format(Protocol):
    """Reads files of one format, together, as they make one table."""

    def guess(self, files: Sequence[SourceFile], block: int) -> Plan:
        """Plan from the start of each file.

        Raises:
            TypeChanged: the starts do not agree.
            SourceError: a file cannot be read.
        """
        ...

    def infer(self, files: Sequence[SourceFile], block: int) -> Plan:
        """Plan from every value of every file."""
        ...

    def batches(self, file: SourceFile, stream: BinaryIO, plan: Plan, block: int) -> Iterator[pa.RecordBatch]:
        """Give a file's rows in order, as batches of `plan.schema`.

        Raises:
            TypeChanged: a value does not fit the plan.
            SourceError: the file cannot be read.
        """
        ...


def planned(kinds: Mapping[str, pa.DataType], *, exact: bool = False) -> Plan:
    """Plan columns by what they are parsed as; one without any value is `double`, as in pandas."""
    settled = {name: unified([kind]) for name, kind in kinds.items()}
    schema = {name: pa.float64() if pa.types.is_null(kind) else kind for name, kind in settled.items()}
    return Plan(pa.schema(list(schema.items())), pa.schema(list(kinds.items())), exact)


def agreed(files: Sequence[SourceFile], names: Sequence[Sequence[str]]) -> list[str]:
    """Return the columns' names, in the first file's order, where every file has the same, each once.

    Raises:
        SourceError: naming the file and its columns.
        DataError: a column is named as Lineal's own.
    """
    for file, found in zip(files, names, strict=True):
        _well_named(file, found)
        if sorted(found) != sorted(names[0]):
            extra, absent = (sorted(set(a) - set(b)) for a, b in ((found, names[0]), (names[0], found)))
            parts = [f"{what} {_listed(which)}" for what, which in (("also has", extra), ("lacks", absent)) if which]
            raise SourceError(
                f"{file.uri} has other columns than {files[0].uri}: it {' and '.join(parts)}; "
                "files of one source need the same column names",
                uri=file.uri,
                column=(extra or absent)[0],
            )
    return list(names[0])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _well_named(file: SourceFile, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise SourceError(
                f"{file.uri}: column {number} has no name; name it "
                "(a CSV that pandas wrote with its index has one such column: write it with index=False)",
                uri=file.uri,
                column=name,
            )
        if name in seen:
            raise SourceError(
                f"{file.uri}: two columns are named {name!r}; rename one of them", uri=file.uri, column=name
            )
        seen.add(name)
    if ROW in seen:
        raise DataError(f"{file.uri}: {ROW} is a name that Lineal keeps for itself; rename that column", column=ROW)


def near(name: str, names: Sequence[str]) -> str:
    """Return `; did you mean …?` with the nearest of `names`, or nothing."""
    found = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""
