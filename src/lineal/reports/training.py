"""What came of a training run: for the terminal, and as Markdown for Prefect's UI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal.datasets.dataset import Dataset
from lineal.models.evaluation import GateResult
from lineal.models.model import Model, TrackedRun
from lineal.models.registration import Decision
from lineal.questions.groups import Groups
from lineal.reports.groups import lines
from lineal.reports.terminal import command, figure, short

_MOST_NOTES = 5


@dataclass(frozen=True)
class Result:
    """What came of a training run.

    Attributes:
        pipeline: its name.
        source: the file, or where there are several what the pipeline file names.
        sources: how many files.
        rows: of the snapshot.
        train_rows: that the model was fitted to.
        test_rows: that were held out.
        checks: how many the data was held to.
        digest: of the model.
        model: the registered model, or the candidate that was not.
        metrics: held-out.
        gates: each gate, and whether it held.
        passed: whether all gates held.
        decisions: what was decided, with reasons.
        top_features: column, fall of the metric when it is shuffled, spread; the most important first.
        tracked: the MLflow run.
        flow_run_id: Prefect's.
        flow_run_name: Prefect's.
        warnings: what a reader of the metrics should know.
        predictions: the table of the held-out predictions.
        importances: the table of what the predictions rest on.
        groups: how the model does on groups of the held-out rows; None where the pipeline asks for none.
    """

    pipeline: str
    source: str
    sources: int
    rows: int
    train_rows: int
    test_rows: int
    checks: int
    digest: str
    model: Model
    metrics: Mapping[str, float]
    gates: tuple[GateResult, ...]
    passed: bool
    decisions: tuple[Decision, ...]
    top_features: tuple[tuple[str, float, float], ...]
    tracked: TrackedRun | None
    flow_run_id: str | None
    flow_run_name: str | None
    warnings: tuple[str, ...] = ()
    predictions: Dataset | None = None
    importances: Dataset | None = None
    groups: Groups | None = None

    @property
    def subject(self) -> str | None:
        """The registered model as a subject, by its alias where it took one."""
        for decision in self.decisions:
            if decision.action == "move-alias":
                return f"model:{decision.name}@{decision.alias}"
        if self.model.number is None:
            return None
        return f"model:{self.model.name.removeprefix('models/')}@{self.model.number}"


def render(result: Result) -> RenderableType:
    """The result on a few lines, ending with what to do next."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _rows(result):
        facts.add_row(f"  {name}", value)
    return Group(_headline(result), facts, Text(), _next(result))


def markdown(result: Result) -> str:
    """The result as a page of Markdown."""
    lines = [f"## {_headline(result).plain}", ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {name} | {_cell(value)} |" for name, value in _rows(result)]
    if result.tracked is not None and result.tracked.url:
        lines += ["", f"[The run in MLflow]({result.tracked.url})"]
    subject = result.subject
    if subject is not None:
        lines += ["", f"Where it came from: `lineal trace {subject}`"]
    return "\n".join(lines) + "\n"


def _headline(result: Result) -> Text:
    text = Text(result.pipeline, style="bold")
    if not result.passed:
        return text.append(": a gate failed, so the model is not registered", style="bold red")
    if result.model.number is None:
        return text.append(": trained; the pipeline registers nothing", style="bold")
    text.append(f": version {result.model.number} of {result.model.name.removeprefix('models/')} is registered")
    for decision in result.decisions:
        if decision.action == "move-alias":
            text.append(f" and holds @{decision.alias}", style="bold green")
        if decision.action == "ask-approval":
            text.append(f", and waits for another person's approval to hold @{decision.alias}", style="bold yellow")
        if decision.action == "keep-alias":
            holder = f"version {decision.previous} keeps" if decision.previous else "without"
            text.append(f", {holder} @{decision.alias}", style="bold yellow")
    return text


def _rows(result: Result) -> Iterator[tuple[str, str]]:
    many = f" ({result.sources} files)" if result.sources > 1 else ""
    parts = f"{result.train_rows:,} to train, {result.test_rows:,} held out"
    yield "data", f"{short(result.source)}{many}  {result.rows:,} rows: {parts}"
    if result.checks:
        yield "checks", f"{result.checks} held"
    yield "metrics", "   ".join(f"{name} {figure(value)}" for name, value in result.metrics.items())
    if result.groups is not None:
        for said in lines(result.groups):
            yield "groups", said
    for gate in result.gates:
        yield "gate", f"{gate.sentence}: {'held' if gate.passed else 'FAILED'}"
    for decision in result.decisions:
        if decision.action in ("move-alias", "keep-alias", "ask-approval"):
            yield f"@{decision.alias}", decision.reason
    if result.top_features:
        named = (f"{name} {mean:.3f} ± {std:.3f}" for name, mean, std in result.top_features)
        yield "rests on", "   ".join(named)
    for warning in result.warnings[:_MOST_NOTES]:
        yield "note", warning
    if len(result.warnings) > _MOST_NOTES:
        yield "note", f"{len(result.warnings) - _MOST_NOTES} more in the run's log"
    yield "digest", result.digest
    if result.tracked is not None:
        yield "MLflow", f"run {result.tracked.run_id}{f'  {result.tracked.url}' if result.tracked.url else ''}"
    if result.flow_run_id is not None:
        yield "Prefect", f"flow run {result.flow_run_name} {result.flow_run_id}"


def _next(result: Result) -> Text:
    text = Text()
    for decision in result.decisions:
        if decision.action == "ask-approval":
            asked = command("decide", f"model:{decision.name}@{decision.number}", "approve", "--reason", "WHY")
            text.append(f"{asked}   (by somebody who did not start this run)\n")
    if result.subject is not None:
        text.append(command("trace", result.subject) + "\n")
    elif result.tracked is not None:
        text.append(command("trace", f"run:{result.tracked.run_id}") + "\n")
    text.append("lineal list models\n")
    if result.tracked is not None and result.tracked.url is None:
        text.append(f"mlflow ui --backend-store-uri {short(result.tracked.tracking_uri)}\n")
    text.append("prefect server start")
    return text


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
