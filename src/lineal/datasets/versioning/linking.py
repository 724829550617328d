"""Files come from the cache into a workspace as the repository's `cache.type` says."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

# A smaller file is copied sooner than DVC's part for reflinks is imported.
_LEAST_REFLINK = 4 << 20


def put(source: Path, target: Path, ways: Sequence[str]) -> str:
    """Put a file of the cache where there is none, by the first way that the file systems allow; else as a copy.

    Args:
        source: in the cache.
        target: a path at which nothing is.
        ways: `reflink`, `hardlink`, `symlink` or `copy`, in the order to try.

    Returns:
        The way that it went.

    Raises:
        OSError: not even a copy can be written.
    """
    links: dict[str, Callable[[Path, Path], None]] = {"reflink": _reflink, "hardlink": os.link, "symlink": os.symlink}
    for way in ways:
        if way not in links:
            break
        try:
            links[way](source, target)
        except (OSError, NotImplementedError):
            # Another disk, or a file system without such links.
            continue
        return way
    shutil.copyfile(source, target)
    return "copy"


def _reflink(source: Path, target: Path) -> None:
    if source.stat().st_size < _LEAST_REFLINK:
        shutil.copyfile(source, target)
        return
    from dvc_objects.fs import system

    system.reflink(str(source), str(target))  # type: ignore[no-untyped-call]
