"""Pipeline file, parameters, seeds, packages and environment, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineal.questions.diff.interface import Setting
from lineal.questions.diff.record import Record

# Facts about a file that are no setting of their own.
_NO_SETTING = ("pipeline.digest", "pipeline.set")
_PARAMETERS = "model.params."
_SEEDS = ("model.seeds.", "split.seed", "importances.seed")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that differ, by what they belong to."""

    pipeline: tuple[Setting, ...]
    parameters: tuple[Setting, ...]
    seeds: tuple[Setting, ...]


def settings(left: Record, right: Record) -> Settings:
    """Compare what was asked for, and what the estimator was then fitted with."""
    # Of a run that came to no fit only what was asked for is known: that is then compared.
    fitted = all(any(key.startswith(_PARAMETERS) for key in record.found) for record in (left, right))
    return Settings(
        _differing(_file(left), _file(right)),
        _differing(_parameters(left, fitted), _parameters(right, fitted)),
        _differing(_seeds(left, fitted), _seeds(right, fitted)),
    )


def packages(left: Record, right: Record) -> tuple[Setting, ...]:
    """Compare the packages: the main ones by version, all others by their hash, and the lock file."""
    found = _differing(left.environment.get("packages") or {}, right.environment.get("packages") or {})
    others = _differing(_picked(left, "packagesSha256"), _picked(right, "packagesSha256"))
    if others and not found:
        found = (Setting("other packages", *(value and value[:12] for value in (others[0].left, others[0].right))),)
    locks = _differing(_picked(left, "lockSha256"), _picked(right, "lockSha256"))
    name = right.environment.get("lockFile") or left.environment.get("lockFile") or "lock file"
    return (*found, *(Setting(name, *(each and each[:12] for each in (lock.left, lock.right))) for lock in locks))


def environment(left: Record, right: Record) -> tuple[Setting, ...]:
    """Compare Python, platform, CPU, numeric libraries and threads."""
    return _differing(_environment(left), _environment(right))


def _file(record: Record) -> dict[str, str]:
    """The pipeline file's keys, but for parameters and seeds, which are told as such."""
    return {
        key: value
        for key, value in record.asked.items()
        if key not in _NO_SETTING and not key.startswith(_PARAMETERS) and not key.startswith(_SEEDS)
    }


def _parameters(record: Record, fitted: bool) -> dict[str, str]:
    """The parameters that the estimator was fitted with, or those asked for."""
    sources = [record.asked, *([record.found] if fitted else [])]
    found = {key: value for source in sources for key, value in source.items() if key.startswith(_PARAMETERS)}
    seeded = {key.removeprefix("model.seeds.") for key in record.found if key.startswith("model.seeds.")}
    names = {key: key.removeprefix(_PARAMETERS) for key in found}
    return {name: found[key] for key, name in names.items() if name not in seeded}


def _seeds(record: Record, fitted: bool) -> dict[str, str]:
    both = {**record.asked, **(record.found if fitted else {})}
    return {key: value for key, value in both.items() if key.startswith(_SEEDS)}


def _environment(record: Record) -> dict[str, str]:
    facet = record.environment
    found = {key: str(facet[key]) for key in ("python", "implementation", "platform", "cpu", "cores") if facet.get(key)}
    libraries: dict[str, list[str]] = {}
    for each in facet.get("libraries") or ():
        libraries.setdefault(each["api"], []).append(_library(each))
    found |= {api: ", ".join(sorted(set(each))) for api, each in libraries.items()}
    return found


def _library(library: Mapping[str, Any]) -> str:
    parts = [library.get("name"), library.get("version"), library.get("architecture")]
    return " ".join([*(str(part) for part in parts if part), f"{library.get('threads')} threads"])


def _picked(record: Record, key: str) -> dict[str, str]:
    value = record.environment.get(key)
    return {key: str(value)} if value else {}


def _differing(left: Mapping[str, str], right: Mapping[str, str]) -> tuple[Setting, ...]:
    keys = dict.fromkeys([*left, *right])
    return tuple(Setting(key, left.get(key), right.get(key)) for key in keys if left.get(key) != right.get(key))
