"""What a run runs in, and where its code stands, as facets have it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from openlineage.client.facet_v2 import source_code_location_job

from lineal import people
from lineal.models.environment import environment, source_location


def environment_facet() -> dict[str, Any]:
    """The values of `lineal_environment`, looked up once for each process."""
    found = environment()
    git = found.git
    values: dict[str, Any] = {
        "python": found.python,
        "implementation": found.implementation,
        "platform": found.platform,
        "cpu": found.cpu,
        "cores": found.cores,
        "libraries": [
            {
                "api": each.api,
                "name": each.name,
                "version": each.version,
                "architecture": each.architecture,
                "threads": each.threads,
            }
            for each in found.libraries
        ],
        "packages": found.packages,
        "packagesSha256": found.packages_sha256,
        "lockFile": found.lock_file,
        "lockSha256": found.lock_sha256,
        "user": people.user(),
        "host": found.host,
    }
    if git is not None:
        values |= {
            "gitCommit": git.commit,
            "gitBranch": git.branch,
            "gitRemote": git.remote,
            "gitPrefix": git.prefix or None,
            "gitDirty": git.dirty,
            "gitDiffSha256": git.diff_sha256,
        }
    return values


@lru_cache(maxsize=1024)
def code_location(file: str) -> source_code_location_job.SourceCodeLocationJobFacet | None:
    """Where a file of code stands in its repository; None for one that git does not track."""
    path = Path(file)
    found = source_location(path) if path.is_file() else None
    if found is None:
        return None
    repository = found.repository.removesuffix(".git")
    # The form of the large forges; other repositories are named by the file's place within.
    blob = f"/blob/{found.commit}" if found.commit and repository.startswith(("http://", "https://")) else ""
    return source_code_location_job.SourceCodeLocationJobFacet(
        type="git",
        url=f"{repository}{blob}/{found.path}",
        repoUrl=found.repository,
        path=found.path,
        version=found.commit,
    )
