"""What is wrong with a TOML file, in words that need no knowledge of pydantic: the key, the value, the line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from lineal.redaction import redact

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Location = Sequence[int | str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        location: keys and list positions, from the top.
        message: what is wrong, with the key and its value.
        missing: whether it is that the key is not there.
    """

    location: Location
    message: str
    missing: bool = False

    @property
    def key(self) -> str:
        """The location as a dotted key."""
        return _dotted(self.location)


def first_finding(problem: ValidationError, root: type[BaseModel], patterns: Mapping[str, str]) -> Finding:
    """Put what matters most into words: an unknown key before anything that may follow from it.

    Args:
        problem: what pydantic found.
        root: the model of the whole file.
        patterns: what each regular expression of the model means, as `should ...`.
    """
    found = min(problem.errors(), key=lambda error: (error["type"] != "extra_forbidden", len(error["loc"])))
    location = found["loc"]
    key, section = _dotted(location), _dotted(location[:-1])
    if found["type"] == "extra_forbidden":
        said = unknown_key(str(location[-1]), _section_at(location[:-1], root), root)
        message = f"[{section}] {said}" if section else said
    elif found["type"] == "missing":
        message = f"{key} is missing; add it"
    elif isinstance(found["input"], Mapping) and found["type"] == "value_error":
        message = f"[{key}] {_words(found, root, patterns)}"
    else:
        message = f"{key} = {shown(found['input'])}: {_words(found, root, patterns)}"
    return Finding(location, message, missing=found["type"] == "missing")


def unknown_key(key: str, section: type[BaseModel], root: type[BaseModel]) -> str:
    """Say that a section has no such key, and where there is one: in another section, or the nearest of its own."""
    known = _keys_of(section)
    elsewhere = [
        f"{name}.{key}"
        for name, field in root.model_fields.items()
        for inner in islice(_models_in(field.annotation), 1)
        if inner is not section and key in _keys_of(inner)
    ]
    near = get_close_matches(key, known, n=1, cutoff=0.8) or elsewhere or get_close_matches(key, known, n=1, cutoff=0.5)
    return f"{_written(key)} is no key here; " + (
        f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(known)}"
    )


def _keys_of(section: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in section.model_fields.items() if not field.exclude]


def shown(value: Any) -> str:
    """Write a value much as TOML does, no longer than a line and without credentials."""
    if isinstance(value, date):
        return value.isoformat()
    text = redact(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= 80 else text[:79] + "…"


def line_of(text: str, location: Location) -> int | None:
    """Find the line of a key in TOML that is known to be valid.

    It is the line of the key itself or, for what stands in an inline table or is missing, of the innermost key or
    table head around it; None where there is none.
    """
    best, deepest = None, 0
    for number, path in _keys(text):
        if len(path) > deepest and list(location[: len(path)]) == path:
            best, deepest = number, len(path)
    return best


_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEAD = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")


def _keys(text: str) -> Iterator[tuple[int, list[int | str]]]:
    """Every table head and key that begins a line, with its line and its location."""
    counts: dict[tuple[int | str, ...], int] = {}
    section: list[int | str] = []
    quotes: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        inside = quotes is not None
        for mark in re.findall(r'"""|\'\'\'', line):
            quotes = mark if quotes is None else None if quotes == mark else quotes
        if inside:
            continue
        if head := _HEAD.match(line):
            section = []
            *above, last = _parts(head[2])
            for part in above:
                section.append(part)
                # A table below a list of tables belongs to the last of them.
                if tuple(section) in counts:
                    section.append(counts[tuple(section)])
            section.append(last)
            yield number, list(section)
            if head[1] == "[[":
                counts[tuple(section)] = counts.get(tuple(section), -1) + 1
                section.append(counts[tuple(section)])
                yield number, list(section)
        elif key := _KEY.match(line):
            yield number, [*section, *_parts(key[1])]


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_PART, dotted)]


def _dotted(location: Location) -> str:
    return ".".join(_written(str(part)) for part in location)


def _written(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key) else json.dumps(key, ensure_ascii=False)


def _words(found: ErrorDetails, root: type[BaseModel], patterns: Mapping[str, str]) -> str:
    context = found.get("ctx", {})
    match found["type"]:
        case "value_error":
            return str(context["error"])
        case "string_pattern_mismatch":
            return patterns[context["pattern"]]
        case "tuple_type":
            of_tables = any(_models_in(_annotation_at(found["loc"], root)))
            return f"should be a list of tables, each headed [[{_dotted(found['loc'])}]]" if of_tables else _LIST
        case "greater_than_equal":
            return f"should be at least {context['ge']:g}"
    said = found["msg"].removeprefix("Input ").removeprefix("String ")
    return _WORDS.get(found["type"]) or said[0].lower() + said[1:]


_LIST = "should be a list"
_WORDS = {
    "dict_type": "should be a table",
    "model_type": "should be a table",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "finite_number": "should be a number",
    "bool_type": "should be true or false",
    "string_type": "should be text",
    "string_too_short": "should not be empty",
    "too_short": "should not be empty",
}


def _section_at(location: Location, root: type[BaseModel]) -> type[BaseModel]:
    return next(_models_in(_annotation_at(location, root)), root)


def _annotation_at(location: Location, root: type[BaseModel]) -> Any:
    """The type of what stands at a location; an item of a list counts as the list."""
    annotation: Any = root
    for part in location:
        section = next(_models_in(annotation), None)
        if isinstance(part, int) or section is None:
            continue
        field = next((field for name, field in section.model_fields.items() if part in (name, field.alias)), None)
        if field is None:
            break
        annotation = field.annotation
    return annotation


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models_in(inner)
