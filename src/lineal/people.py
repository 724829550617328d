"""People: who decides, and the keys that they sign with.

A person's own key lies where no project is: in `lineal/keys` of the user's configuration folder (`~/.config`, or
`XDG_CONFIG_HOME`), `NAME.pem` of mode 600 with `NAME.pub` beside it. The public keys of others that are believed here
are in `keys/people` under `LINEAL_HOME`, and say whose they are by their file names. They are kept apart from
`keys/trusted`, whose owners may sign a log or a model.
"""

from __future__ import annotations

import os
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from lineal import signing
from lineal.errors import SigningError, StorageError
from lineal.models.code import git
from lineal.models.environment import environment
from lineal.redaction import harmless
from lineal.signing import PublicKey, SigningKey

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who decides, by the name that they give."""

    name: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A public key, whose it is, and whether its private half is here."""

    name: str
    key: PublicKey
    own: bool


def user() -> str | None:
    """The name of whoever runs this: `LINEAL_USER`, git's `user.name`, or the account's."""
    found = environment()
    return os.environ.get("LINEAL_USER") or (found.git.user if found.git else None) or found.user


def myself() -> Person:
    """Whoever runs this, to put a name to a decision.

    Raises:
        SigningError: no name is to be had, or it is none that a key could bear.
    """
    name = " ".join(harmless(user() or "").split())
    if not name:
        raise SigningError("who decides is not known; set LINEAL_USER, or run `git config user.name`")
    # An address of git's belongs to git's name.
    email = None if os.environ.get("LINEAL_USER") else git(Path.cwd(), "config", "user.email")
    return Person(require_name(name), email)


def require_name(name: str) -> str:
    """See that a name can be borne by a key and its file.

    Raises:
        SigningError: it is empty or too long.
    """
    if not name.strip() or len(quote(name)) > 2 * _LONGEST_NAME or len(name) > _LONGEST_NAME:
        raise SigningError(f"{name[:20]!r}… is no name of a person; write 1 to {_LONGEST_NAME} characters")
    return name


def same(one: str | None, other: str | None) -> bool:
    """Whether two names are one person's, whatever their case and spaces; nobody is the same as someone unknown."""
    return one is not None and other is not None and _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", harmless(name)).casefold().split())


def folder() -> Path:
    """Where this account keeps the keys that its people sign with."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "lineal" / "keys"


def key_file(name: str) -> Path:
    """Where somebody's private key is, or would be."""
    return folder() / f"{_file_name(name)}.pem"


def key_of(name: str) -> SigningKey | None:
    """The key that somebody signs with here; None where there is none.

    Raises:
        SigningError: the file is no such key, or can be read by others.
    """
    file = key_file(name)
    return signing.of_person(file) if file.exists() else None


def make_key(name: str) -> SigningKey:
    """Make the key that somebody signs with.

    Raises:
        SigningError: there is one.
        StorageError: it cannot be made.
    """
    file = key_file(require_name(name))
    if not signing.make(file, "log", "set XDG_CONFIG_HOME to a folder that can be written"):
        raise SigningError(f"{name} has a key, {file}; keep it, or move it away first to make a new one")
    return signing.of_person(file)


def trust(file: Path, name: str | None = None) -> KnownKey:
    """Believe from now on what is signed with a public key to be decided by its owner.

    Args:
        file: of the public key, as `lineal key new` makes it.
        name: whose it is; that of the file where it is left out.

    Raises:
        SigningError: it is no such key, it is another person's already, or a private one.
        StorageError: it cannot be kept.
    """
    key = signing.require_ed25519(signing.read_public(file))
    if b"PRIVATE KEY" in file.read_bytes():
        raise SigningError(f"{file} is a private key, which its owner alone should have; give the .pub beside it")
    owner = require_name(name or unquote(file.stem))
    for known in known_keys():
        if known.key.id == key.id and not same(known.name, owner):
            raise SigningError(
                f"{file} is the key of {known.name} already ({known.key.origin}), and cannot be {owner}'s"
            )
    place = _trusted_folder() / f"{_file_name(owner)}.{key.id[:8]}.pub"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".", delete=False) as made:
            made.write(key.pem)
        Path(made.name).chmod(0o644)
        Path(made.name).replace(place)
    except OSError as problem:
        raise StorageError(
            f"the key cannot be kept at {place}: {problem.strerror}; set LINEAL_HOME to a folder that can be written"
        ) from problem
    return KnownKey(owner, PublicKey(key.id, key.purpose, key.pem, str(place)), own=False)


def known_keys() -> list[KnownKey]:
    """The keys of people that are believed here: those of this account, and those that it was told to trust.

    Raises:
        SigningError: a file is no key.
    """
    own = [(unquote(file.stem), file, True) for file in sorted(folder().glob("*.pub"))]
    others = [(unquote(file.stem.rpartition(".")[0]), file, False) for file in sorted(_trusted_folder().glob("*.pub"))]
    return [
        KnownKey(name, signing.require_ed25519(signing.read_public(file)), mine) for name, file, mine in (*own, *others)
    ]


def _trusted_folder() -> Path:
    return signing.folder() / "people"


def _file_name(name: str) -> str:
    return quote(name, safe=" ")
