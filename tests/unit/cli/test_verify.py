"""`lineal verify` and `lineal events --checkpoints`: what a user sees, and the exit status."""

import json
import re
import shutil

import pytest
import sqlalchemy as sa

from lineal import signing, traced
from lineal.store import checkpoints


@traced
def step():
    return None


@traced
def work():
    step()


@pytest.fixture
def recorded(lineage):
    work()
    checkpoints.make(lineage.store)
    return lineage


def tamper(lineage, text):
    engine = sa.create_engine(lineage.url)
    with engine.begin() as connection:
        connection.exec_driver_sql(text)
    engine.dispose()


def test_what_holds_is_told_on_one_screen(run, recorded):
    status, out, _ = run("verify")
    assert status == 0
    lines = [line.split() for line in out.splitlines() if line.strip()]
    assert [words[0] for words in lines[1:6]] == ["log", "index", "datasets", "models", "mlflow"]
    assert re.search(r"log +4 +events \(under 1 checkpoints\): hold", out)
    newest = checkpoints.newest(recorded.store)
    assert f"newest checkpoint 1 of {newest.made_at[:10]}" in out
    assert newest.digest in out
    assert out.endswith("all holds\n")


def test_what_does_not_hold_is_named_with_status_1(run, recorded):
    tamper(recorded, "delete from lineal_events where seq = 2")
    tamper(recorded, "update lineal_events set body = body || ' ' where seq = 3")
    status, out, _ = run("verify")
    assert status == 1
    assert re.search(r"missing +event 2 +of .* UTC run \S+: it stood under checkpoint 1", out)
    assert re.search(r"changed +event 3 +of .* UTC run \S+: it is not what stood under checkpoint 1", out)
    assert "do not hold" in out
    status, out, _ = run("verify", "--json")
    answer = json.loads(out)
    assert status == 1
    assert [(each["family"], each["problem"], each["seq"]) for each in answer["findings"][:2]] == [
        ("log", "missing", 2),
        ("log", "changed", 3),
    ]
    assert answer["checked"][0] == {"family": "log", "count": 3, "wrong": 2, "note": "under 1 checkpoints"}


def test_very_many_findings_are_counted_and_fit_a_screen(run, recorded):
    for _ in range(30):
        work()
    checkpoints.make(recorded.store)
    tamper(recorded, "update lineal_events set body = body || ' '")
    status, out, _ = run("verify")
    assert status == 1
    assert len(out.splitlines()) < 30
    assert re.search(r"… +112 more +in log; see --json", out)


def test_an_exported_log_is_verified_on_another_machine(run, recorded, tmp_path, monkeypatch):
    status, out, _ = run("events", "--checkpoints")
    file, public = tmp_path / "log.ndjson", tmp_path / "log.pub"
    file.write_text(out)
    shutil.copy(signing.folder() / "log.pub", public)
    monkeypatch.setenv("LINEAL_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("LINEAL_STORE", "sqlite:////nowhere/lineal.db")
    status, out, _ = run("verify", "--log", file, "--public-key", public)
    assert status == 0, out
    assert re.search(r"log +4 +events \(under 1 checkpoints\): hold", out)
    file.write_text(file.read_text().replace("COMPLETE", "FAIL"))
    status, out, _ = run("verify", "--log", file, "--public-key", public)
    assert status == 1
    assert "changed  event 3" in out
    status, _, err = run("verify", "--log", file)
    assert status == 2
    assert "there is no key here to verify by" in err


def test_plain_events_stay_openlineage(run, recorded, check_events):
    _, out, _ = run("events")
    check_events(out)
    assert [json.loads(line)["eventType"] for line in out.splitlines()] == ["START", "START", "COMPLETE", "COMPLETE"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["verify", "--public-key", "{}/nothing"], "nothing cannot be read: No such file or directory"),
        (["verify", "--public-key", "{}/hello"], "hello is no key (a PEM file"),
        (["verify", "--log", "{}/nothing"], "nothing: cannot be read: No such file or directory"),
        (["verify", "--log", "{}/hello"], "hello:1: is neither an event nor a checkpoint of a log"),
        (["verify", "run:1", "--log", "{}/hello"], "which has no subjects; leave one of the two out"),
        (["verify", "model:ghost"], "no model 'ghost' is on record"),
        (["verify", "file:x.csv"], "cannot be asked about here"),
        (["verify", "nonsense"], "is no subject"),
        (["events", "--checkpoints", "--run", "1"], "leave one of them out"),
        (["events", "--checkpoints", "--import", "x"], "leave one of them out"),
    ],
)
def test_wrong_input_is_one_sentence_and_status_2(run, recorded, tmp_path, words, sentence):
    (tmp_path / "hello").write_text("hello")
    status, out, err = run(*(word.format(tmp_path) for word in words))
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_key_of_models_does_not_fit_a_log(run, recorded, tmp_path):
    signing.key_for("models")
    _, out, _ = run("events", "--checkpoints")
    (tmp_path / "log").write_text(out)
    status, _, err = run("verify", "--log", tmp_path / "log", "--public-key", signing.folder() / "models.pub")
    assert status == 2
    assert "models.pub is a key for models; the log is signed with Ed25519" in err


def test_without_a_store(run, monkeypatch, tmp_path):
    monkeypatch.setenv("LINEAL_STORE", f"sqlite:///{tmp_path}/nothing.db")
    status, _, err = run("verify")
    assert status == 2
    assert "nothing is recorded here yet" in err


def test_the_sweep_seals_what_is_left(run, lineage):
    from tests.parts.producers import dataset_event

    lineage.store.append(dataset_event("t", "2026-01-01T00:00:00+00:00"))
    status, out, _ = run("sweep")
    assert (status, "1 events were put under checkpoint 1" in out) == (0, True)
    assert "were put" not in run("sweep")[1]


def test_an_imported_log_comes_under_a_checkpoint(run, lineage, tmp_path, monkeypatch, caplog):
    from tests.parts.producers import dataset_event, ndjson

    (tmp_path / "log").write_text(ndjson(dataset_event("t", "2026-01-01T00:00:00+00:00")))
    assert run("events", "--import", tmp_path / "log")[0] == 0
    assert checkpoints.newest(lineage.store).count == 1
    (tmp_path / "log").write_text(ndjson(dataset_event("t2", "2026-01-01T00:00:00+00:00")))
    monkeypatch.setenv("LINEAL_KEY", "nowhere")
    status, out, _ = run("events", "--import", tmp_path / "log")
    assert (status, "1 events are new" in out) == (0, True)
    assert "no checkpoint was made: LINEAL_KEY names nowhere" in caplog.text
