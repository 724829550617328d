"""Stores that cannot be written or are none: one sentence, nothing harmed, and the traced work goes on."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from lineal import traced
from lineal.errors import EventError, StoreError
from lineal.store import log
from lineal.store.log import Store
from lineal.testing import recording

NOBODY = 65534
RUN = "11111111-1111-4111-8111-111111111111"
EVENT = {
    "eventType": "START",
    "eventTime": "2026-01-01T00:00:00.000000+00:00",
    "producer": "urn:test",
    "run": {"runId": RUN},
    "job": {"namespace": "n", "name": "job"},
    "inputs": [],
    "outputs": [],
}


@traced
def work():
    return "done"


@pytest.fixture
def warned(caplog, monkeypatch):
    """Runs traced work into a store; the work is done, and what the log said is given back."""
    with recording():
        work()  # what it loads, nobody may not

    def call(url):
        caplog.clear()
        with recording(url=url):
            assert work() == "done"
            lines = [record.getMessage() for record in caplog.records if record.name == "lineal"]
            monkeypatch.setenv("LINEAL_STRICT", "1")
            with pytest.raises(StoreError):
                work()
            monkeypatch.delenv("LINEAL_STRICT")
        return lines

    return call


def sentences_of(lines, sentence):
    """Each event that could not be recorded has its line, and that is all that is said."""
    assert len(lines) == 2
    for line, kind in zip(lines, ("START", "COMPLETE"), strict=True):
        assert line.startswith(f"lineage: the {kind} event of work was not recorded: ")
        assert sentence in line
        assert "\n" not in line


@contextmanager
def as_nobody():
    """For root may write where nobody may."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def open_folder(monkeypatch):
    """A folder that everybody may look into; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="lineal-test-"))
    folder.chmod(0o755)
    monkeypatch.chdir("/")
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def bodies(url):
    return [json.loads(body) for body in Store(url, create=False).events()]


def test_a_read_only_file(open_folder, warned):
    path = open_folder / "lineal.db"
    url = f"sqlite:///{path}"
    Store(url).append(EVENT)
    Store(url).engine.dispose()
    before = path.read_bytes()
    path.chmod(0o444)
    open_folder.chmod(0o777)
    with as_nobody():
        sentences_of(warned(url), f"{path}: the lineage store cannot be written: attempt to write a readonly database;")
        Store(url).engine.dispose()
    assert path.read_bytes() == before
    path.chmod(0o644)
    assert bodies(url) == [EVENT]


def test_a_folder_that_is_not_ours(open_folder, warned):
    with as_nobody():
        sentences_of(warned(f"sqlite:///{open_folder}/lineal.db"), "see that its folder is there and yours to write")
    assert list(open_folder.iterdir()) == []


def test_a_database_that_is_read_only(postgres_url, warned):
    store = Store(postgres_url)
    store.append(EVENT)
    url = f"{postgres_url}?options=-c%20default_transaction_read_only%3Don"
    sentences_of(
        warned(url),
        "the lineage store cannot be written: cannot execute INSERT in a read-only transaction; make it writable, or",
    )
    assert bodies(url) == [EVENT]


def test_a_store_that_another_holds_for_too_long(store_url, warned, monkeypatch):
    monkeypatch.setattr("lineal.store.engine.BUSY_TIMEOUT", 0.2)
    monkeypatch.setattr("lineal.store.log._PATIENCE", 0.1)  # who waits for a lock is not kept waiting by silence
    store = Store(store_url)
    store.append(EVENT)
    store.engine.dispose()
    holding, enough = threading.Event(), threading.Event()

    def hold():
        def write(_connection):
            holding.set()
            enough.wait(30)

        Store(store_url).write(write)

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(30)
    try:
        lines = warned(store_url)
    finally:
        enough.set()
        holder.join()
    sentences_of(lines, "; another process has held it for 30 s; try again when that one has ended")
    assert bodies(store_url) == [EVENT]


_FILL = """
import json, resource, sys
from lineal.store.log import Store
event = json.loads(sys.argv[1])
store = Store()
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
taken = 0
try:
    while taken < 1000:
        store.append(event | {"padding": "x" * 5000})
        taken += 1
finally:
    print(taken)
"""


def test_a_disk_that_is_full(tmp_path, warned):
    url = f"sqlite:///{tmp_path}/lineal.db"
    done = subprocess.run(
        [sys.executable, "-c", _FILL, json.dumps(EVENT)],
        env=os.environ | {"LINEAL_STORE": url},
        capture_output=True,
        text=True,
        check=False,
    )
    error = done.stderr.strip().splitlines()[-1]
    assert error.startswith(f"lineal.errors.StoreError: {tmp_path}/lineal.db: the lineage store cannot be written: ")
    assert error.endswith("; make room on its disk; what was recorded before is kept")
    taken = int(done.stdout)
    assert 5 < taken < 1000
    store = Store(url)
    assert len(bodies(url)) == taken
    assert set(store.rebuild().values()) == {0}


def test_a_text_file(tmp_path, warned):
    (tmp_path / "x.db").write_text("not a database, and quite long enough to be looked at" * 20)
    before = (tmp_path / "x.db").read_bytes()
    sentences_of(
        warned(f"sqlite:///{tmp_path}/x.db"), "file is not a database; it is no Lineal store; set LINEAL_STORE"
    )
    assert (tmp_path / "x.db").read_bytes() == before


def test_another_programs_database(tmp_path, warned):
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection, connection:
        connection.execute("create table invoices (number)")
    before = (tmp_path / "x.db").read_bytes()
    sentences_of(
        warned(f"sqlite:///{tmp_path}/x.db"),
        f"{tmp_path}/x.db: is another program's database (it holds 'invoices') and no Lineal store; set LINEAL_STORE",
    )
    assert (tmp_path / "x.db").read_bytes() == before


def test_a_store_of_a_newer_version(store_url, warned):
    store = Store(store_url)
    store.append(EVENT)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("update lineal_alembic_version set version_num = '0099'")
    sentences_of(warned(store_url), "was written by a newer Lineal (schema 0099, this one knows")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from lineal_events").scalar_one() == 1


def test_a_database_with_other_peoples_tables_beside_ours(postgres_url):
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table invoices (number int)")
    Store(postgres_url).append(EVENT)
    assert bodies(postgres_url) == [EVENT]
    engine.dispose()


def test_a_database_in_which_nothing_is_recorded(postgres_url):
    with pytest.raises(
        StoreError, match="nothing is recorded here yet; run a pipeline or a traced flow first, or set LINEAL_STORE"
    ):
        Store(postgres_url, create=False)
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()


def test_a_server_that_is_not_there(warned):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = warned(f"postgresql+psycopg://ada:hunter2@127.0.0.1:{port}/lineage")
    sentences_of(lines, "Connection refused")
    assert "hunter2" not in "".join(lines)
    sentences_of(lines, "start the server, or set LINEAL_STORE to another place")


def test_a_server_that_refuses_at_once_is_not_left_alone_for_what_loading_its_driver_took(monkeypatch):
    made = log.engine.engine_of

    def slowly(url):
        time.sleep(1.1)
        return made(url)

    monkeypatch.setattr(log.engine, "engine_of", slowly)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"postgresql+psycopg://127.0.0.1:{free.getsockname()[1]}/lineage"
    with pytest.raises(StoreError, match="Connection refused"):
        Store(url)
    assert url not in log._silent


@contextmanager
def keeping_silent():
    """A server that takes connections and says nothing: its port, and how many came since that was asked last."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        silent.settimeout(0.1)

        def asked():
            connections = []
            with suppress(TimeoutError):
                while True:
                    connections.append(silent.accept()[0])
            for each in connections:
                each.close()
            return len(connections)

        yield silent.getsockname()[1], asked


def test_a_server_that_keeps_silent_holds_the_work_up_once(warned, monkeypatch):
    with keeping_silent() as (port, asked):
        url = f"postgresql+psycopg://127.0.0.1:{port}/lineage?connect_timeout=2"
        sentences_of(warned(url), "see that the server is up and can be reached")
        assert asked() == 1
        monkeypatch.setattr("lineal.store.log._silent", {})
        with pytest.raises(StoreError):
            Store(url)
        assert asked() == 1


@pytest.mark.parametrize("first", ["write", "read"])
def test_a_server_that_falls_silent_holds_the_work_up_once(postgres_url, monkeypatch, first):
    there = sa.make_url(postgres_url)
    for name, value in {"PGHOST": there.host, "PGPORT": there.port, "PGUSER": there.username}.items():
        monkeypatch.setenv(name, str(value))
    store = Store(f"postgresql+psycopg:///{there.database}?connect_timeout=2")
    store.append(EVENT)
    asks = [lambda: store.append(EVENT), lambda: next(store.events())]
    with keeping_silent() as (port, asked):
        monkeypatch.setenv("PGPORT", str(port))
        break_all(postgres_url)
        for ask in (asks if first == "write" else asks[::-1]) * 2:
            with pytest.raises(StoreError, match="see that the server is up and can be reached"):
                ask()
        assert asked() == 1
    monkeypatch.setenv("PGPORT", str(there.port))
    monkeypatch.setattr(log, "_silent", {})  # as a minute later
    assert store.append(EVENT | {"eventType": "COMPLETE"}) == 2


def test_a_connection_whose_server_has_gone_is_given_up_soon(postgres_url):
    def asked(url):
        with Store(url).engine.connect() as connection:
            return connection.connection.driver_connection.info.get_parameters()

    assert asked(postgres_url)["tcp_user_timeout"] == "10000"
    assert asked(f"{postgres_url}?tcp_user_timeout=3000")["tcp_user_timeout"] == "3000"


def test_a_database_that_is_not_there(postgres_server, warned):
    sentences_of(
        warned(f"{postgres_server}/nowhere"), 'database "nowhere" does not exist; create it, or set LINEAL_STORE'
    )


@pytest.mark.parametrize("url", ["mysql://host/db", "mssql+pyodbc://host/db"])
def test_a_database_of_another_kind(url):
    with pytest.raises(StoreError, match="it is kept in SQLite or PostgreSQL; set LINEAL_STORE to such as"):
        Store(url)


def test_a_driver_that_is_not_installed():
    code = "import sys; sys.modules['psycopg'] = None; from lineal.cli.app import main; main(['list', 'runs'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"LINEAL_STORE": "postgresql://ada:hunter2@host/db"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "lineal: postgresql://host/db: the lineage store cannot be opened: the driver of PostgreSQL is not installed; "
        'run pip install "lineal[postgres]"\n'
    )


def break_all(postgres_url):
    other = sa.create_engine(postgres_url)
    with other.begin() as connection:
        connection.exec_driver_sql(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where pid <> pg_backend_pid() and datname = current_database()"
        )
    other.dispose()


def test_a_connection_that_broke_is_opened_anew(postgres_url):
    store = Store(postgres_url)
    store.append(EVENT)
    break_all(postgres_url)
    assert store.append(EVENT | {"eventType": "COMPLETE"}) == 2
    break_all(postgres_url)
    assert [event["eventType"] for event in bodies(postgres_url)] == ["START", "COMPLETE"]
    break_all(postgres_url)
    assert sum(1 for _ in store.events()) == 2


def test_a_user_who_may_not_make_tables(postgres_url, warned):
    engine = sa.create_engine(postgres_url)
    role = f"guest_{engine.url.database}"
    with engine.begin() as connection:
        connection.exec_driver_sql("revoke create on schema public from public")
        connection.exec_driver_sql(f'create role "{role}" login')
    engine.dispose()
    sentences_of(
        warned(postgres_url.replace("//postgres@", f"//{role}@")),
        "cannot be opened: permission denied for schema public; let this user make and write tables there",
    )


def test_two_that_block_each_other_are_parted_and_both_go_on(postgres_url):
    """What else is in the database may lock our rows in any order; a transaction that loses is begun anew."""
    store = Store(postgres_url)
    store.append(EVENT)
    tries = []

    def write(connection):
        tries.append(1)
        if len(tries) == 1:
            connection.exec_driver_sql("do $$ begin raise exception using errcode = '40P01'; end $$")
        return connection.exec_driver_sql("select count(*) from lineal_events").scalar_one()

    assert store.write(write) == 1
    assert len(tries) == 2


@pytest.mark.parametrize(
    "change",
    [{"eventTime": "yesterday"}, {"job": {"name": "x"}}, {"job": {"namespace": "n", "name": None}}, {"inputs": ["x"]}],
)
def test_an_event_that_is_none_is_not_recorded(store_url, change):
    store = Store(store_url)
    store.append(EVENT)
    with pytest.raises(
        EventError, match=r"^an event that is no valid OpenLineage was not recorded: \w+Error\("
    ) as caught:
        store.append(EVENT | change)
    assert "\n" not in str(caught.value)
    assert bodies(store_url) == [EVENT]
    assert set(store.rebuild().values()) == {0}


def test_text_that_no_database_takes_is_cleaned(store_url):
    store = Store(store_url)
    store.append(EVENT | {"job": {"namespace": "n\0", "name": "\ud800"}, "x": ["\0"]})
    (event,) = bodies(store_url)
    assert (event["job"], event["x"]) == ({"namespace": "n\ufffd", "name": "?"}, ["\ufffd"])
    assert set(store.rebuild().values()) == {0}
