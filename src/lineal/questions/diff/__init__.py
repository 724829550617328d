"""Diff: what differs between two models, two dataset versions or two runs, and what of it explains a change in metric.

Works from the record: the events of the store, and the bytes of dataset versions. What is gone is named, and the rest
is compared all the same.
"""

from __future__ import annotations

from lineal.questions.diff.interface import Diff
from lineal.questions.diff.question import KINDS, diff

__all__ = ["KINDS", "Diff", "diff"]
