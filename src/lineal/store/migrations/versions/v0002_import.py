"""What importing other producers' events needs: to find an event again, and to compare times as texts.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

from lineal.store.index import utc

revision = "0002"
down_revision = "0001"

_runs = sa.table("lineal_runs", sa.column("run_id"), sa.column("started_at"), sa.column("ended_at"))
_meta = sa.table("lineal_meta", sa.column("key"), sa.column("value"))
_LENGTH = len("2026-01-01T00:00:00.000000+00:00")


def upgrade() -> None:
    """Index the events that have no run, and write the times of runs in one form."""
    without_run = sa.text("run_id IS NULL")
    op.create_index(
        "lineal_events_time", "lineal_events", ["event_time"], sqlite_where=without_run, postgresql_where=without_run
    )
    connection = op.get_bind()
    odd = [sa.func.length(time) != _LENGTH for time in (_runs.c.started_at, _runs.c.ended_at)]
    odd += [sa.not_(time.like("%+00:00")) for time in (_runs.c.started_at, _runs.c.ended_at)]
    for row in connection.execute(sa.select(_runs).where(sa.or_(*odd))).all():
        times = {name: value and utc(value) for name, value in row._mapping.items() if name != "run_id"}
        connection.execute(sa.update(_runs).where(_runs.c.run_id == row.run_id).values(**times))
    # Lineal from before the migrations looks there for what it must not touch.
    connection.execute(sa.delete(_meta).where(_meta.c.key == "schema"))
    connection.execute(sa.insert(_meta).values(key="schema", value="2"))
