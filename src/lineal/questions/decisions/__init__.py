"""Decisions of people: what one is about and rests on, which stand, and why the others do not."""

from __future__ import annotations

from lineal.questions.decisions.allowed import (
    alias_move,
    control_meant,
    incident,
    is_rejected,
    require_allowed,
    waits,
    waived,
)
from lineal.questions.decisions.evidence import KINDS, NOTED, About, Pending, about, about_traced
from lineal.questions.decisions.standing import (
    Decided,
    Standing,
    added,
    approval,
    decided,
    listed,
    noted,
    on_predictions,
    shaken_by,
    with_notes,
    wrong_signature,
)

__all__ = [
    "KINDS",
    "NOTED",
    "About",
    "Decided",
    "Pending",
    "Standing",
    "about",
    "about_traced",
    "added",
    "alias_move",
    "approval",
    "control_meant",
    "decided",
    "incident",
    "is_rejected",
    "listed",
    "noted",
    "on_predictions",
    "require_allowed",
    "shaken_by",
    "waits",
    "waived",
    "with_notes",
    "wrong_signature",
]
