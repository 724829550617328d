"""MD5 and SHA-256 of files and of streams, computed together while the bytes flow past."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any, BinaryIO

from lineal.errors import StorageError

_CHUNK = 1 << 20
_WAITING = 8
_SOON_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file's bytes are known by.

    Attributes:
        md5: DVC's hash of the file, lower-case hex; a dataset version's id.
        sha256: of the same bytes, kept for tamper checks.
        size: in bytes.
    """

    md5: str
    sha256: str
    size: int


class Hasher:
    """Hash what it is given, in a thread of its own once there is enough of it: hashlib releases the GIL."""

    def __init__(self) -> None:
        # MD5 is the name DVC gives the file, not a defence; SHA-256 stands beside it for that.
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._queue: Queue[bytes | None] = Queue(maxsize=_WAITING)
        self._thread: Thread | None = None
        self.size = 0

    def update(self, data: bytes) -> None:
        """Take the next bytes, which must not change afterwards."""
        self.size += len(data)
        if self._thread is None and self.size <= _CHUNK:
            self._hash(data)
            return
        if self._thread is None:
            self._thread = Thread(target=self._work, daemon=True, name="lineal-hash")
            self._thread.start()
        self._queue.put(data)

    def finish(self) -> Fingerprint:
        """Wait for the last bytes and say what they were; may be called more than once."""
        self.close()
        return Fingerprint(self._md5.hexdigest(), self._sha256.hexdigest(), self.size)

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while (data := self._queue.get()) is not None:
            self._hash(data)

    def _hash(self, data: bytes) -> None:
        self._md5.update(data)
        self._sha256.update(data)


class HashingReader(io.RawIOBase):
    """A binary stream that hashes what is read from it, once, from start to end.

    Args:
        raw: the stream to read; closed with this one.
        on_read: told the number of bytes of each read.
    """

    def __init__(self, raw: BinaryIO, on_read: Callable[[int], None] | None = None) -> None:
        self._raw, self._on_read, self._hasher = raw, on_read, Hasher()

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; -1: all that is left."""
        data = self._raw.read(size)
        if data:
            self._hasher.update(data)
            if self._on_read is not None:
                self._on_read(len(data))
        return data

    def readinto(self, buffer: Any, /) -> int:
        """Read into a buffer, as `io.BufferedReader` asks."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def finish(self) -> Fingerprint:
        """Read what is left and give the fingerprint of the whole."""
        while self.read(_CHUNK):
            pass
        return self._hasher.finish()

    def close(self) -> None:
        """Close the stream beneath, too."""
        if not self.closed:
            self._raw.close()
            self._hasher.close()
        super().close()


class HashingWriter(io.RawIOBase):
    """Write a new file and hash what is written.

    Args:
        path: the file; it is made, or emptied.

    Raises:
        StorageError: the disk is full, read-only or not ours to write; also from `write` and `finish`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hasher = Hasher()
        with writing(path):
            self._raw = path.open("wb")

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, data: Any, /) -> int:
        """Write all of `data`."""
        kept = bytes(data)
        with writing(self.path):
            self._raw.write(kept)
        self._hasher.update(kept)
        return len(kept)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._hasher.size

    def finish(self) -> Fingerprint:
        """Hand the last bytes to the operating system, and give the fingerprint of them all."""
        with writing(self.path):
            self._raw.flush()
        return self._hasher.finish()

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._hasher.close()
            with contextlib.suppress(OSError):
                # What `finish` could not write was told there; left without it, the file is to be thrown away.
                self._raw.close()
        super().close()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system says against writing to `path` into a StorageError."""
    try:
        yield
    except OSError as problem:
        raise StorageError(f"cannot write to {path}: {_reason(problem)}") from problem


def _reason(problem: OSError) -> str:
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{problem.strerror}; free some space there, or set LINEAL_HOME to a folder on a larger disk"
    if problem.errno == errno.EROFS:
        return "the disk is read-only; set LINEAL_HOME to a folder that can be written"
    if problem.errno in (errno.EACCES, errno.EPERM):
        return "permission denied; make the folder writable, or set LINEAL_HOME to one that is"
    return f"{problem.strerror or problem}; set LINEAL_HOME to a folder that can be written"


def fingerprint(path: str | Path, written: Event | None = None) -> Fingerprint:
    """Hash a local file in constant memory.

    Args:
        path: the file.
        written: set once all of it is there, where another thread is still writing it.

    Raises:
        OSError: as `open` does.
    """
    path = Path(path)
    if written is None and path.stat().st_size <= _CHUNK:
        data = path.read_bytes()
        return Fingerprint(
            hashlib.md5(data, usedforsecurity=False).hexdigest(), hashlib.sha256(data).hexdigest(), len(data)
        )
    whole = written or Event()
    if written is None:
        whole.set()
    # Each reads for itself, into a small buffer of its own: handing large blocks over costs more than reading twice
    # from memory, where the slower one finds what the faster has just read.
    md5: Queue[str | BaseException] = Queue()

    def work() -> None:
        try:
            with _Growing(path, whole) as stream:
                md5.put(hashlib.file_digest(stream, _md5).hexdigest())
        except BaseException as problem:  # noqa: BLE001  # it is raised again below
            md5.put(problem)

    Thread(target=work, daemon=True, name="lineal-hash").start()
    with _Growing(path, whole) as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size = stream.size
    found = md5.get()
    if isinstance(found, BaseException):
        raise found
    return Fingerprint(found, sha256, size)


class _Growing(io.RawIOBase):
    """A file to read whole, behind another thread that may still be writing it.

    Args:
        path: the file.
        written: set once all of it is there.
    """

    def __init__(self, path: Path, written: Event) -> None:
        self._raw, self._written, self.size = path.open("rb", buffering=0), written, 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read the next bytes into a buffer; none only at the end."""
        while True:
            # Asked first: all that was written before that can then be read.
            whole = self._written.is_set()
            count = self._raw.readinto(buffer) or 0
            self.size += count
            if count or whole:
                return count
            self._written.wait(_SOON_SECONDS)

    def close(self) -> None:
        """Close the file."""
        self._raw.close()
        super().close()


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)
