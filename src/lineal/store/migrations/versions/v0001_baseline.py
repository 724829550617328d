"""The tables as they were before there were migrations.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the event log and its index."""
    op.create_table(
        "lineal_aliases",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("alias", sa.String(length=255), nullable=False),
        sa.Column(
            "number",
            sa.Integer(),
            nullable=True,
            comment="the version that holds it from then on; NULL where it was taken away",
        ),
        sa.Column("previous", sa.Integer(), nullable=True),
        sa.Column("moved_at", sa.String(length=40), nullable=False),
        sa.Column("moved_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("seq", "namespace", "name", "alias"),
    )
    op.create_index("lineal_aliases_name", "lineal_aliases", ["name", "alias", "seq"], unique=False)
    op.create_table(
        "lineal_datasets",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("lineal_datasets_name", "lineal_datasets", ["name"], unique=False)
    op.create_table(
        "lineal_edges",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=1), nullable=False, comment="i: the run read it, o: the run wrote it"),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "role", "version"),
    )
    op.create_index("lineal_edges_version", "lineal_edges", ["version", "role"], unique=False)
    op.create_table(
        "lineal_events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=True),
        sa.Column("event_type", sa.String(length=10), nullable=True),
        sa.Column("event_time", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("lineal_events_run", "lineal_events", ["run_id", "seq"], unique=False)
    op.create_table(
        "lineal_jobs",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("lineal_jobs_name", "lineal_jobs", ["name"], unique=False)
    op.create_table(
        "lineal_meta",
        sa.Column("key", sa.String(length=50), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "lineal_models",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("registered_at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "name", "number"),
    )
    op.create_index("lineal_models_digest", "lineal_models", ["digest"], unique=False)
    op.create_index("lineal_models_name", "lineal_models", ["name", "number"], unique=False)
    op.create_table(
        "lineal_runs",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("root_id", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("started_at", sa.String(length=40), nullable=True),
        sa.Column("ended_at", sa.String(length=40), nullable=True),
        sa.Column(
            "engine_id",
            sa.String(length=36),
            nullable=True,
            comment="the orchestrator's own id of the run, such as Prefect's",
        ),
        sa.Column("mlflow_id", sa.String(length=64), nullable=True),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False, comment="of the newest event with datasets and facets"),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("lineal_runs_engine", "lineal_runs", ["engine_id"], unique=False)
    op.create_index("lineal_runs_job", "lineal_runs", ["job", "first_seq"], unique=False)
    op.create_index("lineal_runs_mlflow", "lineal_runs", ["mlflow_id"], unique=False)
    op.create_index("lineal_runs_parent", "lineal_runs", ["parent_id"], unique=False)
    op.create_index("lineal_runs_root", "lineal_runs", ["root_id"], unique=False)
    op.create_table(
        "lineal_versions",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("dataset", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Text(), nullable=False, comment="content hash; empty where the producer gave none"),
        sa.Column(
            "kind",
            sa.String(length=20),
            nullable=False,
            comment="the datasetType facet's word, such as TABLE, FILE, MODEL",
        ),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("lineal_versions_dataset", "lineal_versions", ["dataset", "first_seq"], unique=False)
    op.create_index("lineal_versions_version", "lineal_versions", ["version"], unique=False)
