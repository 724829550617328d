"""Zip files: written so that the same files give the same bytes, and read so that none can do harm."""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO

from lineal.datasets.newfile import new_file
from lineal.errors import PackError, StorageError
from lineal.packs.interface import Document

# The first that a zip file can have: a time of its own would make each pack another.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20
_MOST_FILES = 100_000
# Beyond this size a file that packs better than any that is meant to be read is a trap.
_BOMB_BYTES, _BOMB_RATIO = 64 << 20, 200
_PACKED = (".png", ".parquet", ".skops", ".zip", ".gz")


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a pack whose bytes lie on this disk.

    Attributes:
        path: in the pack.
        file: that holds its bytes.
        media_type: as IANA has it.
        says: what is in it, in one sentence.
    """

    path: str
    file: Path
    media_type: str
    says: str


Piece = Document | KeptFile


def measured(piece: Piece) -> tuple[str, int]:
    """SHA-256 and size of a piece's bytes."""
    if isinstance(piece, Document):
        return hashlib.sha256(piece.content).hexdigest(), len(piece.content)
    with writing_of(piece), piece.file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest(), opened.tell()


def write(pieces: Iterable[Piece], target: Path, *, force: bool) -> None:
    """Write a zip file, whole or not at all.

    Args:
        pieces: its files; they are put in order of their paths.
        target: the file to make.
        force: replace one that is there.

    Raises:
        StorageError: it is there, or cannot be written.
    """
    with new_file(target, force=force) as made, zipfile.ZipFile(made, "w") as archive:
        for piece in sorted(pieces, key=lambda piece: piece.path):
            _add(archive, piece)


@contextmanager
def writing_of(piece: KeptFile) -> Iterator[None]:
    """Turn what the system says against reading a piece into a StorageError."""
    try:
        yield
    except OSError as problem:
        raise StorageError(f"{piece.file} cannot be read: {problem.strerror}; run the command again") from problem


def _add(archive: zipfile.ZipFile, piece: Piece) -> None:
    info = zipfile.ZipInfo(piece.path, _EPOCH)
    info.create_system = 3  # Unix, wherever it is made
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    packed = piece.path.endswith(_PACKED)
    info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
    if isinstance(piece, Document):
        archive.writestr(info, piece.content, compresslevel=None if packed else 6)
        return
    info.file_size = piece.file.stat().st_size  # tells zipfile whether the large form is needed
    with piece.file.open("rb") as source, archive.open(info, "w") as out:
        while chunk := source.read(_CHUNK):
            out.write(chunk)


class Opened:
    """A zip file from elsewhere, of which only names and sizes were looked at so far."""

    def __init__(self, archive: zipfile.ZipFile, file: Path) -> None:
        self._archive, self._file = archive, file
        self.sizes = {info.filename: info.file_size for info in archive.infolist()}

    def read(self, path: str, most: int = 64 << 20) -> bytes:
        """The bytes of a file.

        Raises:
            PackError: it is too large for what it is.
            ValueError: it cannot be unpacked.
        """
        if self.sizes[path] > most:
            raise PackError(f"{path} has {self.sizes[path]:,} bytes, which no pack has in it", path=self._file)
        with _damaged(), self._archive.open(path) as opened:
            return opened.read()

    def sha256(self, path: str) -> str:
        """SHA-256 of a file's bytes.

        Raises:
            ValueError: it cannot be unpacked.
        """
        found = hashlib.sha256()
        with _damaged(), self._archive.open(path) as opened:
            while chunk := opened.read(_CHUNK):
                found.update(chunk)
        return found.hexdigest()

    def lines(self, path: str, longest: int = 64 << 20) -> Iterator[bytes]:
        """The lines of a file without their ends.

        Raises:
            ValueError: it cannot be unpacked.
        """
        with _damaged(), self._archive.open(path) as opened:
            while line := opened.readline(longest):
                yield line.removesuffix(b"\n")


@contextmanager
def opened(file: Path) -> Iterator[Opened]:
    """Open a zip file from elsewhere; nothing of it is written to a disk.

    Raises:
        PackError: it is none, or holds what could do harm: a name that leads out of a folder, two files of one name, a
            link, a lock, far more bytes than it has itself.
    """
    try:
        handle: IO[bytes] = file.open("rb")
    except OSError as problem:
        raise PackError(f"cannot be read: {problem.strerror}; name another file", path=file) from problem
    with handle:
        try:
            archive = zipfile.ZipFile(handle)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, RuntimeError) as problem:
            raise PackError(f"is no zip file, or a damaged one ({problem}); have it sent again", path=file) from problem
        with archive:
            problem_found = _harm(archive, file.stat().st_size)
            if problem_found:
                raise PackError(f"{problem_found}; nothing of it was unpacked, do not trust it", path=file)
            yield Opened(archive, file)


def _harm(archive: zipfile.ZipFile, size: int) -> str | None:
    """What of a zip file could do harm."""
    infos = archive.infolist()
    if len(infos) > _MOST_FILES:
        return f"has {len(infos):,} files in it, which no pack has"
    seen = set[str]()
    for info in infos:
        name = info.orig_filename
        shown = ascii(name[:80])
        path = PurePosixPath(name)
        if name != info.filename or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            return f"has a file named {shown}, which leads out of the folder that it is unpacked in"
        if not name or not name.isprintable() or str(path) != name:
            return f"has a file named {shown}, which is no plain path"
        # As some systems would write both to one file.
        if name.casefold() in seen:
            return f"has two files named {shown}"
        seen.add(name.casefold())
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            return f"has a link or device named {shown}"
        if info.flag_bits & 0x1:
            return f"has a locked file, {shown}"
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return f"has a file packed in a way that packs are not, {shown}"
    total = sum(info.file_size for info in infos)
    if total > _BOMB_BYTES and total > _BOMB_RATIO * size:
        return f"would unpack to {total:,} bytes from {size:,}, as no evidence does"
    places = sorted((info.header_offset, info.compress_size) for info in infos)
    # A local header has at least 30 bytes.
    if any(here + 30 + packed > there for (here, packed), (there, _) in pairwise(places)):
        return "has files that lie in one another"
    return None


@contextmanager
def _damaged() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as problem:
        raise ValueError(f"it cannot be unpacked ({problem})") from problem
