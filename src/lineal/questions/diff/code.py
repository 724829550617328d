"""How the code differs: `git diff` between the recorded commits, where a repository here has them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lineal import settings
from lineal.questions.diff.interface import CodeDiff, FileChange
from lineal.questions.diff.record import Record

_TIMEOUT = 20.0
# Reading must not wait for, or hold up, the user's own git, nor run what a repository's configuration names.
_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false")
# What is compared elsewhere, or says nothing of how a model is made.
_NO_CODE = (".md", ".toml", ".lock", ".txt", ".png", ".svg", ".csv", ".parquet")


def code(left: Record, right: Record) -> CodeDiff | None:
    """Compare the commits that two runs ran at, and what was not committed; None where both are the same."""
    one, two = _commit(left), _commit(right)
    dirty = bool(left.environment.get("gitDirty")), bool(right.environment.get("gitDirty"))
    diffs = left.environment.get("gitDiffSha256"), right.environment.get("gitDiffSha256")
    if one == two and dirty == (False, False):
        return None
    if one == two and diffs[0] and diffs[0] == diffs[1]:
        return None
    note = _uncommitted(dirty)
    if one is None or two is None:
        missing = "left" if one is None else "right"
        return CodeDiff(one, two, *dirty, note=f"the {missing} was run outside git, so nothing is known of its code")
    if one == two:
        return CodeDiff(one, two, *dirty, note=note)
    repository = _repository(left, right, one, two)
    if repository is None:
        return CodeDiff(one, two, *dirty, note="no repository here has both commits; fetch them to see what differs")
    return CodeDiff(one, two, *dirty, files=changes(repository, one, two), note=note)


def changes(repository: Path, left: str, right: str | None) -> tuple[FileChange, ...]:
    """The files that differ between two commits, or between one and the work tree; code first, most lines first."""
    said = _git(
        repository,
        "diff",
        "--no-ext-diff",
        "--no-textconv",
        "--no-renames",
        "--numstat",
        "-z",
        left,
        *((right,) if right else ()),
        "--",
    )
    found = []
    for line in (said or "").split("\0"):
        added, _, rest = line.partition("\t")
        removed, _, path = rest.partition("\t")
        if path:
            found.append(FileChange(path, *(None if count == "-" else int(count) for count in (added, removed))))
    return tuple(sorted(found, key=lambda each: (not is_code(each.path), -((each.added or 0) + (each.removed or 0)))))


def is_code(path: str) -> bool:
    """Whether a file of a repository may decide what a run does."""
    top = path.partition("/")[0]
    return not path.endswith(_NO_CODE) and top not in ("docs", "tests", "benchmarks") and not top.startswith(".")


def has(repository: Path, commit: str) -> bool:
    """Whether a repository has a commit."""
    return _git(repository, "cat-file", "-e", f"{commit}^{{commit}}") is not None


def _commit(record: Record) -> str | None:
    found = str(record.environment.get("gitCommit") or record.place.get("version") or "")
    # An event from elsewhere may say anything, which is not to reach git's command line.
    return found if re.fullmatch(r"[0-9a-f]{7,64}", found) else None


def _uncommitted(dirty: tuple[bool, bool]) -> str | None:
    sides = [side for side, changed in zip(("left", "right"), dirty, strict=True) if changed]
    if not sides:
        return None
    return f"the {' and the '.join(sides)} had uncommitted changes as well"


def _repository(left: Record, right: Record, *commits: str) -> Path | None:
    """The project's repository, or else that which a run named, if it has the commits."""
    places = [settings.project_of(Path.cwd())]
    for record in (left, right):
        uri = str(record.place.get("repoUrl") or "")
        if uri.startswith("file://"):
            places.append(Path(unquote(urlsplit(uri).path)))
    for place in dict.fromkeys(places):
        if place.is_dir() and all(has(place, commit) for commit in commits):
            return place
    return None


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run([*_GIT, *arguments], cwd=folder, capture_output=True, timeout=_TIMEOUT, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")
