"""How a lesson is told: a plain sentence first, then the figures that it rests on, then what shows or tells more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from lineal.questions.discovery import Lesson
from lineal.questions.discovery.factors import Factor
from lineal.questions.discovery.pairs import Change
from lineal.questions.discovery.table import NOT_SET
from lineal.reports.terminal import command, short

MOST = 5
_WORDS = 8
_INDENT = 2
_FIRST = ("model.", "split.", "source.", "data ")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was learned, or could be.

    Attributes:
        sentence: for whoever knows no statistics.
        figures: what it rests on: effect, interval, p, n.
        commands: that show it, or would tell it.
    """

    sentence: str
    figures: str = ""
    commands: tuple[str, ...] = ()

    def lines(self) -> Iterator[RenderableType]:
        """The entry, indented, however narrow the terminal is."""
        yield Padding(Text(self.sentence), (0, 0, 0, _INDENT))
        below = [self.figures] if self.figures else []
        for line in (*below, *self.commands):
            yield Padding(Text(line, style="dim"), (0, 0, 0, 2 * _INDENT))


def diff(pair: tuple[str, str]) -> str:
    """The command that shows what differs between two runs."""
    return command("diff", *(f"run:{run}" for run in pair))


def run_again(lesson: Lesson, *settings: str) -> tuple[str, ...]:
    """The command that runs a pipeline with some settings; nothing where a traced flow has no file of its own."""
    if lesson.file is None:
        return ()
    given = [word for setting in settings for word in ("--set", setting)]
    return (command("run", short(lesson.file), *given),)


def settings_of(change: Change) -> tuple[str, ...]:
    """What `--set` takes to have the one value and the other; nothing where a command cannot set them."""
    if change.name.startswith("data ") or change.name in ("code", "packages", "machine"):
        return ()
    values = (change.before, change.after)
    if values == ("lower", "higher") or any(v in (NOT_SET, "None") or v.startswith("#") for v in values):
        return ()
    return tuple(f"{change.name}={value.lower() if value in ('True', 'False') else value}" for value in values)


def from_to(change: Change) -> str:
    """What was changed, and how: `depth from 1 to 2`."""
    if (change.before, change.after) == ("lower", "higher"):
        return f"a higher {change.name}"
    return f"{change.name} from {shorter(change.before)} to {shorter(change.after)}"


def tied(factor: Factor) -> str:
    """What else changed together with a factor, as sentences."""
    said = ""
    if factor.confounded:
        said = f"; always changed together with {', '.join(factor.confounded)}: these runs cannot tell which it was"
    return said + (f"; partly changed together with {', '.join(factor.partly[:3])}" if factor.partly else "")


def listed(names: Iterable[str]) -> str:
    """Names, those that say most of a model first, and how many more there are."""
    ordered = sorted(names, key=lambda name: next((n for n, each in enumerate(_FIRST) if name.startswith(each)), 9))
    more = f" and {len(ordered) - _WORDS} more" if len(ordered) > _WORDS else ""
    return ", ".join(ordered[:_WORDS]) + more


def counted(number: int, what: str) -> str:
    """A number with what it counts."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def p_value(value: float | None) -> str:
    """A p-value."""
    return "-" if value is None else "< 0.0001" if value < 0.0001 else f"{value:.2g}"


def shorter(value: str) -> str:
    """A value; of a long one the beginning."""
    return value if len(value) <= 28 else f"{value[:12]}…"


def time(seconds: float) -> str:
    """A time that was spent."""
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )
