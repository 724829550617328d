"""What makes tampering with the log show: checkpoints, chained and signed.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table of checkpoints; the events so far come under one with the next run or sweep."""
    op.create_table(
        "lineal_checkpoints",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column(
            "root",
            sa.String(length=64),
            nullable=False,
            comment="Merkle root over the events from first_seq to last_seq",
        ),
        sa.Column("previous", sa.String(length=64), nullable=False, comment="hash of the checkpoint before"),
        sa.Column("made_at", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False, comment="id of the key that it is signed with"),
        sa.Column(
            "signature", sa.String(length=128), nullable=False, comment="Ed25519 over all of the above, in base64"
        ),
        sa.Column(
            "leaves",
            sa.LargeBinary(),
            nullable=False,
            comment="seq and leaf hash of each event, so that one can be named",
        ),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("lineal_checkpoints_last", "lineal_checkpoints", ["last_seq"])
