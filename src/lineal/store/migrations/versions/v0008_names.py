"""Names that were left out of the index: of a dataset called as a job before it, and of a job called as a dataset.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_versions = sa.table("lineal_versions", sa.column("dataset"))
_runs = sa.table("lineal_runs", sa.column("job"))
_jobs, _datasets = (
    sa.table(name, sa.column("key"), sa.column("namespace"), sa.column("name"))
    for name in ("lineal_jobs", "lineal_datasets")
)


def upgrade() -> None:
    """Take each name that the index has a key of from the table of the other kind, which has the same key."""
    connection = op.get_bind()
    for used, kind, other in ((_versions.c.dataset, _datasets, _jobs), (_runs.c.job, _jobs, _datasets)):
        missing = sa.select(other).where(other.c.key.in_(sa.select(used)), other.c.key.not_in(sa.select(kind.c.key)))
        connection.execute(sa.insert(kind).from_select(["key", "namespace", "name"], missing))
