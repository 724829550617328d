"""The main job with a team's store: its lineage in PostgreSQL, led on into what dbt made and what Spark reads."""

import json

import pytest

from lineal.questions.trace import trace
from lineal.store.log import Store
from lineal.subjects import Subject
from tests.parts.producers import ndjson, spark

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]


def test_a_model_trained_on_a_team_store_is_traced_into_other_systems(
    lineal, project, postgres_url, monkeypatch, tmp_path, check_events
):
    monkeypatch.setenv("LINEAL_STORE", postgres_url)
    status, out, _ = lineal("run", "pipelines/wine.toml", "--json")
    assert status == 0, out
    check_events(lineal("events")[1])
    source = str(project / "pipelines" / "data" / "wine.csv")
    made = spark("export", "2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z", reads=("cellar",), writes=source)
    for event in made:
        event["outputs"][0]["namespace"] = "file"
    (tmp_path / "spark.ndjson").write_text(ndjson(*made))

    status, out, _ = lineal("events", "--import", tmp_path / "spark.ndjson", "--json")

    said = json.loads(out)
    assert (status, said["new"], said["known"]) == (0, 3, 0)
    node = trace(Store(), Subject.parse("model:wine")).node
    while node.inputs:
        (node, *_) = node.inputs
    assert (node.namespace, node.name) == ("s3://lake", "cellar")
    assert "nothing differed" in lineal("rebuild")[1]
