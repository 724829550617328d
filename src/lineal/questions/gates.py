"""What a gate found, as the run that held it recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def found(gate: Mapping[str, Any]) -> str:
    """The figure that was held to a gate, or why there is none; empty where neither is on record.

    Args:
        gate: of a run's `test` facet. What is not defined was recorded as `nan`, and why as its description.
    """
    actual = str(gate.get("actual") or "")
    return actual if actual and actual != "nan" else str(gate.get("description") or "")
