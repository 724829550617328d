from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lineal.errors import SourceError


def test_every_type_becomes_one_of_the_few(project: Path, snap: Any, types: Any, rows: Any) -> None:
    moment = datetime(2026, 1, 31, 10)  # noqa: DTZ001  # a time without a zone stays one
    pq.write_table(
        pa.table(
            {
                "small": pa.array([1, None], pa.int8()),
                "nan": pa.array([1.5, float("nan")], pa.float32()),
                "words": pa.array(["a", "b"]).dictionary_encode(),
                "large": pa.array(["a", None], pa.large_string()),
                "money": pa.array([Decimal("1.50"), None]),
                "seconds": pa.array([moment, None], pa.timestamp("s")),
                "nested": pa.array([[1, 2], None]),
                "bytes": pa.array([b"text", None]),
                "none": pa.nulls(2),
            }
        ),
        project / "d.parquet",
    )
    snapshot = snap("d.parquet")
    assert types(snapshot) == {
        "small": "int64",
        "nan": "double",
        "words": "string",
        "large": "string",
        "money": "double",
        "seconds": "timestamp[us]",
        "nested": "string",
        "bytes": "string",
        "none": "double",
    }
    assert rows(snapshot) == [
        {
            "small": 1,
            "nan": 1.5,
            "words": "a",
            "large": "a",
            "money": 1.5,
            "seconds": moment,
            "nested": "[1, 2]",
            "bytes": "text",
            "none": None,
        },
        dict.fromkeys(types(snapshot)) | {"words": "b"},
    ]


@pytest.mark.parametrize(
    ("one", "two", "kind"),
    [
        (pa.array([1]), pa.array([2.5]), "double"),
        (pa.array([1]), pa.array(["x"]), "string"),
        (pa.array([True]), pa.array([1]), "string"),
        (pa.nulls(1), pa.array([1]), "int64"),
        (pa.array([0], pa.date32()), pa.array([0], pa.timestamp("ms")), "timestamp[us]"),
        (pa.array([0], pa.timestamp("us")), pa.array([0], pa.timestamp("ns")), "timestamp[ns]"),
        (pa.array([0], pa.timestamp("us")), pa.array([0], pa.timestamp("us", "UTC")), "string"),
        (pa.array([[1]]), pa.array([1]), "string"),
    ],
)
def test_files_of_other_types_meet(project: Path, snap: Any, types: Any, one: Any, two: Any, kind: str) -> None:
    (project / "in").mkdir()
    pq.write_table(pa.table({"v": one}), project / "in" / "1.parquet")
    pq.write_table(pa.table({"v": two}), project / "in" / "2.parquet")
    assert types(snap("in")) == {"v": kind}


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "d.parquet is empty"), (b"PAR1 but no more", "d.parquet is not a readable Parquet file; write it again")],
)
def test_what_is_no_parquet_is_told(put: Any, snap: Any, data: bytes, message: str) -> None:
    put("d.parquet", data)
    with pytest.raises(SourceError, match=message):
        snap("d.parquet")


def test_bytes_that_are_no_text_are_told(project: Path, snap: Any) -> None:
    pq.write_table(pa.table({"v": [b"\xff\xfe"]}), project / "d.parquet")
    with pytest.raises(SourceError, match="column 'v' holds binary values that cannot be kept as string") as told:
        snap("d.parquet")
    assert told.value.column == "v"


def test_a_column_without_a_value_is_what_was_learnt(project: Path, snap: Any, types: Any) -> None:
    pq.write_table(pa.table({"d": pa.nulls(2), "s": pa.nulls(2), "n": [7, 8]}), project / "d.parquet")
    snapshot = snap("d.parquet", learnt={"d": "timestamp[us]", "n": "string"})
    assert types(snapshot) == {"d": "timestamp[us]", "s": "double", "n": "int64"}


def test_a_table_without_rows_is_told(project: Path, snap: Any) -> None:
    pq.write_table(pa.table({"v": pa.array([], pa.int64())}), project / "d.parquet")
    with pytest.raises(SourceError, match=r"d\.parquet is without rows; add the data"):
        snap("d.parquet")
