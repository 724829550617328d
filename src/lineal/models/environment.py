"""What a run rests on besides data and code: Python, platform, CPU, BLAS, packages, the lock file, git, and who ran it.

What cannot be found is None; nothing here fails because there is no git, no lock file or no name for the user.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import re
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from lineal.models.code import difference, git, output, prefix, toplevel
from lineal.redaction import redact
from lineal.settings import project_of

LOCK_FILES = ("uv.lock", "poetry.lock", "pdm.lock", "pixi.lock", "conda-lock.yml", "Pipfile.lock", "requirements.txt")
# Those whose version decides what a run computes or records.
MAIN_PACKAGES = (
    "lineal",
    "dvc",
    "mlflow",
    "numpy",
    "openlineage-python",
    "pandas",
    "prefect",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "skops",
)


@dataclass(frozen=True)
class NumericLibrary:
    """A BLAS or OpenMP library that is loaded.

    Attributes:
        api: `blas` or `openmp`.
        name: such as `openblas`, `mkl` or `libgomp`.
        version: if it says one.
        architecture: the CPU kernels that it chose, if it says.
        threads: that it may use now.
    """

    api: str
    name: str
    version: str | None
    architecture: str | None
    threads: int


@dataclass(frozen=True)
class Git:
    """The state of a git work tree.

    Attributes:
        commit: the full hash; None before the first commit.
        branch: its name; None on a detached head.
        remote: the URL of `origin`, else of the first remote; credentials taken out.
        prefix: where the project stands below the top of the repository, as `sub/folder/`; empty at the top.
        dirty: whether tracked files differ from the commit; None where that could not be found out in time.
        diff_sha256: SHA-256 of that difference; None where there is none.
        user: `user.name` of git's configuration.
    """

    commit: str | None
    branch: str | None
    remote: str | None
    prefix: str
    dirty: bool | None
    diff_sha256: str | None
    user: str | None


@dataclass(frozen=True)
class Environment:
    """What a run rests on.

    Attributes:
        python: the version.
        implementation: such as `CPython`.
        os: such as `Linux`.
        platform: system, release and architecture in one line.
        cpu: the model's name.
        cores: logical CPUs that this process may use.
        libraries: the BLAS and OpenMP libraries loaded at this moment.
        packages_sha256: SHA-256 over all installed packages, a sorted line `name==version` each.
        packages: versions of the main ones.
        lock_file: the project's lock file's name.
        lock_sha256: of its bytes.
        git: of the project; None outside git.
        user: the account's name.
        host: the machine's name.
    """

    python: str
    implementation: str
    os: str
    platform: str
    cpu: str | None
    cores: int
    libraries: tuple[NumericLibrary, ...]
    packages_sha256: str
    packages: dict[str, str]
    lock_file: str | None
    lock_sha256: str | None
    git: Git | None
    user: str | None
    host: str | None


class SourceLocation(NamedTuple):
    """Where a file stands in version control.

    Attributes:
        repository: its URL, credentials taken out.
        path: in it.
        commit: the last one; None where that does not have the file, which was added since.
    """

    repository: str
    path: str
    commit: str | None


def environment(project: Path | None = None) -> Environment:
    """Describe what this process runs on.

    All but the loaded libraries is looked up once for each project and process.

    Args:
        project: the project's folder; None for the working folder's.
    """
    folder = project or project_of(Path.cwd())
    return replace(_environment(folder.absolute()), libraries=_libraries())


def packages() -> str:
    """All installed packages, a sorted line `name==version` each: what `packages_sha256` is the hash of."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(installed().items()))


def lock_file(project: Path | None = None) -> Path | None:
    """The project's lock file; None where it has none."""
    folder = (project or project_of(Path.cwd())).absolute()
    return next((folder / name for name in LOCK_FILES if (folder / name).is_file()), None)


def source_location(path: Path) -> SourceLocation | None:
    """Say where a file stands in version control; None outside git, or for a file that git does not track.

    A repository without a remote is told by its folder, as a `file` URI.
    """
    folder, name = path.absolute().parent, path.name
    committed = git(folder, "rev-parse", "--show-toplevel", "--show-prefix", "HEAD", f"HEAD:./{name}")
    if committed is not None:
        root, below, commit, _ = committed.splitlines()
        return SourceLocation(_remote(folder) or Path(root).as_uri(), below + name, commit)
    top, added = toplevel(folder), git(folder, "ls-files", "--full-name", "--error-unmatch", "--", name)
    if top is None or added is None:
        return None
    return SourceLocation(_remote(folder) or top.as_uri(), added.splitlines()[0], None)


@lru_cache(maxsize=16)
def _environment(project: Path) -> Environment:
    versions = installed()
    lock = lock_file(project)
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        os=platform.system(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        libraries=(),
        packages_sha256=hashlib.sha256(packages().encode()).hexdigest(),
        packages={name: versions[name] for name in MAIN_PACKAGES if name in versions},
        lock_file=lock.name if lock else None,
        lock_sha256=hashlib.sha256(lock.read_bytes()).hexdigest() if lock else None,
        git=_state(project),
        user=_user(),
        host=socket.gethostname() or None,
    )


def _libraries() -> tuple[NumericLibrary, ...]:
    import numpy as np  # noqa: F401  # loads BLAS, which can then be asked
    from threadpoolctl import threadpool_info

    return tuple(
        NumericLibrary(
            api=each["user_api"],
            name=each["internal_api"] if each["user_api"] == "blas" else each["prefix"],
            version=each.get("version"),
            architecture=each.get("architecture"),
            threads=each["num_threads"],
        )
        for each in sorted(threadpool_info(), key=lambda each: str(each["filepath"]))
    )


@cache
def installed() -> dict[str, str]:
    """Every package on the import path and its version, read from the names of their metadata folders.

    `importlib.metadata` would open each one's file, which takes ten times as long.
    """
    found: dict[str, str] = {}
    for entry in map(Path, sys.path):
        for name, version in _metadata_folders(entry):
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version)
    return found


def _metadata_folders(folder: Path) -> Iterable[tuple[str, str]]:
    try:
        names = [path.stem for path in folder.iterdir() if path.suffix in {".dist-info", ".egg-info"}]
    except OSError:
        return
    for name in names:
        package, dash, rest = name.partition("-")
        if dash:
            yield package, rest.partition("-py")[0]


def _cpu() -> str | None:
    if sys.platform == "linux":
        try:
            text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        # Some ARM machines name no model; what there is then is the part's number.
        found = re.search(r"^(?:model name|Model|CPU part)\s*:\s*(.+)$", text, re.MULTILINE)
        if found:
            return found[1].strip()
    if sys.platform == "darwin":
        return _run(["sysctl", "-n", "machdep.cpu.brand_string"], Path.cwd())
    return platform.processor() or platform.machine() or None


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return None


def _state(folder: Path) -> Git | None:
    if git(folder, "rev-parse", "--show-toplevel") is None:
        return None
    changes = difference(folder)
    return Git(
        commit=git(folder, "rev-parse", "--verify", "--quiet", "HEAD"),
        branch=git(folder, "symbolic-ref", "--quiet", "--short", "HEAD"),
        remote=_remote(folder),
        prefix=prefix(folder),
        dirty=None if changes is None else changes.sha256 is not None,
        diff_sha256=changes.sha256 if changes else None,
        user=git(folder, "config", "user.name"),
    )


def _remote(folder: Path) -> str | None:
    names = (git(folder, "remote") or "").splitlines()
    if not names:
        return None
    url = git(folder, "config", "--get", f"remote.{'origin' if 'origin' in names else names[0]}.url")
    if url is None:
        return None
    # `git@host:path` is ssh, written as no URL is.
    short = re.fullmatch(r"(?:[^@/:]+@)?(?P<host>[^/:@]{2,}):(?!//)(?P<path>.+)", url)
    return f"ssh://{short['host']}/{short['path'].lstrip('/')}" if short else redact(url)


def _run(command: list[str], folder: Path) -> str | None:
    """A command's answer as text; None also where it says nothing."""
    said = output(command, folder)
    return said.decode(errors="replace").strip() or None if said else None
