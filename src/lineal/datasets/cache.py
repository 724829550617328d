"""Content-addressed storage of dataset versions: the cache of the project's DVC repository."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from lineal import settings
from lineal.datasets import versioning
from lineal.datasets.hashing import Fingerprint, fingerprint, writing
from lineal.datasets.remembered import fingerprint_of, remember, remembered
from lineal.errors import VersionError

_READ_ONLY = 0o444
_STALE_SECONDS = 7 * 24 * 3600


class Cache:
    """Files known by the MD5 of their bytes: `files/md5/ab/cdef…`, read-only, each there whole or not at all.

    Args:
        root: the cache's folder; default that of the DVC repository that the working folder is in, else `cache` under
            `lineal.settings.home()`.

    Attributes:
        root: the cache's folder, absolute.
        repository: the DVC repository whose cache it is; None for a folder of its own.
        fetched: the versions that this object had to bring from the DVC remote.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.repository = versioning.find() if root is None else None
        self.fetched: set[str] = set()
        own = settings.home() / "cache"
        self.root = (root or (self.repository.cache if self.repository else own)).absolute()
        # What was kept before the project was a DVC repository.
        self._earlier = [own.absolute()] if root is None and self.repository else []

    def path(self, version: str) -> Path:
        """Where the bytes of a version lie, whether or not they are there."""
        return _within(self.root, version)

    def located(self, version: str) -> Path | None:
        """The cache's file of a version, not looked into; None where there is none."""
        return next((path for path in self._places(version) if path.is_file()), None)

    def get(self, version: str, *, thorough: bool = False) -> Path:
        """Give the file that holds a version's bytes, brought from the DVC remote where the cache lacks them.

        A file that does not hold what its name says is never given: it is fetched anew where the remote has it.

        Args:
            version: the MD5 of the bytes.
            thorough: hash the bytes again, even if they were hashed before and nothing looks changed since.

        Raises:
            VersionError: they are nowhere to be had, or only altered.
        """
        altered: Path | None = None
        for path in self._places(version):
            if path.is_file():
                marks = fingerprint(path) if thorough else fingerprint_of(path)
                if marks.md5 == version:
                    remember(path, marks)
                    return path
                altered = altered or path
        try:
            return self._fetched(version, altered)
        except VersionError as problem:
            what = (
                f"the file {altered} no longer holds version {version[:12]}: it was altered"
                if altered
                else f"the bytes of version {version[:12]} are not in the cache {self.root}"
            )
            advice = "bring them back from a copy, or run again what made them"
            raise VersionError(f"{what}{problem.message}; {advice}", version=version) from problem

    def _places(self, version: str) -> list[Path]:
        return [_within(root, version) for root in (self.root, *self._earlier)]

    def _fetched(self, version: str, altered: Path | None) -> Path:
        if self.repository is None or self.repository.remote is None:
            raise VersionError("" if self.repository is None else ", and there is no default DVC remote to ask")
        path = self.path(version)
        aside = path.with_name(f"{path.name}.altered")
        in_the_way = altered == path
        if in_the_way:
            # Kept until there is better: it is what is left, and evidence.
            with writing(path):
                path.replace(aside)
        try:
            versioning.fetch(self.repository, version)
            # DVC takes away again what does not hold what its name says.
            marks = fingerprint(path) if path.is_file() else None
            if marks is None or marks.md5 != version:
                path.unlink(missing_ok=True)
                raise VersionError(f"what the DVC remote {self.repository.remote} holds under its name is altered")
        except (VersionError, OSError) as problem:
            if in_the_way:
                aside.replace(path)
            raise VersionError(f", and {problem}") from problem
        aside.unlink(missing_ok=True)
        remember(path, marks)
        self.fetched.add(version)
        return path

    def add(self, file: Path) -> tuple[Path, Fingerprint]:
        """Keep a copy of a file; one that was kept before and has not changed since is only looked at.

        Returns:
            Where the bytes lie now, and what they are known by.

        Raises:
            OSError: the file cannot be read.
            StorageError: the cache cannot be written.
        """
        marks = remembered(file)
        if marks is not None:
            path = self.path(marks.md5)
            if path.is_file() and fingerprint_of(path).md5 == marks.md5:
                return path, marks
        with self.temporary(file.suffix) as copy:
            before = file.stat()
            marks = _copied(file, copy)
            # What was written to meanwhile is another file by now.
            if (after := file.stat()).st_mtime_ns == before.st_mtime_ns and after.st_size == marks.size:
                remember(file, marks)
            return self.put(copy, marks)

    @contextlib.contextmanager
    def temporary(self, suffix: str = "") -> Iterator[Path]:
        """Give the path of a new empty file on the cache's disk; it is gone afterwards unless `put` took it.

        Raises:
            StorageError: the folder cannot be made or written.
        """
        folder = self.root / "tmp"
        with writing(folder):
            self._folder(folder)
            handle, name = tempfile.mkstemp(dir=folder, suffix=suffix)
            os.close(handle)
        self._sweep(folder)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def put(self, file: Path, taken: Fingerprint | None = None) -> tuple[Path, Fingerprint]:
        """Move a finished file into the cache; bytes that are there already are kept once.

        Args:
            file: a file on the cache's disk, from `temporary`; it is gone afterwards.
            taken: its fingerprint, where it was taken while writing.

        Returns:
            Where the bytes lie now, and what they are known by.

        Raises:
            StorageError: the disk is full, read-only or not ours to write.
        """
        with writing(self.root):
            found = taken or fingerprint(file)
            target = self.path(found.md5)
            # A file that does not hold what its name says was damaged from outside: it is replaced.
            if not (target.is_file() and fingerprint_of(target).md5 == found.md5):
                self._folder(target.parent)
                _sync(file)
                file.chmod(_READ_ONLY)
                file.replace(target)
                _sync(target.parent)
                remember(target, found)
            file.unlink(missing_ok=True)
        return target, found

    def _folder(self, path: Path) -> None:
        """Make a folder of the cache, and those above it, as DVC makes them."""
        made = [each for each in (path, *path.parents) if each.is_relative_to(self.root) and not each.exists()]
        path.mkdir(parents=True, exist_ok=True)
        if self.repository is not None and self.repository.shared:
            for each in made:
                each.chmod(0o2775)

    @staticmethod
    def _sweep(folder: Path) -> None:
        """Remove what killed processes left behind."""
        for left in folder.iterdir():
            with contextlib.suppress(FileNotFoundError, PermissionError):
                if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                    left.unlink()


def _within(root: Path, version: str) -> Path:
    return root / "files" / "md5" / version[:2] / version[2:]


def _copied(source: Path, target: Path) -> Fingerprint:
    """Copy a file as cheaply as the system can, and hash the copy while it grows and the disk takes it."""
    written = Event()

    def copy() -> None:
        try:
            shutil.copyfile(source, target)
        finally:
            written.set()
        _sync(target)

    with source.open("rb"), writing(target), ThreadPoolExecutor(1, "lineal-copy") as pool:
        copying = pool.submit(copy)
        try:
            return fingerprint(target, written)
        finally:
            # What stopped it is what is told, not what was hashed until then.
            copying.result()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
