"""The answer to `history`, for a person: a line a version, newest first."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.questions.history import History, Version
from lineal.reports.terminal import command, moment


def render(history: History) -> RenderableType:
    """A history on one screen."""
    is_model, is_alias = history.subject.startswith("model:"), any(each.reason for each in history.versions)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    for name in ("version", *(("digest",) if is_model else ()), "when", "who", "run", "changed"):
        table.add_column(name, overflow="fold")
    for each in history.versions:
        version = Text("-" if each.version is None else each.version if is_model else each.version[:12] or "-")
        for alias in each.holds:
            version.append(f" @{alias}", style="green")
        digest = (each.hash[:12],) if is_model else ()
        row = (moment(each.at), each.by or "-", each.run_id or "-", _changed(each, is_alias))
        table.add_row(version, *digest, *row)
    shown, what = len(history.versions), "moves" if is_alias else "versions"
    hidden = f"{history.total - shown} older {what}; raise --limit\n" if history.total > shown else ""
    return Group(Text(history.subject, style="bold"), table, Text(f"\n{hidden}{_next(history)}", style="dim"))


def _changed(version: Version, is_alias: bool) -> Text:
    text = Text("the first" if version.first else ", ".join(version.changed) or "nothing on record")
    if is_alias and version.reason:
        text.append(f"\n{version.reason}", style="dim")
    return text


def _next(history: History) -> str:
    # A model's alias may stand behind an @; a dataset's name may have one in it.
    name = history.subject.partition("@")[0] if history.subject.startswith("model:") else history.subject
    versions = [each.version for each in history.versions if each.version]
    if len(versions) > 1:
        return command("diff", f"{name}@{versions[1][:12]}", f"{name}@{versions[0][:12]}")
    return command("trace", f"{name}@{versions[0][:12]}" if versions else name)
