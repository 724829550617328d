"""Checks by name: ours, those of installed packages (entry points `lineal.checks`), the project's own."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import util as importing
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

from lineal import settings
from lineal.errors import PolicyError
from lineal.findings import shown
from lineal.questions.audit.findings import Found

Want = Literal["before", "sealed", "signature", "consumers", "packs"]
GROUP = "lineal.checks"
Function = Callable[..., Found]
_OURS: dict[str, Check] = {}


@dataclass(frozen=True, slots=True)
class Check:
    """A named check.

    Attributes:
        name: by which a policy asks for it.
        function: takes `Facts`, and the parameters by their names.
        parameters: the type of each.
        required: those that have no default.
        wants: facts that cost more than a look into the store, and are only gathered for checks that want them.
        origin: where it comes from: lineal, a package, or a file.
    """

    name: str
    function: Function
    parameters: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    wants: frozenset[str] = frozenset()
    origin: str = "lineal"


def check(name: str, *, wants: Iterable[Want] = ()) -> Callable[[Function], Function]:
    """Make a function one of our checks."""

    def take(function: Function) -> Function:
        function.wants = tuple(wants)  # type: ignore[attr-defined]  # what a user's own function may have as well
        _OURS[name] = check_of(name, function)
        return function

    return take


def check_of(name: str, function: Any, origin: str = "lineal") -> Check:
    """Make a check of a function, its parameters by its signature.

    Raises:
        PolicyError: it is no function that takes facts.
    """
    try:
        given = list(inspect.signature(function).parameters.values())
        hints = typing.get_type_hints(function)
    except (TypeError, ValueError, NameError) as problem:
        raise PolicyError(
            f"the check {name} of {origin} is no function whose parameters can be told: {problem}"
        ) from None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not given or given[0].kind not in positional:
        raise PolicyError(f"the check {name} of {origin} should take the facts as its first argument")
    rest = [each for each in given[1:] if each.kind is not inspect.Parameter.VAR_KEYWORD]
    return Check(
        name=name,
        function=function,
        parameters={each.name: hints.get(each.name, Any) for each in rest},
        required=frozenset(each.name for each in rest if each.default is inspect.Parameter.empty),
        wants=frozenset(getattr(function, "wants", ())),
        origin=origin,
    )


def ours() -> Mapping[str, Check]:
    """The checks that Lineal has, by name."""
    # Each family names its own when it is imported.
    from lineal.questions.audit import (  # noqa: F401
        data,
        documents,
        groups,
        heldout,
        human,
        model,
        operation,
        personal,
        technical,
    )

    return dict(sorted(_OURS.items()))


@cache
def installed() -> Mapping[str, Any]:
    """The checks of installed packages, by name; none of them is loaded yet."""
    return {point.name: point for point in entry_points(group=GROUP)}


def find(name: str, policy: Path | None) -> Check:
    """The check that a policy names.

    Args:
        name: of one of ours or of an installed package; or `FILE.py:FUNCTION`, a path from the project's folder.
        policy: the policy's file; None for one that Lineal ships.

    Raises:
        PolicyError: there is none, or its code is not to be run.
    """
    if ".py:" in name:
        return _of_file(name, policy)
    known = ours()
    if name in known:
        return known[name]
    if name in installed():
        point = installed()[name]
        origin = f"{point.value} ({GROUP})"
        try:
            return check_of(name, point.load(), origin)
        except PolicyError:
            raise
        except Exception as problem:  # importing someone's package may raise anything
            raise PolicyError(f"the check {name} of {origin} cannot be loaded: {_said(problem)}") from problem
    names = [*known, *installed()]
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    raise PolicyError(
        f"{shown(name)} is no check; " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}")
    )


def _of_file(name: str, policy: Path | None) -> Check:
    """A function of a Python file. It is code that is run: only the project's own is, and only for its own policies."""
    path, _, function = name.rpartition(":")
    project = settings.project_of(Path.cwd()).resolve()
    try:
        file = (project / path).resolve()
        there = file.is_file()
    except (OSError, ValueError) as problem:
        raise PolicyError(f"{shown(name)} names no file that there could be: {_said(problem)}") from None
    if policy is None or not policy.resolve().is_relative_to(project) or not file.is_relative_to(project):
        raise PolicyError(
            f"{shown(name)} is code, which is run only from your own project {project}, and only for a policy in it; "
            "copy both there once you have read them"
        )
    if not there:
        raise PolicyError(f"{shown(name)}: there is no file {file}; paths start from the project's folder")
    module = _module(file, file.stat().st_mtime_ns)
    made = getattr(module, function, None)
    if not callable(made):
        names = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
        near = get_close_matches(function, names, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise PolicyError(f"{shown(name)}: {file.name} has no function {function}{hint}")
    return check_of(name, made, str(file))


@cache
def _module(file: Path, _modified: int) -> Any:
    spec = importing.spec_from_file_location(f"lineal_checks_{file.stem}_{abs(hash(file))}", file)
    assert spec is not None  # noqa: S101 - the file ends in .py
    assert spec.loader is not None  # noqa: S101 - as above
    module = importing.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as problem:  # the user's own code may raise anything
        raise PolicyError(f"{file} cannot be run: {_said(problem)}; mend it") from problem
    return module


def _said(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {problem}".splitlines()[0]
