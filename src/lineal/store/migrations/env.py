"""What Alembic runs to reach the database: the connection it is given, in that connection's transaction."""

from alembic import context

from lineal.store import tables
from lineal.store.migrations import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
