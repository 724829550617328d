"""A new, empty Prefect database, kept in the environment: no first run has to wait for Prefect's migrations.

Prefect makes a SQLite database in more than 150 steps, which takes most of the time that its server needs to start in
a new home. `python -m lineal.orchestration.template` lets it do so once, when the environment is set up; the embedded
server then begins with a copy. Prefect still brings that up to date itself, and makes its own where there is no copy.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from lineal.errors import ProjectError
from lineal.orchestration.server import quiet_environment

_SQLITE = b"SQLite format 3\0"


def template_file() -> Path:
    """Where this environment keeps the template for the Prefect it has."""
    return Path(sys.prefix, "share", "lineal", f"prefect-{version('prefect')}.db.gz")


def main() -> None:
    """Make this environment's template, unless it has a sound one."""
    quiet_environment()
    file = template_file()
    if _read(file) is None:
        try:
            make(file)
        except (ProjectError, OSError) as problem:
            sys.exit(f"lineal: nothing is amiss, but the first run will be slower: {problem}")


def make(file: Path) -> None:
    """Let Prefect make a database, and keep it.

    Args:
        file: where to; what is there is replaced.

    Raises:
        ProjectError: Prefect's migrations fail, or leave rows in a table.
        OSError: the file cannot be written.
    """
    with TemporaryDirectory() as folder:
        database = Path(folder, "prefect.db")
        _migrate(database)
        content = gzip.compress(_emptied(database), mtime=0)
    file.parent.mkdir(parents=True, exist_ok=True)
    made = _written(file, content)
    made.chmod(0o444)
    made.replace(file)


def provide(database: Path, file: Path) -> bool:
    """Put a copy of the template where no database is yet.

    Whatever keeps it from that is passed over: Prefect will make its database as ever, and say what is wrong.

    Args:
        database: where to. It is there whole or not at all, and never instead of another.
        file: the template.

    Returns:
        Whether the copy has been put there.
    """
    # SQLite would play the log that an earlier database has left into this one.
    if any(os.path.lexists(f"{database}{part}") for part in ("", "-wal", "-shm", "-journal")):
        return False
    content = _read(file)
    if content is None:
        return False
    with suppress(OSError):
        made = _written(database, content)
        try:
            os.link(made, database)
        finally:
            made.unlink()
        return True
    return False


def database_file() -> Path | None:
    """The file of the SQLite database that Prefect is set to use and to make; None where it is something else."""
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL, get_current_settings
    from sqlalchemy.engine import make_url

    url = make_url(str(PREFECT_API_DATABASE_CONNECTION_URL.value()))
    if url.get_backend_name() != "sqlite" or not get_current_settings().server.database.migrate_on_start:
        return None
    # `file:` begins a URI, which may well be one of a database in memory.
    return None if not url.database or url.database.startswith((":memory:", "file:")) else Path(url.database)


def _migrate(database: Path) -> None:
    settings = {
        "PREFECT_HOME": str(database.parent),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database}",
    }
    done = subprocess.run(
        # An empty folder: nothing of a project, of its settings or of its modules is found there.
        [sys.executable, "-P", "-m", "prefect", "server", "database", "upgrade", "--yes"],
        env={name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | settings,
        cwd=database.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = " / ".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise ProjectError(f"Prefect cannot make a database: {tail}")


def _emptied(database: Path) -> bytes:
    """The bytes of a database in which no table but Alembic's has a row."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        names = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        filled = [name for name in names if connection.execute(f'select 1 from "{name}" limit 1').fetchone()]  # noqa: S608
        # What a migration puts in may be meant for one installation only, and may be missed if it is taken out.
        if filled != ["alembic_version"]:
            found = ", ".join(filled) or "no table"
            raise ProjectError(f"a new Prefect database has rows in {found}, which makes it unfit for a template")
        # All in the one file, and without what deleted rows have left in it.
        connection.execute("pragma journal_mode = delete")
        connection.execute("vacuum")
    return database.read_bytes()


def _read(file: Path) -> bytes | None:
    """The template's database; None where there is none that is sound (gzip keeps a checksum)."""
    try:
        content = gzip.decompress(file.read_bytes())
    except (OSError, EOFError, zlib.error):
        return None
    return content if content.startswith(_SQLITE) else None


def _written(file: Path, content: bytes) -> Path:
    """A new file beside `file`, on disk."""
    made = file.with_name(f".{file.name}-{uuid4().hex}")
    try:
        with made.open("xb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    return made


if __name__ == "__main__":
    main()
