from __future__ import annotations

import os
import resource
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lineal import settings
from lineal.datasets.cache import Cache
from lineal.datasets.hashing import HashingWriter
from lineal.errors import StorageError, VersionError

MD5_OF_HELLO = "5d41402abc4b2a76b9719d911017c592"


def keep(cache: Cache, data: bytes) -> Path:
    with cache.temporary() as file:
        file.write_bytes(data)
        path, _ = cache.put(file)
    return path


def left_over(cache: Cache) -> list[Path]:
    return list((cache.root / "tmp").iterdir())


def test_a_file_lies_where_dvc_looks_for_it_and_is_read_only() -> None:
    cache = Cache()
    path = keep(cache, b"hello")
    assert path == settings.home() / "cache/files/md5/5d/41402abc4b2a76b9719d911017c592"
    assert path == cache.path(MD5_OF_HELLO)
    assert path.read_bytes() == b"hello"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert left_over(cache) == []


def test_a_version_is_got_by_its_hash_and_one_that_is_gone_is_told() -> None:
    cache = Cache()
    path = keep(cache, b"hello")
    assert cache.get(MD5_OF_HELLO) == path
    with pytest.raises(VersionError, match=r"the bytes of version 000000000000 are not in the cache .*/cache; bring"):
        cache.get("0" * 32)


def test_dvc_finds_the_file_by_its_hash() -> None:
    from dvc_data.hashfile.db.local import LocalHashFileDB
    from dvc_objects.fs.local import LocalFileSystem

    cache = Cache()
    path = keep(cache, b"hello")
    database = LocalHashFileDB(LocalFileSystem(), str(cache.root / "files" / "md5"))
    assert Path(database.oid_to_path(MD5_OF_HELLO)) == path
    database.check(MD5_OF_HELLO, check_hash=True)


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    first = keep(cache, b"hello")
    before = first.stat().st_ino
    assert keep(cache, b"hello") == first
    assert first.stat().st_ino == before
    assert left_over(cache) == []


def test_a_version_cut_short_from_outside_is_replaced(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    path = keep(cache, b"hello")
    path.chmod(0o644)
    path.write_bytes(b"hel")
    assert keep(cache, b"hello").read_bytes() == b"hello"


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")

    def break_off() -> None:
        with cache.temporary() as file:
            file.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert left_over(cache) == []
    assert not (cache.root / "files").exists()


def test_what_a_killed_process_left_long_ago_is_removed(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    old, new = cache.root / "tmp" / "old", cache.root / "tmp" / "new"
    keep(cache, b"hello")
    for file in (old, new):
        file.touch()
    month_ago = time.time() - 30 * 24 * 3600
    os.utime(old, (month_ago, month_ago))
    keep(cache, b"hello")
    assert left_over(cache) == [new]


@contextmanager
def disk_that_takes(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_takes_no_more_is_told_with_what_to_do(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")

    def write() -> None:
        with disk_that_takes(1000), cache.temporary() as file, HashingWriter(file) as sink:
            sink.write(b"x" * 5000)
            sink.finish()

    with pytest.raises(StorageError, match=r"cannot write to .*/c/tmp/.*free some space there, or set LINEAL_HOME"):
        write()
    assert left_over(cache) == []


def test_a_copy_that_the_disk_does_not_take_is_told_and_not_kept(tmp_path: Path) -> None:
    cache, file = Cache(tmp_path / "c"), tmp_path / "large"
    file.write_bytes(os.urandom(3 << 20))
    with (
        pytest.raises(StorageError, match=r"cannot write to .*/c/tmp/.*free some space there, or set LINEAL_HOME"),
        disk_that_takes(1 << 20),
    ):
        cache.add(file)
    assert left_over(cache) == []
    assert cache.add(file)[0].read_bytes() == file.read_bytes()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "c").touch()
    with pytest.raises(StorageError, match=r"cannot write to .*/c/tmp: Not a directory; set LINEAL_HOME"):
        keep(Cache(tmp_path / "c"), b"hello")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_of_someone_else_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="permission denied; make the folder writable"):
        keep(Cache(tmp_path / "c"), b"hello")
