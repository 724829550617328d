"""Lineal's own facets hold to their own schemas, and each schema is used."""

import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from lineal import Dataset, Model, traced
from lineal.tracing.decorator import current_run

SCHEMAS = {
    file.name.removesuffix(".json"): json.loads(file.read_text())
    for file in files("lineal.tracing.schemas").iterdir()
    if file.name.endswith(".json")
}
# The specification's bases of facets, as far as ours rest on them.
RUN_FACET = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
    "$defs": {
        kind: {"type": "object", "required": ["_producer", "_schemaURL"]} for kind in ("RunFacet", "DatasetFacet")
    },
}
REGISTRY = Registry().with_resources(
    (document["$id"], Resource(contents=document, specification=DRAFT202012))
    for document in (RUN_FACET, *SCHEMAS.values())
)


def problems(facet):
    url = facet["_schemaURL"]
    validator = Draft202012Validator({"$ref": url}, registry=REGISTRY, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(facet)]


@pytest.fixture
def facets(lineage):
    """One of each of our facets, as events carry them."""

    @traced
    def everything(data: Dataset, kept: Dataset) -> None:
        run = current_run()
        run.metrics({"a": 1.0, "b": float("nan")}, of="held-out", spread={"a": 0.1})
        run.mlflow({"trackingUri": "sqlite:///x", "runId": "r", "experimentId": "1", "modelId": None, "url": None})
        run.decisions(
            [
                {"action": "register", "namespace": "n", "name": "m", "reason": "r", "number": 1, "digest": "d"},
                {"action": "keep-alias", "namespace": "n", "name": "m", "reason": "r", "alias": "a", "previous": None},
                {
                    **{"action": "waive", "namespace": "n", "name": "m", "reason": "r", "control": "c", "by": "Ada"},
                    **{"kind": "incident", "closes": "01a2113b-76ae-76ae-90fd-add4ea7b4316"},
                    **{"email": "ada@example.org", "at": "2026-01-01T00:00:00+00:00", "until": "2026-12-31"},
                    **{"evidence": {"sha256": "e", "of": {"data": []}}, "signature": {"key": "k", "value": "v"}},
                },
            ],
            by="a rule",
        )
        told = {"column": "a", "score": 0.5, "equal": False, "named": False}
        looked = {"measure": "roc_auc", "rows": 3, "looked": 2, "leftOut": 0}
        run.leakage({**looked, "columns": [told, told | {"score": None}]})
        run.pack(
            {"subject": "model:m@1", "digest": "d", "sha256": "s", "size": 3, "files": 2, "withData": False, "key": "k"}
        )
        file = {"name": "uv.lock", "md5": "m", "sha256": "s", "size": 3, "redacted": True}
        run.materials({"pipelineFile": "p.toml", "overrides": ["a=1"], "data": None, "varies": "model:m@1"})
        run.materials({"files": [file], "uncommitted": {"state": "too large", "size": 9, "modules": ["a.py"]}})
        run.reproduction(
            {
                "subject": "model:m@1",
                "verdict": "different",
                "expected": "identical",
                "held": False,
                "environment": "present",
                "steps": [{"name": "features", "same": None, "detail": "not on record"}],
                "differences": ["numpy is 2, recorded 1"],
            }
        )
        run.parameters({f"p{i}": "x" * 9000 for i in range(200)})
        run.prediction(
            {
                "model": "m",
                "version": 1,
                "digest": "d",
                "askedBy": None,
                "aliases": ["champion"],
                "rows": 2,
                "idPrefix": "p01k2m9c3q8x4_",
            }
        )
        run.drift(
            {
                "rows": 2,
                "trainingRows": 3,
                "drifted": True,
                "limits": {"psi": 0.2, "ks": 0.15, "missing": 0.1, "unseen": 0.05, "significance": 0.01},
                "columns": [
                    {"column": "a", "kind": "number", "psi": 1.5, "ks": None, "chi2": None, "pValue": float("nan")}
                    | {"missing": 0.0, "missingTraining": 0.5, "unseen": None, "over": ["psi"]}
                ],
            }
        )
        figure = {"name": "recall", "value": None, "low": None, "high": None, "reason": "no held-out row"}
        gap = {"metric": "recall", "value": 0.1, "least": "f", "greatest": "m", "ratio": 0.9, "low": 0.0, "high": 0.2}
        group = {"labels": ["f"], "rows": 0, "trainRows": 1, "figures": [figure]}
        run.groups(
            {
                "columns": [{"name": "sex", "kind": "values", "edges": [], "missing": 0, "trainMissing": 0}],
                "metrics": ["recall"],
                **{"minRows": 20, "level": 0.95, "draws": 100, "seed": 7, "rows": 2, "trainRows": 3},
                "groupings": [
                    {"by": ["sex"], "problem": None, "groups": [group], "gaps": [gap | {"untold": ["f"]}]},
                    {"by": ["sex", "age"], "problem": "too many", "groups": [], "gaps": []},
                ],
            }
        )
        run.pushed(kept, to="backup", problem="it refuses")
        run.output(Model("m", "d", "models:/m-1"))

    kept = Dataset(f"/c/files/md5/ab/{'c' * 30}", "t.train", version=f"ab{'c' * 30}", sha256="0" * 64, size=7)
    everything(Dataset("s3://b/k", version="1"), kept)
    event = lineage.event("everything")
    every = [event["run"]["facets"], *(dataset["facets"] for dataset in event["inputs"])]
    return {key: facet for facets in every for key, facet in facets.items() if key.startswith("lineal_")}


def test_each_facet_holds_to_its_schema(facets):
    assert set(facets) == {
        "lineal_decision",
        "lineal_drift",
        "lineal_dvc",
        "lineal_environment",
        "lineal_groups",
        "lineal_leakage",
        "lineal_materials",
        "lineal_metrics",
        "lineal_mlflow",
        "lineal_pack",
        "lineal_prediction",
        "lineal_process",
        "lineal_reproduction",
        "lineal_truncation",
    }
    assert {key: problems(facet) for key, facet in facets.items()} == {key: [] for key in facets}


def test_a_wrong_facet_would_be_found(facets):
    facets["lineal_decision"]["decisions"][0]["action"] = "shrug"
    del facets["lineal_environment"]["python"]
    assert problems(facets["lineal_decision"])
    assert problems(facets["lineal_environment"])


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_one_and_says_what_it_is(name):
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:lineal:facets:1-0-0:{name}"
    assert list(schema["$defs"]) == [name]
    (key,) = schema["properties"]
    assert key.startswith("lineal_")
