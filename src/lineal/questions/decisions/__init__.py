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
from lineal.questions.decisions.evidence import KINDS, About, Pending, about, about_traced
from lineal.questions.decisions.standing import (
    Decided,
    Standing,
    added,
    approval,
    decided,
    listed,
    noted,
    shaken_by,
)

__all__ = [
    "KINDS",
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
    "require_allowed",
    "shaken_by",
    "waits",
    "waived",
]
