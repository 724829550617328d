"""Subjects: what a question is about.

::

    model:NAME@VERSION_OR_ALIAS   dataset:NAME@VERSION   prediction:ID
    run:ID                        file:PATH              record:PIPELINE/ID

A version may be left out (the newest) or shortened while it stays unique.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, get_args

from lineal.errors import SubjectError

Kind = Literal["model", "dataset", "prediction", "run", "file", "record"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_FORMS = {
    "model": "model:NAME@VERSION_OR_ALIAS",
    "dataset": "dataset:NAME@VERSION",
    "prediction": "prediction:ID",
    "run": "run:ID",
    "file": "file:PATH",
    "record": "record:PIPELINE/ID",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that can be asked about.

    Attributes:
        kind: what it is.
        name: the model's, dataset's or pipeline's name, the prediction's or run's id, the file's path.
        version: a model's number, alias or digest, a dataset's version, a record's id; None where it is left out.
    """

    kind: Kind
    name: str
    version: str | None = None

    def __str__(self) -> str:
        joint = "/" if self.kind == "record" else "@"
        return f"{self.kind}:{self.name}" + (f"{joint}{self.version}" if self.version else "")

    @classmethod
    def parse(cls, text: str, *, allowed: tuple[Kind, ...] = KINDS) -> Subject:
        """Read a subject from its written form.

        Args:
            text: for example `model:breast-cancer@champion`.
            allowed: the kinds that the question at hand can answer.

        Raises:
            SubjectError: the text is no subject, or one of a kind that is not allowed.
        """
        word, colon, rest = text.partition(":")
        forms = ", ".join(_FORMS[kind] for kind in allowed)
        if not colon or word not in KINDS:
            guess = get_close_matches(word, allowed, n=1)
            hint = f"; did you mean {_FORMS[guess[0]]}?" if guess else f"; write one of {forms}"
            raise SubjectError(f"{text!r} is no subject{hint}", subject=text)
        kind: Kind = word
        if kind not in allowed:
            raise SubjectError(f"{text!r} cannot be asked about here; write one of {forms}", subject=text)
        name, version = rest, None
        if kind in ("model", "dataset"):
            name, at, tail = rest.rpartition("@")
            name, version = (name, tail) if at else (rest, None)
        elif kind == "record":
            name, _, version = rest.partition("/")
        if not name or version == "":
            raise SubjectError(f"{text!r} is incomplete; write {_FORMS[kind]}", subject=text)
        return cls(kind, name, version)
