from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lineal.datasets.checks import CheckResult, require, run_checks
from lineal.datasets.dataset import Dataset
from lineal.datasets.sources import ingest
from lineal.errors import CheckError, DataError

DATA = (
    "n,f,s,b,d,t,y\n"
    "1,0.5,red,true,2026-01-01,2026-01-01 10:00:00,0\n"
    "2,,green,false,2026-02-01,2026-02-01 10:00:00,1\n"
    "2,2.5,,true,,2026-03-01 10:00:00,0\n"
    "9,nan,blue,true,2026-04-01,2026-04-01 10:00:00,1\n"
)


@pytest.fixture
def run(put: Any, pipeline: Any, cache: Any) -> Any:
    def checked(checks: str) -> tuple[CheckResult, ...]:
        put("d.csv", DATA)
        made = pipeline("\n".join(f"[[checks]]\n{check}" for check in checks.split("\n---\n")))
        snapshot = ingest(made, cache)
        return run_checks(made, snapshot.dataset, snapshot.sources)

    return checked


@pytest.mark.parametrize(
    ("check", "assertion", "rows"),
    [
        ('column = "n"\nmin = 1', "min", ()),
        ('column = "n"\nmin = 2', "min", (1,)),
        ('column = "n"\nmax = 8.5', "max", (4,)),
        ('column = "f"\nmin = 1', "min", (1,)),
        ('column = "f"\nnulls = false', "not_null", (2, 4)),
        ('column = "s"\nnulls = false', "not_null", (3,)),
        ('column = "n"\nnulls = false', "not_null", ()),
        ('column = "n"\nunique = true', "unique", (3,)),
        ('column = "f"\nunique = true', "unique", ()),
        ('column = "s"\nallowed = ["red", "green"]', "allowed", (4,)),
        ('column = "n"\nallowed = [1, 2.0]', "allowed", (4,)),
        ('column = "b"\nallowed = [true]', "allowed", (2,)),
        ('column = "f"\nallowed = [0.5]', "allowed", (3,)),
        ('column = "d"\nallowed = ["2026-01-01", "2026-02-01"]', "allowed", (4,)),
        ('column = "d"\nmin = 2026-01-15', "min", (1,)),
        ('column = "d"\nmax = 2026-03-01T00:00:00', "max", (4,)),
        ('column = "t"\nmax = 2026-03-01', "max", (3, 4)),
        ('column = "t"\nmin = 2026-01-01T10:00:01', "min", (1,)),
    ],
)
def test_each_assertion_finds_its_rows(run: Any, check: str, assertion: str, rows: tuple[int, ...]) -> None:
    (result,) = run(check)
    assert (result.assertion, result.rows, result.count) == (assertion, rows, len(rows))
    assert result.success == (not rows)
    assert result.actual == f"{len(rows)} rows offend"


@pytest.mark.parametrize(
    ("column", "kinds"),
    [
        ("n", {"integer", "number"}),
        ("f", {"number"}),
        ("s", {"string"}),
        ("b", {"boolean"}),
        ("d", {"date"}),
        ("t", {"timestamp"}),
    ],
)
def test_each_column_is_of_its_types_and_no_other(run: Any, column: str, kinds: set[str]) -> None:
    every = ("integer", "number", "string", "boolean", "date", "timestamp")
    results = run("\n---\n".join(f'column = "{column}"\ntype = "{kind}"' for kind in every))
    assert {kind for kind, result in zip(every, results, strict=True) if result.success} == kinds


def test_the_table_s_rows_are_counted(run: Any) -> None:
    results = run("rows_min = 4\nrows_max = 4\n---\nrows_min = 5\n---\nrows_max = 3")
    assert [(result.assertion, result.success, result.actual) for result in results] == [
        ("rows_min", True, "4 rows"),
        ("rows_max", True, "4 rows"),
        ("rows_min", False, "4 rows"),
        ("rows_max", False, "4 rows"),
    ]


def test_checks_that_hold_let_pass(run: Any) -> None:
    require(run('column = "n"\nmin = 1\nnulls = false'))


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        (
            'column = "n"\nmin = 2',
            "check min = 2 does not hold for column 'n': 1 row offends (d.csv record 1); "
            "correct the data, or the check",
        ),
        (
            'column = "f"\nnulls = false\n---\nrows_min = 9',
            "check not_null does not hold for column 'f': 2 rows offend (d.csv record 2, d.csv record 4); "
            "1 more of the checks fail; correct the data, or the check",
        ),
        (
            "rows_min = 9",
            "check rows_min = 9 does not hold: the table has 4 rows; correct the data, or the check",
        ),
        (
            'column = "s"\ntype = "number"',
            "check type = number does not hold: column 's' is string; correct the data, or the check",
        ),
    ],
)
def test_a_check_that_does_not_hold_is_one_sentence(run: Any, checks: str, message: str) -> None:
    with pytest.raises(CheckError) as told:
        require(run(checks))
    assert told.value.message == message


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ('column = "nn"\nmin = 1', "a check is about 'nn', which is no column of the data"),
        ('column = "s"\nmin = 1', "check min = 1 for column 's' compares a number with a column of string"),
        ('column = "b"\nmax = 1', "compares a number with a column of boolean"),
        ('column = "n"\nmax = 2026-01-01', "compares a date or time with a column of integer"),
        ('column = "t"\nmax = 2026-01-01T00:00:00Z', "compares a time with a zone with a column of timestamp"),
        ('column = "n"\nallowed = ["x"]', "check allowed for column 'n' lists 'x', which no column of integer holds"),
        ('column = "b"\nallowed = [1]', "lists 1, which no column of boolean holds"),
        ('column = "d"\nallowed = ["soon"]', "write dates as 2026-01-31"),
    ],
)
def test_a_check_that_asks_what_a_column_cannot_answer_is_told(run: Any, check: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as told:
        run(check)
    assert not isinstance(told.value, CheckError)


@pytest.mark.parametrize(
    ("column", "check", "offending"),
    [
        (["1", "9007199254740993"], "min = 2", (1,)),
        (["1", "9007199254740993"], "max = 9", (2,)),
        (["2026-01-01T00:00:00.5", "2027-01-01T00:00:00.5"], "max = 9999-12-31", ()),
        (["2026-01-01T00:00:00.5", "2027-01-01T00:00:00.5"], "min = 0001-01-01", ()),
        (["2026-01-01T00:00:00.5", "2027-01-01T00:00:00.5"], "max = 2026-12-31", (2,)),
        (["2026-01-01T00:00:00.5Z", "2027-01-01T00:00:00.5Z"], "min = 9999-12-31T00:00:00Z", (1, 2)),
    ],
)
def test_large_integers_and_far_bounds_are_compared(
    put: Any, pipeline: Any, cache: Any, column: list[str], check: str, offending: tuple[int, ...]
) -> None:
    put("d.csv", "v,y\n" + "".join(f"{value},{number}\n" for number, value in enumerate(column)))
    made = pipeline(f'[[checks]]\ncolumn = "v"\n{check}')
    (result,) = run_checks(made, ingest(made, cache).dataset)
    assert result.rows == offending


def test_only_the_first_rows_are_named_but_all_are_counted(project: Path, pipeline: Any) -> None:
    file = project / "t.parquet"
    pq.write_table(pa.table({"v": [0] * 100_000 + [7]}), file)
    made = pipeline('[[checks]]\ncolumn = "v"\nmin = 1\n[[checks]]\ncolumn = "v"\nmax = 6')
    low, high = run_checks(made, Dataset(file))
    assert (low.count, low.rows, low.places) == (100_000, (1, 2, 3, 4, 5), "row 1, row 2, row 3, row 4, row 5, …")
    assert (high.count, high.rows) == (1, (100_001,))
