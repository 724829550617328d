"""Lists, for a person: a table each, one line an item."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineal import settings
from lineal.questions.listing import DatasetItem, ModelRow, PipelineItem, PredictionItem, RunItem
from lineal.questions.lookup import called
from lineal.reports.terminal import command, moment, short, span

_STATES = {"COMPLETE": "green", "FAIL": "red", "ABORT": "yellow"}


def pipelines(items: Sequence[PipelineItem]) -> RenderableType:
    """Pipeline files."""
    table = _table("pipeline", "target", "estimator", "file")
    for item in items:
        if item.name is None:
            table.add_row("-", "-", Text(item.problem or "", style="red"), short(item.file))
        else:
            gone = f"  {item.problem}" if item.problem else ""
            table.add_row(item.name, item.target, item.estimator, Text.assemble(short(item.file), (gone, "yellow")))
    first = next((item for item in items if not item.problem), None)
    hint = command("run", short(first.file)) if first else "lineal list runs"
    return _shown(table, hint if items else "there is no pipeline file in pipelines/ or beside it, and none on record")


def datasets(items: Sequence[DatasetItem], shared: Collection[str] = ()) -> RenderableType:
    """Datasets, each with its newest version; with its namespace, where its name is one of `shared`."""
    bad = any(item.recalled for item in items)
    table = _table("dataset", "newest version", "versions", "kind", *(["recalled"] if bad else []))
    for item in items:
        name = short(item.name) if item.namespace == "file" else called(item.namespace, item.name, shared)
        if "://" in item.namespace:
            name = f"{item.namespace}/{item.name}"
        why = [Text(item.recalled or "", style="red")] if bad else []
        table.add_row(name, item.version[:12] or "-", str(item.versions), item.kind.lower() or "-", *why)
    named = next((item for item in items if item.kind == "TABLE" and "://" not in item.namespace), None)
    hint = command("trace", f"dataset:{called(named.namespace, named.name, shared)}") if named else "lineal list runs"
    return _shown(table, hint if items else "no dataset is on record yet")


def models(
    items: Sequence[ModelRow], recalled: Mapping[ModelRow, str] | None = None, shared: Collection[str] = ()
) -> RenderableType:
    """Registered model versions, and why those are recalled that are; with the server of a name that is in `shared`."""
    bad = recalled or {}
    table = _table("model", "version", "holds", "digest", "registered", *(["recalled"] if bad else []))
    for item in items:
        held = " ".join(f"@{alias}" for alias in item.aliases)
        digest = item.digest[:12]
        why = [Text(bad.get(item, ""), style="red")] if bad else []
        name = called(item.namespace, item.name, shared)
        table.add_row(name, str(item.number), Text(held, style="green"), digest, moment(item.registered_at), *why)
    newest = items[0] if items else None
    name = called(newest.namespace, newest.name, shared) if newest else ""
    return _shown(table, command("trace", f"model:{name}@{newest.number}") if newest else "no model is registered yet")


def runs(items: Sequence[RunItem]) -> RenderableType:
    """Root runs."""
    table = _table("run", "job", "pipeline", "state", "started", "took", "name")
    for item in items:
        state = Text(item.state, style=_STATES.get(item.state, ""))
        took = span(item.started_at, item.ended_at)
        # The last column has all the room there is.
        name = Text(item.deployment or item.name or "")
        if item.error:
            name.append(f"\n{item.error}", style="red")
        # Those of other producers have namespaces of their own.
        job = item.job if item.namespace == settings.namespace() else f"{item.namespace}/{item.job}"
        table.add_row(item.run_id, job, item.pipeline or "-", state, moment(item.started_at), took, name)
    return _shown(table, command("trace", f"run:{items[0].run_id}") if items else "no run is on record yet")


def predictions(items: Sequence[PredictionItem]) -> RenderableType:
    """Batches of predictions."""
    table = _table("predictions", "version", "rows", "model", "asked as", "when", "ids", "run")
    for item in items:
        rows = "-" if item.rows is None else f"{item.rows:,}"
        model, alias = f"{item.model}@{item.number}", Text(f"@{item.alias}" if item.alias else "-", style="green")
        when = moment(item.predicted_at)
        table.add_row(item.name, item.version[:12], rows, model, alias, when, f"{item.id_prefix}…", item.run_id)
    newest = items[0] if items else None
    return _shown(
        table,
        command("trace", f"dataset:{newest.name}@{newest.version[:12]}") if newest else "no batch is predicted yet",
    )


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _shown(table: Table, hint: str) -> RenderableType:
    return Group(table, Text(), Text(hint)) if table.row_count else Text(hint)
