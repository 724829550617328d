"""Full text over the index's texts: FTS5 in SQLite, a GIN index in PostgreSQL, behind one question.

The database keeps its full-text index itself, by triggers or as an index: it is made in the transaction of the event,
and remade with the table it is over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import sqlalchemy as sa

NAME = "lineal_texts_words"
# Letters and digits alone make words, in both databases: a dotted or underscored name is found by any part of it.
_VECTOR = "to_tsvector('simple', regexp_replace(text, '[^[:alnum:]]+', ' ', 'g'))"
_TRIGGER = "CREATE TRIGGER {name} AFTER {when} ON lineal_texts BEGIN INSERT INTO lineal_texts_words{then}; END"
CREATE: dict[str, tuple[str, ...]] = {
    "sqlite": (
        f"CREATE VIRTUAL TABLE {NAME} USING fts5(text, content='lineal_texts', content_rowid='id', "
        "tokenize='unicode61 remove_diacritics 2')",
        _TRIGGER.format(name=f"{NAME}_added", when="INSERT", then="(rowid, text) VALUES (new.id, new.text)"),
        _TRIGGER.format(
            name=f"{NAME}_gone", when="DELETE", then=f"({NAME}, rowid, text) VALUES ('delete', old.id, old.text)"
        ),
    ),
    "postgresql": (f"CREATE INDEX {NAME} ON lineal_texts USING gin ({_VECTOR})",),
}


def attach(table: sa.Table) -> None:
    """Have the full-text index made and dropped with its table."""
    for dialect, statements in CREATE.items():
        for statement in statements:
            sa.event.listen(table, "after_create", _ddl(statement, dialect))
    sa.event.listen(table, "before_drop", _ddl(f"DROP TABLE IF EXISTS {NAME}", "sqlite"))


def _ddl(statement: str, dialect: str) -> sa.ExecutableDDLElement:
    return sa.DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]


def words_of(text: str) -> tuple[str, ...]:
    """The words that a question is asked with; quotes and operators are no part of them."""
    return tuple(word for word in re.split(r"[\W_]+", text) if word)


def select_matching(dialect: str, words: Sequence[str], limit: int) -> sa.Select[tuple[object, ...]]:
    """The query for the texts that have all of some words, the last one perhaps only begun; best first."""
    if dialect == "postgresql":
        asked = " & ".join([*(f"'{word}'" for word in words[:-1]), f"'{words[-1]}':*"])
        vector: sa.ColumnElement[object] = sa.literal_column(_VECTOR)
        query = sa.func.to_tsquery("simple", asked)
        rank = sa.func.ts_rank_cd(vector, query, 1).label("rank")
        texts = sa.table("lineal_texts", *(sa.column(name) for name in ("id", "kind", "subject", "at", "text")))
        return (
            sa.select(*texts.c, rank)
            .where(vector.bool_op("@@")(query))
            .order_by(sa.desc("rank"), texts.c.id.desc())
            .limit(limit)
        )
    asked = " ".join([*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"*'])
    # By a plain `rank` FTS5 sorts all that match; by an expression of it, SQLite keeps only the best.
    found = (
        sa.text(f"SELECT rowid AS id, rank FROM {NAME} WHERE {NAME} MATCH :asked ORDER BY +rank LIMIT :most")  # noqa: S608
        .bindparams(asked=asked, most=limit)
        .columns(sa.column("id"), sa.column("rank"))
        .subquery()
    )
    texts = sa.table("lineal_texts", *(sa.column(name) for name in ("id", "kind", "subject", "at", "text")))
    return (
        sa.select(*texts.c, found.c.rank)
        .join(found, found.c.id == texts.c.id)
        .order_by(found.c.rank, texts.c.id.desc())
    )
