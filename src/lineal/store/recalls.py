"""Recalls: what was found to be bad and is not trusted again yet."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

import sqlalchemy as sa

from lineal.store import tables
from lineal.store.log import Store


@dataclass(frozen=True, slots=True)
class Recall:
    """A decision that a dataset version, file or model is bad.

    Attributes:
        subject: as it was named.
        version: key of the version it is about.
        content: its content hash; the same bytes under any other name are meant as well.
        reason: why, in the words of whoever decided it.
        decided_at: when.
        decided_by: who.
        run_id: the run that recorded it.
    """

    subject: str
    version: str
    content: str
    reason: str
    decided_at: str
    decided_by: str | None
    run_id: str


@dataclass(frozen=True, slots=True)
class AliasMove:
    """What becomes of an alias because of a recall.

    Attributes:
        namespace: of the registered model.
        name: of the registered model.
        alias: that moves.
        holder: the version that holds it; 0 where none does.
        to: the version that it goes to; None where it is taken away.
        digest: of the version that it goes to; of the holder where it is taken away.
    """

    namespace: str
    name: str
    alias: str
    holder: int
    to: int | None
    digest: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a recall came to.

    Attributes:
        run_id: the run that recorded it.
        moved: the aliases that went elsewhere.
        left: a sentence for each that was left alone.
        failed: a sentence for each that could not be moved.
    """

    run_id: str
    moved: tuple[AliasMove, ...]
    left: tuple[str, ...]
    failed: tuple[str, ...]


def standing(store: Store) -> list[Recall]:
    """The recalls that were not undone, oldest first."""
    columns = tables.recalls.c
    newest = sa.select(columns.version, sa.func.max(columns.seq).label("seq")).group_by(columns.version).subquery()
    query = (
        sa.select(*(columns[name] for name in Recall.__dataclass_fields__))
        .join(newest, (newest.c.version == columns.version) & (newest.c.seq == columns.seq))
        .where(columns.action == "recall")
        .order_by(columns.seq)
    )
    return [Recall(**row._mapping) for row in store.read(query)]


def recorded_by(store: Store, version: str) -> list[str]:
    """The runs that recalled a version, by its key, since it was last trusted: something may be recalled again."""
    columns = tables.recalls.c
    query = sa.select(columns.run_id, columns.action).where(columns.version == version).order_by(columns.seq.desc())
    rows = store.read(query)
    return [row.run_id for row in takewhile(lambda row: row.action == "recall", rows)]


def taken_away(store: Store, name: str, alias: str) -> str | None:
    """Say from which version a recall took an alias, and why; None where none took it, or another version has it.

    Args:
        store: the lineage store.
        name: of the registered model.
        alias: that nobody holds.
    """
    moves, columns = tables.aliases.c, tables.recalls.c
    query = (
        sa.select(moves.number, moves.previous, columns.subject, columns.reason)
        .outerjoin(tables.recalls, columns.run_id == moves.run_id)
        .where(moves.name == name, moves.alias == alias)
        .order_by(moves.seq.desc())
        .limit(1)
    )
    for row in store.read(query):
        if row.number is None and row.subject is not None:
            return f"@{alias} was taken away from version {row.previous} by the recall of {row.subject} ({row.reason})"
    return None
