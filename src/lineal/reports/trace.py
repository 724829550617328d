"""The answer to `trace`, for a person: facts on top, the descent as a tree, the next commands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from lineal.questions import gates
from lineal.questions.groups import recorded
from lineal.questions.lookup import called
from lineal.questions.trace import Node, RunDetail, Trace
from lineal.reports.below import below
from lineal.reports.decision import label
from lineal.reports.decision import line as decision_line
from lineal.reports.groups import lines
from lineal.reports.recall import line
from lineal.reports.terminal import command, figure, moment, short, span
from lineal.store.facts import root_of
from lineal.subjects import Subject

# How many source files of a folder are named before the rest is counted.
_MOST_SIBLINGS = 8
# How far back is drawn; beyond that there is no room beside the tree.
_MOST_STEPS = 24
_MOST_PARAMETERS = 12
_MOST_FAILURES = 3
_MOST_DECISIONS = 8


def render(trace: Trace, shared: Collection[str] = ()) -> RenderableType:
    """A trace on one screen.

    Args:
        trace: the answer.
        shared: the name of the table that `further` gives, where several namespaces have it.
    """
    parts: list[RenderableType] = [_heading(trace), _facts(trace)]
    if trace.node is not None:
        parts += [Text(), _tree(trace.node, {run.run_id: run for run in trace.runs})]
    return Group(*parts, Text(), _next(trace, shared))


def _heading(trace: Trace) -> Text:
    text = Text(trace.subject, style="bold")
    if trace.model is not None:
        for alias in trace.model.aliases:
            text.append(f"  @{alias}", style="bold green")
        text.append(f"  digest {trace.model.digest[:12]}", style="dim")
    elif trace.node is not None and trace.node.version:
        text.append(f"  {trace.node.kind.lower()}", style="dim")
    for recall in trace.recalls:
        text.append(f"\n  RECALLED  {line(recall)}", style="bold red")
    return text


def _facts(trace: Trace) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(trace):
        table.add_row(f"  {name}", value)
    return table


def _rows(trace: Trace) -> Iterable[tuple[str, str]]:
    flow = trace.flow
    facets = _merged(trace.runs, flow)
    if trace.model is None and not trace.subject.startswith("run:"):
        # What was decided and measured later is no part of where a table came from.
        facets = {key: facets[key] for key in ("lineal_environment", "errorMessage") if key in facets}
    for decision in (facets.get("lineal_decision") or {}).get("decisions") or ():
        yield _ACTIONS.get(decision["action"], decision["action"]), decision["reason"]
    who = (flow.facets.get("lineal_environment") or {}).get("user") if flow else None
    yield from _said_by_people(trace)
    if trace.model is not None:
        yield "when, who", f"{moment(trace.model.registered_at)}{f' by {who}' if who else ''}"
    for of, figures in _metrics(facets).items():
        yield of, "   ".join(f"{name} {figure(value)}" for name, value in figures)
    grouped = recorded([(trace.subject, facets)])
    for said in lines(grouped) if grouped else ():
        yield "groups", said
    for test in (facets.get("test") or {}).get("tests") or ():
        if test.get("type", "gate") != "gate":
            continue
        held = "held" if test["status"] == "pass" else "FAILED"
        yield "gate", f"{test.get('expected') or test.get('name')}: {gates.found(test) or 'no figure'}, {held}"
    if flow is None:
        return
    parameters = _parameters(flow)
    if "name" in parameters and "pipeline.file" in parameters:
        yield "pipeline", f"{parameters['name']}  {short(parameters['pipeline.file'])}"
    if "model.estimator" in parameters and "lineal_mlflow" in facets:
        yield "predicts", parameters.get("source.target", "")
        yield "estimator", parameters["model.estimator"]
        chosen = [f"{key}={value}" for key, value in _own_parameters(trace, parameters)]
        if chosen:
            more = f" … {len(chosen) - _MOST_PARAMETERS} more" if len(chosen) > _MOST_PARAMETERS else ""
            yield "parameters", "  ".join(chosen[:_MOST_PARAMETERS]) + more
    yield from _origin(flow)
    yield "run", _run_line(flow)
    tracked = facets.get("lineal_mlflow") or {}
    if tracked:
        yield "MLflow", f"run {tracked.get('runId')}  {tracked.get('url') or short(tracked.get('trackingUri', ''))}"
    prefect = flow.facets.get("lineal_prefect") or {}
    if prefect:
        deployment = f"  deployment {prefect['deployment']}" if prefect.get("deployment") else ""
        yield "Prefect", f"flow run {prefect.get('flowRunName')} {prefect.get('flowRunId')}{deployment}"
    yield from _failures(trace, flow)


def _said_by_people(trace: Trace) -> Iterable[tuple[str, str]]:
    for each in trace.decisions[:_MOST_DECISIONS]:
        yield label(each), decision_line(each)
    if len(trace.decisions) > _MOST_DECISIONS:
        yield "", f"… {len(trace.decisions) - _MOST_DECISIONS} more; --json has them all"
    if trace.model is not None and trace.evidence:
        yield "evidence", f"{trace.evidence[:12]}  of the model, its data's versions, metrics and gates"


def _failures(trace: Trace, flow: RunDetail) -> Iterable[tuple[str, str]]:
    """What ended a flow that did not end well, in which of its runs it began, and where in the code."""
    error = flow.facets.get("errorMessage") or {}
    if not error:
        return
    sentence = _first_line(error)
    yield "error", sentence
    bad = [run for run in trace.runs if run.state == flow.state]
    above = {run.parent_id for run in bad}
    innermost = [run for run in bad if run is not flow and run.run_id not in above]
    for run in innermost[-_MOST_FAILURES:]:
        said = _first_line(run.facets.get("errorMessage") or {})
        yield "failed in", f"{run.job}  {run.run_id}" + (f": {said}" if said and said != sentence else "")
    frames = [line.strip() for line in (error.get("stackTrace") or "").splitlines() if line.startswith("  File ")]
    own = [frame for frame in frames if "site-packages" not in frame]
    if own or frames:
        yield "at", (own or frames)[-1].removeprefix("File ")


def _first_line(error: Mapping[str, Any]) -> str:
    return next(iter(str(error.get("message", "")).splitlines()), "")


_ACTIONS = {
    "register": "registered, as",
    "reject": "rejected",
    "move-alias": "takes alias, as",
    "keep-alias": "goes without, as",
    "ask-approval": "asked for approval, as",
}


def _merged(runs: Iterable[RunDetail], flow: RunDetail | None) -> Mapping[str, Any]:
    """The facets of the flow and of the runs below it; what only older, foreign roots know is not theirs to tell."""
    merged: dict[str, Any] = {}
    for run in runs:
        if flow is None or root_of({"runId": run.run_id, "facets": run.facets}) == flow.run_id:
            for key, facet in run.facets.items():
                if key == "lineal_metrics" and key in merged:
                    merged[key] = {"metrics": [*merged[key]["metrics"], *facet["metrics"]]}
                else:
                    merged[key] = facet
    return merged


def _metrics(facets: Mapping[str, Any]) -> dict[str, list[tuple[str, float]]]:
    grouped: dict[str, list[tuple[str, float]]] = {}
    for metric in (facets.get("lineal_metrics") or {}).get("metrics") or ():
        if metric.get("of") in ("held-out", "cross-validation"):
            grouped.setdefault(metric["of"], []).append((metric["name"], metric.get("value")))
    return dict(sorted(grouped.items(), reverse=True))


def _parameters(run: RunDetail) -> dict[str, str]:
    facet = run.facets.get("executionParameters") or {}
    return {entry["key"]: entry.get("value", "") for entry in facet.get("parameters") or ()}


def _own_parameters(trace: Trace, flow: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """What the fitted estimator had, where the run that fitted it says so, else what the pipeline file asked for."""
    prefix = "model.params."
    asked = {key.removeprefix(prefix): value for key, value in flow.items() if key.startswith(prefix)}
    searched = {key.removeprefix("model.search.space.") for key in flow if key.startswith("model.search.space.")}
    for run in trace.runs:
        if run is not trace.flow:
            found = {k.removeprefix(prefix): v for k, v in _parameters(run).items() if k.startswith(prefix)}
            # The estimator's defaults say little; what was asked for, searched or seeded does.
            telling = {*asked, *searched, "random_state"}
            asked |= {key: value for key, value in found.items() if key in telling}
    return asked.items()


def _origin(flow: RunDetail) -> Iterable[tuple[str, str]]:
    place = flow.job_facets.get("sourceCodeLocation") or {}
    environment = flow.facets.get("lineal_environment") or {}
    commit = place.get("version") or environment.get("gitCommit")
    if commit:
        dirty = " with uncommitted changes" if environment.get("gitDirty") else ""
        at = f"{commit[:12]}{dirty}"
        said = f"at {at}" if place.get("version") else f"is not in git, where the project is at {at}"
        yield "code", f"{place.get('path') or flow.job} {said}"
    if environment:
        packages = environment.get("packages") or {}
        named = "  ".join(
            f"{name} {packages[name]}" for name in ("scikit-learn", "numpy", "pandas") if name in packages
        )
        # The kernel's release, in between, matters to nobody here.
        system = (environment.get("platform") or "").split()
        yield (
            "environment",
            f"Python {environment.get('python')}  {named}  {' '.join(system[:1] + system[-1:])}".rstrip(),
        )


def _run_line(run: RunDetail) -> str:
    took = span(run.started_at, run.ended_at)
    return f"{run.run_id}  {run.job}  {run.state}  {moment(run.started_at)}{f', {took}' if took else ''}"


def _tree(node: Node, runs: Mapping[str, RunDetail]) -> Tree:
    tree = Tree(_label(node, runs), guide_style="dim")
    _grow(tree, node, runs, {})
    return tree


def _grow(
    tree: Tree,
    node: Node,
    runs: Mapping[str, RunDetail],
    seen: dict[tuple[str, str], None],
    judged: Node | None = None,
    steps: int = _MOST_STEPS,
) -> None:
    if node.inputs and not steps:
        tree.add(Text("… further back; --json names it all", style="dim"))
        return
    for place, each in enumerate(below(node, judged)):
        child = each.node
        if place == _MOST_SIBLINGS and len(node.inputs) > _MOST_SIBLINGS + 1:
            tree.add(Text(f"… {len(node.inputs) - place} more; --json names them all", style="dim"))
            return
        mark = (child.name, child.version)
        if each.compared:
            tree.add(Text("compared with ", style="dim") + _label(child, runs))
            continue
        branch = tree.add(_label(child, runs))
        if mark in seen and child.inputs:
            branch.add(Text("as above", style="dim"))
        else:
            _grow(branch, child, runs, seen, each.judged, steps - 1)
            # Only now is all of it above: what was made of a copy of itself has itself below.
            seen[mark] = None
    if node.cut:
        tree.add(Text("… further back; raise --depth", style="dim"))


def _label(node: Node, runs: Mapping[str, RunDetail]) -> Text:
    name = short(node.name) if node.namespace == "file" else node.name
    if node.kind != "MODEL" and ("://" in node.namespace or node.namespace == "sqlite"):
        name = f"{node.namespace}/{short(node.name).lstrip('/')}"
    text = Text(name, style="bold" if node.kind == "MODEL" else "")
    if node.version:
        text.append(f"@{node.version[:12]}", style="cyan")
    if node.rows is not None:
        text.append(f"  {node.rows:,} rows")
    if node.kind == "FILE" and node.namespace == "file" and node.version:
        text.append(f"  md5 {node.version}", style="dim")
    run = runs.get(node.run_id or "")
    if run is not None:
        text.append(f"  ← {run.job}", style="dim")
        text.append(f" {moment(run.ended_at)}", style="dim")
    return text


def _next(trace: Trace, shared: Collection[str]) -> Text:
    text = Text(style="dim")
    first = further(trace)
    if first is not None:
        name = called(first.namespace, first.name, shared)
        text.append(command("trace", str(Subject("dataset", name, first.version[:12]))) + "\n")
    if trace.flow is not None:
        text.append(command("events", "--run", trace.flow.run_id))
    return text


def further(trace: Trace) -> Node | None:
    """The nearest dataset that can be asked about in turn."""
    waiting = list(reversed(trace.node.inputs)) if trace.node else []
    met: set[int] = set()
    while waiting:
        child = waiting.pop()
        if child.kind == "TABLE" and child.inputs:
            return child
        if id(child) not in met:
            met.add(id(child))
            waiting += reversed(child.inputs)
    return None
