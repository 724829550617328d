"""An audit, on a terminal: a line a control, what fails first, and what stays with a person."""

from __future__ import annotations

from collections import Counter

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.questions.audit import SAID, VERDICTS, Applied, Audit, ModelAudit, Result, Verdict, fails
from lineal.reports.terminal import moment

_STYLES: dict[Verdict, str] = {"pass": "green", "fail": "red", "review": "yellow", "open": "yellow", "n/a": "dim"}
# What a person need not look into; where there is much to show, it is named in a line.
_QUIET: tuple[Verdict, ...] = ("pass", "n/a")


def render(answer: Audit) -> RenderableType:
    """The whole audit."""
    parts: list[RenderableType] = []
    for model in answer.models:
        parts += [*_model(model, answer.strict, whole=len(answer.models) == 1), Text()]
    parts.append(_closing(answer))
    return Group(*parts)


def _model(model: ModelAudit, strict: bool, *, whole: bool) -> list[RenderableType]:
    heading = Text(model.subject, style="bold")
    for alias in model.aliases:
        heading.append(f"  @{alias}", style="bold green")
    parts: list[RenderableType] = [heading]
    for policy in model.policies:
        results = [each for each in model.results if each.policy == policy.id]
        parts += [Text(), *_policy(policy)]
        told = [each for each in results if (whole and len(model.policies) == 1) or each.verdict not in _QUIET]
        if told:
            parts.append(_table(told, strict))
        quiet = [each for each in results if each not in told]
        for verdict in _QUIET if whole else ():
            if names := [each.control for each in quiet if each.verdict == verdict]:
                parts.append(Text(f"  {verdict}  {', '.join(names)}", style=_STYLES[verdict]))
    parts += [Text(f"left out: {sentence}", style="yellow") for sentence in model.cut]
    return parts


def _policy(policy: Applied) -> list[Text]:
    line = Text(policy.id, style="bold")
    line.append(f"  {policy.title}")
    if policy.applies_from:
        word = "applies since" if policy.in_force else "applies from"
        line.append(f", {word} {policy.applies_from}", style="" if policy.in_force else "yellow")
    counts = Text("  ")
    for number, verdict in enumerate(each for each in VERDICTS if policy.counts.get(each)):
        counts.append("  " if number else "")
        counts.append(f"{policy.counts[verdict]} {verdict}", style=_STYLES[verdict])
    counts.append(f"   {policy.declared}", style="dim")
    return [line, counts]


def _table(results: list[Result], strict: bool) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    order = {verdict: place for place, verdict in enumerate(VERDICTS)}
    for result in sorted(results, key=lambda each: order[each.verdict]):
        warns = result.severity == "warn" and result.verdict == "fail"
        verdict = Text(f"  {result.verdict}", style="yellow" if warns or result.waived else _STYLES[result.verdict])
        said = Text(result.sentence)
        if result.waived:
            said.append(f"; {result.waived}", style="yellow")
        elif warns:
            said.append("; a warning only", style="dim")
        if result.verdict in ("fail", "review") or fails(result, strict):
            said.append(f"  {result.command}", style="dim")
        table.add_row(verdict, result.control, said)
    return table


def _closing(answer: Audit) -> Text:
    failed = len(answer.failed)
    counts = Counter(result.verdict for model in answer.models for result in model.results)
    text = Text()
    told: tuple[Verdict, ...] = ("fail", "open", "review", "pass")
    for verdict in told:
        if counts[verdict]:
            text.append(f"{counts[verdict]} {verdict}", style=_STYLES[verdict])
            text.append(f": {SAID[verdict]}\n", style="dim")
    said = (
        "nothing fails"
        if not failed
        else f"{failed} controls make it fail"
        if failed > 1
        else "1 control makes it fail"
    )
    text.append(f"{said}, {moment(answer.asked_at)}; ", style="green" if not failed else "red")
    text.append("whether a law is met is for a person to say: --json has what stays with one\n", style="dim")
    if answer.models:
        text.append(f"lineal trace {answer.models[0].subject}", style="dim")
    return text
