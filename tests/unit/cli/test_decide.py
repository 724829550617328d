"""`lineal note`, `lineal decide` and `lineal key`: what they say, show and refuse."""

import io
import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from lineal import Model, current_run, people, traced
from lineal.datasets.prediction_ids import batch_prefix
from lineal.datasets.table import write_table
from tests.parts.made_up import digest, evaluate, fit, register, step, table

TOMORROW = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()


@pytest.fixture
def recorded(lineage, tmp_path, monkeypatch):
    """A registered model that holds an alias, trained by Ada; Grace is at the terminal."""
    monkeypatch.chdir(tmp_path)
    (data,) = step(table("raw"), makes=[("train", "1")])
    model = fit(data)
    register(model, evaluate(model), 1)
    monkeypatch.setenv("LINEAL_USER", "Grace")
    return lineage


def test_a_decision_is_shown_where_the_model_is(run, recorded):
    status, out, err = run("decide", "model:demo@champion", "approve", "--reason", "agrees with the pilot")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == ["model:demo@1: approved by Grace", "  agrees with the pilot"]
    assert "not signed: Grace has no key here; `lineal key new` makes one" in out
    run("decide", "model:demo@1", "waive", "split-disjoint", "--reason", "one patient twice", "--until", TOMORROW)
    run("note", "model:demo@1", "ask the clinic")
    traced_model = run("trace", "model:demo@1")[1]
    assert [line.split("(")[0].split() for line in traced_model.splitlines()[1:5]] == [
        ["registered,", "as", "it", "held"],
        ["takes", "alias,", "as", "it", "held"],
        ["note", "ask", "the", "clinic"],
        ["eu-ai-act.split-disjoint", "waived", "until", TOMORROW, "one", "patient", "twice"],
    ]
    assert "evidence" in traced_model
    answer = json.loads(run("trace", "model:demo@1", "--json")[1])
    assert [each["decision"]["action"] for each in answer["decisions"]] == ["note", "waive", "approve"]
    assert answer["decisions"][0]["decision"]["evidence"] == answer["evidence"]
    listed = run("list", "decisions")[1]
    assert [row.split()[-1] for row in listed.splitlines()[1:4]] == ["clinic", "twice", "pilot"]
    assert "approve" in run("search", "pilot")[1]
    said = json.loads(run("decide", "model:demo@1", "withdraw", "--reason", "too early", "--json")[1])
    assert said["decided"]["decision"]["by"] == "Grace"
    rejected = run("decide", "model:demo@1", "reject", "--reason", "too early")[1]
    assert "it still holds @champion: lineal recall model:demo@1 --reason WHY" in rejected
    assert "[withdrawn: withdrawn by Grace on " in run("trace", "model:demo@1")[1]
    assert recorded.event("note")["run"]["facets"]["lineal_decision"]["by"] == "Grace"


def test_as_of_what_was_decided_later_is_not_known(run, recorded):
    run("decide", "model:demo@1", "approve", "--reason", "good")
    at = recorded.event("decide")["eventTime"]
    run("decide", "model:demo@1", "reject", "--reason", "bad")
    then = json.loads(run("trace", "model:demo@1", "--as-of", at, "--json")[1])
    assert [(each["decision"]["action"], each["standing"]) for each in then["decisions"]] == [("approve", "stands")]
    assert "bad" not in run("list", "decisions", "--as-of", at)[1]


def test_what_somebody_writes_is_text(run, recorded):
    """HTML, markup and what a terminal acts on are shown, and do nothing."""
    text = "<script>alert(1)</script> [red]x[/red] \x1b[2J\x07\x00 \u202egnp.exe"
    assert run("note", "model:demo@1", text)[0] == 0
    stored = recorded.event("note")["run"]["facets"]["lineal_decision"]["decisions"][0]["reason"]
    for out in (
        stored,
        run("trace", "model:demo@1")[1],
        run("list", "decisions")[1],
        run("search", "alert")[1],
        run("note", "model:demo@1", text)[1],
    ):
        assert "<script>alert(1)</script> [red]x[/red]" in out
        assert not set("\x1b\x07\x00\u202e") & set(out)


def test_what_another_producer_wrote_is_text_as_well(run, recorded):
    @traced
    def note(thing):
        said = {"action": "note", "namespace": "mlflow://local", "name": "demo", "subject": "model:demo@1", "number": 1}
        words = {"reason": "\x1b[2Jwiped", "by": "\x1b]0;Eve", "evidence": {"sha256": "", "of": {}}}
        rule = {"action": "reject", "namespace": "n", "name": "demo", "reason": "\x1b]8;;http://x\x07rule\x9b2J"}
        current_run().decisions([said | words, rule], by="Eve")

    from lineal import Model

    event = recorded.event("register")
    digest = event["outputs"][0]["facets"]["version"]["datasetVersion"]
    note(Model("models/demo", digest, "models:/demo/1", namespace="mlflow://local"))
    noted = f"run:{recorded.event('note')['run']['runId']}"
    for words in (("trace", "model:demo@1"), ("list", "decisions"), ("search", "wiped"), ("trace", noted)):
        out = run(*words)[1]
        assert "wiped" in out
        assert not set("\x1b\x07\x9b") & set(out)


def test_a_note_of_a_megabyte_is_refused(run, recorded, monkeypatch):
    status, _, err = run("note", "model:demo@1", "x" * 1_000_000)
    assert status == 2
    assert err == (
        "lineal: model:demo@1: the note has 1,000,000 characters, and may have 10,000; "
        "put the rest in a file, and say where it is\n"
    )
    monkeypatch.setattr("sys.stdin", io.StringIO("y" * 10_001))
    assert "and may have 10,000" in run("note", "model:demo@1", "-")[2]
    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe\n"))
    assert "from a pipe" in run("note", "model:demo@1", "-")[1]
    assert len(recorded.events("note", "COMPLETE")) == 1


def test_a_note_that_is_no_text_is_refused(run, recorded, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9\n"), encoding="utf-8"))
    refused = (2, "", "lineal: model:demo@1: the note is not UTF-8 text; write it in UTF-8\n")
    assert run("note", "model:demo@1", "-") == refused
    assert run("note", "model:demo@1", "caf\udce9") == refused


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("approve",), "--reason"),
        (("approve", "--reason", "  "), "--reason is empty"),
        (("waive", "--reason", "r"), "name the control to waive"),
        (("waive", "a", "--reason", "r"), "give --until DATE for a"),
        (
            ("waive", "a b", "--reason", "r", "--until", TOMORROW),
            "there is no control 'a b' to waive; see `lineal audit`",
        ),
        (("waive", "gdpr.recods", "--reason", "r", "--until", TOMORROW), "did you mean gdpr.records?"),
        (("waive", "recods", "--reason", "r", "--until", TOMORROW), "did you mean gdpr.records?"),
        (
            ("waive", "incidents", "--reason", "r", "--until", TOMORROW),
            "several policies; write eu-ai-act.incidents or nist-ai-rmf.incidents",
        ),
        (("withdraw", "gdpr.records", "--reason", "r"), "there is no control 'gdpr.records' to withdraw"),
        (("waive", "a", "--reason", "r", "--until", "2020-01-01"), "--until 2020-01-01 is over already"),
        (("waive", "a", "--reason", "r", "--until", "soon"), "--until 'soon' is no day; write it as 2026-12-31"),
        (("approve", "a", "--reason", "r"), "approve takes no control"),
        (("reject", "--reason", "r", "--until", TOMORROW), "--until is for approve and waive"),
        (("approve", "--reason", "r", "--evidence", "00112233"), "is not what is on record now"),
        (("approve", "--reason", "r", "--evidence", ""), "is not what is on record now"),
        (("bless", "--reason", "r"), "bless"),
    ],
)
def test_bad_input(run, recorded, words, said):
    status, out, err = run("decide", "model:demo@1", *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert recorded.events("decide") == []


def test_the_waiver_of_a_control_alone_is_withdrawn(run, recorded, tmp_path):
    (tmp_path / "policies").mkdir()
    own = tmp_path / "policies" / "ours.toml"
    own.write_text('id = "ours"\n[[controls]]\nid = "fresh-rows"\ncheck = "checks.py:rows"\n')
    for control in ("fresh-rows", "gdpr.records"):
        assert run("decide", "model:demo@1", "waive", control, "--reason", "r", "--until", TOMORROW)[0] == 0
    # Its policy is gone, and its waiver is not.
    own.unlink()
    refused = run("decide", "model:demo@1", "withdraw", "ours.fresh-row", "--reason", "r")
    assert refused[0] == 2
    assert "there is no control 'ours.fresh-row' to withdraw; did you mean ours.fresh-rows?" in refused[2]
    assert run("decide", "model:demo@1", "withdraw", "fresh-rows", "--reason", "they are")[0] == 0
    told = run("trace", "model:demo@1")[1]
    assert "ours.fresh-rows no longer waived" in told
    assert told.count("[withdrawn: withdrawn by Grace on ") == 1


def test_a_policy_that_cannot_be_read_is_told_where_a_control_is_waived(run, recorded, tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "ours.toml").write_text("id = \n")
    status, out, err = run("decide", "model:demo@1", "waive", "gdpr.records", "--reason", "r", "--until", TOMORROW)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "policies/ours.toml:1: is not valid TOML: " in err
    assert recorded.events("decide") == []


def test_subjects_that_are_none(run, recorded):
    for subject, said in (
        ("model:nope", "no model 'nope' is on record"),
        ("model:demo@7", "has no version or alias '7'"),
        ("demo", "is no subject"),
    ):
        for words in (("note", subject, "x"), ("decide", subject, "reject", "--reason", "x")):
            status, _, err = run(*words)
            assert (status, err.count("\n")) == (2, 1)
            assert said in err


def test_an_empty_store(run):
    status, _, err = run("note", "model:demo", "x")
    assert (status, err.count("\n")) == (2, 1)


def test_a_decision_that_cannot_be_recorded_is_none(run, recorded, monkeypatch):
    from lineal.errors import StoreError
    from lineal.store.log import Store

    def refuse(*_, **__):
        raise StoreError("the store is read-only")

    monkeypatch.setattr(Store, "append", refuse)
    status, _, err = run("decide", "model:demo@1", "approve", "--reason", "r")
    assert status == 2
    assert "read-only" in err


def test_keys(run, recorded, monkeypatch, tmp_path):
    assert "nobody's key is known here yet" in run("key", "list")[1]
    status, out, _ = run("key", "new")
    assert status == 0
    assert out.startswith("Grace signs with the key ")
    assert "Grace has a key, " in run("key", "new")[2]
    assert "  signed with the key " in run("decide", "model:demo@1", "approve", "--reason", "r")[1]
    public = people.key_file("Grace").with_suffix(".pub")
    # Another machine.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
    assert "which is not trusted here: lineal key trust FILE" in run("trace", "model:demo@1")[1]
    status, out, _ = run("key", "trust", public)
    assert status == 0
    assert "counts as Grace's from now on" in out
    assert ", signed)" in run("trace", "model:demo@1")[1]
    (known,) = json.loads(run("key", "list", "--json")[1])["keys"]
    assert (known["name"], known["own"]) == ("Grace", False)
    assert "trusted" in run("key", "list")[1]
    # Somebody takes her name.
    assert "not counted: Grace signs with a key" in run("decide", "model:demo@1", "reject", "--reason", "no")[1]


def test_keys_that_are_none(run, recorded, tmp_path):
    run("key", "new")
    private = people.key_file("Grace")
    (tmp_path / "text.pub").write_text("hello")
    for words, said in (
        (("trust",), "takes the file of a public key"),
        (("new", "file"), "takes the file of a public key"),
        (("trust", tmp_path / "none.pub"), "cannot be read"),
        (("trust", tmp_path / "text.pub"), "is no key"),
        (("trust", private), "is a private key, which its owner alone should have"),
        (("trust", private.with_suffix(".pub"), "--name", "Bob"), "is the key of Grace already"),
        (("trust", private.with_suffix(".pub"), "--name", "x" * 101), "is no name of a person"),
    ):
        status, out, err = run("key", *words)
        assert (status, out, err.count("\n")) == (2, "", 1), words
        assert said in err
    private.chmod(0o644)
    status, _, err = run("decide", "model:demo@1", "approve", "--reason", "r")
    assert status == 2
    assert "can be read by others (mode 644)" in err
    private.chmod(0o600)
    private.write_text("nothing")
    assert "is no private key" in run("decide", "model:demo@1", "approve", "--reason", "r")[2]
    assert recorded.events("decide") == []


def test_a_persons_key_signs_no_log(run, recorded):
    """Who may decide is not believed in what the log says of itself."""
    from lineal import signing

    run("key", "new")
    assert people.known_keys()
    assert people.known_keys()[0].key.id not in signing.trusted("log")


def test_a_name_that_would_be_a_path(run, recorded, monkeypatch):
    monkeypatch.setenv("LINEAL_USER", "../../Eve")
    assert run("key", "new")[0] == 0
    assert people.key_file("../../Eve").parent == people.folder()
    assert [known.name for known in people.known_keys()] == ["../../Eve"]


def incident(run, text="a grower complained"):
    status, out, err = run("note", "model:demo@1", text, "--kind", "incident")
    assert (status, err) == (0, "")
    return out.splitlines()[-1].rpartition(" ")[2], out


def test_an_incident_is_noted_and_closed(run, recorded):
    place, out = incident(run)
    assert out.splitlines()[:2] == ["model:demo@1: noted as an incident by Grace", "  a grower complained"]
    assert out.splitlines()[-1] == f"lineal note model:demo@1 'what was done' --closes {place}"
    assert recorded.event("note")["run"]["facets"]["lineal_decision"]["decisions"][0]["kind"] == "incident"
    status, out, err = run("note", "model:demo@1", "labels exchanged", "--closes", place[:18])
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == f"model:demo@1: incident {place} closed by Grace"
    told = run("trace", "model:demo@1")[1]
    assert [line.split("(")[0].split() for line in told.splitlines()[3:5]] == [
        ["incident", "closed", "labels", "exchanged"],
        ["incident", "a", "grower", "complained"],
    ]
    (_, closed) = recorded.events("note", "COMPLETE")
    assert closed["run"]["facets"]["lineal_decision"]["decisions"][0]["closes"] == place


def test_what_no_incident_can_be_closed_by(run, recorded):
    assert "none is on record" in run("note", "model:demo@1", "x", "--closes", "01a2")[2]
    place, _ = incident(run)
    other, _ = incident(run, "another one")
    run("note", "model:demo@1", "no incident at all")
    for words, said in (
        (("--closes", "ffff"), f"'ffff' is no incident of it; there is {other}"),
        (("--closes", place[:4]), f"'{place[:4]}' begins 2 incidents; write more of it"),
        (("--closes", place, "--kind", "incident"), "a note that closes an incident is of no kind; leave --kind out"),
        (("--kind", "accident"), "accident"),
    ):
        status, out, err = run("note", "model:demo@1", "x", *words)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert said in err
    assert len(recorded.events("note", "COMPLETE")) == 3


@traced
def scored(model, rows=3):
    running = current_run()
    prefix = batch_prefix(running.ref.id)
    ids = [f"{prefix}{row}" for row in range(1, rows + 1)]
    running.prediction(
        {"model": "demo", "version": 1, "digest": model.digest, "aliases": [], "rows": rows, "idPrefix": prefix}
    )
    return write_table(
        pa.table({"case": [f"c{row}" for row in range(rows)], "prediction_id": ids, "prediction": ["yes"] * rows}),
        "demo.predictions",
    )


@pytest.fixture
def predicted(recorded):
    """A batch of three predictions; gives what their ids begin with."""
    scored(Model("models/demo", digest("demo.model1"), "models:/demo/1", "mlflow://local", number=1))
    return recorded.event("scored")["run"]["facets"]["lineal_prediction"]["idPrefix"]


def test_a_note_on_a_prediction_is_shown_where_it_is(run, recorded, predicted):
    subject = f"prediction:{predicted}2"
    status, out, err = run("note", subject.upper().replace("PREDICTION", "prediction"), "the customer asked why")
    assert (status, err) == (0, "")
    assert out.splitlines()[:2] == [f"{subject}: noted by Grace", "  the customer asked why"]
    assert out.splitlines()[-2].startswith(f"lineal trace {subject}")
    told = run("trace", subject, "--no-explain")[1]
    (line,) = [line for line in told.splitlines() if "the customer asked why" in line]
    assert line.split()[0] == "note"
    assert "(Grace, " in line
    found = json.loads(run("trace", subject, "--no-explain", "--json")[1])["prediction"]["decisions"]
    assert [each["decision"]["subject"] for each in found] == [subject]
    assert subject in run("list", "decisions")[1]
    assert f"lineal trace {subject}" in run("search", "customer")[1]
    # It is about that one: neither about the next, nor about the table or the model.
    table_of = recorded.event("note")["inputs"][0]
    for other in (f"prediction:{predicted}1", f"dataset:{table_of['name']}", "model:demo@1"):
        assert (
            "the customer asked why" not in run("trace", other, *(("--no-explain",) if "pred" in other[:5] else ()))[1]
        )


@traced
def snapshot():
    current_run().parameters({"source.id": "case"})
    return write_table(pa.table({"case": ["c0", "c1", "c2"]}), "demo.snapshot")


def test_notes_on_what_was_predicted_for_a_record_are_shown_with_it(run, recorded, predicted):
    snapshot()
    for number in range(5):
        run("note", f"prediction:{predicted}2", f"call {number}")
    run("note", f"prediction:{predicted}1", "of another record")
    shown = run("impact", "record:demo/c1")[1]
    assert [line.split("(")[0].split()[-3:] for line in shown.splitlines() if "call" in line] == [
        ["note:", "call", str(number)] for number in (4, 3, 2)
    ]
    assert "2 more notes; --json has them all" in shown
    (made,) = json.loads(run("impact", "record:demo/c1", "--json")[1])["predictions"]
    assert [each["decision"]["reason"] for each in made["notes"]] == [f"call {number}" for number in (4, 3, 2, 1, 0)]


def test_the_event_of_a_note_on_a_prediction_has_no_value_of_its_row(run, recorded, predicted):
    run("note", f"prediction:{predicted}2", "the customer asked why")
    event = recorded.event("note")
    (decision,) = event["run"]["facets"]["lineal_decision"]["decisions"]
    assert decision["evidence"]["of"].keys() == {"prediction", "dataset", "model"}
    assert event["inputs"][0]["name"] == "demo.predictions"
    assert '"c1"' not in json.dumps(event)
    assert '"yes"' not in json.dumps(event)


def test_an_incident_on_a_prediction_is_closed(run, recorded, predicted):
    subject = f"prediction:{predicted}2"
    place = run("note", subject, "wrong on its face", "--kind", "incident")[1].splitlines()[-1].rpartition(" ")[2]
    status, out, err = run("note", subject, "corrected by hand", "--closes", place[:18])
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == f"{subject}: incident {place} closed by Grace"
    assert "none is on record" in run("note", f"prediction:{predicted}1", "x", "--closes", place)[2]


def test_what_is_noted_on_a_prediction_or_record_that_is_none(run, recorded, predicted):
    for subject, said in (
        ("prediction:17", "is no prediction id"),
        ("prediction:p00000000000z_1", "no batch on record has predictions of such an id"),
        (f"prediction:{predicted}4", "the batch has 3 predictions"),
        ("record:demo/c1", "a note stays in the log for good, and the id of a record, which may be a person's"),
        ("record:demo/c1", "note it on prediction:ID, which `lineal impact` of the record names"),
    ):
        status, out, err = run("note", subject, "x")
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert said in err
    status, _, err = run("decide", f"prediction:{predicted}1", "approve", "--reason", "x")
    assert (status, err.count("\n")) == (2, 1)
    assert "cannot be asked about here; write one of model:NAME" in err
    assert recorded.events("note") == []
