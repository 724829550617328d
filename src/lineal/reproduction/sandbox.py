"""A throw-away place to work in: the recorded code, a home of its own, and an environment that leads nowhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lineal import settings
from lineal.errors import ReproductionError
from lineal.models.code import git, toplevel
from lineal.models.keeping import DIFF
from lineal.questions.materials import Materials, bytes_of

# What leads to the user's own stores, servers and consumers, or makes git look elsewhere.
_LEADING_OUT = ("LINEAL_", "MLFLOW_", "OPENLINEAGE_", "PREFECT_", "DVC_", "GIT_")
_QUIET = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "true"}
# No hook of the user's is run in a work tree that is not theirs.
_NO_HOOKS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "advice.detachedHead=false")
_GONE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Code:
    """The code that a model is made again with.

    Attributes:
        folder: the project's folder in it.
        top: the top of its work tree; None where it is no work tree of its own.
        told: how it was had, for a person.
    """

    folder: Path
    top: Path | None
    told: str


@contextmanager
def throwaway() -> Iterator[Path]:
    """Give a new folder that is gone afterwards, however that comes."""
    folder = Path(tempfile.mkdtemp(prefix="lineal-again-"))
    try:
        yield folder
    finally:
        end = time.monotonic() + _GONE_SECONDS
        # A server that is just ending may still write.
        while folder.exists() and time.monotonic() < end:
            shutil.rmtree(folder, ignore_errors=True)
            time.sleep(0.05 if folder.exists() else 0)


@contextmanager
def code_of(found: Materials, project: Path, folder: Path) -> Iterator[Code]:
    """Give the code that a model was made with, in a work tree of its own that is gone afterwards.

    Args:
        found: what is on record.
        project: the folder that the user is in.
        folder: where the work tree may be put.

    Raises:
        ReproductionError: the commit is not here, or what no commit holds was not kept.
    """
    if found.commit is None:
        yield Code(
            project, None, "the present code, as the record names no commit (there was no git, or nothing committed)"
        )
        return
    patch = _patch(found)
    top = _repository(found, project)
    tree = folder / "code"
    _git(top, "worktree", "add", "--quiet", "--detach", "--force", str(tree), found.commit)
    try:
        told = f"commit {found.commit[:12]}"
        if patch:
            _git(tree, "apply", "--binary", "--whitespace=nowarn", "-", feed=patch)
            told += " with the changes that were not committed"
            if found.files[DIFF].redacted:
                told += " (a credential was taken out of them)"
        inside = tree / str(found.environment.get("gitPrefix") or "")
        yield Code(inside, tree, told)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
        git(top, "worktree", "prune")


def environment(home: Path, code: Code, present: Path) -> dict[str, str]:
    """The variables of a process that makes something again.

    Args:
        home: its LINEAL_HOME.
        code: what it runs.
        present: the folder that the user is in.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_LEADING_OUT)}
    return {
        **kept,
        **_QUIET,
        "LINEAL_HOME": str(home),
        "LINEAL_SANDBOX": "1",
        "OPENLINEAGE_DISABLED": "true",
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        **python_path(code, present),
    }


def variation(code: Code, present: Path, subject: str) -> dict[str, str]:
    """The variables of a process that makes a variation: a run like any other, on the user's own stores and servers.

    Args:
        code: what it runs.
        present: the folder that the user is in.
        subject: the model that is varied.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # The work tree has no stores of its own; what is relative is so to the folder that the user is in.
    where = {
        "LINEAL_HOME": str(settings.home().absolute()),
        "LINEAL_STORE": _absolute(settings.store_url()),
        "LINEAL_WORKPLACE": str(present.absolute()),
        "LINEAL_VARIES": subject,
    }
    if "MLFLOW_TRACKING_URI" in os.environ:
        where["MLFLOW_TRACKING_URI"] = _absolute(os.environ["MLFLOW_TRACKING_URI"])
    return {**kept, **where, **python_path(code, present)}


def _absolute(uri: str) -> str:
    scheme, slashes, rest = uri.rpartition("sqlite:///")
    if slashes and not scheme:
        return f"{slashes}{Path(rest).absolute()}"
    return uri if ":" in uri else str(Path(uri).absolute())


def python_path(code: Code, present: Path) -> dict[str, str]:
    """The PYTHONPATH by which what is imported from the user's work tree comes from the recorded one instead.

    That is what is installed in place (Lineal itself where the project is Lineal, a package of the user's under src/).
    """
    top = toplevel(present) if code.top else None
    before = os.environ.get("PYTHONPATH", "")
    if top is None or code.top is None:
        return {"PYTHONPATH": before} if before else {}
    installed = Path(sys.prefix).resolve()
    mapped = [
        code.top / path.relative_to(top)
        for path in (Path(entry).resolve() for entry in sys.path if entry)
        if path.is_relative_to(top) and not path.is_relative_to(installed) and path.is_dir()
    ]
    others = [entry for entry in before.split(os.pathsep) if entry and not Path(entry).resolve().is_relative_to(top)]
    entries = [*(str(path) for path in mapped if path.is_dir()), *others]
    return {"PYTHONPATH": os.pathsep.join(entries)} if entries else {}


def _patch(found: Materials) -> bytes | None:
    """What is to be put on the commit.

    Raises:
        ReproductionError: it was not kept.
    """
    commit = (found.commit or "")[:12]
    state = found.uncommitted.get("state", "unknown")
    if state in ("clean", "kept"):
        return bytes_of(found, DIFF)
    size = int(found.uncommitted.get("size") or 0)
    why = {
        "too large": f"that were {size / 1e6:.1f} MB in all and too large to keep",
        "redacted": f"of which {DIFF} lost a credential that git needs to apply it",
    }.get(state, "that git did not tell in time")
    raise ReproductionError(
        f"{found.subject} was made by commit {commit} with uncommitted changes {why}, so its code is not on record; "
        "commit before the next run, and train it again"
    )


def _repository(found: Materials, project: Path) -> Path:
    commit = found.commit or ""
    remote = found.environment.get("gitRemote")
    origin = f" of {remote}" if remote else ""
    top = toplevel(project)
    if top is None:
        raise ReproductionError(
            f"{found.subject} was made by commit {commit[:12]}, and {project} is in no git repository; "
            f"run this in a clone{origin} (with git installed)"
        )
    if git(top, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}") is None:
        raise ReproductionError(
            f"{found.subject} was made by commit {commit[:12]}, which is not in the repository {top}; "
            f"`git fetch` it, or run this in a clone{origin} that has it"
        )
    return top


def _git(folder: Path, *arguments: str, feed: bytes | None = None) -> None:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *_NO_HOOKS, *arguments], cwd=folder, input=feed, capture_output=True, env=outside, check=False
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it gave no reason"]
        raise ReproductionError(
            f"git {arguments[0]} failed in {folder}: {said[0].removeprefix('error: ').removeprefix('fatal: ')}; "
            "mend the repository, or use another clone"
        )
