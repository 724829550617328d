"""What was brought back of a model, for the terminal."""

from __future__ import annotations

import shlex

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.reports.terminal import short
from lineal.reproduction.restoring import Restored

_PARTS = (
    ("data", "data/", "snapshot, both parts of the split, held-out predictions"),
    ("model", "model/", "as MLflow keeps it"),
    ("record", "record/", ""),
)


def render(restored: Restored) -> RenderableType:
    """What is in the folder, what is missing, and how to run it."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    if restored.code:
        facts.add_row("  code", f"code/  {restored.code}")
    if restored.pipeline:
        facts.add_row("  pipeline", f"{restored.pipeline}  reads the restored data")
    for name, folder, what in _PARTS:
        names = [file.removeprefix(folder) for file in restored.files if file.startswith(folder)]
        if names:
            facts.add_row(f"  {name}", f"{folder}  {what or ', '.join(names)}")
    for sentence in restored.missing:
        facts.add_row("  missing", Text(sentence, style="red"))
    whole = "all that made it" if not restored.missing else "what there is of what made it"
    head = Text(f"{restored.subject}: {whole} is in {short(restored.folder)}", style="bold")
    after = ("sh", short(restored.run)) if restored.run else ("cat", f"{short(restored.folder)}/README.md")
    return Group(head, facts, Text(), Text(shlex.join(after), style="dim"))
