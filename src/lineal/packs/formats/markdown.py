"""Markdown of texts that are not ours: they are shown, and never act."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lineal.packs.formats.said import line, text

# What begins or ends something anywhere in a line. An underscore within a word does not.
_ACTS = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
# What does at the begin of one.
_BEGINS = re.compile(r"^([-+](?=[\s-]|$)|=(?==*$)|#(?=#*(?:\s|$))|\d+(?=[.)](?:\s|$)))")
_LINKS = re.compile(r":(?=//)|(?<=\bwww)\.", re.IGNORECASE)
# HTML is told by entities: not all readers know a backslash before it.
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MOST = 20_000


def inline(value: object) -> str:
    """A text as one line within a paragraph, a heading or a table's cell."""
    return _escaped(line(value))


def quoted(value: str) -> str:
    """A text as a quotation, its lines kept; of a very long one the beginning."""
    whole = text(value).replace("\r", "\n").strip("\n")
    kept, more = whole[:_MOST], len(whole) - _MOST
    lines = [_escaped(" ".join(each.split())) for each in kept.split("\n")]
    if more > 0:
        lines += ["", f"… and {more:,} characters more"]
    made = []
    for each, following in zip(lines, [*lines[1:], ""], strict=True):
        # A backslash at the end of a line breaks it there.
        made.append(f"> {each}\\" if each and following else f"> {each}" if each else ">")
    return "\n".join(made)


def code(value: object) -> str:
    """A hash, id or the like as code."""
    told = line(value)
    return f"`{told}`" if re.fullmatch(r"[\w.:@/+=-]+", told, flags=re.ASCII) else _escaped(told)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already; nothing where it has no rows."""
    told = [f"| {' | '.join(row)} |" for row in rows]
    if not told:
        return ""
    return "\n".join([f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *told])


def _escaped(told: str) -> str:
    made = re.sub("[&<>]", lambda match: _HTML[match[0]], told)
    made = _ACTS.sub(r"\\\g<0>", made)
    made = _BEGINS.sub(lambda match: f"{match[1]}\\" if match[1].isdigit() else f"\\{match[1]}", made)
    return _LINKS.sub(r"\\\g<0>", made)
