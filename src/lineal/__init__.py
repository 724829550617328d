"""Lineal: ML pipelines whose every model can say what it was made from.

In any Prefect flow: `from lineal import traced, Dataset`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineal.datasets.dataset import Column, Dataset
    from lineal.models.model import Model
    from lineal.tracing.decorator import current_run, traced
    from lineal.tracing.ids import run_id

__all__ = ["Column", "Dataset", "Model", "current_run", "run_id", "traced"]

_HOMES = {
    "Column": "lineal.datasets.dataset",
    "Dataset": "lineal.datasets.dataset",
    "Model": "lineal.models.model",
    "current_run": "lineal.tracing.decorator",
    "run_id": "lineal.tracing.ids",
    "traced": "lineal.tracing.decorator",
}


def __getattr__(name: str) -> Any:
    # Imported at first use: `import lineal` alone costs nothing.
    if name not in _HOMES:
        raise AttributeError(f"module 'lineal' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
