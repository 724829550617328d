"""What all that write a part of a pack share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lineal.questions.dossier import Dossier


@dataclass(frozen=True, slots=True)
class Document:
    """A file of a pack.

    Attributes:
        path: in the pack, with `/` between folders.
        content: its bytes.
        media_type: as IANA has it.
        says: what is in it, in one sentence without a full stop, for the manifest and the index.
    """

    path: str
    content: bytes
    media_type: str
    says: str


# A writer gives the documents of one format. The same dossier gives the same bytes: times come from the dossier alone.
# What a dossier has not enough for is a `LinealError` that says why: the pack names it as missing and goes without.
# One that speaks of the pack's other files takes those that are there as its second argument.
Writer = Callable[[Dossier], Iterable[Document]]
