"""The store's migrations, run by Alembic: each turns the layout of one version of Lineal into the next.

A store's layout is the number in its table `lineal_alembic_version`. To change the layout:

1. change `lineal/store/tables.py`, from which new stores are made;
2. add `versions/v0005_WHAT.py` with `revision = "0005"`, `down_revision = "0004"` and an `upgrade()` that does the same
   to a store which has rows in it, on SQLite and PostgreSQL, by `alembic.op` (SQLite cannot change a column: add one,
   or use `op.batch_alter_table`); write tables and columns out, for `tables.py` moves on;
3. set `HEAD` below.

A test holds that the migrations lead to the very tables of `tables.py`, on both databases, and that `HEAD` is the last.
A new table that is part of the index goes into `tables.INDEX_TABLES` as well, so that it is rebuilt. There is no way
back: a store that a newer Lineal has migrated is refused by older ones.

Alembic is imported only where there is something to migrate: opening a store reads one row.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

HEAD = "0009"
VERSION_TABLE = "lineal_alembic_version"
# Lineal from before the migrations looks here for what it must not touch.
META_SCHEMA = "2"

_version = sa.Table(VERSION_TABLE, sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True))


def stamp(connection: sa.Connection, revision: str) -> None:
    """Note that the tables are of a revision."""
    _version.create(connection)
    connection.execute(sa.insert(_version), {"version_num": revision})


def upgrade(connection: sa.Connection, to: str = "head") -> None:
    """Run what leads from the store's revision to another, in the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Config reads % as the start of an interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
