"""Models are signed so that the OpenSSF tool takes the signature; what was changed since is named by file."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lineal import signing
from lineal.errors import SigningError
from lineal.models import signature

TOOL = Path(sys.executable).parent / "model_signing"
DIGEST = "ab" * 32


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    for name in ("MLmodel", "model.skops", "B", "b", "sub/a"):
        (folder / name).write_text(f"content of {name}")
    signature.sign(folder, DIGEST, signing.key_for("models"))
    return folder


def keys():
    return signing.trusted("models")


def tool(folder, public=None):
    public = public or signing.folder() / "models.pub"
    command = [TOOL, "verify", "key", folder, "--signature", folder / "model.sig", "--public_key", public]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_tools_own_command_takes_it(folder):
    assert tool(folder) == (0, "Verification succeeded\n")


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_it_takes_that_of_a_given_key(folder, curve, tmp_path, monkeypatch):
    key = tmp_path / "key.pem"
    made = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-out", key]
    subprocess.run(made, check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", tmp_path / "key.pub"], check=True)
    monkeypatch.setenv("LINEAL_MODEL_KEY", str(key))
    signature.sign(folder, DIGEST, signing.key_for("models"))
    assert tool(folder, tmp_path / "key.pub")[0] == 0
    assert signature.check(folder, keys()).trusted


@pytest.mark.parametrize("change", ["changed", "missing", "added"])
def test_a_file_that_is_not_as_it_was_is_named(folder, change):
    file = folder / "sub" / ("new" if change == "added" else "a")
    if change == "missing":
        file.unlink()
    else:
        file.write_text("other")
    assert tool(folder)[0] == 1
    found = signature.check(folder, keys())
    named = {kind: getattr(found, kind) for kind in ("changed", "missing", "added") if getattr(found, kind)}
    assert named == {change: (f"sub/{file.name}",)}


def test_what_mlflow_adds_to_a_downloaded_model_is_no_change(folder):
    (folder / "registered_model_meta").write_text("model_name: wine")
    assert tool(folder)[0] == 0
    found = signature.check(folder, keys())
    assert (found.trusted, found.subject, found.added) == (True, DIGEST, ())


def test_lineal_takes_what_the_tool_signs(folder):
    key = signing.path_of("models")
    command = [TOOL, "sign", "key", folder, "--private_key", key, "--signature", folder / "model.sig"]
    subprocess.run(command, check=True, capture_output=True)
    found = signature.check(folder, keys())
    assert (found.trusted, found.subject, found.changed) == (True, "model", ())


def test_another_key_is_not_trusted(folder, own_home):
    shutil.rmtree(own_home / ".lineal" / "keys")
    signing.key_for("models")
    assert not signature.check(folder, keys()).trusted


@pytest.mark.parametrize("part", ["payload", "signature"])
def test_a_changed_signature_is_found(folder, part):
    file = folder / "model.sig"
    bundle = json.loads(file.read_text())
    envelope = bundle["dsseEnvelope"]
    if part == "payload":
        said = base64.b64decode(envelope["payload"]).replace(DIGEST.encode(), b"cd" * 32)
        envelope["payload"] = base64.b64encode(said).decode()
    else:
        envelope["signatures"][0]["sig"] = base64.b64encode(b"no signature").decode()
    file.write_text(json.dumps(bundle))
    assert tool(folder)[0] == 1
    with pytest.raises(SigningError, match=r"model\.sig was changed"):
        signature.check(folder, keys())


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"mediaType": "x"}', "\udcff"])
def test_a_file_that_is_no_signature(folder, content):
    (folder / "model.sig").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(SigningError, match=r"model\.sig is no signature of a model"):
        signature.check(folder, keys())
