"""`lineal verify FILE.zip`: on another machine, without a store; each thing that is not as it was signed is named."""

import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineal import settings as lineal_settings
from lineal import signing
from lineal.errors import PackError
from lineal.packs.checking import check
from lineal.packs.envelope import IN_TOTO, MANIFEST, seal
from lineal.testing import recording
from tests.unit.packs.conftest import contents, put, put_on_record, write_pack


@pytest.fixture
def pack(kept, own_home, tmp_path):
    """The model's pack, on the machine of who made it."""
    if not (kept / "pack.zip").exists():
        with recording(tmp_path) as lineage:
            put_on_record()
            shutil.copy(write_pack(lineage, tmp_path / "made.zip"), kept / "pack.zip")
            lineal_settings.home().rename(kept / "home")
    shutil.copytree(kept / "home", lineal_settings.home())
    return Path(shutil.copy(kept / "pack.zip", tmp_path))


@pytest.fixture
def sender(pack, tmp_path):
    """The public key of who made the pack."""
    return shutil.copy(signing.folder() / "log.pub", tmp_path / "sender.pub")


@pytest.fixture
def elsewhere(sender, tmp_path, monkeypatch):
    """Another machine: no store, no keys."""
    monkeypatch.setenv("LINEAL_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("LINEAL_STORE", "sqlite:////nowhere/lineal.db")


def found(answer):
    return {(each.problem, each.what) for each in answer.findings}


def test_it_holds_on_another_machine_by_the_senders_key(run, pack, sender, elsewhere):
    status, out, err = run("verify", pack, "--public-key", sender)
    assert (status, err) == (0, "")
    assert out.startswith(f"{pack}: model:demo@1, made 2026-11-25 12:00:00 UTC by lineal ")
    lines = {words[0]: words[-1] for line in out.splitlines() if (words := line.split())}
    assert {lines[part] for part in ("files", "statements", "events", "model")} == {"hold"}
    assert f"all holds: signed with the key {signing.read_public(sender).id[:12]}, which is trusted ({sender})" in out
    answer = json.loads(run("verify", pack, "--public-key", sender, "--json")[1])
    assert (answer["trusted"], answer["findings"]) == (True, [])
    assert not (lineal_settings.home() / "keys").exists()


def test_who_has_not_the_senders_key_is_told_so(run, pack, sender, elsewhere):
    status, out, _ = run("verify", pack)
    assert status == 1
    assert f"not trusted  key {signing.read_public(sender).id[:12]}" in out
    assert "get the sender's by another way than the pack, and give it by --public-key" in out
    assert "1 thing does not hold" in out


def test_the_key_of_another_is_not_taken_for_the_senders(run, pack, sender, elsewhere, tmp_path):
    signing.make(tmp_path / "other.pem", "log", "")
    status, out, _ = run("verify", pack, "--public-key", tmp_path / "other.pub")
    assert status == 1
    other = signing.read_public(tmp_path / "other.pub").id[:12]
    assert f"signed it, and is not trusted here (trusted: {other})" in out


def test_what_is_no_key_of_a_pack(run, pack, tmp_path):
    status, _, err = run("verify", pack, "--public-key", signing.folder() / "models.pub")
    assert status == 2
    assert "is a key for models; packs are signed with Ed25519" in err
    (tmp_path / "no.pub").write_text("no key")
    assert "is no key" in run("verify", pack, "--public-key", tmp_path / "no.pub")[2]


def test_one_byte_changed_in_any_file_is_found_and_named(pack, tmp_path):
    files, spoiled = contents(pack), tmp_path / "spoiled.zip"
    for path, content in files.items():
        for place in {0, len(content) // 2, len(content) - 1}:
            changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            put(spoiled, {**files, path: changed})
            answer = check(spoiled)
            assert ("changed", path) in found(answer), (path, place, answer.findings)
            # Of an event the line is told as well where the file were signed anew, and else the file alone.
            assert {what for problem, what in found(answer) if problem != "not trusted"} == {path}


def test_a_file_that_is_gone_is_named(pack, tmp_path):
    files, spoiled = contents(pack), tmp_path / "spoiled.zip"
    for path in files:
        put(spoiled, {name: content for name, content in files.items() if name != path})
        assert ("missing", path) in found(check(spoiled))


def test_a_file_that_was_added_is_named(run, pack):
    with zipfile.ZipFile(pack, "a") as archive:
        archive.writestr("data/more.csv", "1,2\n")
    status, out, _ = run("verify", pack)
    assert status == 1
    assert "added  data/more.csv  it was not there when the pack was signed" in out
    assert "1 thing does not hold" in out


def test_a_pack_that_another_has_signed_anew_is_not_trusted(pack, elsewhere, sender, tmp_path):
    signing.make(tmp_path / "forger.pem", "log", "")
    forger = signing.of_person(tmp_path / "forger.pem")
    files = contents(pack)
    told = json.loads(files["manifest.json"])
    files["manifest.json"] = json.dumps(told | {"subject": "model:demo@2", "key": forger.public.id}).encode()
    files["manifest.dsse.json"] = seal(files["manifest.json"], MANIFEST, forger)
    put(pack, files)
    # Their key is not in the pack, so that nothing says whose it is.
    assert ("not signed", "manifest.json") in found(check(pack, keys=[sender]))
    assert check(pack, keys=[tmp_path / "forger.pub"]).trusted
    problems = found(check(pack, keys=[tmp_path / "forger.pub"]))
    assert ("not signed", "attestations/audit.dsse.json") in problems


def test_a_statement_about_another_model_file_is_found(pack, tmp_path):
    """Who has the key and puts another model into the pack has to sign the statements anew as well."""
    files = contents(pack)
    files["model/MLmodel"] = b"flavors: {other: {}}\n"
    resign(files)
    put(pack, files)
    problems = found(check(pack))
    assert ("changed", "attestations/provenance.dsse.json") in problems
    assert ("changed", "model/MLmodel") in problems  # by the model's own signature


def test_an_event_that_was_exchanged_by_who_has_the_key_is_found_by_its_proof(pack):
    files = contents(pack)
    files["events/events.ndjson"] = files["events/events.ndjson"].replace(b"Grace", b"Alice")
    resign(files)
    put(pack, files)
    changed = {what for problem, what in found(check(pack)) if problem == "changed"}
    assert changed
    assert all(what.startswith("events/events.ndjson:") for what in changed)


def resign(files):
    import hashlib

    told = json.loads(files["manifest.json"])
    for entry in told["files"]:
        content = files[entry["path"]]
        entry |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    files["manifest.json"] = json.dumps(told).encode()
    files["manifest.dsse.json"] = seal(files["manifest.json"], MANIFEST, signing.key_for("log"))


def test_a_pack_that_was_zipped_again_is_as_good(pack, tmp_path):
    put(tmp_path / "again.zip", contents(pack))
    assert check(tmp_path / "again.zip").holds


def test_without_the_manifest_the_signature_says_what_it_was(pack, tmp_path):
    files = contents(pack)
    put(pack, {path: content for path, content in files.items() if path != "manifest.json"})
    assert found(check(pack)) == {("missing", "manifest.json")}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no zip", "is no zip file, or a damaged one"),
        (b"", "is no zip file, or a damaged one"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_what_is_no_zip_file_is_told_in_one_sentence(run, tmp_path, content, said):
    file = tmp_path / "pack.zip"
    if content is not None:
        file.write_bytes(content)
    status, out, err = run("verify", file)
    assert (status, out) == (2, "")
    assert err.startswith(f"lineal: {file}: {said}")
    assert err.count("\n") == 1


def test_a_half_of_a_pack_is_no_zip_file(run, pack):
    pack.write_bytes(pack.read_bytes()[: pack.stat().st_size // 2])
    status, _, err = run("verify", pack)
    assert status == 2
    assert "is no zip file, or a damaged one" in err


def test_a_zip_file_of_something_else_is_no_pack(run, tmp_path):
    put(tmp_path / "other.zip", {"a.txt": "a"})
    status, _, err = run("verify", tmp_path / "other.zip")
    assert status == 2
    assert "is no evidence pack: it has no manifest.json that can be read" in err


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": "lineal evidence pack 2"}', "[" * 100_000])
def test_a_manifest_that_is_none(run, tmp_path, text):
    put(tmp_path / "other.zip", {"manifest.json": text, "manifest.dsse.json": "x"})
    status, _, err = run("verify", tmp_path / "other.zip")
    assert status == 2
    assert "manifest.json is" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("path", ["events/events.ndjson", "events/proofs.json", "model/model.sig", "keys/models.pub"])
def test_what_rests_on_a_changed_file_is_said_to_be_unchecked(run, pack, path):
    files = contents(pack)
    put(pack, {**files, path: files[path] + b" "})
    status, out, _ = run("verify", pack)
    assert status == 1
    part = "events" if path.startswith("events/") else "model"
    assert re.search(rf"^  {part} +not checked: see {path} below$", out, re.MULTILINE)
    assert "none in it" not in out


def without_the_first_proof(pack, *missing):
    files = contents(pack)
    told = json.loads(files["events/proofs.json"])
    count = len(told["events"])
    del told["events"][0]
    files["events/proofs.json"] = json.dumps(told).encode()
    listed = json.loads(files["manifest.json"])
    listed["missing"] += [{"what": each.format(count), "why": "not yet"} for each in missing]
    files["manifest.json"] = json.dumps(listed).encode()
    resign(files)
    put(pack, files)
    return count


def test_an_event_without_a_proof_is_not_counted_as_one_that_holds(run, pack):
    count = without_the_first_proof(pack, "proofs of 1 of {} events")
    status, out, _ = run("verify", pack)
    assert status == 0
    assert re.search(rf"^  events +{count - 1} events: hold$", out, re.MULTILINE)


@pytest.mark.parametrize("missing", [(), ("proofs of 2 of {} events",)])
def test_an_event_whose_proof_the_pack_does_not_say_it_goes_without_is_told(run, pack, missing):
    count = without_the_first_proof(pack, *missing)
    status, out, _ = run("verify", pack)
    assert status == 1
    assert f"proofs of 1 of {count} events are not there, and the manifest does not say so" in out


def first_proof(**values):
    return lambda told: told["events"][0].update(values)


def first_checkpoint(**values):
    return lambda told: told["checkpoints"][0].update(values)


@pytest.mark.parametrize(
    "spoil",
    [
        first_proof(seq=2**70),
        first_proof(seq=float("inf")),
        first_proof(path=["zz"]),
        first_checkpoint(signature="\N{LATIN SMALL LETTER E WITH ACUTE}"),
        first_checkpoint(number=float("inf")),
        first_checkpoint(made_at="\ud800"),
    ],
)
def test_proofs_that_nobody_writes_are_named(run, pack, spoil):
    files = contents(pack)
    told = json.loads(files["events/proofs.json"])
    spoil(told)
    files["events/proofs.json"] = json.dumps(told).encode()
    resign(files)
    put(pack, files)
    status, out, err = run("verify", pack)
    assert (status, err) == (1, "")
    assert "changed  events/" in out


DEEP = b"[" * 100_000


def test_what_is_nested_without_end_is_named(run, pack):
    files = contents(pack)
    key = signing.key_for("log")
    files |= {"attestations/audit.dsse.json": seal(DEEP, IN_TOTO, key), "attestations/passed.dsse.json": DEEP}
    files["model/model.sig"] = DEEP
    resign(files)
    put(pack, files)
    status, out, err = run("verify", pack)
    assert (status, err) == (1, "")
    assert "not signed  attestations/audit.dsse.json   it holds no statement: maximum recursion depth" in out
    assert "attestations/passed.dsse.json  it holds no statement: it is no DSSE envelope (RecursionError)" in out
    assert "model/model.sig                model.sig is no signature of a model (RecursionError)" in out


@pytest.mark.parametrize(
    ("said", "why"), [({"made_at": "yesterday"}, "ValueError"), ({"subject": "model:\ud800@1"}, "UnicodeEncodeError")]
)
def test_a_pack_of_no_time_or_text_is_none(run, pack, said, why):
    files = contents(pack)
    files["manifest.json"] = json.dumps(json.loads(files["manifest.json"]) | said).encode()
    files["manifest.dsse.json"] = seal(files["manifest.json"], MANIFEST, signing.key_for("log"))
    put(pack, files)
    status, _, err = run("verify", pack)
    assert (status, err) == (2, f"lineal: {pack}: manifest.json is no manifest of a pack ({why})\n")


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_changed_anywhere_are_found_or_change_no_file(pack, tmp_path, data):
    raw = pack.read_bytes()
    spoiled = tmp_path / "spoiled.zip"
    # Half of them among what says where the files are, which is at the end.
    places = st.integers(0, len(raw) - 1) | st.integers(len(raw) - 4000, len(raw) - 1)
    changed = bytearray(raw)
    for place in data.draw(st.lists(places, min_size=1, max_size=3)):
        changed[place] = data.draw(st.integers(0, 255))
    spoiled.write_bytes(changed[: data.draw(st.integers(len(raw) - 100, len(raw)))])
    try:
        answer = check(spoiled)
    except PackError:
        return
    # A time stamp or the like is no file's content, and nobody's evidence.
    assert answer.findings or contents(spoiled) == contents(pack)


def test_a_pack_and_a_log_are_two_things(run, pack):
    status, _, err = run("verify", pack, "--log", pack)
    assert (status, err) == (2, "lineal: --log and a pack are two things to check; leave one of them out\n")
