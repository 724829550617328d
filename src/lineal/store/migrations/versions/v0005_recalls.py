"""What asking forward needs: what was recalled, and how many rows a version has.

Revision ID: 0005
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_CHUNK = 1000
_events = sa.table("lineal_events", sa.column("seq"), sa.column("body"))
_datasets = sa.table("lineal_datasets", sa.column("key"), sa.column("namespace"), sa.column("name"))
_versions = sa.table("lineal_versions", sa.column("key"), sa.column("dataset"), sa.column("version"), sa.column("rows"))


def upgrade() -> None:
    """Make the table of recalls, and write down the rows that events have told."""
    op.create_table(
        "lineal_recalls",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "version", sa.String(length=32), nullable=False, comment="key of the version that the decision is about"
        ),
        sa.Column(
            "content", sa.Text(), nullable=False, comment="its content hash: the same bytes under any name are meant"
        ),
        sa.Column("subject", sa.Text(), nullable=False, comment="as it was named"),
        sa.Column(
            "action",
            sa.String(length=20),
            nullable=False,
            comment="recall, or restore-trust where an earlier one is undone",
        ),
        sa.Column("decided_at", sa.String(length=40), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("seq", "version"),
    )
    op.add_column(
        "lineal_versions",
        sa.Column("rows", sa.BigInteger(), nullable=True, comment="how many records, where an event told"),
    )
    connection = op.get_bind()
    names = sa.select(_versions.c.key, _datasets.c.namespace, _datasets.c.name, _versions.c.version)
    known = {
        (row.namespace, row.name, row.version): row.key
        for row in connection.execute(names.join_from(_versions, _datasets, _versions.c.dataset == _datasets.c.key))
    }
    told: dict[str, int] = {}
    after = 0
    while found := connection.execute(
        sa.select(_events).where(_events.c.seq > after).order_by(_events.c.seq).limit(_CHUNK)
    ).all():
        for row in found:
            _tell(json.loads(row.body), known, told)
        after = found[-1].seq
    change = sa.update(_versions).where(_versions.c.key == sa.bindparam("which")).values(rows=sa.bindparam("told"))
    if told:
        connection.execute(change, [{"which": key, "told": rows} for key, rows in told.items()])


def _tell(event: Any, known: dict[tuple[str, str, str], str], told: dict[str, int]) -> None:
    for dataset in (*(event.get("inputs") or ()), *(event.get("outputs") or ())):
        version = ((dataset.get("facets") or {}).get("version") or {}).get("datasetVersion", "")
        key = known.get((dataset["namespace"], dataset["name"], version))
        for path in (("outputFacets", "outputStatistics"), ("inputFacets", "inputStatistics")):
            found: Any = dataset
            for step in (*path, "rowCount"):
                found = found.get(step) if isinstance(found, dict) else None
            if key and version and type(found) is int and 0 <= found < 1 << 63:
                told.setdefault(key, found)
                break
