"""The store's schema: made in a new database, brought up to date in an older one, refused in a newer one."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from lineal.errors import NothingRecordedError, StoreError
from lineal.store import migrations, tables
from lineal.store.engine import writing
from lineal.store.migrations import HEAD

NOTHING = "nothing is recorded here yet; run a pipeline or a traced flow first, or set LINEAL_STORE"
_VERSION = sa.select(sa.column("version_num", sa.String)).select_from(sa.table(migrations.VERSION_TABLE))


def prepare(engine: sa.Engine, where: str, *, create: bool) -> None:
    """See that the tables are those that this version of Lineal knows.

    Costs one row read where they are. Otherwise all is done in one transaction under the writers' lock, so that
    processes that come at the same time wait for the first and find it done.

    Args:
        engine: of the store.
        where: what the store is called in errors.
        create: make the tables where there are none.

    Raises:
        StoreError: none there, another program's database, or of a newer version.
    """
    if _version(engine) == HEAD:
        return
    with writing(engine).begin() as connection:
        names = sa.inspect(connection).get_table_names()
        if migrations.VERSION_TABLE in names:
            _upgrade(connection, where, str(connection.execute(_VERSION).scalar_one()))
        elif tables.meta.name in names:
            # Written before the migrations were: the layout of the first of them.
            query = sa.select(tables.meta.c.value).where(tables.meta.c.key == "schema")
            number = int(connection.execute(query).scalar_one())
            if number == 1:
                migrations.stamp(connection, "0001")
            _upgrade(connection, where, f"{number:04}")
        elif names and engine.dialect.name == "sqlite":
            raise StoreError(
                f"{where}: is another program's database (it holds {names[0]!r}) and no Lineal store; "
                "set LINEAL_STORE to a file of its own"
            )
        elif not create:
            raise NothingRecordedError(f"{where}: {NOTHING}")
        else:
            # What the migrations make, in a tenth of the time and without loading Alembic; a test holds them together.
            tables.metadata.create_all(connection)
            connection.execute(sa.insert(tables.meta), {"key": "schema", "value": migrations.META_SCHEMA})
            migrations.stamp(connection, HEAD)


def _version(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        try:
            return str(connection.execute(_VERSION).scalar_one_or_none())
        except DBAPIError:
            pass  # no such table, or a connection from before the server was started anew
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(migrations.VERSION_TABLE):
            return None
        return str(connection.execute(_VERSION).scalar_one_or_none())


def _upgrade(connection: sa.Connection, where: str, found: str) -> None:
    if found > HEAD:
        raise StoreError(
            f"{where}: was written by a newer Lineal (schema {found}, this one knows {HEAD}); install the newer version"
        )
    if found < HEAD:
        migrations.upgrade(connection)
