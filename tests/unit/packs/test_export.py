"""`lineal export`: what is in a pack, that it is on record, and what a user does wrong."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from markdown_it import MarkdownIt

from lineal import people, settings, signing, traced
from lineal.models import signature
from lineal.packs.checking import check
from lineal.packs.exporting import export
from lineal.questions.audit import chosen
from lineal.store import checkpoints
from lineal.subjects import Subject
from lineal.testing import recording
from tests.parts import audited
from tests.unit.packs.conftest import NOW, ROWS, contents, manifest


def statement(file, name):
    return json.loads(base64.b64decode(json.loads(contents(file)[f"attestations/{name}.dsse.json"])["payload"]))


def test_the_command_says_what_was_written_and_what_is_missing(run, model, tmp_path):
    status, out, err = run("export", "model:demo@champion", "--to", tmp_path / "demo.zip")
    assert (status, err) == (0, "")
    file = tmp_path / "demo.zip"
    hashed = hashlib.sha256(file.read_bytes()).hexdigest()
    assert out.startswith(f"model:demo@1 is in {file}\n")
    assert re.search(rf"sha256 +{hashed}\n", out)
    assert f"signed   with the key {signing.key_for('log').public.id[:12]}; give " in out
    assert "missing  data rows: they were not asked for; give --with-data to have them\n" in out
    assert "its record holds no pipeline file" in out
    assert out.endswith(f"\nlineal verify {file}\n")
    told = json.loads(run("export", "model:demo@1", "--to", tmp_path / "again.zip", "--json")[1])
    assert told["subject"] == "model:demo@1"
    assert told["sha256"] == hashlib.sha256((tmp_path / "again.zip").read_bytes()).hexdigest()


def test_a_given_key_has_its_public_half_in_the_pack(run, model, tmp_path, monkeypatch):
    made = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "given.pem"]
    subprocess.run(made, check=True, capture_output=True)
    monkeypatch.setenv("LINEAL_KEY", str(tmp_path / "given.pem"))
    out = run("export", "model:demo@1", "--to", tmp_path / "demo.zip")[1]
    assert "; give keys/log.pub, which is in it, to who verifies it, apart from the pack\n" in out
    assert contents(tmp_path / "demo.zip")["keys/log.pub"] == signing.read_public(tmp_path / "given.pem").pem


def test_every_file_is_listed_with_its_hash_size_and_what_it_says(pack):
    files, told = contents(pack), manifest(pack)
    assert {entry["path"] for entry in told["files"]} == files.keys() - {"manifest.json", "manifest.dsse.json"}
    for entry in told["files"]:
        content = files[entry["path"]]
        assert (entry["sha256"], entry["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
        assert entry["says"]
        assert "/" in entry["media_type"]
    assert told["subject"] == "model:demo@1"
    assert told["made_at"] == "2026-11-25T12:00:00+00:00"
    assert told["key"] == signing.key_for("log").public.id
    sums = [line.split("  ") for line in files["SHA256SUMS"].decode().splitlines()]
    assert all(hashlib.sha256(files[path]).hexdigest() == hashed for hashed, path in sums)


def test_the_same_record_and_time_give_the_same_bytes(packed, monkeypatch):
    # Handing out a pack is on record, and audited by another policy.
    house = chosen(("house",))
    first = packed("first.zip", policies=house).read_bytes()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert packed("second.zip", policies=house).read_bytes() == first


def test_the_events_are_the_whole_descent_and_no_others(lineage, pack, check_events):
    @traced
    def something_else():
        return None

    something_else()
    bodies = contents(pack)["events/events.ndjson"].decode().removesuffix("\n").split("\n")
    assert all(body in set(lineage.store.events()) for body in bodies)
    jobs = {json.loads(body)["job"]["name"] for body in bodies}
    assert jobs == {
        *("train", "train.ingest", "train.check", "train.split", "train.fit", "train.evaluate", "train.register"),
        *("decide", "score"),
    }
    # What the made-up scoring writes has no columns.
    check_events("\n".join(body for body in bodies if json.loads(body)["job"]["name"] != "score"))


def test_each_event_is_proved_by_the_logs_own_checkpoints(lineage, pack):
    files = contents(pack)
    lines = files["events/events.ndjson"].decode().removesuffix("\n").split("\n")
    told = json.loads(files["events/proofs.json"])
    assert [each["line"] for each in told["events"]] == list(range(1, len(lines) + 1))
    made = {each["number"]: each for each in told["checkpoints"]}
    for each in told["events"]:
        proof = checkpoints.EventProof.from_json({**each, "checkpoint": made[each["checkpoint"]]})
        assert proof == checkpoints.prove_event(lineage.store, each["seq"])
        assert checkpoints.check_proof(proof, lines[each["line"] - 1], signing.key_for("log").public)


def test_statements_are_about_the_models_files(pack):
    files = contents(pack)
    hashes = {name: hashlib.sha256(files[name]).hexdigest() for name in ("model/MLmodel", "model/model.skops")}
    for name, kind in {
        "provenance": "https://slsa.dev/provenance/v1",
        "audit": "https://in-toto.io/attestation/test-result/v0.1",
        "passed": "https://in-toto.io/attestation/svr/v0.2",
    }.items():
        said = statement(pack, name)
        assert said["_type"] == "https://in-toto.io/Statement/v1"
        assert said["predicateType"] == kind
        assert {each["name"]: each["digest"]["sha256"] for each in said["subject"]} == hashes


def test_the_provenance_names_data_and_parameters(pack):
    said = statement(pack, "provenance")["predicate"]
    assert said["buildDefinition"]["externalParameters"]["parameters"]["model.params.depth"] == "3"
    used = {each["name"]: each for each in said["buildDefinition"]["resolvedDependencies"]}
    train, test = used["dataset:demo.train@747261696e00"], used["dataset:demo.test@746573740000"]
    assert train["digest"] == {"md5": audited.digest("train")}
    assert (train["annotations"]["use"], test["annotations"]["use"]) == ("training", "evaluation")
    assert said["runDetails"]["metadata"]["startedOn"] < said["runDetails"]["metadata"]["finishedOn"]


def test_the_audit_is_stated_whatever_its_outcome(pack):
    failed, passed = statement(pack, "audit")["predicate"], statement(pack, "passed")["predicate"]
    assert failed["result"] == "FAILED"
    assert "house.approved" in failed["failedTests"] or failed["failedTests"]
    verdicts = {
        f"{each['policy']}.{each['control']}": each["verdict"]
        for each in json.loads(contents(pack)["audit/audit.json"])["models"][0]["results"]
    }
    assert {name for name, verdict in verdicts.items() if verdict == "pass"} == set(passed["properties"])
    assert set(failed["passedTests"]) == set(passed["properties"])
    told = {*failed["passedTests"], *failed["warnedTests"], *failed["failedTests"]}
    assert told == {name for name, verdict in verdicts.items() if verdict != "n/a"}
    files = contents(pack)
    for policy in passed["verifier"]["policies"]:
        assert policy["digest"]["sha256"] == hashlib.sha256(files[policy["uri"]]).hexdigest()


def test_rows_are_in_it_only_with_the_data(packed, model_files):
    without = packed("without.zip")
    assert not any(b"4711" in content for content in contents(without).values())
    missing = {each["what"]: each["why"] for each in manifest(without)["missing"]}
    assert "give --with-data" in missing["model/input_example.json and model/serving_input_example.json"]
    with_rows = contents(packed("with.zip", with_data=True))
    assert with_rows["model/input_example.json"].decode() == ROWS
    assert with_rows["model/model.sig"] == (model_files / "model.sig").read_bytes()
    assert "attestations/model.sig" not in with_rows


def test_without_rows_the_first_signature_is_kept_beside_one_over_what_is_there(pack, model_files):
    files = contents(pack)
    assert files["attestations/model.sig"] == (model_files / "model.sig").read_bytes()
    stands = {name: hashlib.sha256(files[f"model/{name}"]).digest() for name in ("MLmodel", "model.skops")}
    said = signature.compare(files["model/model.sig"].decode(), stands, signing.trusted("models"))
    assert said.trusted
    assert said.subject == audited.digest("model1")
    assert (said.changed, said.missing, said.added) == ((), (), ())


def test_changed_model_files_are_not_handed_out_as_the_model(packed, model_files):
    (model_files / "model.skops").write_bytes(b"another")
    file = packed()
    assert not any(path.startswith("model/") for path in contents(file))
    missing = {each["what"]: each["why"] for each in manifest(file)["missing"]}
    assert missing["the model's files"] == ("they are not what was signed when it was trained: model.skops was changed")
    assert statement(file, "provenance")["subject"] == [
        {"name": "model:demo@1", "digest": {"linealModelDigest": audited.digest("model1")}}
    ]


def test_who_signed_a_decision_can_be_checked_by_their_key(run, model, packed, monkeypatch):
    monkeypatch.setenv("LINEAL_USER", "Grace Hopper")
    assert run("key", "new")[0] == 0
    assert run("note", "model:demo@1", "Looked at its errors.")[0] == 0
    files = contents(packed())
    (path,) = (each for each in files if each.startswith("keys/person-"))
    assert files[path] == people.key_of("Grace Hopper").public.pem
    says = {entry["path"]: entry["says"] for entry in manifest(packed("again.zip"))["files"]}
    assert says[path] == "The public key that Grace Hopper signed decisions on the model with"


def test_keys_that_are_not_known_here_are_named(packed, tmp_path, monkeypatch):
    before = signing.key_for("log").public
    signing.make(tmp_path / "new.pem", "log", "")
    monkeypatch.setenv("LINEAL_KEY", str(tmp_path / "new.pem"))
    told = manifest(packed("without.zip"))
    assert told["key"] == signing.read_public(tmp_path / "new.pub").id
    missing = [each["what"] for each in told["missing"]]
    assert f"the public key {before.id[:12]} of the log's checkpoints" in missing
    answer = check(tmp_path / "without.zip")
    assert {each.problem for each in answer.findings} == {"not trusted"}
    assert {each.what.partition(":")[0] for each in answer.findings} == {"events/events.ndjson"}

    trusted = signing.folder() / "trusted"
    trusted.mkdir()
    (trusted / "before.pub").write_bytes(before.pem)
    assert contents(packed("with.zip"))[f"keys/log-{before.id[:12]}.pub"] == before.pem
    assert check(tmp_path / "with.zip", keys=[tmp_path / "new.pub"]).holds


def test_an_unreachable_server_is_named_once(packed, model_files, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    missing = [each for each in manifest(packed())["missing"] if "127.0.0.1:9" in each["why"]]
    assert {each["what"] for each in missing} == {"a part of the record", "the model's files"}
    assert all("refuses connections; start it" in each["why"] for each in missing)


def test_what_is_on_record_is_shown_as_text(run, model, packed, monkeypatch):
    monkeypatch.setenv("LINEAL_USER", "Grace <script>alert(1)</script>")
    assert run("note", "model:demo@1", "<img src=x onerror=alert(2)>\x1b[2J\u202e")[0] == 0
    page = contents(packed())["index.html"].decode()
    assert "Grace &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;img src=x" in page
    assert "<script" not in page
    assert "<img src=x" not in page
    assert not {"\x1b", "\u202e"} & set(page)


def test_what_is_on_record_is_no_markup_in_the_readme(run, model, packed, monkeypatch):
    monkeypatch.setenv("LINEAL_USER", "Grace | <script> [x](http://evil.example) *y*")
    assert run("key", "new")[0] == 0
    assert run("note", "model:demo@1", "Looked at its errors.")[0] == 0
    page = contents(packed())["README.md"].decode()
    found = MarkdownIt("commonmark", {"html": True}).enable("table").parse(page)
    kinds = {token.type for each in found for token in (each, *(each.children or ()))}
    assert not kinds & {"html_block", "html_inline"}
    assert "*y*" not in re.sub(r"\\.", "", page)
    assert "http://evil.example" not in page
    (row,) = (line for line in page.splitlines() if "keys/person-" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 4


def test_the_next_command_can_be_run_as_it_stands(run, model, tmp_path):
    (tmp_path / "my packs").mkdir()
    out = run("export", "model:demo@1", "--to", tmp_path / "my packs" / "demo.zip")[1]
    assert out.endswith(f"\nlineal verify '{tmp_path}/my packs/demo.zip'\n")
    assert re.search(r"files +\d+, \d+\.\d kB, no data rows", out)


def test_it_goes_on_record_with_the_packs_hash(lineage, pack, check_events):
    event = lineage.event("export")
    facet = event["run"]["facets"]["lineal_pack"]
    assert facet["subject"] == "model:demo@1"
    assert facet["sha256"] == hashlib.sha256(pack.read_bytes()).hexdigest()
    assert facet["withData"] is False
    assert "data rows" in facet["missing"]
    assert lineage.inputs("export") == ["models/demo"]
    (output,) = event["outputs"]
    assert [each["name"] for each in output["facets"]["schema"]["fields"]][:2] == ["path", "sha256"]
    assert (output["namespace"], output["name"]) == ("file", str(pack))
    md5 = hashlib.md5(pack.read_bytes(), usedforsecurity=False).hexdigest()
    assert output["facets"]["version"]["datasetVersion"] == md5
    check_events("\n".join(body for body in lineage.store.events() if json.loads(body)["job"]["name"] != "score"))


def test_what_the_pack_rests_on_does_not_change_by_handing_it_out(packed):
    first, second = contents(packed("first.zip")), contents(packed("second.zip"))
    assert first["events/events.ndjson"] == second["events/events.ndjson"]


def test_an_existing_file_is_replaced_only_if_that_is_said(run, model, tmp_path):
    file = tmp_path / "demo.zip"
    file.write_text("mine")
    status, out, err = run("export", "model:demo@1", "--to", file)
    assert (status, out) == (2, "")
    assert err == f"lineal: {file} is there already; name another file, or replace it with --force\n"
    assert file.read_text() == "mine"
    assert run("export", "model:demo@1", "--to", file, "--force")[0] == 0
    assert zipfile.is_zipfile(file)
    assert [each.name for each in tmp_path.glob("*demo*")] == ["demo.zip"]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("pack.tar", "does not say what to write; name it *.zip"),
        ("s3://bucket/pack.zip", "is no path on this machine; write there, and copy it on"),
        ("nowhere/pack.zip", "to write pack.zip to; make it first"),
        ("folder.zip", "is a folder; name a file in it"),
    ],
)
def test_a_target_that_cannot_be_is_told_before_anything_is_done(run, lineage, model, tmp_path, target, said):
    (tmp_path / "folder.zip").mkdir()
    before = lineage.ndjson()
    status, _, err = run("export", "model:demo@1", "--to", target if "://" in target else tmp_path / target)
    assert status == 2
    assert err.endswith(f"{said}\n")
    assert lineage.ndjson() == before


def test_a_model_that_is_not_on_record(run, model, tmp_path):
    status, _, err = run("export", "model:dmo", "--to", tmp_path / "pack.zip")
    assert status == 2
    assert "dmo" in err
    assert not (tmp_path / "pack.zip").exists()
    status, _, err = run("export", "dataset:demo.train", "--to", tmp_path / "pack.zip")
    assert (status, "write one of model:NAME@VERSION_OR_ALIAS" in err) == (2, True)


def test_a_disk_that_cannot_be_written_leaves_nothing_behind(lineage, model, tmp_path, run):
    folder = tmp_path / "full"
    folder.mkdir()
    # Every user may be root in a container, for whom no folder is read-only.
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from pathlib import Path; from lineal.packs.interface import Document; from lineal.packs import zipped;"
        f"import os; zipped.write([Document('a.png', os.urandom(90_000), '', '')], Path({str(folder / 'p.zip')!r}),"
        "force=False)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"StorageError: {folder / 'p.zip'} cannot be written: " in done.stderr
    assert list(folder.iterdir()) == []


def test_events_and_proofs_come_out_of_each_database(store_url, model_files, tmp_path):
    home = settings.home()
    with recording(url=store_url) as lineage:
        shutil.copytree(home, settings.home())
        made = audited.train(audited.Plan(model_id="m-1"))
        audited.decide(made, "Grace", {"action": "approve"})
        export(lineage.store, Subject("model", "demo", "champion"), tmp_path / "pack.zip", now=NOW)
    answer = check(tmp_path / "pack.zip")
    assert answer.holds
    (events,) = (part for part in answer.checked if part.name == "events")
    assert (events.count, events.wrong) == (16, 0)


def test_the_readmes_own_scripts_check_it(pack, tmp_path):
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(pack) as archive:
        archive.extractall(folder)
    scripts = re.findall(r"^```python\n(.*?)^```", (folder / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(scripts) == 2

    def check(script):
        return subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)

    said = [check(script) for script in scripts]
    assert [each.returncode for each in said] == [0, 0], [each.stderr for each in said]
    assert re.search(r"\d+ files are as they were signed", said[0].stdout)
    assert re.search(r"(\d+) of \1 events are as they were signed", said[1].stdout)
    if shutil.which("sha256sum"):
        assert subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=False).returncode == 0
    events = folder / "events" / "events.ndjson"
    events.write_text(events.read_text().replace("Grace", "Alice"))
    assert "events/events.ndjson" in check(scripts[0]).stderr
    assert "is not what was signed" in check(scripts[1]).stderr
