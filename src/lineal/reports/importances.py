"""The answer to `explain`, for a person: a row a source column, the measures side by side."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.models import units
from lineal.questions.importances import ColumnImportance, ModelExplanation
from lineal.reports.terminal import command, figure

_MOST_COLUMNS = 20
_MOST_FEATURES = 3
_BAR = 8


def render(answer: ModelExplanation) -> RenderableType:
    """What a model's predictions rest on, on one screen."""
    heading = Text(answer.subject, style="bold")
    for alias in answer.model.aliases:
        heading.append(f"  @{alias}", style="bold green")
    heading.append(f"  predicts {answer.target}  digest {answer.model.digest[:12]}", style="dim")
    parts: list[RenderableType] = [heading, _measures(answer)]
    if answer.columns:
        parts += [Text(), _table(answer)]
    following = [command("trace", answer.subject), command("explain", answer.subject, "--plot", "importances.png")]
    return Group(*parts, Text(), Text("\n".join(following), style="dim"))


def _measures(answer: ModelExplanation) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    if answer.metric is not None:
        said = f"fall of {answer.metric} when the column is shuffled, on {answer.rows or 0:,} held-out rows"
        table.add_row("  permutation", f"{said} (mean ± standard deviation)")
    if answer.own_kind is not None:
        table.add_row("  own", f"the estimator's {answer.own_kind}, summed over the column's features")
    if answer.shap is not None:
        shap = answer.shap
        way = "exact" if shap.method != "sampled" else "sampled"
        said = (
            f"mean absolute SHAP value in {units.word(shap.unit)}, on {shap.rows:,} held-out rows ({way}, {shap.method}"
        )
        table.add_row("  SHAP", f"{said}; seed {shap.seed}; mean ± standard error)")
        for sentence in filter(None, (units.sentence(shap.unit), shap.note)):
            table.add_row("", sentence)
    for sentence in answer.missing:
        table.add_row("  missing", sentence)
    return table


def _table(answer: ModelExplanation) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("  column", no_wrap=True, max_width=36, overflow="ellipsis")
    for name in ("permutation", "own", "SHAP"):
        table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
    table.add_column("features", style="dim", overflow="ellipsis", max_width=60)
    shown = answer.columns[:_MOST_COLUMNS]
    most = [max((abs(_of(each)[place] or 0.0) for each in shown), default=0.0) for place in range(3)]
    for each in shown:
        values, spreads = _of(each), (each.permutation_std, None, each.shap_error)
        cells: list[Any] = []
        for value, spread, top in zip(values, spreads, most, strict=True):
            error = f" ± {figure(spread)}" if spread is not None else ""
            cells += [Text("-" if value is None else f"{figure(value)}{error}"), _bar(value, top)]
        table.add_row(Text(f"  {each.column}"), *cells, Text(_features(each)))
    if len(answer.columns) > len(shown):
        more = Text(f"  … {len(answer.columns) - len(shown)} more columns; --json names them all", style="dim")
        return Group(table, more)
    return table


def _of(each: ColumnImportance) -> tuple[float | None, float | None, float | None]:
    return each.permutation, each.own, each.shap


def _features(each: ColumnImportance) -> str:
    """The features of a column, where it gives others than itself."""
    names = [feature.feature for feature in each.features]
    if names in ([], [each.column]):
        return ""
    more = f" … {len(names) - _MOST_FEATURES} more" if len(names) > _MOST_FEATURES else ""
    return ", ".join(names[:_MOST_FEATURES]) + more


def _bar(value: float | None, most: float) -> Text:
    share = max(value or 0.0, 0.0) / most if most else 0.0
    full, part = divmod(round(share * _BAR * 8), 8)
    return Text("█" * full + " ▏▎▍▌▋▊▉"[part].strip(), style="blue")


def plot(answer: ModelExplanation, most: int = 20) -> Any:
    """Draw the measures side by side, a row a source column, as a matplotlib Figure; None where there is no column."""
    from lineal.models.plots import side_by_side

    if not answer.columns:
        return None
    shown = answer.columns[:most]
    panels: list[tuple[str, list[float | None], list[float | None]]] = []
    if answer.metric is not None:
        panels.append((f"fall of {answer.metric}", [e.permutation for e in shown], [e.permutation_std for e in shown]))
    if answer.own_kind is not None:
        panels.append((answer.own_kind, [e.own for e in shown], [None] * len(shown)))
    if answer.shap is not None:
        label = f"mean |SHAP|, {units.word(answer.shap.unit)}"
        panels.append((label, [e.shap for e in shown], [e.shap_error for e in shown]))
    more = f", the first {len(shown)} of {len(answer.columns)} columns" if len(answer.columns) > len(shown) else ""
    return side_by_side([each.column for each in shown], panels, f"What {answer.subject} rests on{more}")
