"""Each check of the technical record brought to pass, fail and open by what is recorded, and by tampering."""

import json

import pytest
import sqlalchemy as sa

from lineal import current_run, settings, signing, traced
from lineal.models import signature
from lineal.questions.audit.gather import gather
from lineal.questions.lookup import find_model
from lineal.store import checkpoints, tables
from lineal.subjects import Subject
from tests.parts.audited import digest
from tests.unit.questions.audit.conftest import git

LOCKED = {"lock": "uv.lock", "compared": 288, "count": 0, "unpinned": []}


def test_runs_that_began_and_ended(flow, ask):
    flow.train(flow.Plan())
    found = ask("runs-ended")
    assert (found.verdict, found.numbers) == ("pass", {"runs": 7, "without_end": 0, "without_beginning": 0})


def test_a_run_without_an_end_contradicts_it(flow, ask, lineage):
    flow.train(flow.Plan())
    event = lineage.event("train.check", "START")
    event["run"]["runId"] = "01a2113b-76ae-76ae-90fd-add4ea7b4316"
    lineage.store.append(event)
    found = ask("runs-ended")
    assert (found.verdict, found.numbers["without_end"]) == ("fail", 1)
    assert "train.check has no end on record" in found.sentence


def test_a_model_that_another_process_asked_for_was_trained_in_its_own_surroundings(flow, lineage, monkeypatch):
    @traced
    def asks():
        current_run().environment({"user": "Grace"})
        current_run().materials({"locked": LOCKED})
        return current_run().environ()

    with monkeypatch.context() as child:
        for name, value in asks().items():
            child.setenv(name, value)
        flow.train(flow.Plan(materials={"uncommitted": {"state": "clean"}}))
    facts = gather(lineage.store, find_model(lineage.store, Subject("model", "demo", "1")))
    assert facts.environment["gitCommit"]
    assert facts.materials == {"uncommitted": {"state": "clean"}}


def test_no_runs_are_not_shown(flow, lineage):
    from datetime import UTC, datetime

    from lineal.questions.audit import Facts
    from lineal.questions.audit.technical import log_intact, log_kept, packages_pinned, runs_ended
    from lineal.questions.lookup import ModelRow

    model = ModelRow("n", "demo", 1, "d", "v", "r", "2026-01-01")
    bare = Facts(
        "model:demo@1", model, datetime.now(UTC), {}, "v", (), None, (), (), {}, {}, (), (), (), (), {}, {}, {}, {}
    )
    for each in (runs_ended, log_intact, log_kept, packages_pinned):
        assert each(bare).verdict == "open"


def test_the_log_is_as_it_was_signed(flow, ask):
    flow.train(flow.Plan())
    found = ask("log-intact")
    assert (found.verdict, found.sentence) == ("pass", "14 events under 1 signed checkpoint, unchanged")
    assert found.command == "lineal verify model:demo@1"


def test_a_changed_event_contradicts_it(flow, ask, lineage):
    flow.train(flow.Plan())
    seq, body = lineage.store.read(
        sa.select(tables.events.c.seq, tables.events.c.body).order_by(tables.events.c.seq.desc()).limit(1)
    )[0]
    changed = json.loads(body)
    changed["run"]["facets"]["executionParameters"] = {"parameters": []}
    change = sa.update(tables.events).where(tables.events.c.seq == seq).values(body=json.dumps(changed))
    lineage.store.write(lambda connection: connection.execute(change))
    found = ask("log-intact")
    assert (found.verdict, found.sentence) == ("fail", f"event {seq} is not what was signed")


@pytest.mark.parametrize(("was", "forged"), [('"reject"', '"approve"'), ('"drifted":true', '"drifted":false')])
def test_a_forged_decision_or_comparison_contradicts_it(flow, ask, lineage, was, forged):
    model = flow.train(flow.Plan())
    flow.decide(model, "Grace", {"action": "reject", "reason": "unfair to small growers"})
    flow.drift(model, flow.table("batch", "", ("x",), 3), True)
    checkpoints.make(lineage.store)
    assert ask("log-intact").verdict == "pass"
    events = tables.events
    changed = sa.func.replace(events.c.body, was, forged)
    change = sa.update(events).where(events.c.body.contains(was)).values(body=changed)
    assert lineage.store.write(lambda connection: connection.execute(change)).rowcount
    assert ask("log-intact").verdict == "fail"


def test_a_checkpoint_that_was_made_up_contradicts_it(flow, ask, lineage):
    flow.train(flow.Plan())
    forge = sa.update(tables.checkpoints).values(made_at="2020-01-01T00:00:00+00:00")
    lineage.store.write(lambda connection: connection.execute(forge))
    assert ask("log-intact").verdict == "fail"


def test_events_that_nobody_here_can_check_are_not_shown(flow, ask, lineage, monkeypatch, tmp_path):
    flow.train(flow.Plan())
    keys = signing.folder()
    keys.rename(keys.with_name("away"))
    found = ask("log-intact")
    assert (found.verdict, found.sentence) == ("open", "there is no public key here to verify by")
    other = tmp_path / "other.pem"
    signing.make(other, "log", "")
    monkeypatch.setenv("LINEAL_KEY", str(other))
    found = ask("log-intact")
    assert found.verdict == "open"
    assert "14 events are signed by a key that is not believed here" in found.sentence


def test_events_under_no_checkpoint_yet_are_not_shown(flow, ask, lineage):
    flow.train(flow.Plan())
    lineage.store.write(lambda connection: connection.execute(sa.delete(tables.checkpoints)))
    assert ask("log-intact").verdict == "open"
    assert ask("log-kept").verdict == "open"


def test_the_log_is_kept_from_its_first_event_on(flow, ask, lineage):
    flow.train(flow.Plan())
    assert ask("log-kept").verdict == "pass"
    gone = sa.delete(tables.events).where(tables.events.c.seq <= 2)
    lineage.store.write(lambda connection: connection.execute(gone))
    found = ask("log-kept")
    assert (found.verdict, found.sentence) == ("fail", "events 1 to 2 were put under a checkpoint and are gone")


def test_events_deleted_from_the_middle_of_the_log_contradict_it(flow, ask, lineage):
    plan = {"name": "demo", "pipeline.digest": "1"}
    flow.train(flow.Plan(parameters=plan))
    flow.train(flow.Plan(number=2, salt="2", parameters=plan))
    checkpoints.make(lineage.store)
    assert ask("log-kept", number=2).verdict == "pass"
    named = {event["run"]["runId"]: event["job"]["name"] for event in lineage.events()}
    columns = tables.events.c
    ends = lineage.store.read(sa.select(sa.func.max(columns.seq), columns.run_id).group_by(columns.run_id))
    last = [seq for seq, run_id in ends if named[run_id] == "train.evaluate"]
    lineage.store.write(lambda connection: connection.execute(sa.delete(tables.events).where(columns.seq.in_(last))))
    found = ask("log-kept", number=2)
    assert (found.verdict, found.numbers) == ("fail", {"events_gone": 2})
    assert ask("changes-noted", number=2).verdict == "fail"


def test_what_it_takes_to_make_it_again(flow, ask):
    flow.train(flow.Plan())
    found = ask("reproducible")
    assert found.verdict == "pass"
    assert "without changes, parameters, 1 seed, packages and data versions" in found.sentence
    assert found.command == "lineal reproduce model:demo@1"
    flow.train(flow.Plan(number=2, salt="2", seed=None))
    found = ask("reproducible", number=2)
    assert (found.verdict, found.sentence) == ("open", "not on record: a seed")


def test_uncommitted_code_contradicts_it(flow, ask, project):
    (project / "flow_of_mine.py").write_text("# something else\n")
    flow.train(flow.Plan())
    found = ask("reproducible")
    assert found.verdict == "fail"
    assert found.sentence.startswith("the code differed from its commit")


def test_packages_are_those_of_the_lock_file(flow, ask):
    flow.train(flow.Plan(materials={"locked": LOCKED}))
    found = ask("packages-pinned")
    assert (found.verdict, found.sentence) == ("pass", "288 packages, each at the version that uv.lock names")
    flow.train(flow.Plan(number=2, salt="2"))
    assert ask("packages-pinned", number=2).verdict == "open"


def test_an_unpinned_package_contradicts_it(flow, ask):
    loose = LOCKED | {"count": 1, "unpinned": ["numpy 2.4.6, not 2.4.5"]}
    flow.train(flow.Plan(materials={"locked": loose}))
    found = ask("packages-pinned")
    assert (found.verdict, found.sentence) == ("fail", "1 package not as uv.lock has it: numpy 2.4.6, not 2.4.5")


def test_no_lock_file_contradicts_it(flow, ask, project):
    git(project, "rm", "--quiet", "uv.lock")
    flow.train(flow.Plan())
    found = ask("packages-pinned")
    assert (found.verdict, found.sentence) == ("fail", "the project has no lock file")


@pytest.fixture
def files(project):
    """The files of the model as the embedded MLflow keeps them, signed as Lineal signs them."""
    folder = settings.home() / "mlartifacts" / "demo" / "models" / "m-1" / "artifacts"
    folder.mkdir(parents=True)
    (folder / "model.skops").write_bytes(b"a model")
    signature.sign(folder, digest("model1"), signing.key_for("models"))
    return folder


def test_a_signed_model(flow, ask, files):
    flow.train(flow.Plan(model_id="m-1"))
    found = ask("model-signed")
    assert found.verdict == "pass"
    assert found.numbers == {"key": signing.key_for("models").public.id[:12]}


def test_changed_added_and_unsigned_files_contradict_it(flow, ask, files):
    flow.train(flow.Plan(model_id="m-1"))
    (files / "model.skops").write_bytes(b"another")
    (files / "more.py").touch()
    found = ask("model-signed")
    assert (found.verdict, found.sentence) == ("fail", "model.skops was changed, more.py was added")
    (files / "model.sig").write_text("{}")
    assert ask("model-signed").verdict == "fail"
    (files / "model.sig").unlink()
    found = ask("model-signed")
    assert (found.verdict, found.sentence) == ("fail", "there is no signature beside its files")


def test_the_signature_of_another_model_contradicts_it(flow, ask, files):
    flow.train(flow.Plan(number=2, model_id="m-1"))
    found = ask("model-signed", number=2)
    assert found.verdict == "fail"
    assert "it is signed as the model" in found.sentence


def test_files_that_cannot_be_looked_at_are_not_shown(flow, ask):
    flow.train(flow.Plan())
    found = ask("model-signed")
    assert found.verdict == "open"
    assert "the record names no MLflow run that keeps its files" in found.sentence


def test_a_key_that_is_not_believed_here_is_not_shown(flow, ask, files, monkeypatch, tmp_path):
    flow.train(flow.Plan(model_id="m-1"))
    other = tmp_path / "other.pem"
    signing.make(other, "models", "")
    monkeypatch.setenv("LINEAL_MODEL_KEY", str(other))
    found = ask("model-signed")
    assert found.verdict == "open"
    assert found.sentence.endswith("which is not believed here")


def test_changes_are_noted_by_a_person(flow, ask):
    plan = {"name": "demo", "pipeline.digest": "1"}
    flow.train(flow.Plan(parameters=plan | {"split.test_size": "0.2"}))
    assert ask("changes-noted").verdict == "n/a"
    second = flow.train(flow.Plan(number=2, salt="2", parameters=plan | {"split.test_size": "0.3"}))
    found = ask("changes-noted", number=2)
    assert found.verdict == "fail"
    assert "since version 1:" in found.sentence
    assert found.sentence.endswith("and nobody noted or decided anything of it")
    assert found.command == "lineal diff model:demo@1 model:demo@2"
    flow.decide(second, "Grace", {"action": "note", "reason": "a larger held-out part"})
    found = ask("changes-noted", number=2)
    assert found.verdict == "pass"
    assert "Grace said: a larger held-out part" in found.sentence


def test_the_same_again_needs_no_note(flow, ask):
    flow.train(flow.Plan())
    flow.train(flow.Plan(number=2))
    found = ask("changes-noted", number=2)
    assert (found.verdict, found.sentence) == ("pass", "nothing changed since version 1")
