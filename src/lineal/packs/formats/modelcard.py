"""CycloneDX's model card: what a model takes and gives, and how it did, as far as the record says it."""

from __future__ import annotations

from typing import Any

from lineal.packs.formats.prose import prose
from lineal.packs.formats.said import Said, fields, line, metric_on, number, parameters, slices, text
from lineal.questions.audit import Table
from lineal.questions.dossier import Dossier


def model_card(dossier: Dossier, stated: Said) -> dict[str, Any]:
    """Give the model card of a model: of considerations only what people stated."""
    made: dict[str, Any] = {"bom-ref": "model-card"}
    if known := _parameters(dossier, stated):
        made["modelParameters"] = known
    if figures := [*_metrics(dossier), *_groups(dossier)]:
        made["quantitativeAnalysis"] = {"performanceMetrics": figures}
    if considered := _considerations(dossier):
        made["considerations"] = considered
    if told := _properties(dossier):
        made["properties"] = told
    return made


def _considerations(dossier: Dossier) -> dict[str, Any]:
    told = {name: text(each.text) for name, each in prose(dossier).items()}
    words = {"users": "users", "intended use": "useCases", "limitations": "technicalLimitations"}
    found: dict[str, Any] = {key: [told[name]] for name, key in words.items() if name in told}
    if "ethical considerations" in told:
        found["ethicalConsiderations"] = [{"name": told["ethical considerations"]}]
    return found


def _parameters(dossier: Dossier, stated: Said) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if stated.task:
        # Each of these tasks is learned from a target column.
        found |= {"approach": {"type": "supervised"}, "task": stated.task}
    if stated.estimator:
        if family := _family(stated.estimator):
            found["architectureFamily"] = family
        found["modelArchitecture"] = stated.estimator
    read = [step.table for step in dossier.facts.steps.values() if step.run is not dossier.facts.fit]
    fitted = {table.key for table in dossier.facts.fit.tables_read} if dossier.facts.fit else set()
    held_out = {table.key for table in dossier.facts.held_out}
    used = [table for table in (*read, *dossier.facts.held_out) if table.key in fitted | held_out]
    if used:
        keys = dict.fromkeys(table.key for table in used)
        found["datasets"] = [{"ref": f"dataset:{key}"} for key in keys]
    taken, given = _signature(dossier, stated)
    if taken:
        found["inputs"] = taken
    if given:
        found["outputs"] = given
    return found


def _family(estimator: str) -> str:
    """What scikit-learn calls the family of an estimator: the module that it is in."""
    parts = estimator.split(".")
    return parts[1].replace("_", " ").strip() if parts[0] == "sklearn" and len(parts) > 2 else ""


def _signature(dossier: Dossier, stated: Said) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    step = dossier.facts.steps.get(dossier.facts.top)
    model: Table | None = step.table if step else None
    columns = fields(model) if model else []
    target = stated.target
    taken = [{"format": _column(name, kind)} for name, kind in columns if name != target]
    given = [{"format": _column(name, kind)} for name, kind in columns if name == target]
    return taken, given


def _column(name: str, kind: str) -> str:
    return f"column {name}, {kind}" if kind else f"column {name}"


def _metrics(dossier: Dossier) -> list[dict[str, Any]]:
    return [
        {"type": line(each.name), "value": number(each.value), "slice": metric_on(each)}
        | _interval(each.low, each.high)
        for each in dossier.metrics
    ]


def _interval(low: float | None, high: float | None) -> dict[str, Any]:
    if low is None or high is None:
        return {}
    return {"confidenceInterval": {"lowerBound": number(low), "upperBound": number(high)}}


def _groups(dossier: Dossier) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for each in slices(dossier):
        if each.value is None:
            # A group without a figure is said to have none, so that nobody takes it for one that does well.
            told: dict[str, Any] = {"type": each.metric, "value": f"not known: {each.why or 'no reason is on record'}"}
        else:
            told = {"type": each.metric, "value": number(each.value)}
        told["slice"] = f"held-out rows, {each.group} ({each.rows} rows)"
        found.append(told | _interval(each.low, each.high))
    return found


def _properties(dossier: Dossier) -> list[dict[str, str]]:
    spreads = [
        {"name": f"lineal:spread:{line(each.name)}", "value": f"{number(each.spread)}, {metric_on(each)}"}
        for each in dossier.metrics
        if each.spread is not None
    ]
    given = [{"name": f"lineal:parameter:{key}", "value": value} for key, value in parameters(dossier).items()]
    explained = dossier.explanation.columns if dossier.explanation else ()
    rests = [
        {"name": f"lineal:permutation-importance:{text(each.column)}", "value": number(each.permutation)}
        for each in explained
        if each.permutation is not None
    ]
    return [*spreads, *given, *rests]
