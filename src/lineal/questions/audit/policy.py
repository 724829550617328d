"""Policies: TOML files of controls in OSCAL's words; those that Lineal ships, and a project's own under `policies/`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from lineal import settings
from lineal.errors import PolicyError
from lineal.findings import first_finding, line_of, shown, unknown_key
from lineal.questions.audit.checks import Check, find

FOLDER = "policies"
_SHIPPED = Path(__file__).parent.parent.parent / FOLDER
_ID = r"^[a-z][a-z0-9-]*$"
_MEANING = {_ID: "should begin with a lower-case letter and hold only such letters, digits and `-`"}
# How the texts that are known here number themselves; of others any clause is taken.
_ARTICLE = r"Art\. \d+[a-z]?(\(\d+[a-z]?\))?(\([a-z]+\))*"
_CLAUSES = {
    "EU AI Act": (rf"{_ARTICLE}|Annex [IVX]+( \d+)?(\([a-z]\))?(\([ivx]+\))?", "Art. 10(2)(b) or Annex IV 2(d)"),
    "GDPR": (_ARTICLE, "Art. 5(1)(b)"),
    "NIST AI RMF": (r"(GOVERN|MAP|MEASURE|MANAGE)( \d+(\.\d+)?)?", "MEASURE 2.3"),
    "ISO/IEC 42001": (r"(A\.)?\d+(\.\d+)*", "A.7.5"),
}
_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)
Text = Annotated[str, Field(min_length=1)]


class Clause(BaseModel):
    """What of a text a control serves.

    Attributes:
        framework: the text.
        version: of it that the control was written from; the policy's own where it is left out.
        clause: of the text.
    """

    model_config = _STRICT

    framework: Text
    clause: Text
    version: Text | None = None


class Scope(BaseModel):
    """What a policy is about, and whom it binds.

    Attributes:
        statement: in words.
        roles: of `[declared] role`; where another is declared, its controls do not apply.
        risk_classes: of `[declared] risk_class`; likewise.
    """

    model_config = _STRICT

    statement: Text
    roles: tuple[str, ...] = ()
    risk_classes: tuple[str, ...] = ()


class Control(BaseModel):
    """One control.

    Attributes:
        id: within its policy; what `lineal decide … waive` names.
        title: a few words.
        statement: what must be so.
        check: the name of a check, or `FILE.py:FUNCTION` of the project.
        parameters: of the check.
        severity: `error`, or `warn` for one whose failure is told and does not make the audit fail.
        maps: the clauses that it serves.
        person: what stays with a person.
    """

    model_config = _STRICT

    id: Annotated[str, Field(pattern=_ID, max_length=80)]
    title: Text
    statement: Text
    check: Text
    parameters: dict[str, Any] = Field(default_factory=dict)
    severity: Literal["error", "warn"] = "error"
    maps: tuple[Clause, ...] = ()
    person: Text | None = None


class Policy(BaseModel):
    """A policy file.

    Attributes:
        id: by which it is named.
        title: of the text that it was written from.
        text_version: which version of that text.
        applies_from: since when that applies; None where it binds by one's own will.
        scope: what it is about.
        note: what else is to be known.
        controls: in order.
        path: the file.
        shipped: whether it came with Lineal.
    """

    model_config = _STRICT

    id: Annotated[str, Field(pattern=_ID, max_length=80)]
    title: Text
    text_version: Text
    applies_from: date | None = None
    scope: Scope
    note: Text | None = None
    controls: tuple[Control, ...] = Field(min_length=1)

    path: Path = Field(exclude=True)
    shipped: bool = Field(default=False, exclude=True)
    text: str = Field(default="", exclude=True, repr=False)

    def line(self, control: Control) -> int:
        """The line of a control in the file."""
        return line_of(self.text, ["controls", self.controls.index(control), "id"]) or 1

    def found_check(self, control: Control) -> Check:
        """The check that a control names, its parameters held to what it takes.

        Raises:
            PolicyError: there is no such check or parameter, or a parameter is of another type.
        """
        place = self.controls.index(control)
        try:
            check = find(control.check, None if self.shipped else self.path)
        except PolicyError as problem:
            raise self._wrong(f"control {control.id}: {problem.message}", place, "check") from problem
        if hint := _wrong_parameter(check, control.parameters):
            raise self._wrong(f"control {control.id}: {hint}", place, "parameters")
        return check

    def _wrong(self, message: str, place: int, key: str) -> PolicyError:
        line = line_of(self.text, ["controls", place, key])
        return PolicyError(message, path=self.path, key=f"controls.{place}.{key}", line=line)


def load(path: Path, *, shipped: bool = False) -> Policy:
    """Read and validate a policy file, its checks and their parameters too.

    Args:
        path: the TOML file.
        shipped: whether it came with Lineal.

    Raises:
        PolicyError: naming file, and line or key, and what to do.
    """
    text, tree = _read(path)
    for reserved in ("path", "shipped", "text"):
        if reserved in tree:
            line = line_of(text, [reserved])
            raise PolicyError(unknown_key(reserved, Policy, Policy), path=path, key=reserved, line=line)
    try:
        policy = Policy.model_validate({**_tupled(tree), "path": path, "shipped": shipped, "text": text})
    except ValidationError as problem:
        finding = first_finding(problem, Policy, _MEANING)
        line = line_of(text, finding.location)
        raise PolicyError(finding.message, path=path, key=finding.key or None, line=line) from None
    if policy.id != path.stem:
        # What asks for it goes by the one, what it said and what is waived by the other.
        said = f"id is {policy.id}, and the file is named {path.stem}; name the file {policy.id}.toml"
        raise PolicyError(said, path=path, key="id", line=line_of(text, ["id"]))
    _hold(policy)
    return policy


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return text, tomllib.loads(text)
    except FileNotFoundError:
        raise PolicyError("there is no such policy file", path=path) from None
    except UnicodeDecodeError as problem:
        raise PolicyError(f"is not UTF-8 text (byte {problem.start}); save it as UTF-8", path=path) from None
    except OSError as problem:
        raise PolicyError(f"cannot be read: {problem.strerror}", path=path) from None
    except RecursionError:
        raise PolicyError("is nested too deeply to be read", path=path) from None
    except tomllib.TOMLDecodeError as problem:
        place = re.search(r" \(at line (\d+), (column \d+)\)$", str(problem))
        said = f"{str(problem)[: place.start()]} ({place[2]})" if place else str(problem)
        raise PolicyError(f"is not valid TOML: {said}", path=path, line=int(place[1]) if place else None) from None


def shipped() -> dict[str, Path]:
    """The policies that Lineal ships, by name."""
    return {file.stem: file for file in sorted(_SHIPPED.glob("*.toml"))}


def own() -> dict[str, Path]:
    """The project's own policies, by name."""
    folder = settings.project_of(Path.cwd()) / FOLDER
    return {file.stem: file for file in sorted(folder.glob("*.toml"))}


def control_names() -> list[str]:
    """The controls of the policies that there are, each as `POLICY.CONTROL`.

    Their ids alone are read: no check is looked for, and no code of the project is run.

    Raises:
        PolicyError: a policy's file cannot be read.
    """
    found = []
    for name, file in (shipped() | own()).items():
        controls = _read(file)[1].get("controls")
        listed = controls if isinstance(controls, list) else []
        found += [f"{name}.{each['id']}" for each in listed if isinstance(each, dict) and "id" in each]
    return found


def chosen(names: Sequence[str] = ()) -> list[Policy]:
    """The policies that are asked for; all that there are where none is named.

    A project's own goes before one that Lineal ships by the same name.

    Args:
        names: of policies, or files.

    Raises:
        PolicyError: there is none of that name, or one that cannot be used.
    """
    ours, mine = shipped(), own()
    known = ours | mine
    found = []
    for name in names or known:
        if name in known:
            found.append(load(known[name], shipped=name not in mine))
        elif name.endswith(".toml") or "/" in name:
            found.append(load(Path(name)))
        else:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}; or name a .toml file"
            raise PolicyError(f"{shown(name)} is no policy; {hint}")
    return list({policy.id: policy for policy in found}.values())


def _hold(policy: Policy) -> None:
    """Hold a policy to what its form alone does not say."""
    seen = set[str]()
    for place, control in enumerate(policy.controls):
        if control.id in seen:
            raise policy._wrong(f"control {control.id} is there twice; name one otherwise", place, "id")
        seen.add(control.id)
        for number, each in enumerate(control.maps):
            form, example = _CLAUSES.get(each.framework, ("", ""))
            if form and not re.fullmatch(form, each.clause):
                line = line_of(policy.text, ["controls", place, "maps", number, "clause"])
                raise PolicyError(
                    f"control {control.id}: {shown(each.clause)} is no clause of {each.framework}; write {example}",
                    path=policy.path,
                    key=f"controls.{place}.maps.{number}.clause",
                    line=line,
                )
        policy.found_check(control)


def _wrong_parameter(check: Check, given: Mapping[str, Any]) -> str | None:
    for name, value in given.items():
        if name not in check.parameters:
            near = get_close_matches(name, check.parameters, n=1, cutoff=0.5)
            takes = f"it takes {', '.join(check.parameters)}" if check.parameters else "it takes none"
            return f"{name} is no parameter of {check.name}; " + (f"did you mean {near[0]}?" if near else takes)
        try:
            TypeAdapter(check.parameters[name]).validate_python(value, strict=True)
        except ValidationError as problem:
            return f"{name} = {shown(value)}: {problem.errors()[0]['msg'].removeprefix('Input ')}"
    missing = sorted(check.required - given.keys())
    return f"{check.name} needs the parameter {missing[0]}" if missing else None


def _tupled(value: Any) -> Any:
    """Lists as tuples, which frozen values hold; a check's parameters keep theirs."""
    if isinstance(value, Mapping):
        return {key: inner if key == "parameters" else _tupled(inner) for key, inner in value.items()}
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
