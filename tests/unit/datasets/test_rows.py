"""One row by its number, out of the one row group that holds it."""

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lineal.datasets.dataset import Dataset
from lineal.datasets.rows import as_values, row_of
from lineal.errors import SourceError, VersionError


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"a": range(25), "b": [math.nan] * 25}), file, row_group_size=10)
    return Dataset(file, name="it.rows", version="ab" * 16)


@pytest.mark.parametrize("row", [0, 9, 10, 24])
def test_the_row_is_the_one_of_that_number(table, row):
    assert as_values(row_of(table, row)) == {"a": row, "b": None}


def test_only_its_row_group_is_read(table, monkeypatch):
    read = []
    whole = pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile, "read_row_group", lambda self, group, **more: read.append(group) or whole(self, group, **more)
    )
    row_of(table, 12)
    assert read == [1]


def test_a_row_beyond_the_end_or_a_file_that_is_gone_is_named(table):
    with pytest.raises(VersionError, match=r"it\.rows@abababab at .* has 25 rows, and no row 26"):
        row_of(table, 25)
    table.path.unlink()
    with pytest.raises(SourceError, match=r"the bytes of it\.rows@abababab are gone"):
        row_of(table, 0)
