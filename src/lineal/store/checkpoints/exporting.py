"""The log with its checkpoints as NDJSON, to be verified where there is no store.

Each line is an event, `{"seq": …, "body": "…"}` with the stored text, or `{"checkpoint": {…}}` after the last event
that is under it. The leaf hashes beside a checkpoint go with it, so that an event that is not what it was can be named.
"""

from __future__ import annotations

import base64
import codecs
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, BinaryIO

import sqlalchemy as sa
from pydantic_core import from_json

from lineal.errors import EventError
from lineal.store import tables
from lineal.store.checkpoints.checkpoint import Checkpoint
from lineal.store.log import Store

# Far above any event, as text within text.
_LONGEST = 64 * 1024 * 1024
Line = tuple[int, str] | tuple[Checkpoint, bytes | None]


def read_checkpoints(connection: sa.Connection) -> Iterator[tuple[Checkpoint, bytes]]:
    """The checkpoints of a store in order, each with what is kept beside it."""
    query = sa.select(tables.checkpoints).order_by(tables.checkpoints.c.number)
    for row in connection.execute(query, execution_options={"yield_per": 10}):
        yield Checkpoint.of(dict(row._mapping)), bytes(row.leaves)


def export(store: Store) -> Iterator[str]:
    """The log with its checkpoints, a line at a time.

    Raises:
        StoreError: the store cannot be read.
    """
    columns = tables.events.c
    with store.snapshot() as connection:
        checkpoints = read_checkpoints(connection)
        here = next(checkpoints, None)
        for row in connection.execute(sa.select(columns.seq, columns.body).order_by(columns.seq)):
            while here is not None and here[0].last_seq < row.seq:
                yield _checkpoint_line(*here)
                here = next(checkpoints, None)
            yield json.dumps({"seq": row.seq, "body": row.body}, ensure_ascii=False, separators=(",", ":"))
        while here is not None:
            yield _checkpoint_line(*here)
            here = next(checkpoints, None)


def _checkpoint_line(checkpoint: Checkpoint, leaves: bytes) -> str:
    said = {"checkpoint": {**asdict(checkpoint), "leaves": base64.b64encode(leaves).decode()}}
    return json.dumps(said, separators=(",", ":"))


def read_lines(file: BinaryIO, name: str, *, checkpoints_only: bool = False) -> Iterator[Line]:
    """Read an exported log, a line at a time.

    Args:
        file: what `export` gave, in UTF-8.
        name: of the file, for errors.
        checkpoints_only: pass over lines that can be no checkpoint, whatever else they are.

    Raises:
        EventError: a line is neither an event nor a checkpoint.
    """
    number = 0
    while line := file.readline(_LONGEST):
        number += 1
        # A key may be written in escapes.
        if line.isspace() or (checkpoints_only and b'"checkpoint"' not in line and b"\\u" not in line):
            continue
        try:
            yield _line(from_json(line.removeprefix(codecs.BOM_UTF8)))
        except (ValueError, KeyError, TypeError, RecursionError) as problem:
            raise EventError(
                f"{name}:{number}: is neither an event nor a checkpoint of a log; "
                "write the file by `lineal events --checkpoints`",
                line=number,
            ) from problem


def _line(said: Any) -> Line:
    if "checkpoint" in said:
        leaves = said["checkpoint"].get("leaves")
        kept = None if leaves is None else base64.b64decode(leaves, validate=True)
        return Checkpoint.of(said["checkpoint"]), kept
    seq, body = said["seq"], said["body"]
    if not (isinstance(seq, int) and isinstance(body, str)):
        raise ValueError(said)
    body.encode()
    return seq, body
