"""Sign a model's files as the OpenSSF model-signing specification has it (version 1.0), and check such a signature.

`model.sig` lies beside the files: a Sigstore bundle with an in-toto statement, which names each file with its SHA-256.
Anyone checks it by that project's own tool, without Lineal::

    model_signing verify key FOLDER --signature FOLDER/model.sig --public_key models.pub

It is written here rather than by that tool's library, which takes a third of a second to import; a test holds that the
tool takes it. The statement's subject is the model digest, so that the signature of one model is none of another.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lineal.errors import SigningError
from lineal.signing import PublicKey, SigningKey

FILE_NAME = "model.sig"
# What MLflow adds to a registered model that it hands out, and what the tool itself leaves out.
_IGNORED = (FILE_NAME, "registered_model_meta", ".git", ".gitattributes", ".github", ".gitignore")
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """What a signature says of a folder.

    Attributes:
        key: id of the key that signed.
        trusted: whether that is one of those believed, and it did sign this.
        subject: what was signed: the model digest.
        changed: files that are not what they were.
        missing: files that were signed and are gone.
        added: files that were not signed.
    """

    key: str
    trusted: bool
    subject: str
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]


def sign(folder: Path, digest: str, key: SigningKey) -> Path:
    """Sign all files of a folder; the signature is put beside them.

    Args:
        folder: a model's files.
        digest: of the model.
        key: to sign with.
    """
    file = folder / FILE_NAME
    file.write_text(bundle(hashes(folder), digest, key), encoding="utf-8")
    return file


def bundle(files: Mapping[str, bytes], digest: str, key: SigningKey) -> str:
    """Give the text of a signature over some files.

    Args:
        files: SHA-256 of each, by its name from the model's folder.
        digest: of the model.
        key: to sign with.
    """
    files = {str(name): files[str(name)] for name in sorted(map(PurePosixPath, files))}
    whole = hashlib.sha256(b"".join(files.values())).hexdigest()
    statement = {
        "_type": _STATEMENT,
        "subject": [{"name": digest, "digest": {"sha256": whole}}],
        "predicateType": _PREDICATE,
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": list(_IGNORED),
            },
            "resources": [
                {"name": name, "algorithm": "sha256", "digest": hashed.hex()} for name, hashed in files.items()
            ],
        },
    }
    payload = json.dumps(statement, indent=2).encode()
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": _PAYLOAD,
        "signatures": [{"sig": base64.b64encode(key.sign(_enveloped(payload))).decode(), "keyid": ""}],
    }
    made = {
        "mediaType": _BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": key.public.id}, "tlogEntries": []},
        "dsseEnvelope": envelope,
    }
    return json.dumps(made)


def check(folder: Path, keys: Mapping[str, PublicKey]) -> SignatureCheck:
    """Compare a folder with the signature beside its files.

    Args:
        folder: a model's files.
        keys: those to believe, by id.

    Raises:
        SigningError: the file is no such signature, or not over what it says.
    """
    try:
        text = (folder / FILE_NAME).read_text(encoding="utf-8")
    except (OSError, ValueError) as problem:
        raise SigningError(f"{FILE_NAME} is no signature of a model ({type(problem).__name__})") from problem
    return compare(text, hashes(folder), keys)


def compare(text: str, stands: Mapping[str, bytes], keys: Mapping[str, PublicKey]) -> SignatureCheck:
    """Compare files with a signature.

    Args:
        text: of the signature.
        stands: SHA-256 of each file, by its name from the model's folder.
        keys: those to believe, by id.

    Raises:
        SigningError: the text is no such signature, or not over what it says.
    """
    try:
        said = json.loads(text)
        signer = str(said["verificationMaterial"]["publicKey"]["hint"])
        envelope = said["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signature = base64.b64decode(envelope["signatures"][0]["sig"], validate=True)
        statement = json.loads(payload)
        (subject,) = statement["subject"]
        resources = statement["predicate"]["resources"]
        signed = {str(each["name"]): bytes.fromhex(each["digest"]) for each in resources}
        "".join(signed).encode()  # half a surrogate pair is no text, and cannot be shown
        known = (said["mediaType"], envelope["payloadType"], statement["_type"], statement["predicateType"])
        if known != (_BUNDLE, _PAYLOAD, _STATEMENT, _PREDICATE):
            raise ValueError(known)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as problem:
        raise SigningError(f"{FILE_NAME} is no signature of a model ({type(problem).__name__})") from problem
    key = keys.get(signer)
    if key is not None and not key.verifies(signature, _enveloped(payload)):
        raise SigningError(f"{FILE_NAME} was changed: its signature is not of what it says now")
    return SignatureCheck(
        key=signer,
        trusted=key is not None,
        subject=str(subject["name"]),
        changed=tuple(sorted(name for name in signed.keys() & stands.keys() if signed[name] != stands[name])),
        missing=tuple(sorted(signed.keys() - stands.keys())),
        added=tuple(sorted(stands.keys() - signed.keys())),
    )


def hashes(folder: Path) -> dict[str, bytes]:
    """SHA-256 of each file of a folder that is signed, by its name."""
    found = {}
    for file in folder.rglob("*"):
        name = PurePosixPath(file.relative_to(folder).as_posix())
        if file.is_file() and name.parts[0] not in _IGNORED:
            with file.open("rb") as opened:
                found[str(name)] = hashlib.file_digest(opened, "sha256").digest()
    return found


def _enveloped(payload: bytes) -> bytes:
    """What is signed, by the DSSE protocol."""
    return b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD), _PAYLOAD.encode(), len(payload), payload)
