"""What was brought back, on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.questions.restore import Restored
from lineal.reports.terminal import command, short


def render(restored: Restored) -> RenderableType:
    """What it is, where it was had from, what it was checked against, where it lies."""
    rows = "" if restored.rows is None else f"{restored.rows:,} rows, "
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("  from", f"the DVC remote {restored.remote}" if restored.remote else "the DVC cache")
    facts.add_row("  checked", f"MD5{' and SHA-256 as recorded' if restored.sha256 else ''}")
    facts.add_row("  lies at", short(str(restored.path)))
    head = Text(f"{restored.name}@{restored.version[:12]} is there: {rows}{restored.size:,} bytes", style="bold")
    named = restored.subject.removesuffix(restored.version)
    return Group(head, facts, Text(), Text(command("trace", f"{named}{restored.version[:12]}")))
