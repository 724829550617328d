"""Copies of a version for the user: whole or not at all, and never over a file of theirs unasked."""

import csv

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lineal.datasets.export import FORMATS, export
from lineal.datasets.newfile import new_file, require_free
from lineal.datasets.table import write_table
from lineal.errors import StorageError


@pytest.fixture
def table():
    return write_table(pa.table({"id": [1, 2], "name": ["a", 'b "x", y']}), "t.predictions")


def test_parquet_is_a_copy_of_the_very_bytes(table, tmp_path):
    made = export(table, tmp_path / "out.parquet")
    assert (tmp_path / "out.parquet").read_bytes() == table.path.read_bytes()
    assert made.path == tmp_path / "out.parquet"
    # The cache's files are read-only; the user's own are not.
    assert (tmp_path / "out.parquet").stat().st_mode & 0o200


def test_csv_has_the_same_rows(table, tmp_path):
    export(table, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [{"id": "1", "name": "a"}, {"id": "2", "name": 'b "x", y'}]


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(table, tmp_path):
    out = tmp_path / "out.parquet"
    out.write_text("mine")
    with pytest.raises(StorageError, match=r"out\.parquet is there already; name another file, or replace it with"):
        export(table, out)
    assert out.read_text() == "mine"
    export(table, out, force=True)
    assert pq.read_table(out).num_rows == 2
    assert [file.name for file in tmp_path.iterdir() if "out" in file.name] == ["out.parquet"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.xlsx", r"the ending of .*out\.xlsx does not say what to write; name it \*\.parquet or \*\.csv"),
        ("nowhere/out.csv", "there is no folder .*nowhere to write out.csv to; make it first"),
        ("folder.csv", "is a folder; name a file in it"),
    ],
)
def test_where_nothing_can_be_written_is_told_before(name, message, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(StorageError, match=message):
        require_free(tmp_path / name, endings=FORMATS)


def test_what_lies_elsewhere_is_refused(tmp_path):
    from pathlib import Path

    with pytest.raises(StorageError, match="is no path on this machine"):
        require_free(Path("s3://bucket/out.csv"))


def test_a_file_that_comes_to_be_there_meanwhile_stays(tmp_path):
    file = tmp_path / "page.html"
    require_free(file)

    def written():
        with new_file(file) as made:
            made.write_text("mine")
            file.write_text("another's")

    with pytest.raises(StorageError, match="is there already"):
        written()
    assert file.read_text() == "another's"
    assert [each.name for each in tmp_path.iterdir() if "page" in each.name] == ["page.html"]
