"""Checkpoints: made over every event once, by one chain, however many make them; proofs that need no log."""

import base64
import json
import logging
import multiprocessing
import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from lineal import signing, traced
from lineal.errors import LinealError, SigningError, StoreError
from lineal.store import checkpoints, tables
from lineal.store.checkpoints import heads, making, merkle
from lineal.store.checkpoints.proofs import EventProof
from lineal.store.log import Store
from lineal.tracing import sealing
from tests.parts.producers import dataset_event

LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


def event(number):
    return dataset_event(f"table{number}", "2026-01-01T00:00:00+00:00")


@pytest.fixture
def store(store_url):
    return Store(store_url)


def filled(store, count):
    for number in range(count):
        store.append(event(number))
    return store


def chain(store):
    rows = store.read(sa.select(*making.COLUMNS).order_by(tables.checkpoints.c.number))
    return [checkpoints.Checkpoint.of(row._mapping) for row in rows]


# --- the tree -----------------------------------------------------------------------------------------------------


def rfc_6962(leaves):
    """The specification's own definition, section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return merkle.node(rfc_6962(leaves[:k]), rfc_6962(leaves[k:]))


@given(LEAVES)
def test_the_root_is_the_specifications(leaves):
    assert merkle.root_of(leaves) == rfc_6962(leaves)


def test_a_root_of_another_implementations():
    # The test vectors of certificate transparency: leaves "", 00, 10, 2021, 3031, 40414243, …
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    import hashlib

    leaves = [hashlib.sha256(b"\0" + bytes.fromhex(each)).digest() for each in data]
    assert merkle.root_of(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root_of(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(LEAVES, st.data())
def test_any_change_of_the_leaves_changes_the_root(leaves, data):
    root = merkle.root_of(leaves)
    place = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda leaf: leaf != leaves[place]))
    assert merkle.root_of([*leaves[:place], other, *leaves[place + 1 :]]) != root
    assert merkle.root_of(leaves[:place] + leaves[place + 1 :]) != root
    assert merkle.root_of([*leaves[:place], other, *leaves[place:]]) != root
    second = data.draw(st.integers(0, len(leaves) - 1))
    swapped = list(leaves)
    swapped[place], swapped[second] = swapped[second], swapped[place]
    assert (merkle.root_of(swapped) == root) == (leaves[place] == leaves[second])


@given(LEAVES, st.data())
def test_a_proof_holds_for_its_leaf_and_for_nothing_else(leaves, data):
    root = merkle.root_of(leaves)
    place = data.draw(st.integers(0, len(leaves) - 1))
    proof = merkle.prove(leaves, place)
    assert merkle.holds(proof, leaves[place], root)
    other = data.draw(st.binary(min_size=32, max_size=32))
    assert merkle.holds(proof, other, root) == (other == leaves[place])
    assert not merkle.holds(proof, leaves[place], other) or other == root
    elsewhere = data.draw(st.integers(-1, len(leaves) + 1).filter(lambda index: index != place))
    if not (0 <= elsewhere < len(leaves) and leaves[elsewhere] == leaves[place]):
        assert not merkle.holds(replace(proof, index=elsewhere), leaves[place], root) or len(set(leaves)) < len(leaves)
    assert not merkle.holds(replace(proof, path=(*proof.path, other)), leaves[place], root)
    if proof.path:
        assert not merkle.holds(replace(proof, path=proof.path[:-1]), leaves[place], root)
        step = data.draw(st.integers(0, len(proof.path) - 1))
        wrong = (*proof.path[:step], other, *proof.path[step + 1 :])
        assert merkle.holds(replace(proof, path=wrong), leaves[place], root) == (wrong == proof.path)


def test_a_leaf_holds_the_place_and_the_very_bytes():
    hashes = {merkle.leaf(seq, body) for seq in (1, 2) for body in ('{"a":1}', '{"a": 1}', '{"a":"é"}')}
    assert len(hashes) == 6


# --- making -------------------------------------------------------------------------------------------------------


def test_every_event_comes_under_one_checkpoint_and_each_follows_the_last(store, monkeypatch):
    monkeypatch.setattr(making, "SLICE", 4)
    filled(store, 10)
    assert [each.count for each in checkpoints.make(store)] == [4, 4, 2]
    assert checkpoints.make(store) == []
    filled(store, 1)
    (last,) = checkpoints.make(store)
    found = chain(store)
    assert [each.number for each in found] == [1, 2, 3, 4]
    assert [(each.first_seq, each.last_seq) for each in found] == [(1, 4), (5, 8), (9, 10), (11, 11)]
    assert found[0].previous == "0" * 64
    assert [each.previous for each in found[1:]] == [each.digest for each in found[:-1]]
    key = signing.key_for("log").public
    assert all(each.is_signed_by(key) for each in found)
    assert found[-1] == last == checkpoints.newest(store)


def test_a_limit_leaves_the_rest_to_the_next(store):
    filled(store, 5)
    assert [each.count for each in checkpoints.make(store, most=3)] == [3]
    assert [each.count for each in checkpoints.make(store)] == [2]


def _write_and_make(url, number):
    store = Store(url)
    for _ in range(8):
        store.append(event(number))
        checkpoints.make(store)
    return signing.key_for("log").public.id


def test_processes_that_make_them_at_once_do_not_fork_the_chain(store, store_url):
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        keys = {done.result() for done in [pool.submit(_write_and_make, store_url, number) for number in range(4)]}
    assert len(keys) == 1  # they made one key, too
    found = chain(store)
    assert [each.number for each in found] == list(range(1, len(found) + 1))
    assert [each.previous for each in found[1:]] == [each.digest for each in found[:-1]]
    assert sum(each.count for each in found) == 32
    (head,) = heads.read(store)
    assert heads.is_in_chain(store, head)


@pytest.mark.parametrize("above", [None, "airflow/dag.task/01890c1c-7b1b-7c1e-8b1b-1c1e8b1b1c1e"])
def test_the_outermost_run_of_a_process_ends_under_a_checkpoint(lineage, monkeypatch, above):
    if above:
        monkeypatch.setenv("OPENLINEAGE_PARENT_ID", above)

    @traced
    def step():
        return None

    @traced
    def work():
        step()

    work()
    newest = checkpoints.newest(lineage.store)
    assert newest.count == len(lineage.events()) == 4


def test_root_runs_in_quick_succession_are_under_one_when_the_process_ends(lineage):
    code = "from lineal import traced\n@traced\ndef work(): pass\nfor _ in range(20): work()"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"LINEAL_STORE": lineage.url})
    found = chain(lineage.store)
    assert sum(each.count for each in found) == 40
    assert len(found) < 5


def test_work_that_goes_to_another_project_is_not_signed_by_its_key(lineage, monkeypatch, tmp_path):
    monkeypatch.delenv("LINEAL_HOME")
    monkeypatch.setattr(sealing, "_EVERY_SECONDS", 0.0)
    here, there = (tmp_path / name for name in ("here", "there"))
    for folder in (here, there):
        folder.mkdir()
        (folder / "pyproject.toml").touch()
    monkeypatch.chdir(here)

    @traced
    def work(where):
        monkeypatch.chdir(where)

    work(there)
    assert checkpoints.newest(lineage.store) is None
    assert not (there / ".lineal").exists()
    monkeypatch.chdir(here)
    work(here)
    assert checkpoints.newest(lineage.store).count == 4
    assert (here / ".lineal" / "keys" / "log.pem").exists()


@pytest.mark.parametrize("strict", ["", "1"])
def test_a_run_does_not_fail_for_want_of_a_checkpoint(lineage, tmp_path, monkeypatch, caplog, strict):
    monkeypatch.setenv("LINEAL_KEY", str(tmp_path / "nowhere.pem"))
    monkeypatch.setenv("LINEAL_STRICT", strict)

    @traced
    def work():
        return 5

    with caplog.at_level(logging.WARNING, "lineal"):
        assert work() == 5
    (said,) = [record.getMessage() for record in caplog.records]
    assert "no checkpoint was made" in said
    assert "LINEAL_KEY names" in said
    assert [event["eventType"] for event in lineage.events()] == ["START", "COMPLETE"]
    monkeypatch.delenv("LINEAL_KEY")
    assert [each.count for each in checkpoints.make(lineage.store)] == [2]


def test_a_checkpoint_waits_for_other_writers_no_longer_than_it_is_told(store):
    filled(store, 1)
    other = Store(store.url)
    started = time.monotonic()

    def hold(connection):
        with pytest.raises(StoreError, match="try again when that one has ended"):
            checkpoints.make(store, patience=0.2)

    other.write(hold)
    assert time.monotonic() - started < 10
    assert len(checkpoints.make(store)) == 1


# --- proofs -------------------------------------------------------------------------------------------------------


def test_an_event_is_proven_without_the_log(store, tmp_path):
    filled(store, 7)
    assert checkpoints.prove_event(store, 3) is None
    checkpoints.make(store)
    key = signing.key_for("log").public
    bodies = list(store.events())
    for seq, body in enumerate(bodies, 1):
        told = json.loads(json.dumps(checkpoints.prove_event(store, seq).to_json()))
        proof = EventProof.from_json(told)
        assert checkpoints.check_proof(proof, body, key)
        assert not checkpoints.check_proof(proof, body + " ", key)
        assert not checkpoints.check_proof(replace(proof, seq=seq + 1), body, key)
        other = signing.read_public(_key_file(tmp_path, "other", _pem("ed25519")))
        assert not checkpoints.check_proof(proof, body, other)
        fake = replace(proof.checkpoint, made_at="2020-01-01T00:00:00+00:00")
        assert not checkpoints.check_proof(replace(proof, checkpoint=fake), body, key)
    with pytest.raises(StoreError, match="there was no event 0 when checkpoint 1 was made"):
        checkpoints.prove_event(store, 0)


def _key_file(folder, name, content):
    (folder / name).write_bytes(content)
    return folder / name


# --- keys ---------------------------------------------------------------------------------------------------------


def test_the_key_is_made_at_first_use_for_its_owner_alone(store, own_home):
    assert not (own_home / ".lineal" / "keys").exists()
    checkpoints.make(filled(store, 1))
    folder = own_home / ".lineal" / "keys"
    assert stat.S_IMODE((folder / "log.pem").stat().st_mode) == 0o600
    assert (folder / ".gitignore").read_text() == "*\n"
    assert signing.read_public(folder / "log.pub").pem == signing.key_for("log").public.pem
    assert [each.name for each in folder.iterdir() if each.name.startswith(".n")] == []


def test_a_key_that_is_given_is_used(store, tmp_path, monkeypatch, own_home):
    key = tmp_path / "mine.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    monkeypatch.setenv("LINEAL_KEY", str(key))
    (made,) = checkpoints.make(filled(store, 1))
    assert made.is_signed_by(signing.read_public(key))
    assert not (own_home / ".lineal" / "keys").exists()


def _pem(kind):
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else ed25519.Ed25519PrivateKey.generate()
    locked = BestAvailableEncryption(b"pw") if kind == "locked" else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "which is not there; make the key by `openssl genpkey -algorithm ed25519"),
        (b"hello", "is no private key in PEM form"),
        (_pem("ec"), "is of another kind; the log is signed with Ed25519"),
        (_pem("locked"), "is locked by a password"),
    ],
    ids=["not there", "no key", "another kind", "locked"],
)
def test_a_key_that_cannot_be_used(content, sentence, tmp_path, monkeypatch):
    key = tmp_path / "key.pem"
    if content is not None:
        key.write_bytes(content)
    monkeypatch.setenv("LINEAL_KEY", str(key))
    with pytest.raises(SigningError, match=sentence) as raised:
        signing.key_for("log")
    assert str(key) in str(raised.value)


def test_a_home_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LINEAL_HOME", str(tmp_path / "file"))
    with pytest.raises(LinealError, match="cannot be made: Not a directory; set LINEAL_HOME"):
        signing.key_for("log")


def test_the_signature_is_plain_ed25519_over_the_note(store, tmp_path):
    (made,) = checkpoints.make(filled(store, 2))
    (tmp_path / "note").write_bytes(made.note)
    (tmp_path / "signature").write_bytes(base64.b64decode(made.signature))
    done = subprocess.run(
        [
            *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", signing.folder() / "log.pub", "-rawin"),
            *("-in", tmp_path / "note", "-sigfile", tmp_path / "signature"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Verified Successfully" in done.stdout, done.stdout + done.stderr
    assert Path(tmp_path / "note").read_text().splitlines()[:3] == ["lineal checkpoint 1", "number: 1", "first_seq: 1"]
