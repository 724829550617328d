"""Keys of people, for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.people import KnownKey
from lineal.reports.terminal import short


@dataclass(frozen=True, slots=True)
class Made:
    """A key that was made: its id, whose it is, and the file of its private half."""

    key: str
    name: str
    file: str


def made(answer: Made) -> RenderableType:
    """A new key, and what to do with its public half."""
    public = Path(answer.file).with_suffix(".pub")
    text = Text(f"{answer.name} signs with the key {answer.key[:12]} from now on")
    text.append(f"\n  private  {answer.file}  (yours alone; a copy of it can decide in your name)", style="dim")
    text.append(f"\n  public   {public}", style="dim")
    return Group(text, Text(f"\nothers, once they have the public file: lineal key trust {public.name!r}"))


def trusted(answer: KnownKey) -> RenderableType:
    """A key that is believed from now on."""
    text = Text(f"what is signed with the key {answer.key.id[:12]} counts as {answer.name}'s from now on,")
    return text.append(" and what is not, no longer")


def listed(keys: Sequence[KnownKey]) -> RenderableType:
    """The keys of people that are known here."""
    if not keys:
        return Text("nobody's key is known here yet\n\nlineal key new")
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    for name in ("person", "key", "here", "file"):
        table.add_column(name, overflow="fold")
    for each in keys:
        table.add_row(each.name, each.key.id[:12], "signs" if each.own else "trusted", short(each.key.origin))
    return Group(table, Text("\nlineal list decisions"))
