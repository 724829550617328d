from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineal.datasets import profile as profiling
from lineal.datasets import read
from lineal.datasets.dataset import Dataset
from lineal.datasets.profile import ColumnProfile, profile
from lineal.datasets.read import to_frame, to_table
from lineal.errors import DataError, SourceError


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    table = pa.table(
        {
            "i": pa.array([3, None, 5]),
            "j": pa.array([1, 2, 3]),
            "f": pa.array([0.5, float("nan"), None]),
            "b": pa.array([True, None, False]),
            "s": pa.array(["x", None, "x"]),
            "d": pa.array([date(2026, 1, 31), None, date(9999, 12, 31)]),
            "none": pa.nulls(3, pa.float64()),
            "_lineal_row": pa.array([7, 8, 9]),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    return Dataset(tmp_path / "t.parquet", name="t.train", version="0123456789abcdef" * 2)


def test_a_profile_tells_of_columns_and_of_no_value_that_is_text(dataset: Dataset) -> None:
    found = profile(dataset)
    assert found.rows == 3
    assert found.bytes == Path(dataset.uri).stat().st_size
    assert found.columns == {
        "i": ColumnProfile(1, 2, 3.0, 5.0, 4.0, math.sqrt(2)),
        "j": ColumnProfile(0, 3, 1.0, 3.0, 2.0, 1.0),
        "f": ColumnProfile(2, 1, 0.5, 0.5, 0.5, None),
        "b": ColumnProfile(1, 2),
        "s": ColumnProfile(1, 1),
        "d": ColumnProfile(1, 2),
        "none": ColumnProfile(3, 0),
    }


@settings(deadline=None, max_examples=30)
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60), size=st.integers(1, 20))
def test_a_profile_is_that_of_the_whole_whatever_the_batches(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], size: int
) -> None:
    file = tmp_path_factory.mktemp("p") / "t.parquet"
    pq.write_table(pa.table({"v": values}), file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profiling, "BATCH_ROWS", size)
        found = profile(Dataset(file)).columns["v"]
    assert found.mean == pytest.approx(np.mean(values), abs=1e-6)
    assert found.std == pytest.approx(np.std(values, ddof=1), rel=1e-6, abs=1e-6)
    assert (found.min, found.max, found.distinct) == (min(values), max(values), len({value + 0.0 for value in values}))


def test_many_values_are_not_counted_and_what_is_infinite_has_no_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiling, "DISTINCT_BOUND", 2)
    pq.write_table(pa.table({"v": ["a", "b", "c"], "w": [1.0, math.inf, 1.0]}), tmp_path / "t.parquet")
    columns = profile(Dataset(tmp_path / "t.parquet")).columns
    assert columns["v"].distinct is None
    assert columns["w"] == ColumnProfile(0, 2, 1.0, None, None, None)


def test_a_frame_keeps_whole_numbers_whole(dataset: Dataset) -> None:
    frame = to_frame(dataset)
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "i": "Int64",
        "j": "int64",
        "f": "float64",
        "b": "boolean",
        "s": "str",
        "d": "datetime64[ms]",
        "none": "float64",
    }
    assert frame["i"].tolist() == [3, pd.NA, 5]
    assert frame["d"][2].year == 9999


def test_columns_come_in_the_order_asked_for(dataset: Dataset) -> None:
    assert to_table(dataset, ["s", "_lineal_row", "i"]).column_names == ["s", "_lineal_row", "i"]
    assert list(to_frame(dataset, ["s", "i"])) == ["s", "i"]
    assert "_lineal_row" not in to_table(dataset).column_names
    (batch,) = read.batches(dataset, ["s", "i"])
    assert batch.schema.names == ["s", "i"]


def test_a_version_elsewhere_is_read_as_one_here(dataset: Dataset) -> None:
    import fsspec

    fsspec.filesystem("memory").pipe("/v/t.parquet", Path(dataset.uri).read_bytes())
    there = dataset.but(uri="memory://v/t.parquet")
    assert to_table(there, ["i", "s", "d"]).equals(to_table(dataset, ["i", "s", "d"]))


@pytest.mark.parametrize("uri", ["gone.parquet", "memory://gone.parquet"])
def test_a_version_that_is_gone_is_told(tmp_path: Path, uri: str) -> None:
    where = uri if "://" in uri else tmp_path / uri
    with pytest.raises(
        SourceError, match=r"the bytes of t\.train@01234567 are gone from .*gone\.parquet; bring them back"
    ):
        to_table(Dataset(where, name="t.train", version="0123456789abcdef" * 2))


def test_a_version_that_is_damaged_is_told(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"not that")
    with pytest.raises(SourceError, match="is not a readable Parquet file; it was damaged"):
        to_frame(Dataset(tmp_path / "t.parquet"))


def test_a_column_that_is_not_there_is_told(dataset: Dataset) -> None:
    with pytest.raises(DataError, match=r"t\.train@01234567 has no column 'nome'; did you mean none\?") as told:
        to_frame(dataset, ["nome"])
    assert told.value.column == "nome"


def test_a_frame_without_rows_has_its_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"v": pa.array([], pa.int64())}), tmp_path / "t.parquet")
    frame: Any = to_frame(Dataset(tmp_path / "t.parquet"))
    assert frame.shape == (0, 1)


def test_zero_is_one_value_whatever_its_sign(tmp_path):
    pq.write_table(pa.table({"x": [0.0, -0.0]}), tmp_path / "zeros.parquet")
    assert profile(Dataset(tmp_path / "zeros.parquet")).columns["x"].distinct == 1
