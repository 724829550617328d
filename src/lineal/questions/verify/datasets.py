"""Check the bytes of dataset versions: those that Lineal and DVC keep, against what was recorded of them.

A file of the user's own that has changed since it was read is no fault of the record, and is not looked at: the record
says what was read. `lineal stale` tells of what rests on files that have changed.
"""

from __future__ import annotations

from lineal.datasets.cache import Cache
from lineal.datasets.hashing import fingerprint
from lineal.questions.verify.findings import Finding, Tally
from lineal.questions.verify.things import Scope, Thing, things
from lineal.store.log import Store

# How many of the versions that are not looked at are named.
_NAMED = 3


def check_datasets(store: Store, scope: Scope | None, tally: Tally) -> str:
    """Check every dataset version that is kept.

    Returns:
        Which versions on record are not kept, and so not looked at; empty where all are.
    """
    cache, elsewhere, named = Cache(), 0, list[str]()
    for thing in things(store, scope, models=False):
        if not _is_kept(cache, thing):
            elsewhere += 1
            if elsewhere <= _NAMED:
                named.append(f"{thing.row.name.rpartition('/')[2] or thing.row.name}@{thing.row.version[:12]}")
            continue
        tally.count += 1
        finding = _look(cache, thing)
        if finding is not None:
            tally.add(finding)
    if not elsewhere:
        return ""
    more = f" and {elsewhere - _NAMED} more" if elsewhere > _NAMED else ""
    return f"not looked at, as only their users keep them: {', '.join(named)}{more}"


def _is_kept(cache: Cache, thing: Thing) -> bool:
    """Whether a version's bytes are Lineal's or DVC's to keep, by what was recorded."""
    version = thing.row.version
    if thing.location.endswith(f"/files/md5/{version[:2]}/{version[2:]}"):
        return True
    pointed = thing.facets.get("lineal_dvc") or {}
    # A file that its user tracks may lie in their remote alone.
    return pointed.get("md5") == version and ("pointer" not in pointed or cache.located(version) is not None)


def _look(cache: Cache, thing: Thing) -> Finding | None:
    row = thing.row
    what = f"dataset:{row.name}@{row.version[:12]}"
    path = cache.located(row.version)
    if path is None:
        detail = f"{cache.path(row.version)} is not there; `dvc pull` or `lineal restore` may bring it from a remote"
        return Finding("datasets", "missing", what, detail)
    try:
        found = fingerprint(path)
    except OSError as problem:
        return Finding("datasets", "not reachable", what, f"{path} cannot be read: {problem.strerror}")
    recorded = (thing.facets.get("lineal_dvc") or {}).get("sha256")
    if found.md5 != row.version:
        return Finding("datasets", "changed", what, f"{path} has the MD5 {found.md5}")
    if recorded and found.sha256 != recorded:
        # MD5 alone can be forged.
        detail = f"{path} has the recorded MD5, but the SHA-256 {found.sha256} and not {recorded}: it is a forgery"
        return Finding("datasets", "changed", what, detail)
    return None
