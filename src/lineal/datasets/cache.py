"""Content-addressed storage of dataset versions, in the layout of DVC's own cache, so that DVC finds them."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lineal import settings
from lineal.datasets.hashing import Fingerprint, fingerprint, writing
from lineal.errors import VersionError

_READ_ONLY = 0o444
_STALE_SECONDS = 7 * 24 * 3600


class Cache:
    """Files known by the MD5 of their bytes: `files/md5/ab/cdef…`, read-only, each there whole or not at all.

    Args:
        root: the cache's folder; default `cache` under `lineal.settings.home()`.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or settings.home() / "cache").absolute()

    def path(self, version: str) -> Path:
        """Where the bytes of a version lie, whether or not they are there."""
        return self.root / "files" / "md5" / version[:2] / version[2:]

    def located(self, version: str) -> Path | None:
        """The cache's file of a version, not looked into; None where there is none."""
        path = self.path(version)
        return path if path.is_file() else None

    def get(self, version: str) -> Path:
        """Give the file that holds a version's bytes.

        Raises:
            VersionError: they are nowhere to be had.
        """
        path = self.path(version)
        if not path.is_file():
            raise VersionError(f"the bytes of version {version[:12]} are not in the cache {self.root}", version=version)
        return path

    @contextlib.contextmanager
    def temporary(self, suffix: str = "") -> Iterator[Path]:
        """Give the path of a new empty file on the cache's disk; it is gone afterwards unless `put` took it.

        Raises:
            StorageError: the folder cannot be made or written.
        """
        folder = self.root / "tmp"
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=folder, suffix=suffix)
            os.close(handle)
        self._sweep(folder)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def put(self, file: Path, known: Fingerprint | None = None) -> tuple[Path, Fingerprint]:
        """Move a finished file into the cache; bytes that are there already are kept once.

        Args:
            file: a file on the cache's disk, from `temporary`; it is gone afterwards.
            known: its fingerprint, where it was taken while writing.

        Returns:
            Where the bytes lie now, and what they are known by.

        Raises:
            StorageError: the disk is full, read-only or not ours to write.
        """
        with writing(self.root):
            found = known or fingerprint(file)
            target = self.path(found.md5)
            # A file of another size under this name was damaged from outside: it is replaced.
            if not (target.is_file() and target.stat().st_size == found.size):
                target.parent.mkdir(parents=True, exist_ok=True)
                _sync(file)
                file.chmod(_READ_ONLY)
                file.replace(target)
                _sync(target.parent)
            file.unlink(missing_ok=True)
        return target, found

    @staticmethod
    def _sweep(folder: Path) -> None:
        """Remove what killed processes left behind."""
        for left in folder.iterdir():
            with contextlib.suppress(FileNotFoundError, PermissionError):
                if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                    left.unlink()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
