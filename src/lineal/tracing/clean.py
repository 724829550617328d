"""Make facet values clean JSON: no NaN, no numpy scalars, no secrets, under a size."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import attr

from lineal.redaction import redact, redact_urls

MAX_EVENT_BYTES = 1024 * 1024


class Verbatim(str):
    """A text by which something is to be found or run again, such as a name or code: only its URLs lose secrets."""

    __slots__ = ()


def verbatim(value: Any) -> Any:
    """Take each text in plain data for one by which something is to be found or run again."""
    if isinstance(value, str):
        return Verbatim(value)
    if isinstance(value, Mapping):
        return {key: verbatim(inner) for key, inner in value.items()}
    return [verbatim(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def clean(value: Any) -> Any:
    """Return `value` as plain JSON data; what JSON has no word for (NaN, infinity) becomes None.

    Dict entries that are None are left out, as the OpenLineage schemas know no null; so are those of the client's own
    classes, which become dicts.
    """
    kind = type(value)
    # The common kinds first: an event is some hundred values, and a task waits for two of them.
    if kind is str:
        return clean_text(value)
    if kind is Verbatim:
        return redact_urls(_sound(value))
    if value is None or kind is bool or kind is int:
        return value
    if kind is dict:
        return _cleaned(value.items())
    if kind is list or kind is tuple:
        return [inner for inner in map(clean, value) if inner is not None]
    names = _fields(kind)  # type: ignore[arg-type]  # a class is hashable, whatever mypy makes of `type[Any]`
    if names is not None:
        return _cleaned((name, getattr(value, name)) for name in names)
    return _clean_rarity(value)


def _cleaned(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    cleaned = {}
    for key, inner in pairs:
        kept = clean(inner)
        if kept is not None:
            cleaned[clean_text(key if type(key) is str else str(key))] = kept
    return cleaned


@cache
def _fields(kind: type) -> tuple[str, ...] | None:
    """The names of the fields of one of the client's classes; None for any other."""
    return tuple(field.name for field in attr.fields(kind)) if attr.has(kind) else None


def _clean_rarity(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Enum):
        return clean(value.value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return _cleaned(value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [inner for inner in map(clean, items) if inner is not None]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (UUID, Path)):
        return clean_text(str(value))
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a numpy scalar
        return clean(value.item())
    if hasattr(value, "tolist"):
        return clean(value.tolist())
    return clean_text(str(value))


def clean_text(text: str) -> str:
    """Take out of a text what databases and JSON readers choke on (NUL, lone surrogates), and secrets."""
    text = _sound(text)
    # Written out, as this is asked of each text of each event: one with none of these has no secret to be told.
    if "=" in text or "@" in text or '"' in text or "'" in text or "%3" in text:
        return redact(text)
    if "earer" in text or "EARER" in text or "uthorization" in text or "UTHORIZATION" in text:
        return redact(text)
    return text


def _sound(text: str) -> str:
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\x00", "\ufffd") if "\x00" in text else text


def fit(event: dict[str, Any], limit: int = MAX_EVENT_BYTES) -> tuple[str, list[dict[str, Any]]]:
    """Serialise an event to at most `limit` bytes, cutting long lists, tables and texts where it must.

    Returns:
        The JSON text, and one entry `{path, length, kept}` for each thing that was cut.
    """
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    cuts: dict[str, dict[str, Any]] = {}
    for most in (2000, 500, 100, 20, 5):
        if len(text.encode()) <= limit:
            break
        for path, holder, key in list(_long(event, most)):
            whole = holder[key]
            kept = dict(list(whole.items())[:most]) if isinstance(whole, dict) else whole[: most * _per(whole)]
            cuts.setdefault(path, {"path": path, "length": len(whole)})["kept"] = len(kept)
            holder[key] = kept
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return text, list(cuts.values())


def _per(value: Any) -> int:
    return 100 if isinstance(value, str) else 1  # characters for each element that a list may keep


def _long(value: Any, most: int, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The lists, tables and texts longer than `most` allows, innermost first."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        here = f"{path}.{key}" if path else str(key)
        yield from _long(inner, most, here)
        if isinstance(inner, (dict, list, str)) and len(inner) > most * _per(inner):
            yield here, value, key
