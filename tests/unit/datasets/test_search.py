"""Rows found by a value: exactly, in whatever way the file is written."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lineal.datasets.search import Hits, Search, search
from lineal.datasets.writer import TableWriter

FOREIGN = [
    {},
    {"use_dictionary": False},
    {"compression": "zstd"},
    {"compression": "none"},
    {"data_page_version": "2.0"},
    {"version": "1.0"},
    {"write_statistics": False},
    {"data_page_size": 64, "write_batch_size": 8, "dictionary_pagesize_limit": 64},
    {"use_dictionary": False, "column_encoding": "DELTA"},
]
TEXTS = ["", "a", "ab", "b", "a" * 300, "\x01\x00\x00\x00a", "ü", "a\x00"]
NUMBERS = {"int64": [0, 1, 256, -1, 2**63 - 1, -(2**63)], "int32": [0, 5, -5, 2**31 - 1], "int8": [-128, 7, 127]}
NUMBERS |= {"uint8": [0, 200, 255], "uint32": [0, 2**32 - 1], "uint64": [0, 2**63, 2**64 - 1]}


def own(file, column):
    with TableWriter(file, pa.schema([("id", column.type)])) as made:
        made.write(pa.record_batch({"id": column}))
        made.finish()


def drawn(values, kind, count=500, *, missing):
    values = [*values, None] if missing else values
    return pa.array([values[place] for place in np.random.default_rng(7).integers(len(values), size=count)], kind)


def written(file, column, options):
    """A file by Lineal's writer, or by another as its options say."""
    if options is None:
        own(file, column)
        return
    if "column_encoding" in options:
        delta = "DELTA_BYTE_ARRAY" if column.type == pa.string() else "DELTA_BINARY_PACKED"
        options = options | {"column_encoding": delta}
    pq.write_table(pa.table({"id": column}), file, row_group_size=200, **options)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("options", [None, *FOREIGN], ids=str)
@pytest.mark.parametrize("kind", ["string", *NUMBERS])
def test_exactly_the_rows_with_the_value_are_found(tmp_path, kind, options, missing):
    values = TEXTS if kind == "string" else NUMBERS[kind]
    column = drawn(values[::2], kind, missing=missing)
    file = tmp_path / "ids.parquet"
    written(file, column, options)
    found = search(Search(file, "id", value) for value in values)
    held = column.to_pylist()
    assert found == [Hits(tuple(row for row, each in enumerate(held) if each == value)) for value in values]


def test_the_values_asked_for_come_with_the_rows(tmp_path):
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"id": [3, 1, 3], "x": ["a", "b", None]}), file)
    assert search([Search(file, "id", "3", ("x", "y"))]) == [Hits((0, 2), ({"x": "a"}, {"x": None}))]


def test_pandas_is_not_imported(tmp_path):
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"id": ["a", "b"], "number": [1, 2]}), file)
    code = f"""
import sys
from pathlib import Path
from lineal.datasets.search import Search, search
file = Path({str(file)!r})
found = search([Search(file, "id", "b", ("number",)), Search(file, "number", 2)])
print([each.rows for each in found], "pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[(1,), (1,)] False\n"
