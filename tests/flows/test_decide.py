"""An alias that waits for another person: refused to the author, given by somebody else, in the log and in MLflow."""

import json

import pytest

from lineal.models import tracking

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]


@pytest.fixture
def pipeline(project):
    file = project / "pipelines" / "wine.toml"
    text = file.read_text().replace('[evaluate.champion]\nmetric = "f1_macro"\n', "")
    file.write_text(text.replace('alias = "champion"', 'alias = "champion"\napproval = "other-person"'))
    return file


def moves(lineal):
    events = [json.loads(line) for line in lineal("events")[1].splitlines()]
    return [
        (each["number"], each.get("previous"), event["run"]["facets"]["lineal_decision"]["by"])
        for event in events
        if event["eventType"] == "COMPLETE"
        for each in (event["run"]["facets"].get("lineal_decision") or {}).get("decisions", ())
        if each["action"] == "move-alias"
    ]


def test_the_alias_moves_when_another_person_approves(lineal, pipeline, monkeypatch, check_events):
    status, out, err = lineal("run", pipeline)
    assert status == 0, err
    assert "version 1 of wine is registered, and waits for another person's approval to hold @champion" in out
    assert "lineal decide model:wine@1 approve --reason WHY" in out
    assert tracking.holder("wine", "champion") is None

    status, _, err = lineal("decide", "model:wine@1", "approve", "--reason", "mine")
    assert (status, err.count("\n")) == (2, 1)
    assert "its training was started by Ada, and its pipeline asks for another person's approval" in err
    assert tracking.holder("wine", "champion") is None
    assert moves(lineal) == []

    monkeypatch.setenv("LINEAL_USER", "Grace")
    assert lineal("key", "new")[0] == 0
    status, out, err = lineal("decide", "model:wine@1", "approve", "--reason", "agrees with the pilot")
    assert status == 0, err
    assert "@champion of wine went to version 1" in out
    assert "signed with the key" in out
    assert tracking.holder("wine", "champion").number == 1
    assert "model:wine@1  @champion" in lineal("trace", "model:wine@champion")[1]
    assert moves(lineal) == [(1, None, "Grace")]
    assert "approved by Grace: agrees with the pilot" in lineal("history", "model:wine@champion")[1]

    assert lineal("recall", "file:pipelines/data/wine.csv", "--reason", "wrong labels", "--yes")[0] == 0
    assert tracking.holder("wine", "champion") is None
    assert "[stale: file:pipelines/data/wine.csv is recalled" in lineal("trace", "model:wine@1")[1]
    status, _, err = lineal("decide", "model:wine@1", "approve", "--reason", "all the same")
    assert status == 2
    assert "nothing that is recalled can be approved" in err
    assert tracking.holder("wine", "champion") is None
    check_events(lineal("events")[1])
    assert lineal("rebuild")[0] == 0


def test_what_was_altered_cannot_be_approved_and_takes_its_approval_along(lineal, project, pipeline, monkeypatch):
    assert lineal("run", pipeline)[0] == 0
    (file,) = [found for found in (project / ".lineal").rglob("model.skops") if "artifacts" in str(found)]
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"x")
    monkeypatch.setenv("LINEAL_USER", "Grace")
    status, _, err = lineal("decide", "model:wine@1", "approve", "--reason", "agrees with the pilot")
    assert (status, err.count("\n")) == (2, 1)
    assert "it cannot be approved as it is" in err
    assert tracking.holder("wine", "champion") is None

    file.write_bytes(whole)
    assert lineal("decide", "model:wine@1", "approve", "--reason", "agrees with the pilot")[0] == 0
    status, out, _ = lineal("verify", "model:wine@1")
    assert (status, "counts no longer" in out) == (0, False)
    file.write_bytes(whole[:-1] + b"x")
    status, out, _ = lineal("verify", "model:wine@1")
    assert status == 1
    assert "  approved, by Grace: counts no longer" in out
    (shaken,) = json.loads(lineal("verify", "model:wine@1", "--json")[1])["shaken"]
    assert shaken["standing"] == "stale"
    assert shaken["why"].startswith("it did not hold when it was verified: model:wine@1: ")


def test_the_alias_stays_where_another_version_has_taken_it(lineal, pipeline, monkeypatch):
    pipeline.write_text(
        pipeline.read_text().replace("[register]", '[evaluate.champion]\nmetric = "f1_macro"\n\n[register]')
    )
    assert lineal("run", pipeline)[0] == 0
    assert lineal("run", pipeline, "--set", "split.seed=8")[0] == 0
    monkeypatch.setenv("LINEAL_USER", "Grace")
    assert lineal("decide", "model:wine@2", "approve", "--reason", "good")[0] == 0
    status, out, _ = lineal("decide", "model:wine@1", "approve", "--reason", "good")
    assert status == 1
    assert "@champion went to version 2 since version 1 was judged, and stays there" in out
    assert tracking.holder("wine", "champion").number == 2
