"""Laws: what a snapshot is follows from the rows alone."""

from __future__ import annotations

import csv
import io
import itertools
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineal.datasets import writer
from lineal.datasets.cache import Cache
from lineal.datasets.dataset import Dataset
from lineal.datasets.hashing import fingerprint
from lineal.datasets.read import to_table
from lineal.datasets.sources import locate, read, reading
from lineal.datasets.writer import TableWriter

LAW = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.just("\n"), max_size=12)
WORDS = st.one_of(
    st.sampled_from(["", "0", "1", "true", "false", "NA", "nan", "1.5", "2026-01-31", "2026-01-31 10:00:00", "12:30"]),
    st.sampled_from(["2026-01-31T10:00:00Z", "9999-12-31 00:00:00", "2026-01-31 10:00:00.25", "1e400", "-0", " 7 "]),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False).map(repr),
    TEXT,
)
KINDS = st.sampled_from(
    [
        WORDS,
        st.integers(-9, 9).map(str),
        st.sampled_from(["0", "1", "true", ""]),
        st.floats(-9, 9).map(repr) | st.just("3"),
        st.dates().map(str) | st.datetimes().map(str) | st.just(""),
        TEXT,
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Rows of text cells, each column of one kind, or of many."""
    columns = [draw(KINDS) for _ in range(draw(st.integers(2, 4)))]
    return draw(st.lists(st.tuples(*columns).map(list), min_size=1, max_size=25))


def as_csv(rows: Sequence[Sequence[str]], width: int) -> bytes:
    out = io.StringIO()
    lines = csv.writer(out, quoting=csv.QUOTE_ALL)
    lines.writerow([f"c{number}" for number in range(width)])
    lines.writerows(rows)
    return out.getvalue().encode()


@contextmanager
def blocks_of(size: int) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK", size)
        yield


@LAW
@given(rows=tables(), cuts=st.sets(st.integers(1, 24), max_size=3), block=st.sampled_from([40, 64, 200, 1 << 20]))
def test_the_same_csv_rows_give_the_same_bytes_whatever_the_blocks_and_files(
    rows: list[list[str]], cuts: set[int], block: int
) -> None:
    width = len(rows[0])
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name), Cache(Path(name) / "cache")
        (folder / "whole.csv").write_bytes(as_csv(rows, width))
        whole = read("whole.csv", "t", folder=folder, cache=cache)
        (folder / "in").mkdir()
        edges = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
        for number, (start, stop) in enumerate(itertools.pairwise(edges)):
            (folder / "in" / f"{number}.csv").write_bytes(as_csv(rows[start:stop], width))
        with blocks_of(block):
            parts = read("in", "t", folder=folder, cache=cache)
        assert parts.dataset == whole.dataset
        assert whole.dataset.rows == len(rows)
        assert [source.rows for source in parts.sources] == [stop - start for start, stop in itertools.pairwise(edges)]
        assert fingerprint(Path(whole.dataset.location)).sha256 == whole.dataset.sha256


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.sampled_from(["x", "2026-01-31"]))
ALIKE = st.sampled_from(
    [VALUES, st.none() | st.integers(-9, 9), st.sampled_from(["2026-01-31", "2026-02-28"]), st.booleans()]
)


@st.composite
def objects(draw: st.DrawFn) -> list[dict[str, Any]]:
    columns = {name: draw(ALIKE) for name in "abc"}
    return draw(st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=20))


@LAW
@given(rows=objects(), block=st.sampled_from([40, 64, 1 << 20]))
def test_the_same_json_rows_give_the_same_bytes_whatever_the_blocks(rows: list[dict[str, Any]], block: int) -> None:
    import json

    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name), Cache(Path(name) / "cache")
        (folder / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        whole = read("d.jsonl", "t", folder=folder, cache=cache)
        with blocks_of(block):
            assert read("d.jsonl", "t", folder=folder, cache=cache).dataset == whole.dataset
        for found, row in zip(to_table(whole.dataset).to_pylist(), rows, strict=True):
            for key, value in row.items():
                assert (found[key] is None) == (value is None)


ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-9, 9),
        st.none() | st.floats(-9, 9),
        st.none() | st.text(max_size=30),
        st.none() | st.booleans(),
        st.none() | st.dates(),
    ),
    min_size=1,
    max_size=60,
)
SCHEMA = pa.schema([("i", pa.int64()), ("f", pa.float64()), ("s", pa.string()), ("b", pa.bool_()), ("d", pa.date32())])


def written(file: Path, table: pa.Table, sizes: Sequence[int]) -> str:
    with TableWriter(file, SCHEMA) as out:
        start = 0
        for size in (*sizes, table.num_rows):
            for batch in table.slice(start, size).to_batches():
                out.write(batch)
            start = min(start + size, table.num_rows)
        return out.finish().sha256


@LAW
@given(rows=ROWS, sizes=st.lists(st.integers(1, 20), max_size=8), limit=st.sampled_from([(5, 1 << 30), (1 << 20, 150)]))
def test_row_groups_are_cut_by_the_rows_alone(
    rows: list[tuple[Any, ...]], sizes: list[int], limit: tuple[int, int]
) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    table = pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "GROUP_ROWS", limit[0])
        patch.setattr(writer, "GROUP_BYTES", limit[1])
        one, many = Path(name) / "one", Path(name) / "many"
        assert written(one, table, []) == written(many, table, sizes)
        assert pq.read_table(many).equals(table)
        groups = pq.ParquetFile(many).metadata
        counts = [groups.row_group(number).num_rows for number in range(groups.num_row_groups)]
        assert sum(counts) == len(rows)
        assert max(counts) <= limit[0]


def test_many_rows_arriving_in_any_batches_fill_the_same_pages(tmp_path: Path) -> None:
    count = 150_000
    columns = [
        pa.array(range(count)),
        pa.array([number / 7 for number in range(count)]),
        pa.array([f"some text {number * 7919 % count}" for number in range(count)]),
        pa.array([number % 3 == 0 for number in range(count)]),
        pa.array([number % 900 for number in range(count)], pa.int32()).cast(pa.date32()),
    ]
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    whole = written(tmp_path / "a", table, [])
    assert written(tmp_path / "b", table, [777] * 150) == whole
    assert written(tmp_path / "c", table, [1, 70_001, 60_000, 1024]) == whole


@given(counts=st.lists(st.integers(0, 5), min_size=1, max_size=6), row=st.integers(0, 40))
def test_locate_inverts_putting_files_one_after_another(counts: list[int], row: int) -> None:
    sources = [Dataset(uri=f"/{number}.csv", rows=count) for number, count in enumerate(counts)]
    laid_out = [(source, record) for source in sources for record in range(1, (source.rows or 0) + 1)]
    if row < len(laid_out):
        assert locate(sources, row) == laid_out[row]
    else:
        with pytest.raises(IndexError, match="is in none of the sources"):
            locate(sources, row)


def test_no_row_lies_before_the_first() -> None:
    with pytest.raises(IndexError):
        locate([Dataset(uri="/a.csv", rows=2)], -1)


def test_one_cell_changes_the_version(tmp_path: Path) -> None:
    versions = set()
    for cell in ("1", "2"):
        (tmp_path / "d.csv").write_text(f"a,b\n1,x\n{cell},y\n")
        versions.add(read("d.csv", "t", folder=tmp_path).dataset.version)
    assert len(versions) == 2


def test_the_same_rows_from_parquet_and_csv_are_the_same_version(tmp_path: Path) -> None:
    pq.write_table(
        pa.table(
            {
                "i": pa.array([1, None], pa.int32()),
                "s": pa.array(["x", None]).dictionary_encode(),
                "d": [date(2026, 1, 31), None],
                "t": pa.array([datetime(2026, 1, 31, 10), None], pa.timestamp("ms")),  # noqa: DTZ001  # as in the CSV
            }
        ),
        tmp_path / "d.parquet",
    )
    (tmp_path / "d.csv").write_text("i,s,d,t\n1,x,2026-01-31,2026-01-31 10:00:00\n,,,\n")
    one, two = (read(f"d.{kind}", "t", folder=tmp_path) for kind in ("csv", "parquet"))
    assert one.dataset == two.dataset
