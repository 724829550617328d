"""Ingestion takes the same memory however large the source is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

MB = 1_000_000

MEASURE = """
import re, sys
from pathlib import Path
import psutil
from lineal.datasets.cache import Cache
from lineal.datasets.sources import read
before = psutil.Process().memory_info().rss
rows = read(sys.argv[1], "t", cache=Cache(Path(sys.argv[2]))).dataset.rows
# Not getrusage's ru_maxrss: that starts at what the parent had when it started this process.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
print(rows, peak - before)
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")]


def growth(source: Path, rows: int) -> float:
    """How many MB a fresh process grows by while it ingests."""
    command = [sys.executable, "-c", MEASURE, str(source), str(source.parent / "cache")]
    found, grown = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert int(found) == rows
    return int(grown) / MB


def lines(count: int, form: str) -> Iterator[str]:
    for start in range(0, count, 1000):
        yield "".join(form % (number, number % 7, "text " * 20) for number in range(start, start + 1000))


@pytest.mark.parametrize("last", ["1,1,plain", "one,two,mixed"])
def test_a_large_csv_takes_no_more_memory_than_a_share_of_it(tmp_path: Path, last: str) -> None:
    file, count = tmp_path / "d.csv", 2_500_000
    with file.open("w") as out:
        out.write("a,b,c\n")
        out.writelines(lines(count, "%d,%d,%s\n"))
        out.write(last + "\n")
    assert file.stat().st_size > 260 * MB
    assert growth(file, count + 1) < 250


def test_large_json_lines_take_no_more_memory_than_a_share_of_them(tmp_path: Path) -> None:
    file, count = tmp_path / "d.jsonl", 2_000_000
    with file.open("w") as out:
        out.writelines(lines(count, '{"a": %d, "b": %d, "c": "%s"}\n'))
    assert file.stat().st_size > 250 * MB
    assert growth(file, count) < 250


def test_a_parquet_of_one_huge_row_group_is_read_in_parts(tmp_path: Path) -> None:
    file, some, times = tmp_path / "d.parquet", 1000, 2500
    part = pa.table({"a": range(some), "c": [f"{number} {'text ' * 20}" for number in range(some)]})
    whole, count = pa.concat_tables([part] * times), some * times
    pq.write_table(whole, file, row_group_size=count, use_dictionary=False, compression="none")
    assert file.stat().st_size > 260 * MB
    assert pq.ParquetFile(file).num_row_groups == 1
    assert growth(file, count) < 250
