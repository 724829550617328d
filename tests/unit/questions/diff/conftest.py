"""Runs like those of a pipeline, without Prefect: a traced flow that keeps tables and registers a model."""

import pyarrow as pa
import pytest

from lineal import Column, Model, current_run, traced
from lineal.datasets.table import write_table

ASKED = {
    "name": "demo",
    "source.id": "id",
    "source.target": "y",
    "source.uri": "data.csv",
    "model.estimator": "sklearn.linear_model.LogisticRegression",
    "model.params.C": "1.0",
    "pipeline.digest": "d",
    "pipeline.file": "demo.toml",
}
SNAPSHOT = {"id": [1, 2, 3, 4], "a": [1.0, 2.0, 3.0, 4.0], "y": ["n", "n", "p", "p"]}
TEST = {"id": [2, 4], "a": [2.0, 4.0], "y": ["n", "p"], "_lineal_row": [1, 3]}
EVALUATION = {
    "_lineal_row": [1, 3],
    "actual": ["n", "p"],
    "prediction": ["n", "p"],
    "probability_n": [0.9, 0.2],
    "probability_p": [0.1, 0.8],
}
IMPORTANCES = {"kind": ["permutation"], "feature": ["a"], "columns": ["a"], "importance": [0.5], "std": [0.1]}


@traced
def keep(name, table):
    return write_table(pa.table(table), name)


@traced
def judge(name, table, metrics, cv):
    current_run().metrics(metrics, of="held-out")
    current_run().metrics({key: value for key, (value, _) in cv.items()}, of="cross-validation",
                          spread={key: spread for key, (_, spread) in cv.items()})  # fmt: skip
    return write_table(pa.table(table), name)


@traced
def fit(asked, name, features, digest):
    current_run().parameters({key: value for key, value in asked.items() if key.startswith(("model.p", "model.s"))})
    return Model(f"{name}.model", digest, "models:/m-1", columns=tuple(Column(each, "double") for each in features))


@traced
def register(number, digest, name):
    model = Model(f"models/{name}", digest, f"models:/{name}/{number}", namespace="mlflow://local", number=number)
    about = {"namespace": "mlflow://local", "name": name, "number": number, "digest": digest, "reason": "held"}
    decisions = [about | {"action": "register"}, about | {"action": "move-alias", "alias": "champion"}]
    current_run().decisions(decisions, by="a rule")
    return model


@pytest.fixture
def train(lineage):
    """Make a model version; whatever is given differs from the first."""
    numbers = {}

    @traced
    def flow(asked, tables, metrics, cv, digest, environment):
        current_run().parameters(asked)
        name = asked["name"]
        if environment:
            current_run().environment(environment)
        for part in ("snapshot", "test", "importances"):
            if tables.get(part) is not None:
                keep(f"{name}.{part}", tables[part])
        if tables.get("evaluation") is not None:
            judge(f"{name}.evaluation", tables["evaluation"], metrics, cv)
        fit(asked, name, [each for each in tables["snapshot"] if each not in ("id", "y")], digest)
        numbers[name] = numbers.get(name, 0) + 1
        return register(numbers[name], digest, name)

    def call(*, metrics=None, cv=None, digest=None, environment=None, asked=None, **tables):
        made = {"snapshot": SNAPSHOT, "test": TEST, "evaluation": EVALUATION, "importances": IMPORTANCES} | tables
        number = sum(numbers.values()) + 1
        return flow(
            {key: value for key, value in (ASKED | (asked or {})).items() if value is not None},
            made,
            metrics or {"accuracy": 1.0},
            cv or {"accuracy": (0.9, 0.05)},
            digest or f"{number:x}" * 64,
            environment,
        )

    return call
