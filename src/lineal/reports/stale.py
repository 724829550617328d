"""The answer to `stale`, for a person: what is stale, why, and whether running again could change it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.questions.stale import Item, Stale
from lineal.reports.terminal import command, moment

_MOST = 12


def render(answer: Stale) -> RenderableType:
    """What is stale, on one screen."""
    parts: list[RenderableType] = []
    for item in answer.items[:_MOST]:
        parts += [_heading(item), _findings(item)]
    if len(answer.items) > _MOST:
        parts.append(Text(f"… {len(answer.items) - _MOST} more; --json names them all", style="dim"))
    closing = Text(style="dim")
    if answer.items:
        closing.append("\n")
    elif not answer.fresh:
        closing.append("no model holds an alias and nothing was predicted; `lineal stale --all` looks at all models\n")
    if answer.fresh:
        subjects = ", ".join(answer.fresh[:3]) + (f" and {len(answer.fresh) - 3} more" if len(answer.fresh) > 3 else "")
        closing.append(f"{len(answer.fresh)} rest{'s' if len(answer.fresh) == 1 else ''} on the newest: {subjects}\n")
    for sentence in answer.unknown[:3]:
        closing.append(f"not known: {sentence}\n", style="yellow")
    first = answer.items[0].subject if answer.items else answer.fresh[0] if answer.fresh else None
    if first is not None:
        closing.append(command("trace", first))
    return Group(*parts, closing)


def _heading(item: Item) -> Text:
    text = Text(item.subject, style="bold")
    for alias in item.holds:
        text.append(f"  @{alias}", style="bold green")
    text.append(f"  of {moment(item.made_at)}", style="dim")
    again = "running again could change it" if item.again else "running again would change nothing"
    text.append(f"  {again}", style="yellow" if item.again else "dim")
    return text


def _findings(item: Item) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for finding in item.findings:
        table.add_row(f"  {finding.about}", finding.sentence)
    for sentence in item.unknown:
        table.add_row("  not known", sentence)
    return table
