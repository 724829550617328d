"""Keep what it takes to do a run again, beside its data: uncommitted code, lock file, packages, the model's leaves.

Each is a file in the cache, known by its hash as dataset versions are, and an artifact of the MLflow run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lineal.datasets.cache import Cache
from lineal.models.code import Uncommitted, uncommitted
from lineal.models.environment import installed, lock_file, packages
from lineal.models.locks import compare
from lineal.redaction import redact_urls
from lineal.settings import project_of

DIFF, PACKAGES, LEAVES = "uncommitted.diff", "packages.txt", "leaves.csv"
# The folder among a run's artifacts.
FOLDER = "materials"
# No lock file is near so large.
_MOST_LOCK = 20 << 20


class Artifacts(Protocol):
    """Where the files go as well: an MLflow run."""

    def artifact_file(self, file: str | Path, folder: str | None = None) -> None:
        """Copy a local file into a folder of the run's artifacts."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that is kept.

    Attributes:
        name: `uncommitted.diff`, `packages.txt`, `leaves.csv`, or the lock file's own.
        md5: of its bytes; the cache has it by this.
        sha256: of its bytes.
        size: in bytes.
        redacted: whether a credential was taken out of it.
    """

    name: str
    md5: str
    sha256: str
    size: int
    redacted: bool = False


def keep(leaves: bytes, artifacts: Artifacts, project: Path | None = None) -> Mapping[str, Any]:
    """Keep what the running process rests on; return it as the facet `lineal_materials` has it.

    Args:
        leaves: the table of the model's leaves, as CSV.
        artifacts: the MLflow run.
        project: the project's folder; None for the working folder's.

    Raises:
        StorageError: the disk is full, read-only or not ours to write.
    """
    folder = project or project_of(Path.cwd())
    code = uncommitted(folder)
    lock = lock_file(folder)
    locked = compare(lock, installed()) if lock is not None else None
    kept = [_put(name, content, artifacts, redacted) for name, content, redacted in _files(folder, code, leaves)]
    return {
        "files": [
            {
                "name": file.name,
                "md5": file.md5,
                "sha256": file.sha256,
                "size": file.size,
                **({"redacted": True} if file.redacted else {}),
            }
            for file in kept
        ],
        "uncommitted": {"state": code.state, "size": code.size, "modules": list(code.modules)},
        **({"locked": locked} if locked is not None else {}),
    }


def _files(folder: Path, code: Uncommitted, leaves: bytes) -> Iterable[tuple[str, bytes, bool]]:
    yield PACKAGES, packages().encode(), False
    yield LEAVES, leaves, False
    if code.patch is not None:
        yield DIFF, code.patch, code.secrets
    lock = lock_file(folder)
    if lock is not None and lock.stat().st_size <= _MOST_LOCK:
        content = lock.read_bytes()
        # An index may be named with its password.
        clean = redact_urls(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        yield lock.name, clean, clean != content


def _put(name: str, content: bytes, artifacts: Artifacts, redacted: bool) -> KeptFile:
    with tempfile.TemporaryDirectory(prefix="lineal-") as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        artifacts.artifact_file(file, FOLDER)
    cache = Cache()
    with cache.temporary(Path(name).suffix) as made:
        made.write_bytes(content)
        _, marks = cache.put(made)
    return KeptFile(name, marks.md5, marks.sha256, marks.size, redacted)
