"""The pipeline file: one TOML file that says what to read, check, split, fit, hold to and register.

`load` reads and validates it without importing pandas or scikit-learn, so that a mistake is reported at once.
"""

from __future__ import annotations

from lineal.pipeline.declared import Declared
from lineal.pipeline.loading import load, parse
from lineal.pipeline.section import Section
from lineal.pipeline.sections import (
    Bound,
    Champion,
    Check,
    CheckType,
    Drift,
    DriftLimits,
    Evaluate,
    Gate,
    ModelSection,
    Pipeline,
    Register,
    Scalar,
    Search,
    Source,
    Split,
)

__all__ = [
    "Bound",
    "Champion",
    "Check",
    "CheckType",
    "Declared",
    "Drift",
    "DriftLimits",
    "Evaluate",
    "Gate",
    "ModelSection",
    "Pipeline",
    "Register",
    "Scalar",
    "Search",
    "Section",
    "Source",
    "Split",
    "load",
    "parse",
]
