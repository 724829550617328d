"""Text that every database takes: without NUL, which PostgreSQL refuses, and lone surrogates, which are no UTF-8."""

from __future__ import annotations

from typing import Any


def storable(text: str) -> bool:
    """Whether a JSON text has nothing in it that a database refuses, as far as a quick look tells."""
    if "\\u" in text or "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def scrubbed(value: Any) -> Any:
    """JSON data with `U+FFFD` or `?` in the place of what a database refuses."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {scrubbed(key): scrubbed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [scrubbed(inner) for inner in value]
    return value
