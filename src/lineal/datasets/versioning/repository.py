"""The DVC repository that a project is in: found, read, or set up as `dvc init` does."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lineal import settings
from lineal.errors import VersionError
from lineal.redaction import redact

LOCK_SECONDS = 120.0
"""How long to wait for another DVC process; a push of much data takes its time."""

_OURS = (".dvc/config", ".dvc/.gitignore", ".dvcignore")
_LOGGERS = ("dvc", "dvc_data", "dvc_objects", "dvc_s3")
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Repository:
    """A DVC repository, as its configuration files say.

    Attributes:
        root: the folder that holds `.dvc`.
        cache: the cache's folder, `files/md5/…` below it.
        shared: whether the cache is a group's (`cache.shared`).
        links: how files come from the cache into a workspace, in the order to try (`cache.type`).
        remote: the name of the default remote; None where there is none.
        url: of that remote, without credentials.
    """

    root: Path
    cache: Path
    shared: bool = False
    links: tuple[str, ...] = ("reflink", "copy")
    remote: str | None = None
    url: str | None = None


def find(folder: Path | None = None) -> Repository | None:
    """Find the DVC repository that a folder is in, as `dvc` itself does; None where there is none that can be used.

    Args:
        folder: default the working folder; where something is made again in a sandbox, there is none for it.
    """
    if settings.sandboxed():
        return None
    start = (folder or settings.workplace()).absolute()
    for up in (start, *start.parents):
        if (up / ".dvc").is_dir():
            return _read(up, tuple(_stamp(up / ".dvc" / name) for name in ("config", "config.local")))
    return None


def set_up(folder: Path | None = None) -> Repository | None:
    """Find the repository that a project is in, or make one as `dvc init` does; None where that cannot be done.

    It is made in the project's own folder: with git where that is under git (nothing is staged), else without. A
    folder without any mark of a project is left as it is.

    Args:
        folder: somewhere in the project; default the working folder.
    """
    if settings.sandboxed():
        return None
    start = (folder or settings.workplace()).absolute()
    found = find(start)
    root = settings.project_of(start)
    if found is not None or not any((root / mark).exists() for mark in settings.PROJECT_MARKS):
        return found
    try:
        with _alone(settings.home() / "dvc-init.lock"):
            # Another run may have made it while this one waited.
            if find(start) is None:
                _make(root)
    except Exception as problem:  # noqa: BLE001  # DVC, git and the disk have errors of their own; no run ends by them
        _LOGGER.warning(
            "DVC cannot be set up in %s (%s); data versions are kept in %s, and pushed nowhere",
            root,
            one_line(problem),
            settings.home() / "cache",
        )
        return None
    made = find(start)
    if made is not None:
        _LOGGER.info("set up DVC in %s for the data versions; commit .dvc and .dvcignore to share it", root)
    return made


@contextmanager
def opened(repository: Repository) -> Iterator[Any]:
    """Open DVC's own handle on a repository and hold its lock, waiting for whoever has it.

    Raises:
        VersionError: the lock was not to be had within `LOCK_SECONDS`.
    """
    from dvc.lock import LockError
    from dvc.repo import Repo

    with quiet(), Repo(str(repository.root)) as repo:
        end = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                repo.lock.lock()
                break
            except LockError as problem:
                if time.monotonic() > end:
                    raise VersionError(
                        f"another DVC process has held the lock of {repository.root} for {LOCK_SECONDS:g} s; "
                        "end it, or try again when it is done"
                    ) from problem
        try:
            yield repo
        finally:
            repo.lock.unlock()


@contextmanager
def quiet() -> Iterator[list[str]]:
    """Keep DVC's log and its progress bars off the terminal; gives the list of what it had to say of errors."""
    import dvc  # noqa: F401  # it sets its loggers up when it is imported

    heard = _Heard()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger, logger.handlers, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        # Its bars are off where its log shows warnings at most.
        logger.handlers, logger.propagate = [heard], False
        logger.setLevel(logging.ERROR)
    try:
        yield heard.said
    finally:
        for logger, handlers, level, propagate in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.said.append(one_line(error) if error is not None else record.getMessage())


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=32)
def _read(root: Path, _stamps: tuple[tuple[int, int] | None, ...]) -> Repository | None:
    try:
        with quiet():
            from dvc.config import Config

            config = Config(str(root / ".dvc"))
    except Exception as problem:  # noqa: BLE001  # the files may hold anything
        _LOGGER.warning("%s cannot be used (%s); mend it", root / ".dvc" / "config", one_line(problem))
        return None
    cache, core = config["cache"], config["core"]
    folder = str(cache.get("dir") or root / ".dvc" / "cache")
    if "://" in folder:
        _LOGGER.warning("the DVC cache %s is no folder of this machine; it is not used", redact(folder))
        return None
    remote = core.get("remote")
    url = config["remote"].get(remote, {}).get("url") if remote else None
    return Repository(
        root=root,
        cache=Path(folder),
        shared=cache.get("shared") == "group",
        links=tuple(cache.get("type") or ("reflink", "copy")),
        remote=remote,
        url=redact(str(url)) if url else None,
    )


def _make(root: Path) -> None:
    from dvc.repo import Repo

    inside = any((up / ".git").exists() for up in root.parents)
    own = (root / ".git").exists()
    known = {name for name in _OURS if (root / name).exists()}
    with quiet():
        Repo.init(str(root), no_scm=not (own or inside), subdir=inside and not own).close()
    if own or inside:
        # `dvc init` stages what it makes; a run leaves the user's index alone, and their tree as clean as it was.
        command = ["git", "rm", "--cached", "--quiet", "--ignore-unmatch", "--", *(n for n in _OURS if n not in known)]
        subprocess.run(command, cwd=root, capture_output=True, check=False, timeout=30)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Wait until no other process of this machine is in here."""
    import zc.lockfile

    file.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            lock = zc.lockfile.LockFile(str(file))
            break
        except zc.lockfile.LockError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
    try:
        yield
    finally:
        lock.close()


def one_line(problem: BaseException | None) -> str:
    """What an error says, on one line and without credentials."""
    told = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
    said = redact(" ".join(told.split()))
    return said.rstrip(".")[:300] or type(problem).__name__
