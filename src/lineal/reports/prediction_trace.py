"""The answer to `trace prediction:ID`, for a person: the value, the row, why, and where model and rows came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from lineal.models import units
from lineal.questions.explanation import Explained, Explanation
from lineal.questions.prediction import Prediction, SourceRow
from lineal.questions.trace import Node, made_of
from lineal.reports.decision import label
from lineal.reports.decision import line as said_by
from lineal.reports.recall import line
from lineal.reports.terminal import command, figure, moment, short

_MOST_ANSWERS = 6
_MOST_BARS = 8
_MOST_SOURCES = 6
_MOST_VALUES = 8
_MOST_NOTES = 8
_BAR = 24


def render(answer: Explained) -> RenderableType:
    """A prediction's trace on one screen."""
    asked, explanation = answer.prediction, answer.explanation
    parts: list[RenderableType] = [_heading(asked), _facts(asked, explanation)]
    if explanation is not None and explanation.attribution is not None:
        parts += [Text(), _bars(asked, explanation)]
    if explanation is not None and explanation.nearest is not None:
        parts += [Text(), _neighbours(asked, explanation)]
    parts += [Text(), _descent(asked)]
    return Group(*parts, Text(), _next(asked))


def _heading(asked: Prediction) -> Text:
    text = Text(asked.subject, style="bold")
    text.append(f"  {asked.model.target} ", style="dim")
    text.append("(gone)" if asked.value is None else _shown(asked.value), style="bold green")
    for recall in asked.recalls:
        text.append(f"\n  RECALLED  {line(recall)}", style="bold red")
    return text


def _facts(asked: Prediction, explanation: Explanation | None) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(asked, explanation):
        table.add_row(f"  {name}", value)
    return table


def _rows(asked: Prediction, explanation: Explanation | None) -> Iterable[tuple[str, str]]:
    if asked.answers:
        ordered = sorted(asked.answers.items(), key=lambda item: -item[1])
        more = f"   … {len(ordered) - _MOST_ANSWERS} more" if len(ordered) > _MOST_ANSWERS else ""
        word = "probability" if ordered[0][0].startswith("probability_") else "score"
        shown = "   ".join(f"{name.partition('_')[2]} {figure(value)}" for name, value in ordered[:_MOST_ANSWERS])
        yield word, shown + more
    then = asked.model
    held = [f"@{alias}" for alias in then.aliases]
    held_then = f", which held {' '.join(held)}" if held else ", which held no alias"
    yield "model", f"{asked.descent.subject}{held_then}  digest {then.digest[:12]}  {then.estimator}"
    yield "when", moment(asked.predicted_at)
    if asked.run is not None:
        prefect = asked.run.facets.get("lineal_prefect") or {}
        named = f"  flow run {prefect['flowRunName']}" if prefect.get("flowRunName") else ""
        deployed = f"  deployment {prefect['deployment']}" if prefect.get("deployment") else ""
        yield "run", f"{asked.run.run_id}  {asked.run.job}{named}{deployed}"
    yield "row", f"{asked.row:,} of {asked.rows or 0:,} in {_called(asked.batch) if asked.batch else 'the batch'}"
    if asked.source is not None:
        md5 = f"  md5 {asked.source.version}" if asked.source.version else ""
        yield "read from", f"{_place(asked.source)}{md5}"
    if asked.input is not None and explanation is None:
        items = [f"{name}={_shown(value)}" for name, value in asked.input.items()]
        more = f"  … {len(items) - _MOST_VALUES} more" if len(items) > _MOST_VALUES else ""
        yield "values", "  ".join(items[:_MOST_VALUES]) + more
    for each in asked.decisions[:_MOST_NOTES]:
        yield label(each), said_by(each)
    if len(asked.decisions) > _MOST_NOTES:
        yield "", f"… {len(asked.decisions) - _MOST_NOTES} more; --json has them all"
    if explanation is not None and explanation.same is False:
        yield "WARNING", "the model as it is loaded here gives another prediction for this row"
    for sentence in (*asked.missing, *(explanation.missing if explanation else ())):
        yield "missing", sentence


def _bars(asked: Prediction, explanation: Explanation) -> RenderableType:
    found = explanation.attribution
    assert found is not None  # noqa: S101 - the caller has seen it
    of = f" of class {_shown(found.label)}" if found.label is not None else ""
    title = Text(f"why: {units.word(found.unit)}{of}: ", style="bold")
    title.append(f"{figure(found.output)}; an average row: {figure(found.base)}", style="")
    way = {
        "tree": "exact, tree",
        "linear": "exact, linear",
        "sampled": f"sampled, {found.samples} orders, ± standard error",
    }
    title.append(f"  SHAP values ({way[found.method]})", style="dim")
    shown, rest = found.contributions[:_MOST_BARS], found.contributions[_MOST_BARS:]
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, max_width=32, overflow="ellipsis")
    table.add_column(style="dim", no_wrap=True, max_width=18, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    most = max((abs(each.value) for each in shown), default=0.0) or 1.0
    for each in shown:
        error = f" ± {figure(each.error)}" if each.error is not None else ""
        table.add_row(
            Text(f"  {each.column}"),
            Text(_shown((asked.input or {}).get(each.column))),
            Text(f"{_signed(each.value)}{error}"),
            _bar(each.value / most),
        )
    if rest:
        table.add_row(
            Text(f"  {len(rest)} others", style="dim"), Text(), Text(_signed(sum(each.value for each in rest))), Text()
        )
    said = [units.sentence(found.unit), f"{found.note}; contributions were sampled" if found.note else ""]
    return Group(title, table, *(Padding(Text(each, style="dim"), (0, 0, 0, 2)) for each in said if each))


def _bar(share: float) -> Text:
    eighths = round(abs(share) * _BAR * 8)
    full, part = divmod(eighths, 8)
    return Text("█" * full + " ▏▎▍▌▋▊▉"[part].strip(), style="green" if share > 0 else "red")


def _neighbours(asked: Prediction, explanation: Explanation) -> RenderableType:
    near = explanation.nearest
    assert near is not None  # noqa: S101 - the caller has seen it
    by = f"most leaves in common, of {near.trees}" if near.measure == "leaves" else "least distance of features"
    title = Text("nearest training rows", style="bold")
    title.append(f"  {by}; of {near.rows:,} in {explanation.training}", style="dim")
    table = Table.grid(padding=(0, 2))
    for _ in range(4):
        table.add_column(no_wrap=True)
    for each in explanation.training_rows:
        close = f"{each.shared} leaves" if each.shared is not None else f"distance {figure(each.distance)}"
        close += ", same values" if each.distance == 0 else ""
        table.add_row(
            Text(f"  {_shown(each.label)}", style="green" if each.label == asked.value else ""),
            Text(close),
            Text(_place(each.source) if each.source else f"row {each.row} of {explanation.training}"),
            Text(f"id {_shown(each.source.id)}" if each.source and each.source.id is not None else ""),
        )
    return Group(title, table)


def _descent(asked: Prediction) -> RenderableType:
    """The way from the model to its source; the whole is what `lineal trace model:…` is for."""
    trace = asked.descent
    node = trace.node
    title = Text("the model", style="bold")
    title.append(f"  registered {moment(trace.model.registered_at) if trace.model else '-'}", style="dim")
    if node is None:
        return title
    tree = branch = Tree(_label(node), guide_style="dim")
    while node.inputs:
        made = made_of(node.version, node.inputs)
        sources = [each for each in made if each.kind != "MODEL" and not each.inputs]
        for source in sources[:_MOST_SOURCES]:
            branch.add(_label(source))
        if len(sources) > _MOST_SOURCES:
            branch.add(Text(f"and {len(sources) - _MOST_SOURCES:,} more", style="dim"))
        further = [each for each in made if each not in sources]
        if not further:
            break
        node = next((each for each in further if each.kind == "MODEL"), further[0])
        branch = branch.add(_label(node))
    return Group(title, Padding(tree, (0, 0, 0, 2)))


def _label(node: Node) -> Text:
    name = short(node.name) if node.namespace == "file" else node.name
    text = Text(name)
    if node.version:
        text.append(f"@{node.version[:12]}", style="cyan")
    if node.rows is not None:
        text.append(f" {node.rows:,} rows", style="dim")
    return text


def _next(asked: Prediction) -> Text:
    lines = [command("trace", asked.descent.subject), command("explain", asked.descent.subject)]
    if asked.batch is not None:
        lines.append(command("trace", f"dataset:{_called(asked.batch)}"))
    return Text("\n".join(lines), style="dim")


def _called(dataset: Any) -> str:
    return f"{dataset.name}@{(dataset.version or '')[:12]}"


def _place(source: SourceRow) -> str:
    return f"{short(source.uri)} row {source.row:,}"


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else '-'}{figure(abs(value))}"


def _shown(value: Any) -> str:
    if value is None:
        return "(missing)"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def plot(answer: Explained, most: int = 15) -> Any:
    """Draw what each column adds to the output, the largest on top, as a matplotlib Figure."""
    from lineal.models.plots import contributions

    explanation = answer.explanation
    if explanation is None or explanation.attribution is None:
        return None
    values: Mapping[str, Any] = answer.prediction.input or {}
    shown = {each.column: _shown(values.get(each.column)) for each in explanation.attribution.contributions}
    return contributions(explanation.attribution, shown, answer.prediction.subject, most)
