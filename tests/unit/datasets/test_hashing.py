from __future__ import annotations

import hashlib
import io
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.datasets.hashing import Fingerprint, HashingReader, HashingWriter, fingerprint


def expected(data: bytes) -> Fingerprint:
    return Fingerprint(
        hashlib.md5(data, usedforsecurity=False).hexdigest(), hashlib.sha256(data).hexdigest(), len(data)
    )


@given(data=st.binary(max_size=2000), sizes=st.lists(st.integers(1, 300), max_size=20))
def test_what_flows_past_is_hashed_whatever_the_reads(data: bytes, sizes: list[int]) -> None:
    with HashingReader(io.BytesIO(data)) as stream:
        got = b"".join(stream.read(size) for size in sizes)
        assert data.startswith(got)
        # What was not asked for is part of the whole all the same.
        assert stream.finish() == expected(data)


def test_much_is_hashed_in_a_thread_to_the_same_end(tmp_path: Path) -> None:
    data = bytes(range(256)) * 40_000
    seen: list[int] = []
    with HashingReader(io.BytesIO(data), seen.append) as stream:
        while stream.read(700_001):
            pass
        assert stream.finish() == expected(data)
    assert sum(seen) == len(data)

    file = tmp_path / "f"
    with HashingWriter(file) as sink:
        for start in range(0, len(data), 900_000):
            sink.write(memoryview(data)[start : start + 900_000])
        assert sink.finish() == expected(data)
        assert sink.tell() == len(data)
    assert fingerprint(file) == expected(data)


@pytest.mark.parametrize("pieces", [0, 1, 40])
def test_a_file_that_is_still_being_written_is_hashed_to_its_end(tmp_path: Path, pieces: int) -> None:
    file, written, data = tmp_path / "f", Event(), bytes(range(256)) * 400
    file.touch()

    def write() -> None:
        with file.open("wb", buffering=0) as sink:
            for _ in range(pieces):
                sink.write(data)
                time.sleep(0.002)
        written.set()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(write)
        assert fingerprint(file, written) == expected(data * pieces)


def test_a_missing_file_is_the_callers_to_tell(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fingerprint(tmp_path / "nope")
