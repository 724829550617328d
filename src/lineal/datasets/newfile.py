"""A file that a user named: never over another one unasked, and whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lineal.errors import StorageError


def require_free(path: Path, *, force: bool = False, endings: tuple[str, ...] = ()) -> None:
    """See that a file can be written to a path, before anything is computed for it.

    Args:
        path: as the user named it.
        force: whether a file that is there may be replaced.
        endings: that say what is written; any where it is left out.

    Raises:
        StorageError: it is elsewhere, of another ending, a folder, or there already; or there is no such folder.
    """
    # A path makes one slash of the two in a URL.
    if re.match(r"\w{2,}:/", str(path)):
        raise StorageError(f"{path} is no path on this machine; write there, and copy it on")
    if path.is_dir():
        raise StorageError(f"{path} is a folder; name a file in it")
    if endings and path.suffix.lower() not in endings:
        *others, last = (f"*{ending}" for ending in endings)
        known = f"{', '.join(others)} or {last}" if others else last
        raise StorageError(f"the ending of {path} does not say what to write; name it {known}")
    if not force and os.path.lexists(path):
        raise _there(path)
    if not path.absolute().parent.is_dir():
        raise StorageError(f"there is no folder {path.absolute().parent} to write {path.name} to; make it first")


@contextmanager
def new_file(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Give the path of a file to be made beside another, whose name it takes at the end, whole or not at all.

    Args:
        path: as for `require_free`.
        force: as for `require_free`.

    Raises:
        StorageError: it cannot be written, or has come to be there meanwhile.
    """
    target = path.absolute()
    with _writing(path):
        folder = tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.")
    with folder as name:
        made = Path(name) / target.name
        with _writing(path):
            yield made
        with _writing(path):
            if force:
                made.replace(target)
            else:
                _put(made, target)


def _put(made: Path, target: Path) -> None:
    """Give a finished file its name, unless another has taken it meanwhile."""
    try:
        # Not a rename: a second name for it fails where one is there, at whatever moment that came.
        os.link(made, target, follow_symlinks=False)
    except FileExistsError:
        raise _there(target) from None
    except OSError:
        # A file system without such names: nothing there knows both to look and to write in one step.
        if os.path.lexists(target):
            raise _there(target) from None
        made.replace(target)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise StorageError(f"{path} cannot be written: {problem.strerror or problem}") from problem


def _there(path: Path) -> StorageError:
    return StorageError(f"{path} is there already; name another file, or replace it with --force")
