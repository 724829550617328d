"""Verify a store, or an exported log."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from lineal import signing
from lineal.errors import EventError, SigningError
from lineal.questions.verify.datasets import check_datasets
from lineal.questions.verify.findings import Checked, Tally, Verification
from lineal.questions.verify.index import check_index
from lineal.questions.verify.log import Entry, LogCheck, check_log, cut_off, not_that
from lineal.questions.verify.models import check_models
from lineal.questions.verify.things import scope_of
from lineal.signing import PublicKey
from lineal.store import tables
from lineal.store.checkpoints import Checkpoint, heads, newest
from lineal.store.checkpoints.exporting import read_checkpoints, read_lines
from lineal.store.log import Store
from lineal.subjects import Kind, Subject

KINDS: tuple[Kind, ...] = ("model", "dataset", "run")


def verify(
    store: Store, subject: Subject | None = None, *, keys: Sequence[Path] = (), processes: int = 1
) -> Verification:
    """Check the record, or what one subject rests on.

    The log is one chain, so that it is always read whole; of single events, those of other runs are then not told.

    Args:
        store: the lineage store.
        subject: check its descent alone; everything where it is left out.
        keys: files of the public keys to believe; where none is named, this machine's own and those in `keys/trusted`.
        processes: how many may work at a time; more than one asks of a program that it can be imported.

    Raises:
        SigningError: a file is no key, or none is known and there is something signed.
        StoreError: the store cannot be read.
        SubjectError: unknown or ambiguous.
    """
    believed, of_models = signing.trusted("log", keys), signing.trusted("models", keys)
    scope = scope_of(store, subject) if subject is not None else None
    lines: list[Checked] = []
    log, index, kept = Tally("log", scope.runs if scope else None), Tally("index"), Tally("datasets")
    files, registry = Tally("models"), Tally("mlflow")
    _require_keys(believed, newest(store))
    with ThreadPoolExecutor(1) as beside:
        # Other processes do it: the log need not wait for them.
        early = beside.submit(check_index, store, index, processes=processes) if processes > 1 and not scope else None
        found = _check_log(store, believed, log)
        aside = check_datasets(store, scope, kept)
        of_them = check_models(store, scope, of_models, files, registry)
        if scope is None:
            counts = early.result() if early else check_index(store, index)
            lines.append(index.checked(", ".join(f"{count} {name}" for name, count in counts.items() if count)))
    lines.append(kept.checked(aside))
    for head in of_them.heads:
        if not heads.is_in_chain(store, head):
            there = found.newest is not None and head.number <= found.newest.number
            log.add(not_that(head) if there else cut_off(head, found.newest))
    lines.append(files.checked(f"{of_them.unsigned} of them not signed" if of_them.unsigned else ""))
    lines.append(registry.checked())
    return Verification(
        subject=scope.subject if scope else None,
        source=str(store),
        checked=(log.checked(_said(found)), *lines),
        findings=(*log.kept, *index.kept, *kept.kept, *files.kept, *registry.kept),
        newest=found.newest,
    )


def _check_log(store: Store, believed: Mapping[str, PublicKey], log: Tally) -> LogCheck:
    columns = tables.events.c
    with store.snapshot() as connection:
        query = sa.select(columns.seq, columns.body, columns.run_id, columns.event_time).order_by(columns.seq)
        events = (Entry(*row) for row in connection.execute(query))

        def body_at(seq: int) -> str | None:
            return connection.execute(sa.select(columns.body).where(columns.seq == seq)).scalar()

        return check_log(events, read_checkpoints(connection), believed, heads.read(store), log, body_at)


def verify_file(file: Path, *, keys: Sequence[Path] = ()) -> Verification:
    """Check an exported log from the file alone.

    Args:
        file: what `lineal events --checkpoints` wrote.
        keys: files of the public keys to believe.

    Raises:
        EventError: the file cannot be read, or is no exported log.
        SigningError: a file is no key, or none is known.
    """
    believed = signing.trusted("log", keys)
    if keys and not {key.id for key in map(signing.read_public, keys)} & set(believed):
        raise SigningError(f"{keys[0]} is a key for models; the log is signed with Ed25519, so give its public key")
    try:
        with file.open("rb") as opened, tempfile.TemporaryFile("w+", encoding="utf-8") as aside:
            # Checkpoints come after their events: they are read first, and set aside.
            count = _set_aside(opened, str(file), aside)
            # Whose an event is, is asked only where one is to be named: to parse each takes longer than all the rest.
            for entry in (lambda seq, body: Entry(seq, body, None, None)), _entry:
                log = Tally("log")
                opened.seek(0)
                aside.seek(0)
                found = check_log(_entries(opened, str(file), entry), _checkpoints(aside), believed, (), log)
                if not log.wrong:
                    break
    except OSError as problem:
        raise EventError(f"{file}: cannot be read: {problem.strerror or problem}; name another file") from problem
    if not count:
        raise EventError(f"{file}: has no checkpoints to verify by; write it by `lineal events --checkpoints`")
    _require_keys(believed, found.checkpoints)
    return Verification(None, str(file), (log.checked(_said(found)),), tuple(log.kept), found.newest)


def _require_keys(believed: object, signed: object) -> None:
    if not believed and signed:
        raise SigningError(
            f"there is no key here to verify by ({signing.path_of('log')} is not there); "
            "give the public key of who signed by --public-key FILE"
        )


def _said(found: LogCheck) -> str:
    still = f", {found.open} not yet under one" if found.open else ""
    return f"under {found.checkpoints} checkpoints{still}"


def _set_aside(opened: IO[bytes], name: str, aside: IO[str]) -> int:
    count = 0
    for first, second in read_lines(opened, name, checkpoints_only=True):  # type: ignore[arg-type]
        if isinstance(first, Checkpoint):
            count += 1
            kept = second.hex() if isinstance(second, bytes) else None
            aside.write(json.dumps([{name: getattr(first, name) for name in first.__slots__}, kept]) + "\n")
    return count


def _checkpoints(aside: IO[str]) -> Iterator[tuple[Checkpoint, bytes | None]]:
    for line in aside:
        values, kept = json.loads(line)
        yield Checkpoint.of(values), None if kept is None else bytes.fromhex(kept)


def _entries(opened: IO[bytes], name: str, entry: Callable[[int, str], Entry]) -> Iterator[Entry]:
    before = 0
    for first, second in read_lines(opened, name):  # type: ignore[arg-type]
        if isinstance(first, Checkpoint) or not isinstance(second, str):
            continue
        if first <= before:
            raise EventError(f"{name}: event {first} stands behind event {before}; the file was put together anew")
        before = first
        yield entry(first, second)


def _entry(seq: int, body: str) -> Entry:
    try:
        event = json.loads(body)
        return Entry(seq, body, (event.get("run") or {}).get("runId"), str(event["eventTime"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        # Its hash will tell.
        return Entry(seq, body, None, None)
