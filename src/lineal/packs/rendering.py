"""Packs on a terminal: what was written, and what a check has found."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.packs import contents
from lineal.packs.checking import PackCheck
from lineal.packs.exporting import Exported
from lineal.reports.terminal import command, moment, short, size

# How many findings go on a screen.
_SHOWN = 20


def exported(answer: Exported) -> RenderableType:
    """A pack that was written."""
    table = _table()
    rows = "with the data's rows" if answer.with_data else "no data rows"
    table.add_row("  files", f"{answer.files}, {size(answer.size)}, {rows}")
    table.add_row("  sha256", answer.sha256)
    public = short(answer.public_key) if answer.public_key else f"{contents.LOG_KEY}, which is in it,"
    table.add_row("  signed", f"with the key {answer.key[:12]}; give {public} to who verifies it, apart from the pack")
    for each in answer.missing:
        table.add_row(Text("  missing", style="yellow"), f"{each.what}: {each.why}")
    next_ = Text(command("verify", short(answer.path)), style="dim")
    return Group(f"{answer.subject} is in {short(answer.path)}", table, Text(), next_)


def checked(answer: PackCheck) -> RenderableType:
    """What a check of a pack has found."""
    table = _table()
    for part in answer.checked:
        verdict = Text(f"{part.wrong:,} wrong", style="red") if part.wrong else Text("hold", style="green")
        said = Text(f"{part.count:,} {part.unit}: ") + verdict
        nothing = Text(part.note, style="yellow") if part.note else Text("none in it", style="dim")
        table.add_row(f"  {part.name}", said if part.count or part.wrong else nothing)
    parts: list[RenderableType] = [
        f"{short(answer.file)}: {answer.subject}, made {moment(answer.made_at)} by {answer.made_by}",
        table,
    ]
    if answer.findings:
        found = _table(columns=3)
        for each in answer.findings[:_SHOWN]:
            found.add_row(Text(f"  {each.problem}", style="red"), each.what, each.detail)
        if len(answer.findings) > _SHOWN:
            found.add_row("  …", f"{len(answer.findings) - _SHOWN:,} more", "see --json")
        parts += [Text(), found]
    parts.append(Text())
    if answer.missing:
        parts.append(
            Text(f"it goes without {', '.join(dict.fromkeys(each.what for each in answer.missing))}", style="dim")
        )
    if answer.holds:
        parts.append(f"all holds: signed with the key {answer.key[:12]}, which is trusted ({short(answer.origin)})")
    else:
        count = len(answer.findings)
        parts.append(Text(f"{count} {'thing does' if count == 1 else 'things do'} not hold", style="red"))
    return Group(*parts)


def _table(columns: int = 2) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for _ in range(columns):
        table.add_column(overflow="fold")
    return table
