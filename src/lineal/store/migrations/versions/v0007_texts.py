"""A job's description can be found once rather than with each of its runs, and of runs only those that say something.

Revision ID: 0007
"""

import json

import sqlalchemy as sa
from alembic import op

from lineal.store.facts import texts_of

revision = "0007"
down_revision = "0006"

_events = sa.table("lineal_events", sa.column("seq"), sa.column("body"))
_texts = sa.table("lineal_texts", *(sa.column(name) for name in ("id", "key", "kind", "subject", "at", "text")))
_CHUNK = 1000


def upgrade() -> None:
    """Make the texts anew from the log."""
    connection = op.get_bind()
    connection.execute(sa.delete(_texts))
    after, known = 0, set[str]()
    while True:
        query = sa.select(_events).where(_events.c.seq > after).order_by(_events.c.seq).limit(_CHUNK)
        found = connection.execute(query).all()
        if not found:
            return
        rows = []
        for event in found:
            for row in texts_of(json.loads(event.body), event.seq):
                if row["key"] not in known:
                    known.add(row["key"])
                    rows.append(row)
        if rows:
            connection.execute(sa.insert(_texts), rows)
        after = found[-1].seq
