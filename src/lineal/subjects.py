"""Subjects: what a question is about.

::

    model:NAME@VERSION_OR_ALIAS   dataset:NAME@VERSION   prediction:ID
    run:ID                        file:PATH              record:PIPELINE/ID

A version may be left out (the newest) or shortened while it stays unique.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
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
# What a text without a kind looks like.
_LOOKS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("prediction", re.compile(r"p[0-9a-z]{12}_\d+")),
    ("run", re.compile(r"[0-9a-f]{8}(-[0-9a-f]{1,12})+")),
    ("dataset", re.compile(r"\w[\w+]*://.+|.+\.(snapshot|train|test|batch|predictions|evaluation)(@.*)?")),
    ("file", re.compile(r"[.~/\\].*|.+\.[A-Za-z]{2,8}")),
    ("record", re.compile(r"[^/]+/[^/]+")),
)
# What has a name alone.
_NAMED: tuple[Kind, ...] = ("model", "dataset")
# Such a text names neither a model nor a dataset.
_NO_NAME = ("prediction", "file", "record")
_LONGEST_GUESS = 200


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
            guess = _meant(text, allowed)
            hint = f"did you mean {guess}?" if guess else f"write one of {forms}"
            raise SubjectError(f"{text!r} is no subject; {hint}", subject=text)
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


def name_of_file(path: str | Path) -> str:
    """The name that a file has in lineage: its absolute path, the same from every folder."""
    return Path(os.path.abspath(path)).as_posix()  # noqa: PTH100 - `Path.absolute` keeps each `..`


def _meant(text: str, allowed: tuple[Kind, ...]) -> str | None:
    """The subject, or the form of one, that a text is nearest to; nothing on record is looked at."""
    word, colon, rest = text.partition(":")
    if colon and not rest.startswith("//"):
        near = get_close_matches(word.lower(), allowed, n=1)
        # `models:/NAME/VERSION` is how MLflow writes it.
        uri = re.fullmatch(r"models:/([^/@]+)[/@]([^/@]+)", text)
        return _written(near[0], f"{uri[1]}@{uri[2]}" if uri else rest) or _FORMS[near[0]] if near else None
    near = get_close_matches(text.lower(), allowed, n=1, cutoff=0.8)
    if near:
        return _FORMS[near[0]]
    kind = _kind(text)
    if kind not in allowed and kind in _NO_NAME:
        return None
    found = kind if kind in allowed else next((each for each in _NAMED if each in allowed), None)
    return _written(found, text) if found else None


def _kind(text: str) -> Kind | None:
    """What a text without a kind looks like; None for a name."""
    if "/" not in text and text.isprintable() and len(text) <= _LONGEST_GUESS and Path(text).is_file():
        return "file"
    return next((kind for kind, form in _LOOKS if form.fullmatch(text)), None)


def _written(kind: str, rest: str) -> str | None:
    """A subject in its written form, where it is one and can be shown on a line."""
    guess = f"{kind}:{rest}"
    if len(guess) > _LONGEST_GUESS or not guess.isprintable() or " " in guess:
        return None
    try:
        return str(Subject.parse(guess))
    except SubjectError:
        return None
