"""The newest checkpoint, written down outside the store: what tells that the end of a log was cut off.

A file for each store under `LINEAL_HOME/heads`, with one line as a rule. A line that the chain has grown beyond is
replaced; one that the chain no longer has is kept, for `lineal verify` to tell.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from lineal import settings
from lineal.errors import StorageError
from lineal.store import tables
from lineal.store.checkpoints.checkpoint import Checkpoint
from lineal.store.log import Store


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint that a store had once."""

    number: int
    digest: str
    made_at: str
    origin: str


def file_of(store: Store) -> Path:
    """Where the newest checkpoint of a store is written down."""
    name = hashlib.sha256(str(store).encode()).hexdigest()[:16]
    return settings.home() / "heads" / f"{name}.ndjson"


def read(store: Store) -> list[Head]:
    """The checkpoints that are written down; lines that cannot be read are passed over."""
    file = file_of(store)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            said = json.loads(line)
            found.append(Head(int(said["number"]), str(said["digest"]), str(said["made_at"]), str(file)))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def note(store: Store, made: Sequence[Checkpoint]) -> None:
    """Write down the newest of some checkpoints that were just made.

    Raises:
        StorageError: it cannot be written.
    """
    ours = {made[0].previous} | {each.digest for each in made}
    lost = [head for head in read(store) if head.digest not in ours and not is_in_chain(store, head)]
    lines = [{"number": head.number, "digest": head.digest, "made_at": head.made_at} for head in lost]
    last = made[-1]
    lines.append({"number": last.number, "digest": last.digest, "made_at": last.made_at})
    file = file_of(store)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as fresh:
            fresh.write("".join(json.dumps({**line, "store": str(store)}) + "\n" for line in lines))
        Path(fresh.name).replace(file)
    except OSError as problem:
        raise StorageError(
            f"the newest checkpoint cannot be written down in {file}: {problem.strerror}; "
            "set LINEAL_HOME to a folder that can be written"
        ) from problem


def is_in_chain(store: Store, head: Head) -> bool:
    """Whether a store has a checkpoint of that number that says the same."""
    columns = [column for column in tables.checkpoints.c if column.name != "leaves"]
    rows = store.read(sa.select(*columns).where(tables.checkpoints.c.number == head.number))
    return bool(rows) and Checkpoint.of(rows[0]._mapping).digest == head.digest
