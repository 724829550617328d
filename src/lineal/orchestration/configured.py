"""Prefect's settings, read without importing Prefect: that costs seconds which its server can use to start."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Set while this process has an embedded Prefect server, for it and what it starts.
EMBEDDED = "LINEAL_PREFECT_EMBEDDED"


def prefect_home() -> Path:
    """The folder in which Prefect keeps its database and profiles."""
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()


def configured(name: str) -> str | None:
    """A Prefect setting as Prefect will find it, from the same places in the same order, without importing Prefect.

    They are: the environment; `.env`, `prefect.toml` and `pyproject.toml` in the working folder; the active profile.
    A variable that is empty sets nothing, whatever the places after it say. A file that cannot be read is passed over
    here: Prefect itself will say what is wrong with it.
    """
    env_file = _env_file()
    for variables in (os.environ, env_file):
        said = _named(variables, name)
        if said is not None:
            return said or None
    path = name.removeprefix("PREFECT_").lower()
    for file, table in ((Path("prefect.toml"), ()), (Path("pyproject.toml"), ("tool", "prefect"))):
        value = _nested(_toml(file), table, path)
        if value is not None:
            return str(value)
    profiles = _toml(Path(os.environ.get("PREFECT_PROFILES_PATH") or prefect_home() / "profiles.toml").expanduser())
    active = os.environ.get("PREFECT_PROFILE") or env_file.get("PREFECT_PROFILE") or profiles.get("active")
    profile = profiles.get("profiles", {}).get(active, {})
    return str(profile[name]) if profile.get(name) else None


def _named(variables: Mapping[str, str | None], name: str) -> str | None:
    """The value of a variable, whose name Prefect takes in capital and in small letters."""
    return next((value for each, value in reversed(list(variables.items())) if each.upper() == name), None)


def _env_file() -> dict[str, str | None]:
    if not Path(".env").is_file():
        return {}
    from dotenv import dotenv_values

    return dict(dotenv_values(".env"))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _nested(tree: Any, table: tuple[str, ...], path: str) -> Any:
    """The value of a setting such as `api_url`, which stands as `url` in the table `api`."""
    for key in table:
        tree = tree.get(key, {}) if isinstance(tree, dict) else {}
    if not isinstance(tree, dict):
        return None
    if path in tree and not isinstance(tree[path], dict):
        return tree[path]
    for key, inner in tree.items():
        if isinstance(inner, dict) and path.startswith(f"{key}_"):
            found = _nested(inner, (), path.removeprefix(f"{key}_"))
            if found is not None:
                return found
    return None
