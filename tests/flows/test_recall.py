"""A bad source file: found forward, recalled, and not used from then on; in the lineage and in MLflow's registry."""

import json

import pytest

from lineal.models import tracking
from lineal.questions.impact import impact
from lineal.store.log import Store
from lineal.subjects import Subject

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]


def decisions(lineal):
    """What was decided by recalls, in order."""
    events = [json.loads(line) for line in lineal("events")[1].splitlines()]
    return [
        (each["action"], each.get("alias"), each.get("number"), each.get("previous"))
        for event in events
        if event["job"]["name"] == "recall" and event["eventType"] == "COMPLETE"
        for each in event["run"]["facets"]["lineal_decision"]["decisions"]
    ]


def test_a_recalled_file_is_used_no_more(lineal, project, check_events):
    pipeline, source = project / "pipelines" / "wine.toml", project / "pipelines" / "data" / "wine.csv"
    # Whoever is trained last holds the alias.
    pipeline.write_text(pipeline.read_text().replace('[evaluate.champion]\nmetric = "f1_macro"\n', ""))
    rows = source.read_text().splitlines(keepends=True)
    (project / "bad.csv").write_text("".join([*rows, rows[30]]))
    (project / "new.csv").write_text("".join(rows[:21]))
    assert lineal("run", pipeline)[0] == 0
    assert lineal("run", pipeline, "--data", "bad.csv")[0] == 0
    assert tracking.holder("wine", "champion").number == 2
    assert lineal("predict", "model:wine@champion", "--data", "new.csv")[0] == 0

    found = impact(Store(), Subject.parse("file:bad.csv"))
    assert [(model.name, model.number, model.holds) for model in found.models] == [("wine", 2, ("champion",))]
    assert (found.counts.batches, found.counts.predictions) == (1, 20)
    names = {version.name for version in found.versions}
    assert names >= {"wine.snapshot", "wine.train", "wine.test", "wine.model", "models/wine", "wine.predictions"}

    status, out, err = lineal("recall", "file:bad.csv", "--reason", "a line twice", "--yes")
    assert status == 0, err
    assert "@champion of wine went from version 2 to version 1" in out
    assert tracking.holder("wine", "champion").number == 1
    assert "model:wine@1  @champion" in lineal("trace", "model:wine@champion")[1]
    assert decisions(lineal) == [("recall", None, None, None), ("move-alias", "champion", 1, 2)]

    (project / "bad.csv").rename(project / "renamed.csv")
    status, _, err = lineal("run", pipeline, "--data", "renamed.csv")
    assert (status, err.count("\n")) == (2, 1)
    assert "renamed.csv is recalled since" in err
    assert "by Ada: a line twice; use another, or pass --allow-recalled" in err
    status, _, err = lineal("predict", "model:wine@2", "--data", "new.csv")
    assert (status, err.count("\n")) == (2, 1)
    assert "model:wine@2 rests on file:bad.csv, which is recalled since" in err
    assert lineal("predict", "model:wine@2", "--data", "new.csv", "--allow-recalled")[0] == 0
    assert lineal("predict", "model:wine@champion", "--data", "new.csv")[0] == 0

    assert lineal("recall", "file:renamed.csv", "--undo", "--reason", "it was meant", "--yes")[0] == 0
    assert tracking.holder("wine", "champion").number == 2
    assert decisions(lineal)[2:] == [("restore-trust", None, None, None), ("move-alias", "champion", 2, 1)]
    assert lineal("run", pipeline, "--data", "renamed.csv")[0] == 0
    check_events(lineal("events")[1])
    assert lineal("rebuild")[0] == 0


def test_an_alias_is_taken_away_where_no_sound_version_is_left(lineal, project):
    assert lineal("run", "pipelines/wine.toml")[0] == 0
    status, out, _ = lineal("recall", "file:pipelines/data/wine.csv", "--reason", "wrong labels", "--yes")
    assert status == 0
    assert "@champion of wine was taken away from version 1" in out
    assert tracking.holder("wine", "champion") is None
    assert "@champion" not in lineal("list", "models")[1]
    said = (
        "model:wine@champion: @champion was taken away from version 1 by the recall of file:pipelines/data/wine.csv "
        "(wrong labels); there are 1"
    )
    for asked in (
        ("predict", "model:wine@champion", "--data", "pipelines/data/wine.csv"),
        ("trace", "model:wine@champion"),
    ):
        status, _, err = lineal(*asked)
        assert status == 2
        assert said in " ".join(err.split())
    assert decisions(lineal) == [("recall", None, None, None), ("move-alias", "champion", None, 1)]
    assert lineal("recall", "file:pipelines/data/wine.csv", "--undo", "--reason", "right", "--yes")[0] == 0
    assert tracking.holder("wine", "champion").number == 1
