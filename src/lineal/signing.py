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
from typing import TYPE_CHECKING, Any, Literal

from lineal import settings
from lineal.errors import SigningError, StorageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

    Private = Ed25519PrivateKey | EllipticCurvePrivateKey

Purpose = Literal["log", "models"]
_VARIABLES: dict[Purpose, str] = {"log": "LINEAL_KEY", "models": "LINEAL_MODEL_KEY"}
_KINDS: dict[Purpose, str] = {"log": "Ed25519", "models": "ECDSA on P-256"}
_MAKE: dict[Purpose, str] = {
    "log": "openssl genpkey -algorithm ed25519 -out FILE",
    "models": "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out FILE",
}
# Of the curves that the model-signing tool takes.
_HASHES = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are checked with.

    Attributes:
        id: SHA-256 of the key, as it stands in what was signed with it.
        purpose: what is signed with keys of its kind.
        pem: the key itself.
        origin: where it was found.
    """

    id: str
    purpose: Purpose
    pem: bytes
    origin: str

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key's owner signed a message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        key = load_pem_public_key(self.pem)
        try:
            if isinstance(key, Ed25519PublicKey):
                key.verify(signature, message)
            elif isinstance(key, EllipticCurvePublicKey):
                key.verify(signature, message, ECDSA(_hash_for(key)))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key to sign with."""

    public: PublicKey
    _private: Private

    def sign(self, message: bytes) -> bytes:
        """Sign a message."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey

        if not isinstance(self._private, EllipticCurvePrivateKey):
            return self._private.sign(message)
        hashed = _hash_for(self._private.public_key())
        try:
            # RFC 6979: the same message has the same signature, as it has with Ed25519.
            return self._private.sign(message, ECDSA(hashed, deterministic_signing=True))
        except UnsupportedAlgorithm:  # a system's own OpenSSL before 3.2
            return self._private.sign(message, ECDSA(hashed))


def folder() -> Path:
    """Where keys are kept."""
    return settings.home() / "keys"


def path_of(purpose: Purpose) -> Path:
    """The file of a private key: the one that is given, else the one that is made at first use."""
    given = os.environ.get(_VARIABLES[purpose])
    return Path(given).expanduser() if given else folder() / f"{purpose}.pem"


def key_for(purpose: Purpose) -> SigningKey:
    """The key that something is signed with; made if there is none.

    Raises:
        SigningError: the file is no such key, or cannot be read.
        StorageError: it cannot be made.
    """
    file, variable = path_of(purpose), _VARIABLES[purpose]
    if not file.exists():
        if os.environ.get(variable):
            raise SigningError(
                f"{variable} names {file}, which is not there; make the key by `{_MAKE[purpose]}`, or unset {variable}"
            )
        make(file, purpose, f"set LINEAL_HOME to a folder that can be written, or {variable} to a key")
    return _own(file, purpose)


def trusted(purpose: Purpose, files: Iterable[Path] = ()) -> dict[str, PublicKey]:
    """The public keys that signatures may be of, by their ids.

    Args:
        purpose: what is signed.
        files: those to believe, and no others of this kind; where none is named, this machine's own and those in
            `keys/trusted`.

    Raises:
        SigningError: a file is no public key.
    """
    found = [key for key in map(read_public, files) if key.purpose == purpose]
    if not found:
        own = path_of(purpose)
        if own.exists() or os.environ.get(_VARIABLES[purpose]):
            found.append(_own(own, purpose).public)
        others = (read_public(file) for file in sorted((folder() / "trusted").glob("*.pub")))
        found += [key for key in others if key.purpose == purpose]
    return {key.id: key for key in found}


def read_public(file: Path) -> PublicKey:
    """Read a public key from a PEM file; of a private key, its public half.

    Raises:
        SigningError: there is none in the file, or one of a kind that nothing is signed with.
    """
    data = _read(file)
    if b"PRIVATE KEY" in data:
        return _public(_private(file, data).public_key(), file)
    return parse_public(data, str(file))


def parse_public(data: bytes, origin: str) -> PublicKey:
    """Read a public key from the text of a PEM file.

    Args:
        data: the text.
        origin: where it was found.

    Raises:
        SigningError: it is none, or one of a kind that nothing is signed with.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return _public(load_pem_public_key(data), origin)
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise SigningError(
            f"{origin} is no key (a PEM file that begins with -----BEGIN PUBLIC KEY-----); "
            "give the file log.pub or models.pub that lies beside the key it was signed with"
        ) from problem


def of_person(file: Path) -> SigningKey:
    """The key that a person signs with, Ed25519 as the log's.

    Raises:
        SigningError: the file is no such key, cannot be read, or can be read by others.
    """
    try:
        mode = file.stat().st_mode
    except OSError as problem:
        raise SigningError(f"the key {file} cannot be read: {problem.strerror}; make one by `lineal key new`") from None
    if mode & 0o077:
        raise SigningError(
            f"the key {file} can be read by others (mode {mode & 0o777:o}), so that its signature says nothing of who "
            f"decided; run `chmod 600 {file}`, or make a new one if others may have had it"
        )
    private = _private(file, _read(file))
    return SigningKey(require_ed25519(_public(private.public_key(), file)), private)


def require_ed25519(key: PublicKey) -> PublicKey:
    """See that a key is of the kind that people sign with.

    Raises:
        SigningError: it is of another.
    """
    if key.purpose != "log":
        raise SigningError(f"{key.origin} is a key for models; people sign with {_KINDS['log']}: see `lineal key new`")
    return key


def _own(file: Path, purpose: Purpose) -> SigningKey:
    try:
        status = file.stat()
    except OSError as problem:
        raise SigningError(
            f"the key {file} cannot be read: {problem.strerror}; correct or unset {_VARIABLES[purpose]}"
        ) from problem
    return _cached(file, purpose, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=8)
def _cached(file: Path, purpose: Purpose, _modified: int, _inode: int) -> SigningKey:
    private = _private(file, _read(file))
    public = _public(private.public_key(), file)
    if public.purpose != purpose:
        raise SigningError(
            f"the key {file} is of another kind; the {purpose} "
            f"{'is' if purpose == 'log' else 'are'} signed with {_KINDS[purpose]}: make one by `{_MAKE[purpose]}`"
        )
    return SigningKey(public, private)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise SigningError(f"the key {file} cannot be read: {problem.strerror}; name another file") from problem


def _private(file: Path, data: bytes) -> Private:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key: Any = load_pem_private_key(data, None)
    except TypeError as problem:
        raise SigningError(f"the key {file} is locked by a password; give one that is not") from problem
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise SigningError(f"{file} is no private key in PEM form; make one by `{_MAKE['log']}`") from problem
    _public(key.public_key(), file)
    return key  # type: ignore[no-any-return]


def _public(key: object, file: str | Path) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if isinstance(key, Ed25519PublicKey):
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return PublicKey(hashlib.sha256(key.public_bytes_raw()).hexdigest(), "log", pem, str(file))
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in _HASHES:
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        # The name that the model-signing tool has for it.
        return PublicKey(hashlib.sha256(pem).hexdigest(), "models", pem, str(file))
    raise SigningError(
        f"{file} is a key of another kind; the log is signed with {_KINDS['log']}, models with {_KINDS['models']}"
    )


def _hash_for(key: EllipticCurvePublicKey) -> HashAlgorithm:
    """The hash that goes with a curve, by the model-signing tool."""
    from cryptography.hazmat.primitives import hashes

    found: HashAlgorithm = getattr(hashes, _HASHES[key.curve.name])()
    return found


def make(file: Path, purpose: Purpose, otherwise: str) -> bool:
    """Make a private key, readable by nobody else, and its public half beside it.

    Args:
        file: of the private key.
        purpose: what is to be signed with it.
        otherwise: what to do where it cannot be made.

    Returns:
        False where the file was there already; it is left as it is.

    Raises:
        StorageError: it cannot be made.
    """
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
        return False
    except OSError as problem:
        raise StorageError(f"the key {file} cannot be made: {problem.strerror}; {otherwise}") from problem
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    file.with_suffix(".pub").write_bytes(public)
    return True
