"""The template of Prefect's database, which the embedded server begins a new home with."""

import asyncio
import fcntl
import gzip
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from lineal.errors import ProjectError
from lineal.orchestration import template
from lineal.orchestration.serving import _guarded


def made(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return path


def asked(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


@pytest.fixture
def small(tmp_path):
    """A template that is a database with one table, and the bytes it was made of."""
    database = made(tmp_path / "small.db", "create table t (x)", "insert into t values (1)").read_bytes()
    file = tmp_path / "small.db.gz"
    file.write_bytes(gzip.compress(database))
    (tmp_path / "prefect").mkdir()
    return file


def test_a_new_database_is_the_templates(small, tmp_path):
    database = tmp_path / "prefect" / "prefect.db"

    assert template.provide(database, small)

    assert asked(database, "select x from t") == [(1,)]
    assert [file.name for file in database.parent.iterdir()] == ["prefect.db"]
    assert os.access(database, os.W_OK)


@pytest.mark.parametrize("there", ["prefect.db", "prefect.db-wal", "prefect.db-journal", "prefect.db-shm"])
def test_what_is_left_of_a_database_is_not_touched(small, tmp_path, there):
    (tmp_path / "prefect" / there).write_bytes(b"")

    assert not template.provide(tmp_path / "prefect" / "prefect.db", small)

    assert [(file.name, file.stat().st_size) for file in (tmp_path / "prefect").iterdir()] == [(there, 0)]


def test_a_database_that_another_process_has_just_made_is_not_replaced(small, tmp_path, monkeypatch):
    database = tmp_path / "prefect" / "prefect.db"
    link = os.link

    def late(*paths):
        database.write_bytes(b"theirs")
        link(*paths)

    monkeypatch.setattr(os, "link", late)

    assert not template.provide(database, small)

    assert database.read_bytes() == b"theirs"
    assert [file.name for file in database.parent.iterdir()] == ["prefect.db"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:50] + bytes([whole[50] ^ 255]) + whole[51:],
        lambda whole: gzip.decompress(whole),
        lambda whole: gzip.compress(b"no database"),
    ],
    ids=["empty", "cut off", "a byte changed", "not packed", "no database"],
)
def test_a_damaged_template_is_passed_over(small, tmp_path, damage):
    small.write_bytes(damage(small.read_bytes()))

    assert not template.provide(tmp_path / "prefect" / "prefect.db", small)

    assert list((tmp_path / "prefect").iterdir()) == []


def test_without_a_template_or_a_folder_there_is_no_database(small, tmp_path):
    assert not template.provide(tmp_path / "prefect" / "prefect.db", tmp_path / "none.db.gz")
    assert not template.provide(tmp_path / "nowhere" / "prefect.db", small)

    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "statement", ["insert into configuration values ('ENCRYPTION_KEY')", "delete from alembic_version"]
)
def test_what_an_installation_has_of_its_own_makes_no_template(tmp_path, monkeypatch, statement):
    tables = (
        "create table alembic_version (v)",
        "insert into alembic_version values (1)",
        "create table configuration (k)",
    )
    monkeypatch.setattr(template, "_migrate", lambda database: made(database, *tables, statement))

    with pytest.raises(
        ProjectError, match=r"has rows in .*(configuration|no table), which makes it unfit for a template"
    ):
        template.make(tmp_path / "made.db.gz")

    assert not (tmp_path / "made.db.gz").exists()


def test_deleted_rows_leave_nothing_in_a_template(tmp_path, monkeypatch):
    statements = (
        "pragma secure_delete = off",
        "create table configuration (k)",
        "insert into configuration values ('a key')",
        "delete from configuration",
        "create table alembic_version (v)",
        "insert into alembic_version values (1)",
    )
    monkeypatch.setattr(template, "_migrate", lambda database: made(database, *statements))

    template.make(tmp_path / "made.db.gz")

    assert b"a key" not in gzip.decompress((tmp_path / "made.db.gz").read_bytes())


def test_a_template_belongs_to_one_version_of_prefect(monkeypatch):
    monkeypatch.setattr(template, "version", lambda package: {"prefect": "3.99.1"}[package])

    assert template.template_file() == Path(sys.prefix, "share", "lineal", "prefect-3.99.1.db.gz")


def test_a_sound_template_is_kept_and_a_damaged_one_made_again(small, monkeypatch):
    monkeypatch.setattr(template, "template_file", lambda: small)
    monkeypatch.setattr(template, "quiet_environment", lambda: None)
    monkeypatch.setattr(
        template,
        "_migrate",
        lambda database: made(database, "create table alembic_version (v)", "insert into alembic_version values (1)"),
    )
    before = small.read_bytes()

    template.main()
    assert small.read_bytes() == before

    small.write_bytes(b"")
    template.main()
    assert template.provide(small.parent / "prefect" / "prefect.db", small)


def test_a_prefect_that_cannot_migrate_is_one_sentence(small, monkeypatch):
    small.unlink()
    monkeypatch.setattr(template, "template_file", lambda: small)
    monkeypatch.setattr(template, "quiet_environment", lambda: None)
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(
        SystemExit, match=r"^lineal: nothing is amiss, but the first run will be slower: Prefect cannot make a database"
    ):
        template.main()


@pytest.mark.parametrize(
    ("url", "file"),
    [
        (None, "prefect/prefect.db"),
        ("sqlite+aiosqlite:////data/mine.db", "/data/mine.db"),
        ("sqlite+aiosqlite:///mine.db?timeout=30", "mine.db"),
        ("sqlite+aiosqlite:///file::memory:?cache=shared&uri=true&check_same_thread=false", None),
        ("sqlite+aiosqlite:///:memory:", None),
        ("sqlite+aiosqlite://", None),
        ("postgresql+asyncpg://ada:secret@db/prefect", None),
    ],
)
def test_the_database_is_the_one_that_prefect_is_set_to(tmp_path, url, file):
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL, PREFECT_HOME, temporary_settings

    with temporary_settings(
        {PREFECT_HOME: tmp_path / "prefect"} if url is None else {PREFECT_API_DATABASE_CONNECTION_URL: url}
    ):
        expected = tmp_path / file if url is None else file and Path(file)
        assert template.database_file() == expected


def test_a_database_that_prefect_is_not_to_make_is_not_made():
    from prefect.settings import PREFECT_API_DATABASE_MIGRATE_ON_START, temporary_settings

    with temporary_settings({PREFECT_API_DATABASE_MIGRATE_ON_START: False}):
        assert template.database_file() is None


@pytest.mark.parametrize("has_template", [True, False])
def test_the_server_begins_with_the_template_under_its_lock(small, tmp_path, monkeypatch, has_template):
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL, temporary_settings

    monkeypatch.setattr(template, "template_file", lambda: small if has_template else tmp_path / "none")
    lock, database, seen = tmp_path / "lock", tmp_path / "prefect" / "prefect.db", []

    async def app(scope, receive, send):
        await receive()
        with lock.open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        seen.append(database.exists())
        await send({"type": "lifespan.startup.complete"})

    async def receive():
        return {"type": "lifespan.startup"}

    async def send(message):
        seen.append(message["type"])

    with temporary_settings({PREFECT_API_DATABASE_CONNECTION_URL: f"sqlite+aiosqlite:///{database}"}):
        asyncio.run(_guarded(app, lock)({"type": "lifespan"}, receive, send))

    assert seen == [has_template, "lifespan.startup.complete"]


@pytest.mark.slow
def test_what_prefect_makes_is_a_template_with_nothing_left_to_do(tmp_path):
    template.make(tmp_path / "share" / "prefect.db.gz")
    database = tmp_path / "prefect.db"
    assert template.provide(database, tmp_path / "share" / "prefect.db.gz")

    tables = {name for (name,) in asked(database, "select name from sqlite_master where type = 'table'")}
    assert {"flow_run", "task_run", "events", "configuration", "block_type"} <= tables
    assert {name for name in tables if asked(database, f'select * from "{name}"')} == {"alembic_version"}

    before = asked(database, "select * from alembic_version, sqlite_master")
    template._migrate(database)
    assert asked(database, "select * from alembic_version, sqlite_master") == before
