"""Facts and texts without what earlier versions did not know for a secret, and names that events of no run gave.

Revision ID: 0009
"""

import json

import sqlalchemy as sa
from alembic import op

from lineal.store.index import rows_of
from lineal.store.migrations.versions import v0006_knowledge as knowledge

revision = "0009"
down_revision = "0008"

_events = sa.table("lineal_events", sa.column("seq"), sa.column("run_id"), sa.column("body"))
_facts = sa.table("lineal_facts", *(sa.column(name) for name in ("run_id", "root_id", "seq", "body")))
_texts = sa.table("lineal_texts", *(sa.column(name) for name in ("id", "key", "kind", "subject", "at", "text")))
_jobs = sa.table("lineal_jobs", *(sa.column(name) for name in ("key", "namespace", "name")))


def upgrade() -> None:
    """Make facts and texts anew from the log, and add the jobs that only job events name."""
    connection = op.get_bind()
    for table in (_facts, _texts):
        connection.execute(sa.delete(table))
    knowledge.fill(connection, _facts, _texts)
    known = set(connection.execute(sa.select(_jobs.c.key)).scalars())
    query = sa.select(_events.c.seq, _events.c.body).where(_events.c.run_id.is_(None))
    for seq, body in connection.execute(query).all():
        new = [row for row in rows_of(json.loads(body), seq).jobs if row["key"] not in known]
        if new:
            connection.execute(sa.insert(_jobs), new)
            known.update(row["key"] for row in new)
