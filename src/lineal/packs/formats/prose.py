"""What only a person can say of a model: read from the notes that people wrote, or not stated.

A note that begins with a field's name and a colon, such as `out of scope: children`, states that field. The newest
counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lineal.questions.dossier import Dossier


@dataclass(frozen=True, slots=True)
class Field:
    """Something that only a person can say.

    Attributes:
        name: that a note begins with.
        title: in a card.
        asks: the points of the EU AI Act's Annex IV that ask for it.
    """

    name: str
    title: str
    asks: str


@dataclass(frozen=True, slots=True)
class Stated:
    """What a person stated.

    Attributes:
        by: who; empty of what the pipeline file says.
        at: when.
    """

    text: str
    by: str = ""
    at: str = ""


FIELDS: tuple[Field, ...] = (
    Field("intended use", "Intended purpose", "1(a)"),
    Field("users", "Intended users", "1(h)"),
    Field("out of scope", "Out of scope", "3"),
    Field("licence", "Licence", "1(a)"),
    Field("contact", "Contact", "1(a)"),
    Field("factors", "What may make it do better or worse", "3"),
    Field("why these metrics", "Why these metrics", "4"),
    Field("evaluation data", "Why this data to judge it on", "2(g)"),
    Field("training data", "How the data was collected and chosen", "2(d)"),
    Field("labelling", "How the labels came about", "2(d)"),
    Field("ethical considerations", "Risks to health, safety and rights, and discrimination", "3 and 5"),
    Field("limitations", "Limitations", "3"),
    Field("recommendations", "Recommendations", "3"),
    Field("human oversight", "Human oversight", "2(e) and 3"),
)
_NAMES = {field.name: field.name for field in FIELDS} | {
    "intended purpose": "intended use",
    "license": "licence",
    "labeling": "labelling",
    "out-of-scope": "out of scope",
    "caveats": "limitations",
}
_BEGIN = re.compile(r"\s*([A-Za-z][A-Za-z -]{2,30}?)\s*:\s*(?=\S)")


def prose(dossier: Dossier) -> Mapping[str, Stated]:
    """What people stated of a model, by the field's name."""
    found: dict[str, Stated] = {}
    for each in dossier.decisions:  # the newest first
        decision = each.decision
        if decision.action != "note" or not each.counts:
            continue
        name, told = field_of(decision.reason)
        if name and name not in found:
            found[name] = Stated(told, decision.by, decision.at)
    purpose = dossier.facts.declared.get("intended_purpose")
    if purpose and "intended use" not in found:
        found["intended use"] = Stated(str(purpose))
    return found


def field_of(note: str) -> tuple[str | None, str]:
    """The field that a note states, and what it says of it; None of a note that states none."""
    match = _BEGIN.match(note)
    name = _NAMES.get(" ".join(match[1].lower().split())) if match else None
    return (name, note[match.end() :].strip()) if match and name else (None, note)
