"""The code that a run runs and no commit holds: uncommitted changes, and modules that git does not track.

What is kept of them is a patch that `git apply` puts on the recorded commit.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from lineal.redaction import redact_urls

GIT_TIMEOUT = 5.0
# A patch beyond this is data that someone tracks, not code; it is told of, and not kept.
MOST_BYTES = 10 << 20
# Reading must not wait for, or hold up, the user's own git, nor start the watcher that a repository may name.
_GIT = ("--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
# No program that a repository's configuration names is run for it.
_DIFF = (
    "diff",
    "--no-relative",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--binary",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)

State = Literal["clean", "kept", "redacted", "too large", "unknown", "no git"]


@dataclass(frozen=True, slots=True)
class Difference:
    """How tracked files differ from the commit.

    Attributes:
        size: in bytes.
        sha256: of the patch; None where nothing differs.
        patch: the patch itself; None where it is beyond `MOST_BYTES`.
    """

    size: int
    sha256: str | None
    patch: bytes | None


@dataclass(frozen=True, slots=True)
class Uncommitted:
    """What of the running code no commit holds.

    Attributes:
        state: `clean`: the commit is the code; `kept`: `patch` makes it so; `redacted`: a secret was taken out of what
            git needs to apply `patch`, which is for reading only; `too large`: it was not kept; `unknown`: git did not
            say in time; `no git`: there is none.
        patch: puts the running code on the commit; None where it is not kept, or there is nothing to put.
        size: of the whole difference, in bytes.
        modules: imported files of the project that git does not track, from the repository's top; the patch has them.
        secrets: whether a credential was taken out of the patch.
    """

    state: State
    patch: bytes | None = None
    size: int = 0
    modules: tuple[str, ...] = ()
    secrets: bool = False


def uncommitted(project: Path) -> Uncommitted:
    """Say what of the code that this process runs is not in the last commit of its project.

    Args:
        project: a folder in the repository.
    """
    top = toplevel(project)
    if top is None:
        return Uncommitted("no git")
    tracked = difference(project.absolute())
    if tracked is None:
        return Uncommitted("unknown")
    modules = _untracked_modules(top)
    added = [_as_new(top, module) for module in modules]
    size = tracked.size + sum(map(len, added))
    if tracked.sha256 is None and not added:
        return Uncommitted("clean")
    if tracked.patch is None or size > MOST_BYTES:
        return Uncommitted("too large", None, size, modules)
    whole = tracked.patch + b"".join(added)
    clean = redact_urls(whole.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    applies = clean == whole or _still_applies(whole, clean)
    return Uncommitted("kept" if applies else "redacted", clean, size, modules, secrets=clean != whole)


def toplevel(folder: Path) -> Path | None:
    """The top of the git work tree that a folder is in; None outside git."""
    said = git(folder, "rev-parse", "--show-toplevel")
    return Path(said) if said else None


def prefix(folder: Path) -> str:
    """Where a folder stands below the top of its git work tree, as `sub/folder/`; empty at the top and outside git."""
    return git(folder, "rev-parse", "--show-prefix") or ""


@lru_cache(maxsize=16)
def difference(project: Path) -> Difference | None:
    """How tracked files differ from the last commit; None outside git, or where git does not answer in time.

    Found out once for each project and process, so that all that is recorded of it speaks of one moment.
    """
    changes = output(["git", *_GIT, *_DIFF, "HEAD"], project)
    if changes is None:
        return None
    held = changes if len(changes) <= MOST_BYTES else None
    return Difference(len(changes), hashlib.sha256(changes).hexdigest() if changes else None, held)


def git(folder: Path, *arguments: str) -> str | None:
    """What git answers in a folder; None where it fails or says nothing."""
    said = output(["git", *_GIT, *arguments], folder)
    return said.decode(errors="replace").strip() or None if said else None


def output(command: list[str], folder: Path, *, status: Iterable[int] = (0,)) -> bytes | None:
    """A command's answer; None where it fails, takes too long or is not installed."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=GIT_TIMEOUT, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode in status else None


def _untracked_modules(top: Path) -> tuple[str, ...]:
    """The files of imported modules that lie in the work tree and that git does not track."""
    installed = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    found: set[str] = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py"):
            continue
        path = Path(file)
        if path.is_relative_to(top) and "site-packages" not in path.parts and path.is_file():
            resolved = path.resolve()
            if resolved.is_relative_to(top) and not any(resolved.is_relative_to(prefix) for prefix in installed):
                found.add(path.relative_to(top).as_posix())
    if not found:
        return ()
    listed = output(["git", *_GIT, "ls-files", "-z", "--", *sorted(found)], top)
    return (
        tuple(sorted(found - set((listed or b"").decode(errors="replace").split("\0")))) if listed is not None else ()
    )


def _as_new(top: Path, file: str) -> bytes:
    """The patch that makes a file that git does not track."""
    return output(["git", *_GIT, *_DIFF, "--no-index", "--", "/dev/null", file], top, status=(0, 1)) or b""


def _still_applies(whole: bytes, clean: bytes) -> bool:
    """Whether only added lines were changed: git compares the others with what is there."""
    before, after = whole.split(b"\n"), clean.split(b"\n")
    return len(before) == len(after) and all(
        one == other or (one.startswith(b"+") and not one.startswith(b"+++"))
        for one, other in zip(before, after, strict=True)
    )
