"""What came of a prediction run: for the terminal, and as Markdown for Prefect's UI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.datasets.dataset import Dataset
from lineal.models.drift import FEWEST_ROWS, Drift
from lineal.models.model import TrackedRun
from lineal.models.scoring import Share, Spread
from lineal.reports.terminal import command, figure, short

_MOST_CLASSES = 6
_MOST_COLUMNS = 5
_MOST_NOTES = 5


@dataclass(frozen=True)
class Predicted:
    """What came of a prediction run.

    Attributes:
        pipeline: its name.
        model: the registered version, `model:NAME@NUMBER`.
        alias: by which it was asked for, if so.
        digest: of the model.
        source: the file, or what was asked for where there are several.
        sources: how many files.
        rows: that were predicted.
        checks: how many assertions held.
        batch: the version of the batch table.
        predictions: the table of predictions.
        out: the copy that was asked for.
        example: the first prediction's id.
        shares: of each class.
        spread: of predicted numbers.
        drift: beside the training rows; None where the model has no training profile.
        tracked: the MLflow run.
        flow_run_id: Prefect's.
        flow_run_name: Prefect's.
        notes: what is as well to know.
    """

    pipeline: str
    model: str
    alias: str | None
    digest: str
    source: str
    sources: int
    rows: int
    checks: int
    predictions: Dataset
    batch: str
    out: str | None
    example: str
    shares: tuple[Share, ...]
    spread: Spread | None
    drift: Drift | None
    tracked: TrackedRun | None
    flow_run_id: str | None
    flow_run_name: str | None
    notes: tuple[str, ...] = field(default=())


def render(result: Predicted) -> RenderableType:
    """The result on a few lines, ending with what to do next."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _rows(result):
        facts.add_row(f"  {name}", value)
    return Group(_headline(result), facts, Text(), Text("\n".join(_next(result))))


def markdown(result: Predicted) -> str:
    """The result as a page of Markdown."""
    lines = [f"## {_headline(result).plain}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value.replace('|', chr(92) + '|')} |" for name, value in _rows(result)]
    if result.tracked is not None and result.tracked.url:
        lines += ["", f"[The run in MLflow]({result.tracked.url})"]
    lines += ["", f"Where a prediction came from: `lineal trace prediction:{result.example}`"]
    return "\n".join(lines) + "\n"


def drift_rows(drift: Drift) -> list[dict[str, object]]:
    """Each column beside the training rows, for a table."""
    return [
        {
            "column": column.column,
            "over the limit": ", ".join(column.over) or "-",
            "PSI": figure(column.psi),
            "KS": figure(column.ks),
            "chi-square": figure(column.chi2),
            "p": figure(column.p_value),
            "missing": f"{column.missing:.1%} (training {column.missing_training:.1%})",
            "unseen": "-" if column.unseen is None else f"{column.unseen:.1%}",
        }
        for column in drift.columns
    ]


def _headline(result: Predicted) -> Text:
    text = Text(result.pipeline, style="bold")
    text.append(f": {result.rows:,} {'row' if result.rows == 1 else 'rows'} predicted by {result.model}")
    if result.alias:
        text.append(f", which holds @{result.alias}", style="bold green")
    if result.drift is not None and result.drift.drifted:
        text.append("; the batch has drifted", style="bold yellow")
    return text


def _rows(result: Predicted) -> Iterator[tuple[str, str]]:
    many = f" ({result.sources} files)" if result.sources > 1 else ""
    yield "data", f"{short(result.source)}{many}  kept as {result.pipeline}.batch@{result.batch[:12]}"
    if result.checks:
        yield "checks", f"{result.checks} held"
    yield "predicted", _distribution(result)
    yield "drift", _drift(result.drift)
    for note in result.notes[:_MOST_NOTES]:
        yield "note", note
    if len(result.notes) > _MOST_NOTES:
        yield "note", f"{len(result.notes) - _MOST_NOTES} more in the run's log"
    yield "version", f"{result.predictions.name}@{(result.predictions.version or '')[:12]}"
    yield "lies at", short(result.out or result.predictions.location)
    yield "first id", result.example
    if result.tracked is not None:
        yield "MLflow", f"run {result.tracked.run_id}{f'  {result.tracked.url}' if result.tracked.url else ''}"
    if result.flow_run_id is not None:
        yield "Prefect", f"flow run {result.flow_run_name} {result.flow_run_id}"


def _distribution(result: Predicted) -> str:
    if result.spread is not None:
        spread = result.spread
        std = f" ± {figure(spread.std)}" if spread.std is not None else ""
        return f"{figure(spread.mean)}{std} on average, from {figure(spread.min)} to {figure(spread.max)}"
    frequent = sorted(result.shares, key=lambda share: -share.rows)
    shown = [f"{share.label} {share.rows:,} ({share.share:.1%})" for share in frequent[:_MOST_CLASSES]]
    return "   ".join([*shown, *([f"{len(frequent) - _MOST_CLASSES} more"] if frequent[_MOST_CLASSES:] else [])])


def _drift(drift: Drift | None) -> str:
    if drift is None:
        return "not judged: the model was trained without a profile of its rows"
    if not drift.columns:
        return "not judged: the model takes no column"
    if drift.drifted:
        shown = [
            f"{column.column} ({', '.join(_measured(column, measure) for measure in column.over)})"
            for column in drift.drifted[:_MOST_COLUMNS]
        ]
        more = f"   and {len(drift.drifted) - _MOST_COLUMNS} more" if drift.drifted[_MOST_COLUMNS:] else ""
        return f"{len(drift.drifted)} of {len(drift.columns)} columns over the limits: {'   '.join(shown)}{more}"
    if drift.rows < FEWEST_ROWS:
        # Figures of so few rows alarm without cause.
        return f"none of {len(drift.columns)} columns has more missing or unseen values than allowed; no more is judged"
    most = max(drift.columns, key=lambda column: column.psi or 0.0)
    return (
        f"none of {len(drift.columns)} columns is over the limits; {most.column} differs most, PSI {figure(most.psi)}"
    )


def _measured(column: object, measure: str) -> str:
    value = getattr(column, measure)
    return f"{measure.upper()} {figure(value)}" if measure in ("psi", "ks") else f"{measure} {value:.1%}"


def _next(result: Predicted) -> Iterator[str]:
    yield command("trace", f"prediction:{result.example}")
    yield command("trace", f"dataset:{result.predictions.name}@{(result.predictions.version or '')[:12]}")
    yield "lineal list predictions"
    if result.tracked is not None and result.tracked.url is None:
        yield f"mlflow ui --backend-store-uri {short(result.tracked.tracking_uri)}"
