"""What came of making a model again, for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.reproduction.reproduce import Reproduction

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


def _next(answer: Reproduction) -> list[str]:
    if answer.held:
        return [f"lineal trace {answer.subject}"]
    again = [f"lineal reproduce {answer.subject} --env locked"] if answer.environment == "present" else []
    return [*again, f"lineal restore {answer.subject} --to DIR"]
