"""What came of making a model again, for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.reports.terminal import command, figure
from lineal.reproduction.reproduce import Reproduction
from lineal.reproduction.varying import Variation

_MOST = 8
_MEANING = {
    "identical": "the same digest",
    "equivalent": "another digest, the same predictions",
    "different": "other predictions",
}


def render(answer: Reproduction) -> RenderableType:
    """The verdict, what was compared step by step, and what to do next."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    for step in answer.steps:
        word = "?" if step.same is None else "same" if step.same else "near" if step.near else "differs"
        facts.add_row(f"  {step.name}", Text(word, style="red" if word == "differs" else ""), step.detail)
    facts.add_row("  code", "", answer.code)
    for place, sentence in enumerate(answer.differences[:_MOST]):
        facts.add_row("  here" if place == 0 else "", "", sentence)
    if len(answer.differences) > _MOST:
        facts.add_row("", "", f"and {len(answer.differences) - _MOST} more differences of packages and machine")
    for note in answer.notes:
        facts.add_row("  note", "", note)
    head = Text(f"{answer.subject}: {answer.verdict}", style="bold green" if answer.held else "bold red")
    where = "in the present environment" if answer.environment == "present" else "in the locked environment"
    head.append(f" ({_MEANING[answer.verdict]}), made again {where} in {answer.seconds:.0f} s", style="not bold")
    return Group(head, facts, Text(), Text("\n".join(_next(answer)), style="dim"))


def variation(varied: Variation) -> RenderableType:
    """What a variation came to beside what it varies, and what to do next."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in varied.metrics.items():
        before = varied.before.get(name)
        facts.add_row(f"  {name}", figure(value) + (f", was {figure(before)}" if before is not None else ""))
    facts.add_row("  code", varied.code)
    facts.add_row("  digest", varied.digest)
    facts.add_row("  MLflow", f"run {varied.run}")
    for note in varied.notes:
        facts.add_row("  note", note)
    made = varied.made or f"run:{varied.run}"
    head = Text(f"{made} varies {varied.subject} in {', '.join(varied.changed)}", style="bold")
    if varied.made is None:
        head.append(" (not registered)", style="not bold")
    after = [command("diff", varied.subject, made), command("trace", made)]
    return Group(head, facts, Text(), Text("\n".join(after), style="dim"))


def _next(answer: Reproduction) -> list[str]:
    if answer.held:
        return [command("trace", answer.subject)]
    again = [command("reproduce", answer.subject, "--env", "locked")] if answer.environment == "present" else []
    return [*again, command("restore", answer.subject, "--to", "DIR")]
