"""What a run is told of itself, its datasets and its tests: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from lineal.datasets.dataset import Dataset
from lineal.models.model import Model
from lineal.tracing.naming import Name

EventType = Literal["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"]
Transformation = Literal["IDENTITY", "TRANSFORMATION", "AGGREGATION"]


@dataclass(frozen=True, slots=True)
class RunRef:
    """A run by its id and job, as parents and roots are referred to."""

    id: UUID
    job: Name


@dataclass(frozen=True, slots=True)
class Origin:
    """The column that an output column comes from, and how."""

    source: Dataset | Model
    column: str
    how: Transformation = "IDENTITY"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test that a run held something to: a gate, a control; `passed` is None where it decides nothing."""

    name: str
    passed: bool | None
    kind: str
    expected: str | None = None
    actual: str | None = None
    description: str | None = None
    severity: Literal["error", "warn"] = "error"


@dataclass(frozen=True, slots=True)
class Assertion:
    """One check of an input, as the specification's data quality assertions have it."""

    assertion: str
    success: bool
    column: str | None = None
    expected: str | None = None
    actual: str | None = None
