"""The pipeline file: one TOML file that says what to read, check, split, fit, hold to and register.

`load` reads and validates it without importing pandas or scikit-learn, so that a mistake is reported at once.
"""

from __future__ import annotations

from lineal.pipeline.declared import Declared
from lineal.pipeline.judging import RATES, Champion, Evaluate, Gate, Grouping
from lineal.pipeline.loading import load, parse
from lineal.pipeline.section import Section
from lineal.pipeline.sections import (
    Check,
    CheckType,
    Drift,
    DriftLimits,
    ModelSection,
    Pipeline,
    Register,
    Search,
    Source,
    Split,
)
from lineal.pipeline.values import Bound, Scalar

__all__ = [
    "RATES",
    "Bound",
    "Champion",
    "Check",
    "CheckType",
    "Declared",
    "Drift",
    "DriftLimits",
    "Evaluate",
    "Gate",
    "Grouping",
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
