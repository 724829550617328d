"""DSSE envelopes: what is signed, and by whom, in one JSON object, as in-toto and securesystemslib have it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lineal.signing import PublicKey, SigningKey

MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
MANIFEST = "application/vnd.lineal.manifest+json"


@dataclass(frozen=True, slots=True)
class Sealed:
    """An envelope that was read.

    Attributes:
        payload: what was signed.
        kind: of the payload, its media type.
        key_id: of the key that it is said to be signed with, as securesystemslib has it.
    """

    payload: bytes
    kind: str
    key_id: str
    _signature: bytes

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether its signature is this key's, over what it says."""
        from securesystemslib.dsse import Envelope

        return key.purpose == "log" and key.verifies(self._signature, Envelope(self.payload, self.kind, {}).pae())

    def signer(self, keys: Iterable[PublicKey]) -> PublicKey | None:
        """Of some keys the one that it is signed with."""
        return next((key for key in keys if self.is_signed_by(key)), None)


def seal(payload: bytes, kind: str, key: SigningKey) -> bytes:
    """Sign something.

    Args:
        payload: what is signed.
        kind: its media type.
        key: to sign with, Ed25519.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Signature  # type: ignore[attr-defined]  # its public name, in no `__all__`

    made = Envelope(payload, kind, {})
    key_id = key_id_of(key.public)
    made.signatures[key_id] = Signature(key_id, key.sign(made.pae()).hex())
    return _text(made.to_dict())


def unseal(content: bytes) -> Sealed:
    """Read an envelope of one signature, in the very form that `seal` gives it.

    Raises:
        ValueError: it is none, or is written in another form, in which a byte may have changed unseen.
    """
    from securesystemslib.dsse import Envelope

    try:
        made = Envelope.from_dict(json.loads(content))
        (signature,) = made.signatures.values()
        sealed = Sealed(made.payload, made.payload_type, signature.keyid, bytes.fromhex(signature.signature))
        again = _text(made.to_dict())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise ValueError(f"it is no DSSE envelope ({type(problem).__name__})") from problem
    if again != content:
        raise ValueError("it is not written as it was")
    return sealed


def key_id_of(key: PublicKey) -> str:
    """What securesystemslib calls a key."""
    return _key_id(key.pem)


@lru_cache(maxsize=64)
def _key_id(pem: bytes) -> str:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # its public name, in no `__all__`

    return str(SSlibKey.from_crypto(load_pem_public_key(pem)).keyid)


def _text(envelope: dict[str, Any]) -> bytes:
    return json.dumps(envelope, indent=1).encode() + b"\n"
