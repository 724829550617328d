"""Versions go to the repository's default DVC remote, and come back from it."""

from __future__ import annotations

from collections.abc import Iterable

from lineal.datasets.patience import within
from lineal.datasets.versioning.repository import Repository, one_line, opened, quiet
from lineal.errors import UnreachableError, VersionError


def push(repository: Repository, versions: Iterable[str]) -> int:
    """Send versions from the cache to the default remote, as far as it lacks them, as `dvc push` does.

    Args:
        repository: with a remote.
        versions: by MD5, all in the cache.

    Returns:
        How many were sent.

    Raises:
        VersionError: the remote refuses, or does not answer.
    """
    return _moved(repository, set(versions), "push")


def fetch(repository: Repository, version: str) -> None:
    """Bring a version from the default remote into the cache, checked, as `dvc fetch` does.

    Raises:
        VersionError: the remote lacks it, refuses, or does not answer.
    """
    if _moved(repository, {version}, "fetch") == 0:
        raise VersionError(f"{_called(repository)} does not hold version {version[:12]}", version=version)


def _moved(repository: Repository, versions: set[str], way: str) -> int:
    shown = _called(repository)
    try:
        with opened(repository) as repo, quiet() as said:
            from dvc_data.hashfile.hash_info import HashInfo

            remote = repo.cloud.get_remote_odb(command=way)
            cache = repo.cache.local
            # Whether it answers at all is found out first: the drivers' own patience runs to many minutes.
            within(lambda: remote.exists(min(versions)), shown)
            source, target = (cache, remote) if way == "push" else (remote, cache)
            objects = {HashInfo("md5", version) for version in versions}
            result = repo.cloud.transfer(source, target, objects, verify=way == "fetch", cache_odb=cache)
    except VersionError:
        raise
    except UnreachableError as problem:
        raise VersionError(problem.message) from problem
    except Exception as problem:  # each kind of remote has errors of its own
        raise VersionError(f"{shown} refuses to {way}: {one_line(problem)}") from problem
    if result.failed:
        reason = said[0] if said else "it does not say why"
        raise VersionError(f"{shown} refuses to {way}: {reason}")
    return len(result.transferred)


def _called(repository: Repository) -> str:
    return f"the DVC remote {repository.remote}" + (f" ({repository.url})" if repository.url else "")
