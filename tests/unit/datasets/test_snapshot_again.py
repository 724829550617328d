"""A snapshot that is read again as a source gives the very same version: what a model is made again from."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineal.datasets.cache import Cache
from lineal.datasets.sources import read
from lineal.datasets.table import write_table

LAW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Every type that a snapshot has.
KINDS = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float64(): st.floats(allow_nan=False),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(st.characters(codec="utf-8"), max_size=8),
    pa.date32(): st.dates(date(1, 1, 1), date(9999, 12, 31)),
    pa.timestamp("us"): st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001 - without a zone
    pa.timestamp("ns"): st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001 - without a zone
    pa.timestamp("us", "UTC"): st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    pa.timestamp("ns", "UTC"): st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(1, 12))
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=6))
    names = draw(st.permutations([f"c {number}" for number in range(len(kinds))]))
    # A column may hold nothing but missing values.
    columns = [
        pa.array(
            draw(
                st.lists(st.none() | (KINDS[kind] if draw(st.booleans()) else st.none()), min_size=rows, max_size=rows)
            ),
            kind,
        )
        for kind in kinds
    ]
    return pa.table(columns, names=names)


@LAW
@given(table=tables())
def test_whatever_it_holds(table: pa.Table) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = write_table(table, "t.snapshot", Cache(folder / "one"))
        again = read(_named(first.location, folder), "t.snapshot", cache=Cache(folder / "other")).dataset
        assert (again.version, again.columns, again.rows) == (first.version, first.columns, first.rows)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,x\n2,y\n",
        'when,flag,n\n2026-01-31,true,\n,false,7\n"",,8\n',
        "when\n2026-01-31T10:00:00Z\n2026-01-31T10:00:00.25Z\n",
        "empty,n\n,1\n,2\n",
        "n\n18446744073709551615\n1\n",
    ],
)
def test_as_read_from_a_csv(text: str, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(text)
    first = read("d.csv", "t.snapshot", folder=tmp_path, cache=Cache(tmp_path / "one")).dataset
    again = read(_named(first.location, tmp_path), "t.snapshot", cache=Cache(tmp_path / "other")).dataset
    assert (again.version, again.columns) == (first.version, first.columns)


def test_over_many_row_groups(tmp_path: Path) -> None:
    table = pa.table({"n": range(300_000), "text": [f"value {number % 977}" for number in range(300_000)]})
    first = write_table(table, "t.snapshot", Cache(tmp_path / "one"))
    again = read(_named(first.location, tmp_path), "t.snapshot", cache=Cache(tmp_path / "other")).dataset
    assert again.version == first.version


def _named(location: str, folder: Path) -> str:
    """The bytes under a name that tells their format, as the cache's does not."""
    file = folder / "snapshot.parquet"
    file.symlink_to(location)
    return str(file)
