"""What `lineal report` has written, for a person."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Written:
    """A page that was written.

    Attributes:
        path: of the file.
        size: in bytes.
        subjects: that it is about, their versions filled in.
    """

    path: str
    size: int
    subjects: tuple[str, ...]


def render(answer: Written) -> RenderableType:
    """Where the page is, and what to do next."""
    line = Text(answer.path, style="bold")
    line.append(f"  {answer.size / 1000:,.0f} kB about {', '.join(answer.subjects)}")
    note = Text("  one file, to be opened in any browser; it asks for nothing from elsewhere", style="dim")
    return Group(line, note, Text(), Text(f"lineal trace {answer.subjects[0]}", style="dim"))
