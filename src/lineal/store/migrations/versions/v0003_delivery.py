"""What delivery and the sweep need: how far each consumer has the log, what it refused, and the runs that are open.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables of consumers and refusals, and the index of open runs."""
    op.create_table(
        "lineal_consumers",
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column(
            "position",
            sa.BigInteger(),
            nullable=False,
            comment="every event up to this seq is delivered or set aside",
        ),
        sa.Column("failures", sa.Integer(), nullable=False, comment="attempts in a row that came to nothing"),
        sa.Column("problem", sa.Text(), nullable=True, comment="what kept the last attempt from it"),
        sa.Column("retry_at", sa.Float(), nullable=True, comment="not to be asked before, in seconds since 1970"),
        sa.Column("delivered_at", sa.Float(), nullable=True, comment="when it last took an event"),
        sa.Column("holder", sa.Text(), nullable=True, comment="the process that delivers now, as JSON"),
        sa.Column("held_until", sa.Float(), nullable=True, comment="when that is over at the latest"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "lineal_refusals",
        sa.Column("consumer", sa.String(length=500), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True, comment="of the consumer's HTTP answer"),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("refused_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "seq"),
    )
    still_open = sa.text("ended_at IS NULL")
    op.create_index(
        "lineal_runs_open", "lineal_runs", ["first_seq"], sqlite_where=still_open, postgresql_where=still_open
    )
