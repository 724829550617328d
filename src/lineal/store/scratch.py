"""A database beside the store in which an index is made once more, and which is thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from lineal.store import tables


@contextmanager
def opened(file: Path) -> Iterator[sa.Connection]:
    """Give a connection to an SQLite file of our own; it need survive nothing."""
    engine = sa.create_engine(f"sqlite:///{file}", isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
            yield connection
    finally:
        engine.dispose()


def make_tables(connection: sa.Connection) -> None:
    """Make the empty tables of an index."""
    for table in tables.INDEX_TABLES:
        # Without the indexes that questions need: they take as long as all the rest.
        bare = table.to_metadata(sa.MetaData())
        bare.indexes.clear()
        # In the order of its key, in which it is compared: the rows lie in the one tree.
        bare.dialect_options["sqlite"]["with_rowid"] = False
        bare.create(connection)
