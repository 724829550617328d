"""Keys that what is recorded is signed with: made at first use, kept under `LINEAL_HOME`, or given.

- the log's, `keys/log.pem` (Ed25519), or the one that `LINEAL_KEY` names;
- the models', `keys/models.pem` (ECDSA on P-256: the OpenSSF model-signing tool takes no Ed25519), or the one that
  `LINEAL_MODEL_KEY` names.

Beside each that is made lies its public half, `log.pub` and `models.pub`, to be given to those who verify. A public key
of another machine or person that is to be believed here is a file in `keys/trusted/`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lineal import settings
from lineal.errors import SigningError, StorageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    Private = Ed25519PrivateKey | EllipticCurvePrivateKey
    Public = Ed25519PublicKey | EllipticCurvePublicKey

Purpose = Literal["log", "models"]
_VARIABLES: dict[Purpose, str] = {"log": "LINEAL_KEY", "models": "LINEAL_MODEL_KEY"}
_KINDS: dict[Purpose, str] = {"log": "Ed25519", "models": "ECDSA on P-256"}
_MAKE: dict[Purpose, str] = {
    "log": "openssl genpkey -algorithm ed25519 -out FILE",
    "models": "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out FILE",
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures of the log are checked with.

    Attributes:
        id: SHA-256 of the key, as it stands in what was signed with it.
        raw: its 32 bytes.
        origin: where it was found.
    """

    id: str
    raw: bytes
    origin: str

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key's owner signed a message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that the log is signed with."""

    public: PublicKey
    _private: Ed25519PrivateKey

    def sign(self, message: bytes) -> bytes:
        """Sign a message."""
        return self._private.sign(message)


def folder() -> Path:
    """Where keys are kept."""
    return settings.home() / "keys"


def path_of(purpose: Purpose) -> Path:
    """The file of a private key: the one that is given, else the one that is made at first use."""
    given = os.environ.get(_VARIABLES[purpose])
    return Path(given).expanduser() if given else folder() / f"{purpose}.pem"


def log_key() -> SigningKey:
    """The key that the log is signed with; made if there is none.

    Raises:
        SigningError: the file is no such key, or cannot be read.
        StorageError: it cannot be made.
    """
    return _log_key(_present("log"))


def model_key() -> Path:
    """The file of the key that models are signed with; made if there is none.

    Raises:
        SigningError: the file that is given is not there.
        StorageError: it cannot be made.
    """
    return _present("models")


def trusted(files: Iterable[Path] = ()) -> dict[str, PublicKey]:
    """The public keys that signatures of the log may be of, by their ids.

    Args:
        files: those to believe, and no others; where none is named, this machine's own and those in `keys/trusted`.

    Raises:
        SigningError: a file is no public key of this kind.
    """
    named = tuple(files)
    if named:
        found = [read_public(file) for file in named]
    else:
        own = path_of("log")
        found = [_log_key(own).public] if own.exists() or os.environ.get(_VARIABLES["log"]) else []
        found += [read_public(file) for file in sorted((folder() / "trusted").glob("*.pub"))]
    return {key.id: key for key in found}


def read_public(file: Path) -> PublicKey:
    """Read an Ed25519 public key from a PEM file; of a private key, its public half.

    Raises:
        SigningError: there is none in the file.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = _read(file)
    try:
        key: object = _private(file, data) if b"PRIVATE KEY" in data else load_pem_public_key(data)
    except ValueError as problem:
        raise SigningError(
            f"{file} is no key (a PEM file that begins with -----BEGIN PUBLIC KEY-----); "
            "give the file log.pub that lies beside the key the log was signed with"
        ) from problem
    if isinstance(key, Ed25519PrivateKey):
        key = key.public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise SigningError(f"{file} is a key of another kind; the log is signed with Ed25519, so give its public key")
    return _public(key, str(file))


def _log_key(file: Path) -> SigningKey:
    try:
        status = file.stat()
    except OSError as problem:
        raise SigningError(f"the key {file} cannot be read: {problem.strerror}; set LINEAL_KEY to one") from problem
    return _cached(file, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=8)
def _cached(file: Path, _modified: int, _inode: int) -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = _private(file, _read(file))
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(
            f"the key {file} is of another kind; the log is signed with Ed25519: make one by `{_MAKE['log']}`"
        )
    return SigningKey(_public(key.public_key(), str(file)), key)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise SigningError(f"the key {file} cannot be read: {problem.strerror}; name another file") from problem


def _private(file: Path, data: bytes) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(data, None)
    except TypeError as problem:
        raise SigningError(f"the key {file} is locked by a password; give one that is not") from problem
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise SigningError(f"{file} is no private key in PEM form; make one by `{_MAKE['log']}`") from problem


def _public(key: Ed25519PublicKey, origin: str) -> PublicKey:
    raw = key.public_bytes_raw()
    return PublicKey(hashlib.sha256(raw).hexdigest(), raw, origin)


def _present(purpose: Purpose) -> Path:
    file, variable = path_of(purpose), _VARIABLES[purpose]
    if not file.exists():
        if os.environ.get(variable):
            raise SigningError(
                f"{variable} names {file}, which is not there; make the key by `{_MAKE[purpose]}`, or unset {variable}"
            )
        _make(file, purpose)
    return file


def _make(file: Path, purpose: Purpose) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    private: Private = (
        ed25519.Ed25519PrivateKey.generate() if purpose == "log" else ec.generate_private_key(ec.SECP256R1())
    )
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A private key is no part of anyone's repository.
        (file.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".") as made:  # of mode 600
            made.write(secret)
            made.flush()
            os.fsync(made.fileno())
            # Of two processes at a time one makes the key, and both have it.
            os.link(made.name, file)
    except FileExistsError:
        return
    except OSError as problem:
        raise StorageError(
            f"the key {file} cannot be made: {problem.strerror}; "
            f"set LINEAL_HOME to a folder that can be written, or {_VARIABLES[purpose]} to a key"
        ) from problem
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    file.with_suffix(".pub").write_bytes(public)
