"""Facts and texts without what earlier versions did not know for a secret, and names that events of no run gave.

Revision ID: 0009
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from lineal.store.index import rows_of
from lineal.store.migrations.versions import v0006_knowledge as knowledge

revision = "0009"
down_revision = "0008"

_events = sa.table("lineal_events", sa.column("seq"), sa.column("run_id"), sa.column("body"))
_facts = sa.table("lineal_facts", *(sa.column(name) for name in ("run_id", "root_id", "seq", "body")))
_texts = sa.table("lineal_texts", *(sa.column(name) for name in ("id", "key", "kind", "subject", "at", "text")))
_PLACES = 64  # of the texts of one event
_jobs = sa.table("lineal_jobs", *(sa.column(name) for name in ("key", "namespace", "name")))


def upgrade() -> None:
    """Write the facts and texts that the log says otherwise now, and add the jobs that only job events name."""
    connection = op.get_bind()
    for places, facts, texts in knowledge.told(connection):
        first, last = places.start, places.stop - 1
        _correct(connection, _facts, "run_id", _facts.c.seq.between(first, last), facts)
        _correct(connection, _texts, "id", _texts.c.id.between(first * _PLACES, last * _PLACES + _PLACES - 1), texts)
    known = set(connection.execute(sa.select(_jobs.c.key)).scalars())
    query = sa.select(_events.c.seq, _events.c.body).where(_events.c.run_id.is_(None))
    for seq, body in connection.execute(query).all():
        new = [row for row in rows_of(json.loads(body), seq).jobs if row["key"] not in known]
        if new:
            connection.execute(sa.insert(_jobs), new)
            known.update(row["key"] for row in new)


def _correct(
    connection: sa.Connection,
    table: sa.TableClause,
    key: str,
    there: sa.ColumnElement[bool],
    rows: list[dict[str, Any]],
) -> None:
    """Have some rows of a table be what they are to be; most are, and a full-text index is slow to write."""
    stands = {row[key]: dict(row) for row in connection.execute(sa.select(table).where(there)).mappings()}
    wanted = {row[key]: row for row in rows}
    differ = [name for name in {**stands, **wanted} if stands.get(name) != wanted.get(name)]
    for name in differ:
        connection.execute(sa.delete(table).where(table.c[key] == name))
    for row in [wanted[name] for name in differ if name in wanted]:
        if "key" in row:
            # Told by a later event as well, as it was known before.
            connection.execute(sa.delete(table).where(table.c.key == row["key"]))
        connection.execute(sa.insert(table), row)
