"""Write to a file that a user named: never over another one unasked, and whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from lineal.errors import StorageError


def require_new(file: Path, *, force: bool) -> None:
    """See, before anything is gathered, that a file can be written there.

    Args:
        file: as the user named it.
        force: whether one that is there may be written over.

    Raises:
        StorageError: it is there already, is a folder, or its folder is not there.
    """
    if file.is_dir():
        raise StorageError(f"--to {file}: that is a folder; name a file in it")
    if not file.absolute().parent.is_dir():
        raise StorageError(f"--to {file}: there is no folder {file.absolute().parent} to write it in; make it")
    if not force and os.path.lexists(file):
        raise StorageError(f"--to {file}: the file is there already; name another, or write over it with --force")


def write(file: Path, text: str, *, force: bool) -> int:
    """Write a text, whole or not at all.

    Args:
        file: as the user named it.
        text: what is to stand in it.
        force: whether one that is there may be written over.

    Returns:
        Its size in bytes.

    Raises:
        StorageError: it cannot be written, or has come to be there meanwhile.
    """
    data = text.encode("utf-8")
    try:
        with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=f".{file.name}.") as folder:
            whole = Path(folder) / "whole"
            whole.write_bytes(data)
            if force:
                whole.replace(file)
            else:
                _put(whole, file)
    except FileExistsError as problem:
        raise StorageError(
            f"--to {file}: the file is there already; name another, or write over it with --force"
        ) from problem
    except OSError as problem:
        raise StorageError(f"--to {file}: it cannot be written: {problem.strerror or problem}") from problem
    return len(data)


def _put(whole: Path, file: Path) -> None:
    """Give a file its name, unless there is one of that name."""
    try:
        # A second name for it fails where one is there, at whatever moment that came.
        file.hardlink_to(whole)
    except FileExistsError:
        raise
    except OSError:
        # A file system without such names: nothing there knows both to look and to write in one step.
        if os.path.lexists(file):
            raise FileExistsError(file) from None
        whole.replace(file)
