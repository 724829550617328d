"""What discovery and search read: the facts of ended runs, and the texts that can be searched.

Revision ID: 0006
"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from lineal.store.facts import fact_of, texts_of
from lineal.store.fulltext import CREATE

revision = "0006"
down_revision = "0005"

_events = sa.table("lineal_events", sa.column("seq"), sa.column("body"))
_CHUNK = 1000


def upgrade() -> None:
    """Make the tables of facts and texts and the full-text index, and fill them from the log."""
    facts = op.create_table(
        "lineal_facts",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("root_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="of the event that ended the run"),
        sa.Column("body", sa.Text(), nullable=False, comment="parameters, metrics, environment and data, as JSON"),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("lineal_facts_seq", "lineal_facts", ["seq"])
    texts = op.create_table(
        "lineal_texts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="run, job, decision, note or description"),
        sa.Column("subject", sa.Text(), nullable=False, comment="what to ask about"),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    connection = op.get_bind()
    for statement in CREATE[connection.dialect.name]:
        connection.exec_driver_sql(statement)
    fill(connection, facts, texts)


def fill(connection: sa.Connection, facts: sa.TableClause, texts: sa.TableClause) -> None:
    """Write the facts and texts of all events of the log into empty tables."""
    for _, of_facts, of_texts in told(connection):
        for table, rows in ((facts, of_facts), (texts, of_texts)):
            if rows:
                connection.execute(sa.insert(table), rows)


def told(connection: sa.Connection) -> Iterator[tuple[range, list[dict[str, Any]], list[dict[str, Any]]]]:
    """The facts and texts of all events of the log, some places of it at a time."""
    after, known = 0, set[str]()
    while True:
        query = sa.select(_events).where(_events.c.seq > after).order_by(_events.c.seq).limit(_CHUNK)
        found = connection.execute(query).all()
        if not found:
            return
        events = [(json.loads(row.body), row.seq) for row in found]
        of_facts, of_texts = list[dict[str, Any]](), list[dict[str, Any]]()
        for event, seq in events:
            run_id = str((event.get("run") or {}).get("runId") or "")
            fact = fact_of(event, seq) if run_id and event.get("job") else None
            if fact and run_id not in known:
                known.add(run_id)
                of_facts.append(fact)
            for row in texts_of(event, seq):
                if row["key"] not in known:
                    known.add(row["key"])
                    of_texts.append(row)
        yield range(after + 1, found[-1].seq + 1), of_facts, of_texts
        after = found[-1].seq
