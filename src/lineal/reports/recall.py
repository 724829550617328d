"""What a recall would change, and what it came to, for a person."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from lineal.questions.impact import Counts
from lineal.questions.recalls import Plan
from lineal.reports.impact import sentence
from lineal.reports.terminal import command, moment
from lineal.store.recalls import AliasMove, Done, Recall

# How many models are named before the rest is counted.
_MOST = 12


@dataclass(frozen=True, slots=True)
class Recalled:
    """The answer to `recall`."""

    subject: str
    undone: bool
    reason: str
    counts: Counts
    done: Done


def planned(plan: Plan, reason: str) -> RenderableType:
    """What would change."""
    heading = Text(plan.subject, style="bold")
    heading.append(" would be trusted again: " if plan.undo else " would be recalled: ").append(reason)
    lines = [heading]
    if plan.standing is not None and not plan.undo:
        lines.append(Text(f"  it is recalled already: {line(plan.standing)}", style="dim"))
    lines.append(Text(f"  came of it: {sentence(plan.impact.counts, plan.impact.counted)}"))
    named = [model for model in plan.impact.models if model.number is not None]
    for model in named[:_MOST]:
        holds = "".join(f" @{alias}" for alias in model.holds)
        lines.append(Text(f"  rests on it: model:{model.name}@{model.number}{holds}"))
    if len(named) > _MOST:
        lines.append(Text(f"  … {len(named) - _MOST:,} more models", style="dim"))
    lines += [Text(f"  {_moved(move, 'goes', 'is')}") for move in plan.moves]
    if not plan.moves:
        lines.append(Text("  no alias moves"))
    return Group(*lines)


def done(answer: Recalled) -> RenderableType:
    """What has changed."""
    heading = Text(answer.subject, style="bold")
    heading.append(" is trusted again" if answer.undone else " is recalled", style="green" if answer.undone else "red")
    lines = [heading.append(f": {answer.reason}")]
    lines += [Text(f"  {_moved(move, 'went', 'was')}") for move in answer.done.moved]
    lines += [Text(f"  {said}", style="yellow") for said in answer.done.left]
    if not (answer.done.moved or answer.done.left or answer.done.failed):
        lines.append(Text("  no alias moved"))
    # Who held which alias before is told above.
    lines.append(Text(f"  came of it: {sentence(answer.counts, ())}"))
    following = [command("impact", answer.subject), command("events", "--run", answer.done.run_id)]
    return Group(*lines, Text(), Text("\n".join(following), style="dim"))


def line(recall: Recall) -> str:
    """A recall on one line."""
    by = f" by {recall.decided_by}" if recall.decided_by else ""
    return f"{recall.reason} ({recall.subject}, {moment(recall.decided_at)}{by})"


def _moved(move: AliasMove, goes: str, is_: str) -> str:
    what = f"@{move.alias} of {move.name}"
    if move.to is None:
        return f"{what} {is_} taken away from version {move.holder}: none is left that rests on nothing bad"
    return f"{what} {goes} {f'from version {move.holder} ' if move.holder else ''}to version {move.to}"
