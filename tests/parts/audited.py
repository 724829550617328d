"""A training flow whose every part can be left out or done wrong: recorded by @traced, as a user's own flow is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineal import Column, Dataset, Model, current_run, traced
from lineal.tracing.statements import Assertion, Origin, Outcome

MLFLOW = "mlflow://local"
GATE = {"evaluate.gates.0.metric": "accuracy", "evaluate.gates.0.min": "0.9"}
SPLIT = (
    Outcome("rows in both parts", True, "split", "0", "0"),
    Outcome("ids in both parts", True, "split", "0", "0"),
    Outcome("held-out rows that repeat a training row", None, "split", actual="0 of 25"),
)
CHECKS = (Assertion("nulls", True, "x"), Assertion("min", True, "x"), Assertion("rows_min", True))


@dataclass(frozen=True)
class Plan:
    """How the flow goes; each default is as it should be."""

    number: int = 1
    salt: str = ""
    source: str | None = "5" * 32
    ingested: bool = True
    checks: Sequence[Assertion] = CHECKS
    checked_late: bool = False
    split: Sequence[Outcome] = SPLIT
    fitted_to: str = "train"
    columns: tuple[str, ...] = ("x", "z")
    parameters: Mapping[str, str] = field(default_factory=dict)
    seed: str | None = "7"
    gate: Mapping[str, str] = field(default_factory=lambda: dict(GATE))
    gate_set: str = "first"  # or "late", or "end"
    held_to: Sequence[Outcome] = (Outcome("gate accuracy", True, "gate", "accuracy >= 0.9", "0.95", "it is 0.95"),)
    metrics: Mapping[str, float] = field(default_factory=lambda: {"accuracy": 0.95})
    spread: Mapping[str, float] = field(default_factory=lambda: {"accuracy": 0.01})
    evaluated: bool = True
    materials: Mapping[str, Any] = field(default_factory=dict)
    model_id: str = ""
    alias: str | None = "champion"
    previous: int | None = None
    champion: Model | None = field(default=None, metadata={"lineage": False})
    registered: bool = True


def digest(text: str) -> str:
    return text.encode().hex().ljust(32, "0")[:32]


def table(name: str, salt: str, columns: Sequence[str], rows: int) -> Dataset:
    return Dataset(
        f"s3://cache/{name}{salt}",
        name=f"demo.{name}",
        version=digest(name + salt),
        rows=rows,
        columns=tuple(Column(each, "int64") for each in (*columns, "y")),
    )


def same(source: Dataset | Model, columns: Sequence[str]) -> dict[str, list[Origin]]:
    return {name: [Origin(source, name)] for name in columns}


@traced
def ingest(source: Dataset, plan: Plan) -> Dataset:
    made = table("snapshot", plan.salt, plan.columns, 100)
    current_run().output(made, columns=same(source, plan.columns))
    return made


@traced
def check(snapshot: Dataset, plan: Plan) -> None:
    current_run().input(snapshot, assertions=plan.checks)


@traced
def split(snapshot: Dataset, plan: Plan) -> list[Dataset]:
    run = current_run()
    run.parameters({"split.method": "random"} | ({"split.seed": plan.seed} if plan.seed else {}))
    parts = [table(name, plan.salt, plan.columns, rows) for name, rows in (("train", 75), ("test", 25))]
    for part in parts:
        run.output(part, columns=same(snapshot, plan.columns))
    run.tests(plan.split)
    return parts


@traced
def fit(data: Dataset, plan: Plan) -> Model:
    run = current_run()
    run.parameters({"model.params.depth": "3", **(plan.gate if plan.gate_set == "first" else {})})
    if plan.spread:
        run.metrics(dict.fromkeys(plan.spread, 0.9), of="cross-validation", spread=plan.spread)
    run.materials(plan.materials)
    if plan.model_id:
        run.mlflow({"trackingUri": "sqlite://", "experimentId": "1", "runId": "r", "modelId": plan.model_id})
    columns = tuple(Column(each, "int64") for each in (*plan.columns, "y"))
    made = Model("demo.model", digest(f"model{plan.number}{plan.salt}"), "models:/m-1", columns=columns)
    run.output(made, columns=same(data, plan.columns))
    return made


@traced
def set_gates(plan: Plan) -> None:
    current_run().parameters(plan.gate)


@traced
def evaluate(model: Model, test: Dataset, plan: Plan) -> Dataset:
    run = current_run()
    if plan.champion is not None:
        run.input(plan.champion)
    run.metrics(plan.metrics, of="held-out")
    run.tests(plan.held_to)
    return table("evaluation", plan.salt, (), 25)


@traced
def register(model: Model, judgement: Dataset | None, plan: Plan) -> Model:
    about = {"namespace": MLFLOW, "name": "demo", "number": plan.number, "digest": model.digest, "reason": "it held"}
    decisions: list[dict[str, Any]] = [about | {"action": "register"}]
    if plan.alias:
        decisions.append(about | {"action": "move-alias", "alias": plan.alias, "previous": plan.previous})
    current_run().decisions(decisions, by="the rules of pipeline demo")
    made = Model(
        "models/demo",
        model.digest,
        f"models:/demo/{plan.number}",
        namespace=MLFLOW,
        number=plan.number,
        columns=model.columns,
    )
    current_run().output(made, columns=same(model, plan.columns))
    return made


@traced
def train(plan: Plan) -> Model:
    run = current_run()
    run.parameters(plan.parameters)
    snapshot = table("snapshot", plan.salt, plan.columns, 100)
    if plan.ingested:
        source = Dataset(
            "s3://lake/source.csv",
            version=plan.source,
            rows=100,
            columns=tuple(Column(c, "int64") for c in plan.columns),
        )
        snapshot = ingest(source, plan)
    if plan.checks and not plan.checked_late:
        check(snapshot, plan)
    training, test = split(snapshot, plan)
    model = fit({"train": training, "test": test, "snapshot": snapshot}[plan.fitted_to], plan)
    if plan.checks and plan.checked_late:
        check(snapshot, plan)
    judgement = evaluate(model, test, plan) if plan.evaluated else None
    if plan.gate_set == "late":
        set_gates(plan)
    elif plan.gate_set == "end":
        run.parameters(plan.gate)
    return register(model, judgement, plan) if plan.registered else model


@traced
def decide(model: Model, by: str, decision: Mapping[str, Any]) -> None:
    about = {"namespace": MLFLOW, "name": "demo", "number": model.number, "digest": model.digest, "reason": "looked at"}
    current_run().decisions([about | dict(decision)], by=by)


@traced
def score(model: Model, batch: Dataset, ids: str = "p1_", number: int = 1) -> Dataset:
    run = current_run()
    run.prediction({"model": "demo", "version": number, "rows": 3, "idPrefix": ids})
    return Dataset("s3://out/p.parquet", name="demo.predictions", version=digest("p" + batch.name), rows=3)


@traced
def drift(model: Model, batch: Dataset, drifted: bool) -> None:
    column = {
        "column": "x",
        "kind": "number",
        "missing": 0.0,
        "missingTraining": 0.0,
        "over": ["psi"] if drifted else [],
    }
    limits = {"psi": 0.2, "ks": 0.1, "missing": 0.1, "unseen": 0.1, "significance": 0.01}
    current_run().drift({"rows": 3, "trainingRows": 75, "drifted": drifted, "limits": limits, "columns": [column]})
