"""Verify a store, or an exported log."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from lineal import signing
from lineal.errors import EventError, SigningError
from lineal.questions.verify.findings import Tally, Verification
from lineal.questions.verify.index import check_index
from lineal.questions.verify.log import Entry, LogCheck, check_log
from lineal.store import tables
from lineal.store.checkpoints import Checkpoint, heads
from lineal.store.checkpoints.exporting import read_checkpoints, read_lines
from lineal.store.log import Store
from lineal.subjects import Kind

KINDS: tuple[Kind, ...] = ("model", "dataset", "run")


def verify(store: Store, *, keys: Sequence[Path] = ()) -> Verification:
    """Check the whole record.

    Args:
        store: the lineage store.
        keys: files of the public keys to believe; where none is named, this machine's own and those in `keys/trusted`.

    Raises:
        SigningError: a file is no key, or none is known and there is something signed.
        StoreError: the store cannot be read.
    """
    log = Tally("log")
    believed = signing.trusted(keys)
    columns = tables.events.c
    with store.snapshot() as connection:
        query = sa.select(columns.seq, columns.body, columns.run_id, columns.event_time).order_by(columns.seq)
        events = (Entry(*row) for row in connection.execute(query))

        def body_at(seq: int) -> str | None:
            return connection.execute(sa.select(columns.body).where(columns.seq == seq)).scalar()

        found = check_log(events, read_checkpoints(connection), believed, heads.read(store), log, body_at)
    _require_keys(believed, found)
    index = Tally("index")
    counts = check_index(store, index)
    rows = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return Verification(
        subject=None,
        source=str(store),
        checked=(log.checked(_said(found)), index.checked(rows)),
        findings=(*log.kept, *index.kept),
        newest=found.newest,
    )


def verify_file(file: Path, *, keys: Sequence[Path] = ()) -> Verification:
    """Check an exported log from the file alone.

    Args:
        file: what `lineal events --checkpoints` wrote.
        keys: files of the public keys to believe.

    Raises:
        EventError: the file cannot be read, or is no exported log.
        SigningError: a file is no key, or none is known.
    """
    log = Tally("log")
    believed = signing.trusted(keys)
    try:
        with file.open("rb") as opened, tempfile.TemporaryFile("w+", encoding="utf-8") as aside:
            # Checkpoints come after their events: they are read first, and set aside.
            count = _set_aside(opened, str(file), aside)
            opened.seek(0)
            found = check_log(_entries(opened, str(file)), _checkpoints(aside), believed, (), log)
    except OSError as problem:
        raise EventError(f"{file}: cannot be read: {problem.strerror or problem}; name another file") from problem
    if not count:
        raise EventError(f"{file}: has no checkpoints to verify by; write it by `lineal events --checkpoints`")
    _require_keys(believed, found)
    return Verification(None, str(file), (log.checked(_said(found)),), tuple(log.kept), found.newest)


def _require_keys(believed: object, found: LogCheck) -> None:
    if not believed and found.checkpoints:
        raise SigningError(
            f"there is no key here to verify by ({signing.path_of('log')} is not there); "
            "give the public key of who signed by --public-key FILE"
        )


def _said(found: LogCheck) -> str:
    still = f", {found.open} not yet under one" if found.open else ""
    return f"under {found.checkpoints} checkpoints{still}"


def _set_aside(opened: IO[bytes], name: str, aside: IO[str]) -> int:
    count = 0
    for first, second in read_lines(opened, name):  # type: ignore[arg-type]
        if isinstance(first, Checkpoint):
            count += 1
            kept = second.hex() if isinstance(second, bytes) else None
            aside.write(json.dumps([{name: getattr(first, name) for name in first.__slots__}, kept]) + "\n")
    aside.seek(0)
    return count


def _checkpoints(aside: IO[str]) -> Iterator[tuple[Checkpoint, bytes | None]]:
    for line in aside:
        values, kept = json.loads(line)
        yield Checkpoint.of(values), None if kept is None else bytes.fromhex(kept)


def _entries(opened: IO[bytes], name: str) -> Iterator[Entry]:
    before = 0
    for first, second in read_lines(opened, name):  # type: ignore[arg-type]
        if isinstance(first, Checkpoint) or not isinstance(second, str):
            continue
        if first <= before:
            raise EventError(f"{name}: event {first} stands behind event {before}; the file was put together anew")
        before = first
        yield _entry(first, second)


def _entry(seq: int, body: str) -> Entry:
    try:
        event = json.loads(body)
        return Entry(seq, body, (event.get("run") or {}).get("runId"), str(event["eventTime"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        # Its hash will tell.
        return Entry(seq, body, None, None)
