"""One record: in which snapshots it stands, which models learned from it, and what was predicted for it."""

from __future__ import annotations

from lineal.questions.records.interface import Appearance, Predicted, RecordImpact
from lineal.questions.records.question import record_impact

__all__ = ["Appearance", "Predicted", "RecordImpact", "record_impact"]
