from __future__ import annotations

import socket
import sqlite3
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from lineal.datasets import patience
from lineal.datasets.sources.values import natural
from lineal.errors import SourceError, UnreachableError


@pytest.fixture
def database(project: Path) -> str:
    connection = sqlite3.connect(project / "d.db")
    connection.execute("create table t (i int, s text, f real)")
    connection.executemany("insert into t values (?, ?, ?)", [(1, "a:b", 0.5), (None, "c", 2), (3, None, None)])
    connection.commit()
    connection.close()
    return "sqlite:///d.db"


def test_a_query_s_rows_are_the_snapshot(database: str, project: Path, snap: Any, rows: Any, types: Any) -> None:
    snapshot = snap(database, query="select i, s, f from t where s is null or s <> ':y' order by rowid")
    assert types(snapshot) == {"i": "int64", "s": "string", "f": "double"}
    assert rows(snapshot) == [
        {"i": 1, "s": "a:b", "f": 0.5},
        {"i": None, "s": "c", "f": 2.0},
        {"i": 3, "s": None, "f": None},
    ]
    (source,) = snapshot.sources
    assert source.location == f"sqlite:///{project}/d.db"
    assert source.rows == 3
    assert source.version == snapshot.dataset.version
    assert [column.name for column in source.columns] == ["i", "s", "f"]


def test_types_hold_for_all_rows_however_late_one_differs(database: str, snap: Any, types: Any, rows: Any) -> None:
    query = """
        with recursive n(x) as (select 1 union all select x + 1 from n where x < 25000)
        select case when x = 25000 then 0.5 else x end as a, case when x > 20000 then 'z' end as b from n
    """
    snapshot = snap(database, query=query)
    assert types(snapshot) == {"a": "double", "b": "string"}
    found = rows(snapshot)
    assert (found[0], found[-1]) == ({"a": 1.0, "b": None}, {"a": 0.5, "b": "z"})


def test_a_column_without_a_value_is_what_was_learnt(database: str, snap: Any, types: Any) -> None:
    learnt = {"d": "date32[day]", "i": "string"}
    snapshot = snap(database, query="select null as d, null as n, i from t", learnt=learnt)
    assert types(snapshot) == {"d": "date32[day]", "n": "double", "i": "int64"}


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([UUID(int=1), None], ["00000000-0000-0000-0000-000000000001", None]),
        ([time(8, 30)], ["08:30:00"]),
        ([timedelta(hours=2)], ["2:00:00"]),
        ([Decimal("1.50"), "x"], ["1.50", "x"]),
        ([True, 1.5, "x"], ["true", "1.5", "x"]),
        ([{"a": [1, "é"]}], ['{"a": [1, "é"]}']),
    ],
)
def test_what_no_column_type_holds_is_text_as_it_is(values: list[Any], written: list[str | None]) -> None:
    assert natural(values).to_pylist() == written


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("selec 1", r"the database refuses the query: .*syntax error; correct source\.query"),
        ("select * from nope", "no such table: nope"),
        ("select * from t where 0", "the query finds no rows; widen it"),
        ("delete from t", "the query gives no rows; write a SELECT"),
        ("select 1 as a, 2 as a", "two columns are named 'a'"),
        ("select x'fffe' as a", "column 'a' holds bytes that are no text"),
    ],
)
def test_a_query_that_gives_no_table_is_told(database: str, snap: Any, cache: Any, query: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as told:
        snap(database, query=query)
    assert "\n" not in told.value.message
    assert not (cache.root / "files").exists()
    # A query may not have changed anything.
    assert snap(database, query="select * from t").dataset.rows == 3


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///nope.db", r"there is no database .*/nope\.db; correct the path"),
        ("foo://ada:secret@host/db", "SQLAlchemy knows no database 'foo'"),
        ("oracle+oracledb://ada:secret@host/db", "its driver is not installed; pip install oracledb"),
        ("://", "is no database URL; write one such as"),
    ],
)
def test_a_url_that_means_no_database_is_told_without_its_password(snap: Any, url: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as told:
        snap(url, query="select 1")
    assert "secret" not in told.value.message
    assert "ada" not in told.value.message


def test_a_database_that_refuses_is_told(put: Any, snap: Any) -> None:
    put("d.db", b"no database at all, but long enough to be looked at")
    with pytest.raises(SourceError, match="file is not a database"):
        snap("sqlite:///d.db", query="select * from sqlite_master")


def test_a_server_that_is_silent_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()

        def ask() -> bytes:
            with socket.create_connection(address) as line:
                line.settimeout(2)
                return line.recv(1)

        with pytest.raises(UnreachableError, match=r"db://host did not answer within 0\.2 s; check the address"):
            patience.within(ask, "db://host")


def test_waiting_hands_on_what_comes() -> None:
    assert patience.within(lambda: 7, "x") == 7
    with pytest.raises(KeyError):
        patience.within(lambda: {}["x"], "x")
