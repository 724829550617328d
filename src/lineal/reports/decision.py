"""Decisions and notes of people, for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.questions.decisions import Decided
from lineal.redaction import harmless
from lineal.reports.terminal import command, moment

if TYPE_CHECKING:
    from lineal.deciding import Said

_DONE = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn", "note": "noted", "waive": "waived"}
_STYLES = {"approve": "green", "reject": "red", "withdraw": "yellow", "waive": "yellow", "note": "bold"}
_KINDS = {"incident": "an incident", "data-gap": "a gap of the data", "review": "a review of predictions"}
# What of a reason is shown on one line.
_LONGEST = 160


def said(answer: Said) -> RenderableType:
    """A decision that was just taken."""
    decision, recorded = answer.decided.decision, answer.recorded
    text = Text(decision.subject, style="bold")
    text.append(f": {words(answer.decided)} by {harmless(decision.by)}", style=_STYLES[decision.action])
    lines = [text, Text(f"  {shown(decision.reason)}")]
    for move in recorded.done.moved:
        held = f" from version {move.holder}" if move.holder else ""
        lines.append(Text(f"  @{move.alias} of {move.name} went{held} to version {move.to}", style="green"))
    lines += [
        Text(f"  {left}", style="yellow") for left in (*recorded.done.left, *([answer.stays] if answer.stays else []))
    ]
    if answer.holds and (decision.action == "reject" or (decision.action == "withdraw" and not decision.control)):
        held = " ".join(f"@{alias}" for alias in answer.holds)
        lines.append(Text(f"  it still holds {held}: lineal recall {decision.subject} --reason WHY", style="yellow"))
    if decision.evidence:
        lines.append(Text(f"  on the evidence {decision.evidence[:12]}", style="dim"))
    if recorded.key is None:
        lines.append(
            Text(f"  not signed: {harmless(decision.by)} has no key here; `lineal key new` makes one", style="dim")
        )
    else:
        lines.append(Text(f"  signed with the key {recorded.key[:12]}", style="dim"))
    if not answer.decided.counts:
        lines.append(Text(f"  {answer.decided.standing}: {answer.decided.why}", style="yellow"))
    following = command("trace", decision.subject) + "\n" + command("events", "--run", recorded.run_id)
    if decision.kind == "incident":
        closing = command("note", decision.subject, "what was done", "--closes", recorded.run_id)
        following += f"\n{closing}"
    return Group(*lines, Text(), Text(following, style="dim"))


def words(decided: Decided) -> str:
    """What was decided, in a word or two."""
    decision = decided.decision
    done = _DONE[decision.action]
    if decision.kind:
        done = f"{done} as {_KINDS.get(decision.kind, harmless(decision.kind))}"
    if decision.closes:
        done = f"incident {harmless(decision.closes)} closed"
    if decision.control:
        done = f"{harmless(decision.control)} {'waived' if decision.action == 'waive' else 'no longer waived'}"
    return f"{done}{f' until {harmless(decision.until)}' if decision.until else ''}"


def line(decided: Decided) -> str:
    """A decision or note on one line."""
    decision = decided.decision
    signed = ", signed" if decided.signed else ""
    own = ", who started its training" if decided.own and decision.action == "approve" else ""
    state = "" if decided.counts else f"  [{decided.standing}: {harmless(decided.why)}]"
    return f"{shown(decision.reason)} ({harmless(decision.by)}{own}, {moment(decision.at)}{signed}){state}"


def label(decided: Decided) -> str:
    """What a decision is called in front of its line."""
    decision = decided.decision
    if decision.action != "note":
        return words(decided)
    return "incident closed" if decision.closes else harmless(decision.kind or "note")


def shown(text: str) -> str:
    """A person's words on one line: as text, whatever they hold, and not longer than can be read."""
    flat = harmless(" ".join(text.split()))
    return flat if len(flat) <= _LONGEST else f"{flat[:_LONGEST]}…"


def listed(items: Sequence[Decided]) -> RenderableType:
    """Decisions and notes, a line each."""
    if not items:
        return Text("nobody has decided or noted anything yet\n\nlineal decide SUBJECT approve --reason WHY")
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    for name in ("when", "who", "signed", "subject", "decided", "counts", "reason"):
        table.add_column(name, overflow="fold")
    for each in items:
        decision = each.decision
        state = Text("yes" if each.counts else each.standing, style="" if each.counts else "yellow")
        if decision.action == "note":
            state = Text("-") if each.counts else state
        why = Text(shown(decision.reason))
        if each.why:
            why.append(f"\n{harmless(each.why)}", style="yellow")
        who, signed = harmless(decision.by), "yes" if each.signed else "-"
        table.add_row(moment(decision.at), who, signed, decision.subject, words(each), state, why)
    return Group(table, Text(), Text(command("trace", items[0].decision.subject)))
