"""Runs as a pipeline has them, made up: training, registering and predicting, without doing any of it."""

from __future__ import annotations

from lineal import Column, Dataset, Model, current_run, traced

MLFLOW = "mlflow://local"


def digest(text):
    return text.encode().hex().ljust(32, "0")


def table(name, version="1", rows=None):
    return Dataset(f"s3://lake/{name}", version=version, rows=rows, columns=(Column("x", "int64"),))


@traced
def step(*sources, makes):
    """One step: reads some tables, writes others."""
    return [table(*made) for made in makes]


@traced
def fit(data, name="demo"):
    return Model(f"{name}.model", digest(data.version + name), "models:/m-1")


@traced
def evaluate(model, *champion):
    for each in champion:
        current_run().input(each)
    return table("evaluation", digest("evaluation" + model.digest)[:40])


@traced
def register(model, judgement, number, alias="champion", previous=None, name="demo", server=MLFLOW):
    about = {"namespace": server, "name": name, "number": number, "digest": model.digest, "reason": "it held"}
    decisions = [about | {"action": "register"}]
    if alias:
        decisions.append(about | {"action": "move-alias", "alias": alias, "previous": previous})
    current_run().decisions(decisions, by="a rule")
    return Model(f"models/{name}", model.digest, f"models:/{name}/{number}", namespace=server, number=number)


@traced
def score(model, batch, rows=3):
    return Dataset(
        "s3://out/p.parquet", name="demo.predictions", version=digest(f"p{batch.version}{model.digest}"), rows=rows
    )
