"""Lock files: which package they name at which version, held against those that are installed."""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Of an environment itself; lock files leave them out.
_BARE = frozenset({"pip", "setuptools", "wheel", "uv"})
_PIN = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*==\s*([^\s;#\\,]+)")
_NAMED = 50


def compare(lock: Path, installed: Mapping[str, str]) -> dict[str, Any] | None:
    """Hold installed packages against a lock file; None for one of a form that is not known here.

    Args:
        lock: the file.
        installed: version of each package, by its name in lower case with dashes.

    Returns:
        As the facet `lineal_materials` has it: `lock`, `compared`, `count`, and the first of those that differ.
    """
    pins = _pins(lock)
    if pins is None:
        return None
    asked = {name: version for name, version in sorted(installed.items()) if name not in _BARE}
    unpinned = []
    for name, version in asked.items():
        known = pins.get(name)
        if known is None:
            unpinned.append(f"{name} {version}, which it does not name")
        elif known and _plain(version) not in known:
            unpinned.append(f"{name} {version}, not {' or '.join(sorted(known))}")
    return {"lock": lock.name, "compared": len(asked), "count": len(unpinned), "unpinned": unpinned[:_NAMED]}


def _pins(lock: Path) -> dict[str, set[str]] | None:
    """The versions of each package that a lock file names: of forks several, of the project's own perhaps none."""
    try:
        text = lock.read_text(encoding="utf-8")
        if lock.name in ("uv.lock", "poetry.lock", "pdm.lock"):
            entries = [(each["name"], each.get("version")) for each in tomllib.loads(text).get("package", ())]
        elif lock.name == "Pipfile.lock":
            tree = json.loads(text)
            named = {**tree.get("default", {}), **tree.get("develop", {})}
            entries = [(name, str(each.get("version", "")).removeprefix("==")) for name, each in named.items()]
        elif lock.name == "requirements.txt":
            entries = [(found[1], found[2]) for line in text.splitlines() if (found := _PIN.match(line))]
        else:
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    pins: dict[str, set[str]] = defaultdict(set)
    for name, version in entries:
        known = pins[re.sub(r"[-_.]+", "-", str(name)).lower()]
        if version:
            known.add(_plain(str(version)))
    return pins


def _plain(version: str) -> str:
    """A version without what a builder adds to it, such as `+cpu`."""
    return version.partition("+")[0].casefold()
