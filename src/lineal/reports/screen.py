"""An answer of several sections that is read without scrolling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

# The lines of a screen where there is no terminal to ask.
_LINES = 50


@dataclass(frozen=True)
class Section:
    """A heading, what stands below it, and the same in a few words where there is no room for it."""

    heading: Text
    body: Sequence[RenderableType] = ()
    brief: str = ""


@dataclass(frozen=True)
class Screen:
    """Sections, the most telling first: from the last on they are told in a line each until all fit on the screen.

    Args:
        head: what stands above them.
        sections: in their order.
        foot: what stands below them.
        more: the sentence that says where the whole is, for when something was shortened.
    """

    head: Sequence[RenderableType]
    sections: Sequence[Section]
    foot: Sequence[RenderableType]
    more: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield what fits."""
        # The prompt takes a line as well.
        room = console.size.height - 1 if console.is_terminal else _LINES
        whole = len(self.sections)
        while whole and sum(len(console.render_lines(each, options)) for each in self._parts(whole)) > room:
            whole -= 1
        yield from self._parts(whole)

    def _parts(self, whole: int) -> list[RenderableType]:
        """All lines, the first so many sections as a whole."""
        parts = list(self.head)
        for section in self.sections[:whole]:
            parts += [Text(), section.heading, *section.body]
        short = self.sections[whole:]
        if short:
            parts.append(Text())
        for section in short:
            line = section.heading.copy()
            if section.brief:
                line.append(f"  {section.brief}", style="not bold")
            line.no_wrap, line.overflow = True, "ellipsis"
            parts.append(line)
        if self.foot:
            parts.append(Text())
        parts += self.foot
        if any(section.body for section in short):
            parts.append(Text(self.more, style="dim"))
        return parts
