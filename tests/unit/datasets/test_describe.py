"""What a handle leaves out is looked up in its file, as reading the file would find it."""

import gzip

import pytest

from lineal import Dataset
from lineal.datasets.describe import describe
from lineal.datasets.sources import read


def names(dataset):
    return [column.name for column in dataset.columns]


@pytest.mark.parametrize("name", ["d.csv", "d.csv.gz"])
@pytest.mark.parametrize(("delimiter", "header"), [(",", "a,b;c"), (";", "a;b c;ü"), ("|", "a|b"), ("\t", "a\tb")])
def test_a_csv_file_has_the_columns_that_reading_it_gives(tmp_path, cache, name, delimiter, header):
    text = f"\ufeff{header}\n{delimiter.join('1' for _ in header.split(delimiter))}\n".encode()
    file = tmp_path / name
    file.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    found = describe(Dataset(file))
    assert names(found) == header.split(delimiter)
    assert names(found) == names(read(str(file), "t.snapshot", folder=tmp_path, cache=cache).dataset)


def test_a_file_that_is_no_table_has_its_hash_all_the_same(tmp_path):
    (tmp_path / "d.csv").write_bytes(b"\x00\xff\n")
    found = describe(Dataset(tmp_path / "d.csv"))
    assert found.version
    assert found.size == 3
