"""The answer to `diff`, for a person: what most likely explains the change on top, and nothing that is equal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.questions.diff.causes import matters
from lineal.questions.diff.code import is_code
from lineal.questions.diff.interface import (
    CodeDiff,
    ColumnChange,
    ColumnFigures,
    Diff,
    MetricChange,
    PredictionDiff,
    Setting,
    Side,
    TableDiff,
)
from lineal.reports.groups import group_changes
from lineal.reports.screen import Screen, Section
from lineal.reports.terminal import command, figure, moment, short

# How many of several things are named before the rest is counted.
_MOST = 6
_MOST_CAUSES = 4


def render(diff: Diff) -> RenderableType:
    """A diff on one screen."""
    head: list[RenderableType] = [Text(f"{diff.left.subject} → {diff.right.subject}", style="bold")]
    head.append(Text(f"  {diff.verdict}"))
    if diff.same:
        return Group(*head)
    head.append(_grid(_when(diff.left, diff.right)))
    if diff.causes:
        head += [Text(), Text("What may explain a change, the most likely first", style="bold"), _causes(diff)]
    foot: list[RenderableType] = []
    if diff.equal:
        foot.append(Text(f"equal: {', '.join(diff.equal)}", style="dim"))
    foot += [Text(f"not compared: {sentence}", style="yellow") for sentence in diff.missing]
    if foot:
        foot.append(Text())
    foot.append(Text(_next(diff), style="dim"))
    return Screen(head, list(_sections(diff)), foot, "shortened to fit on the screen; --json has all of it")


def _sections(diff: Diff) -> Iterator[Section]:
    if diff.metrics:
        yield Section(_title("Metrics"), [_metrics(diff.metrics)], _most_moved(diff.metrics))
    if diff.groups is not None and (diff.groups.moved or diff.groups.only):
        brief = f"{len(diff.groups.moved)} moved by more than chance"
        yield Section(_title("Metrics of groups"), [group_changes(diff.groups)], brief)
    if diff.predictions is not None:
        said = _predicted(diff.predictions)
        yield Section(
            _title("Predictions on held-out rows"), [Text(f"  {said}"), *_most_changed(diff.predictions)], said
        )
    for number, table in enumerate(diff.tables):
        # What is made of a table that differs differs as well: one line says so.
        yield Section(_heading(table), list(_table(table)) if not number or not diff.causes else ())
    for title, settings in _settings(diff):
        yield Section(_title(title), [_keys(settings)], ", ".join(f"{each.key} {_change(each)}" for each in settings))
    if diff.code is not None:
        yield Section(_title("Code"), [_code(diff.code)], ", ".join(each.path for each in diff.code.files))
    if diff.importances:
        moved = [each.feature for each in diff.importances if each.beyond_noise]
        brief = ", ".join(moved) if moved else f"{len(diff.importances)} differ within the noise"
        yield Section(_title("Importances"), [_importances(diff)], brief)


def _title(words: str) -> Text:
    return Text(words, style="bold")


def _most_moved(changes: Sequence[MetricChange]) -> str:
    """The metrics that say most, in a few words."""
    told = [each for each in changes if each.within_noise is False] or changes
    return ", ".join(f"{each.name} {figure(each.left)} → {figure(each.right)}" for each in told)


def _when(*sides: Side) -> Iterator[tuple[str, str]]:
    for word, side in zip(("before", "after"), sides, strict=True):
        if side.at is not None:
            by = f" by {side.by}" if side.by else ""
            digest = f"  digest {side.digest[:12]}" if side.digest else ""
            yield word, f"{moment(side.at)}{by}{digest}"


def _causes(diff: Diff) -> RenderableType:
    here = f"{Path.cwd()}/"
    rows = [
        (f"{number} {cause.aspect}", cause.sentence.replace(here, ""))
        for number, cause in enumerate(diff.causes[:_MOST_CAUSES], 1)
    ]
    return _grid(_more(rows, len(diff.causes)))


def _metrics(changes: Sequence[MetricChange]) -> RenderableType:
    table = _table_of("", "before", "after", "difference", "", "")
    for change in changes:
        judged, style = "", ""
        if change.within_noise is not None:
            judged = "within the noise" if change.within_noise else "more than noise"
            style = "dim" if change.within_noise else "bold"
        difference = change.right - change.left if change.left is not None and change.right is not None else None
        noise = f" ± {figure(change.noise)}" if change.noise is not None else ""
        sign = f"{difference:+.4f}{noise}" if difference is not None else "-"
        table.add_row(
            f"  {change.name}",
            figure(change.left),
            figure(change.right),
            sign,
            Text(judged, style=style),
            Text(change.of, style="dim"),
        )
    return table


def _predicted(diff: PredictionDiff) -> str:
    if not diff.common:
        return diff.note or "no row is in both"
    said = f"{diff.changed:,} of {diff.common:,} common rows differ"
    if diff.now_right is not None:
        said += f": {diff.now_right:,} now right, {diff.now_wrong:,} now wrong"
    if diff.mean_change is not None:
        said += f"; mean change {figure(diff.mean_change)}"
    return f"{said} ({diff.note})" if diff.note else said


def _most_changed(diff: PredictionDiff) -> Iterator[RenderableType]:
    if diff.most:
        table = _table_of("  row", "actual", "before", "after", "probability of the former")
        for row in diff.most:
            certain = (
                f"{figure(row.left_probability)} → {figure(row.right_probability)}"
                if row.left_probability is not None
                else ""
            )
            table.add_row(f"  {row.id}", row.actual, row.left, row.right, certain)
        yield table


def _heading(table: TableDiff) -> Text:
    text = Text(f"{table.left_name}", style="bold")
    text.append(f" {table.left_version[:8]} → ", style="cyan")
    if table.right_name != table.left_name:
        text.append(f"{table.right_name} ")
    text.append(table.right_version[:8], style="cyan")
    rows = f"{table.left_rows:,}"
    if table.left_rows != table.right_rows:
        rows += f" → {table.right_rows:,}"
    counted = [
        f"{count:,} {what}"
        for count, what in ((table.added, "added"), (table.removed, "removed"), (table.changed, "changed"))
        if count
    ]
    text.append(f"  {rows} rows: {', '.join(counted) or 'none differs'}", style="not bold")
    text.append(f", by {table.id}" if table.id else ", by content", style="not bold dim")
    return text


def _table(diff: TableDiff) -> Iterator[RenderableType]:
    notes = [(word, value) for word, value in _row_notes(diff)]
    if notes:
        yield _grid(notes)
    if diff.columns:
        table = _table_of("  column", "values differ", "before", "after", "distribution")
        for change in diff.columns[:_MOST]:
            one, two = _sides(change)
            cells = "" if change.cells is None else f"{change.cells:,}"
            table.add_row(f"  {change.name}", cells, one, two, _moved(change))
        yield table
        if len(diff.columns) > _MOST:
            yield Text(f"  … {len(diff.columns) - _MOST} more columns; --json names them all", style="dim")
    if diff.equal_columns:
        plural = "" if diff.equal_columns == 1 else "s"
        yield Text(f"  {diff.equal_columns} column{plural} without a difference of their own", style="dim")


def _row_notes(diff: TableDiff) -> Iterator[tuple[str, str]]:
    for note in diff.notes:
        yield "note", note
    for word, ids, count in (("removed", diff.removed_ids, diff.removed), ("added", diff.added_ids, diff.added)):
        if ids:
            yield word, f"{diff.id} {', '.join(ids)}{' …' if count > len(ids) else ''}"
    for cell in diff.examples[:3]:
        row = f"{diff.id} {cell.id}" if diff.id else cell.id
        yield "example", f"{row}: {cell.column} {_shown(cell.left)} → {_shown(cell.right)}"


def _shown(value: str | None) -> str:
    return "missing" if value is None else value


def _sides(change: ColumnChange) -> tuple[str, str]:
    if change.left_type is None or change.right_type is None:
        return change.left_type or "-", change.right_type or "-"
    is_moment = change.left_type.startswith(("date", "time")) and change.right_type.startswith(("date", "time"))
    one, two = (_figures(side, is_moment) for side in (change.left, change.right))
    if change.left and change.right and change.left.missing != change.right.missing:
        one, two = (
            f"{said} ({side.missing:,} missing)".strip() for said, side in ((one, change.left), (two, change.right))
        )
    if change.left_type != change.right_type:
        one, two = f"{change.left_type} {one}", f"{change.right_type} {two}"
    return one.strip(), two.strip()


def _figures(figures: ColumnFigures | None, is_moment: bool) -> str:
    if figures is None:
        return ""
    if figures.top is not None:
        return f"mostly {figures.top}"
    if figures.mean is None:
        return ""
    if is_moment:
        return f"mean {datetime.fromtimestamp(figures.mean, UTC):%Y-%m-%d %H:%M}"
    return f"mean {figure(figures.mean)}"


def _moved(change: ColumnChange) -> Text:
    if change.left_type is None or change.right_type is None:
        return Text("only after" if change.left_type is None else "only before", style="bold")
    if change.test is None or change.statistic is None:
        return Text("moved: missing values" if change.moved else "", style="bold")
    size = "" if change.psi is None else f", PSI {change.psi:.3f}"
    chance = "p < 0.0001" if (change.p_value or 0) < 1e-4 else f"p {change.p_value:.4f}"
    figures = f"{change.test} {figure(change.statistic)}, {chance}{size}"
    if not change.moved:
        return Text(f"not moved ({figures})", style="dim")
    psi = change.psi or 0.0
    how = "moved slightly" if psi < 0.1 else "moved" if psi < 0.25 else "moved strongly"
    return Text(f"{how} ({figures})", style="bold")


def _settings(diff: Diff) -> Iterator[tuple[str, Sequence[Setting]]]:
    ordered = sorted(diff.pipeline, key=lambda setting: not matters(setting))
    for title, settings in (
        ("Parameters", diff.parameters),
        ("Pipeline file", ordered),
        ("Seeds", diff.seeds),
        ("Packages", diff.packages),
        ("Environment", diff.environment),
        ("Features", diff.features),
    ):
        if settings:
            yield title, settings


def _keys(settings: Sequence[Setting]) -> RenderableType:
    rows = [(each.key, _change(each)) for each in settings[:_MOST]]
    return _grid(_more(rows, len(settings)))


def _change(setting: Setting) -> str:
    return f"{_value(setting.left)} → {_value(setting.right)}"


def _value(value: str | None) -> str:
    return "-" if value is None else short(value)


def _code(code: CodeDiff) -> RenderableType:
    one, two = (f"{(commit or '-')[:12]}{' (dirty)' if dirty else ''}" for commit, dirty in _commits(code))
    rows = [("commit", f"{one} → {two}" if one != two else one)]
    if code.note:
        rows.append(("note", code.note))
    files = [
        (f"{'+' if each.added is not None else ''}{each.added if each.added is not None else 'binary'}"
         f"{f' -{each.removed}' if each.removed is not None else ''}",
         each.path if is_code(each.path) else f"{each.path} (no code)")
        for each in code.files[:_MOST]
    ]  # fmt: skip
    return _grid([*rows, *_more(files, len(code.files))])


def _commits(code: CodeDiff) -> tuple[tuple[str | None, bool], tuple[str | None, bool]]:
    return (code.left, code.left_dirty), (code.right, code.right_dirty)


def _importances(diff: Diff) -> RenderableType:
    telling = [each for each in diff.importances if each.beyond_noise]
    shown = telling[:_MOST]
    rows = [(each.feature, f"{figure(each.left)} → {figure(each.right)}  ± {figure(each.spread)}") for each in shown]
    rest = len(diff.importances) - len(shown)
    if rest:
        plain = (
            f"{rest} of {len(diff.importances)} differ within the noise" if len(shown) == len(telling) else f"{rest}"
        )
        rows.append(("…" if shown else "", f"{plain} {'' if len(shown) == len(telling) else 'more; --json names all'}"))
    return _grid(rows)


def _next(diff: Diff) -> str:
    right = diff.right.subject
    if right.startswith("dataset:") or (diff.tables and not diff.causes):
        return command("trace", right)
    if diff.tables:
        table = diff.tables[0]
        return command(
            "diff",
            f"dataset:{table.left_name}@{table.left_version[:12]}",
            f"dataset:{table.right_name}@{table.right_version[:12]}",
        )
    return command("trace", right)


def _more(rows: Iterable[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    made = list(rows)
    return [*made, ("…", f"{count - len(made)} more; --json names them all")] if count > len(made) else made


def _grid(rows: Iterable[tuple[str, str]]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(f"  {name}", value)
    return table


def _table_of(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, overflow="fold")
    return table
