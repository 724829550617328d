"""The recorded pipeline file, made to read the recorded data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import tomlkit

from lineal.questions.materials import Materials
from lineal.redaction import redact_urls
from lineal.reproduction.sandbox import Code

# Where the rows come from, in a pipeline file.
FROM = ("source", "source.uri", "source.query")


def without_query(text: str) -> str:
    """The file without the SQL of its source, so that `--data` can name a file; as it is, where it has none."""
    tree = tomlkit.parse(text)
    source = tree.get("source")
    if source is None or "query" not in source:
        return text
    del source["query"]
    return tomlkit.dumps(tree)


def reading(uri: str, overrides: Sequence[str]) -> tuple[str, ...]:
    """What was set over a file, but for where the rows come from: that is the recorded data now.

    Args:
        uri: the recorded data.
        overrides: `KEY=VALUE`, in order.
    """
    kept = []
    for override in overrides:
        key, _, value = override.partition("=")
        if key.strip() == "source":
            table = tomlkit.inline_table()
            table.update({**tomlkit.parse(f"value = {value}").unwrap()["value"], "uri": uri})
            table.pop("query", None)
            kept.append(f"source={table.as_string()}")
        elif key.strip() not in FROM:
            kept.append(override)
    return tuple(kept)


def pointing_at(text: str, uri: str, overrides: Sequence[str] = ()) -> str:
    """The file with a file as its source, and with what was set over it; its comments stay.

    Args:
        text: the pipeline file.
        uri: the source, as it is to stand in it.
        overrides: `KEY=VALUE` with a dotted key and a TOML value (a bare word is text), in order.
    """
    tree = tomlkit.parse(text)
    for override in overrides:
        key, _, value = override.partition("=")
        *sections, last = key.strip().split(".")
        table = tree
        for section in sections:
            table = table.setdefault(section, tomlkit.table())
        table[last] = _value(value)
    tree["source"].pop("query", None)
    tree["source"]["uri"] = uri
    return tomlkit.dumps(tree)


def put(found: Materials, code: Code, folder: Path) -> Path:
    """Have the pipeline file where the flow is to find it, and return its path.

    Args:
        found: what is on record.
        code: the code, whose project may have the very file.
        folder: where it is written if need be and the code is the user's own.
    """
    text = without_query(found.text)
    inside = not PurePosixPath(found.file).is_absolute() and ".." not in PurePosixPath(found.file).parts
    there = code.folder / found.file
    if inside and text == found.text and there.is_file() and _told(there) == found.text:
        return there
    file = there if inside and code.top is not None else folder / "pipeline" / PurePosixPath(found.file).name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def _told(file: Path) -> str:
    return redact_urls(file.read_bytes().decode("utf-8-sig", "replace"))


def _value(text: str) -> object:
    try:
        tree = tomlkit.parse(f"value = {text}")
    except tomlkit.exceptions.ParseError:
        return text.strip()
    return tree["value"] if len(tree) == 1 else text.strip()
