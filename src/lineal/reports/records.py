"""The answer to `impact record:…`, for a person: where it stands, who learned from it, what was predicted for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from lineal.questions.impact import ModelReached
from lineal.questions.records import Appearance, Predicted, RecordImpact
from lineal.reports.decision import label
from lineal.reports.decision import line as said_by
from lineal.reports.impact import hold
from lineal.reports.terminal import command, figure, moment, short

# How many of each kind are named before the rest is counted.
_MOST = 8
_MOST_NOTES = 3


def render(found: RecordImpact) -> RenderableType:
    """What became of a record, on one screen."""
    heading = Text(str(found.subject), style="bold")
    if found.column:
        heading.append(f"  known by {found.column}", style="dim")
    elif found.ids:
        heading.append(f"  by file and row; its id is {', '.join(found.ids[:3])}", style="dim")
    parts: list[RenderableType] = [heading]
    parts.append(_listed("stands in", [_appearance(each) for each in reversed(found.snapshots)]))
    parts.append(_listed("was learned by", [_model(each) for each in reversed(found.learned)]))
    parts.append(_listed("was held out, to judge", [_model(each) for each in reversed(found.judged)]))
    parts.append(_listed("was predicted", [_prediction(each) for each in reversed(found.predictions)]))
    parts += [Text(f"missing: {sentence}", style="yellow") for sentence in found.missing[:_MOST]]
    if len(found.missing) > _MOST:
        parts.append(Text(f"missing: {len(found.missing) - _MOST} more; --json names them all", style="yellow"))
    snapshots = {(each.name, each.version) for each in found.snapshots}
    counts = ", ".join(
        f"{len(things):,} {one if len(things) == 1 else one + 's'}"
        for things, one in ((snapshots, "snapshot"), (found.learned, "model"), (found.predictions, "prediction"))
    )
    return Group(*parts, Text(), Text(counts, style="bold"), *_next(found))


def _listed(title: str, lines: Sequence[Text]) -> Tree:
    tree = Tree(Text(title if lines else f"{title}: nothing", style="" if lines else "dim"), guide_style="dim")
    for line in lines[:_MOST]:
        tree.add(line)
    if len(lines) > _MOST:
        tree.add(Text(f"… {len(lines) - _MOST:,} older; --json names them all", style="dim"))
    return tree


def _appearance(each: Appearance) -> Text:
    text = Text(each.name).append(f"@{each.version[:12]}", style="cyan").append(f"  row {each.row:,}")
    if each.part:
        text.append(f"  {each.part}", style="bold")
    if each.source:
        text.append(f"  from {short(each.source)} record {each.source_row:,}", style="dim")
    return text.append(f"  {moment(each.made_at)}", style="dim")


def _model(each: ModelReached) -> Text:
    number = f"@{each.number}" if each.number is not None else f"@{each.digest[:12]}, not registered"
    text = Text(f"model:{each.name}{number}" if each.number is not None else f"{each.name}{number}")
    hold(text, each)
    return text.append(f"  {moment(each.made_at)}", style="dim")


def _prediction(each: Predicted) -> Text:
    text = Text(_value(each.prediction), style="bold")
    if each.probabilities:
        text.append("  " + "  ".join(f"{name} {figure(value)}" for name, value in each.probabilities.items()))
    text.append(f"  by version {each.model_version}  {each.prediction_id or ''}")
    text.append(f"  {moment(each.predicted_at)}", style="dim")
    for note in each.notes[:_MOST_NOTES]:
        text.append(f"\n{label(note)}: {said_by(note)}")
    if len(each.notes) > _MOST_NOTES:
        text.append(f"\n… {len(each.notes) - _MOST_NOTES} more notes; --json has them all", style="dim")
    return text


def _value(value: Any) -> str:
    return figure(value) if isinstance(value, float) else str(value)


def _next(found: RecordImpact) -> list[Text]:
    if found.ids:
        pipeline = found.subject.removeprefix("record:").partition("/")[0]
        return [Text(command("impact", f"record:{pipeline}/{each}"), style="dim") for each in found.ids[:3]]
    if found.predictions and found.predictions[-1].prediction_id:
        return [Text(command("trace", f"prediction:{found.predictions[-1].prediction_id}"), style="dim")]
    if found.learned and found.learned[-1].number is not None:
        return [Text(command("trace", f"model:{found.learned[-1].name}@{found.learned[-1].number}"), style="dim")]
    if not found.snapshots:
        return []
    last = found.snapshots[-1]
    return [Text(command("trace", f"dataset:{last.name}@{last.version[:12]}"), style="dim")]
