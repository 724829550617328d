"""What verify has found, on a terminal: a line a family, then each thing that does not hold."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.questions.verify import Checked, Finding, Verification
from lineal.redaction import harmless
from lineal.reports.decision import label
from lineal.reports.terminal import moment, short

# How many findings go on a screen.
_SHOWN = 12
_UNITS = {
    "log": "events",
    "index": "rows",
    "datasets": "versions",
    "models": "models",
    "mlflow": "registered versions",
}


def render(answer: Verification) -> RenderableType:
    """The whole answer, on one screen."""
    parts: list[RenderableType] = [short(answer.source), _families(answer)]
    if answer.findings:
        parts += [Text(), _findings(answer)]
    parts += [
        Text(f"  {label(each)}, by {harmless(each.decision.by)}: counts no longer", style="red")
        for each in answer.shaken
    ]
    parts.append(Text())
    if answer.newest is not None:
        newest = answer.newest
        parts.append(f"newest checkpoint {newest.number} of {moment(newest.made_at)}, {newest.digest}")
    if answer.holds:
        parts.append("all holds")
    else:
        count = sum(each.wrong for each in answer.checked)
        parts.append(Text(f"{count} {'thing does' if count == 1 else 'things do'} not hold", style="red"))
    return Group(*parts)


def _families(answer: Verification) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for each in answer.checked:
        table.add_row(f"  {each.family}", f"{each.count:,}", _said(each))
    return table


def _said(each: Checked) -> Text:
    verdict = Text(f"{each.wrong:,} wrong", style="red") if each.wrong else Text("hold", style="green")
    note = f" ({each.note})" if each.note else ""
    return Text(f"{_UNITS[each.family]}{note}: ") + verdict


def _findings(answer: Verification) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    # Each family is heard, however many the first has.
    families = [each.family for each in answer.checked if each.wrong]
    room = max(3, _SHOWN // max(len(families), 1))
    for family in families:
        found = [each for each in answer.findings if each.family == family]
        for each in found[:room]:
            table.add_row(Text(f"  {each.problem}", style="red"), each.what, _where(each))
        total = next(each.wrong for each in answer.checked if each.family == family)
        if total > min(len(found), room):
            table.add_row("  …", f"{total - min(len(found), room):,} more", f"in {family}; see --json")
    return table


def _where(found: Finding) -> str:
    at = " ".join(
        part
        for part in (
            f"of {moment(found.event_time)}" if found.event_time else "",
            f"run {found.run_id}" if found.run_id and found.seq is not None else "",
        )
        if part
    )
    return f"{at}: {found.detail}" if at else found.detail
