"""The terminal: one console for people, one form of JSON for programs."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, TypeVar
from uuid import uuid4

from rich.console import Console, RenderableType

from lineal.redaction import harmless

A = TypeVar("A")
_COLOUR = re.compile(r"(\x1b\[[\d;]*m)")


def show(
    answer: A, render: Callable[[A], RenderableType], *, as_json: bool, as_of: tuple[str, int] | None = None
) -> None:
    """Print an answer to standard output: one JSON object, or what `render` makes of it.

    Args:
        answer: plain frozen data.
        render: for a person.
        as_json: print one JSON object.
        as_of: the time, and the place in the log, that it was answered for, where that is not now.
    """
    if as_json:
        whole = answer if as_of is None else {"as_of": {"time": as_of[0], "event": as_of[1]}, **_fields(answer)}
        for_programs().write(to_json(whole) + "\n")
    else:
        made = console()
        with made.capture() as captured:
            if as_of is not None:
                made.print(f"as of {moment(as_of[0])}, event {as_of[1]:,} of the log", style="dim")
            made.print(render(answer))
        # Rich fills each line of a grid up to its width.
        lines = (_plainly(line, made.is_terminal) for line in captured.get().splitlines())
        made.file.write("".join(f"{line.rstrip()}\n" for line in lines))


def for_programs() -> TextIO:
    """Standard output for JSON, which is UTF-8 also where the terminal is not."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file's name may have bytes that are no text: as `\udcff` they are JSON, and still told apart.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    return sys.stdout


def _plainly(line: str, styled: bool) -> str:
    """A line in which nothing that is on record acts on the terminal: the colours are ours, all else is text."""
    if not styled:
        return harmless(line)
    return "".join(part if place % 2 else harmless(part) for place, part in enumerate(_COLOUR.split(line)))


def console(*, stderr: bool = False) -> Console:
    """A console that wraps nothing where it is no terminal, so that output can be searched."""
    # Brackets in a name or a message are text, never markup.
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = 250
    return made


def to_json(answer: object) -> str:
    """An answer, plain frozen data, as one line of JSON."""
    if "lineal.questions.trace" not in sys.modules:
        # There is no descent in it, and that module is not loaded for nothing.
        return json.dumps(answer, default=_plain, ensure_ascii=False)
    from lineal.questions.trace import Node
    from lineal.reports.descent import descent_json

    descents: dict[str, str] = {}

    def plain(value: Any) -> Any:
        if not isinstance(value, Node):
            return _plain(value)
        # Too deep for the encoder, which meets this text in its place.
        place = f"descent {uuid4()}"
        descents[place] = descent_json(value)
        return place

    text = json.dumps(answer, default=plain, ensure_ascii=False)
    for place, descent in descents.items():
        text = text.replace(f'"{place}"', descent)
    return text


def command(*words: str) -> str:
    """A command of Lineal's, as a shell takes it: what is on record may have spaces, quotes and worse in it."""
    return shlex.join(("lineal", *words))


def moment(time: str | None) -> str:
    """A recorded time, to the second, in UTC."""
    if time is None:
        return "-"
    at = datetime.fromisoformat(time)
    return f"{(at.astimezone(UTC) if at.tzinfo else at).strftime('%Y-%m-%d %H:%M:%S')} UTC"


def span(start: str | None, end: str | None) -> str:
    """How long it was between two recorded times."""
    if start is None or end is None:
        return ""
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    if seconds < 0:
        # The clock of another producer, or of another machine.
        return ""
    if seconds < 90:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def figure(value: float | None) -> str:
    """A figure with as many digits as can matter to a reader."""
    if value is None:
        return "-"
    return f"{value:.4f}" if abs(value) < 1 else f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def size(count: int) -> str:
    """A number of bytes as people say it."""
    for unit, power in (("MB", 10**6), ("kB", 10**3)):
        if count >= power:
            return f"{count / power:,.1f} {unit}"
    return f"{count} {'byte' if count == 1 else 'bytes'}"


def short(path: str) -> str:
    """A path, file URI or SQLite URL as seen from the working folder, where its file lies below it."""
    scheme, slashes, rest = (
        path.rpartition(":///") if path.startswith("sqlite") else ("", "", path.removeprefix("file://"))
    )
    if "://" in rest:
        return path
    try:
        return f"{scheme}{slashes}{Path(rest).relative_to(Path.cwd())}"
    except ValueError:
        return f"{scheme}{slashes}{rest}"


def _fields(answer: Any) -> dict[str, Any]:
    return dict(answer) if isinstance(answer, Mapping) else _plain(answer)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # One level at a time: `asdict` would copy the events' whole facets.
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
