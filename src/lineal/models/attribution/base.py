"""What every way of attributing a model's output to its inputs gives, and what it is held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lineal.errors import LinealError

Method = Literal["tree", "linear", "sampled"]
Floats = np.ndarray[Any, np.dtype[np.float64]]
TOLERANCE = 1e-6
"""How far base value and contributions together may be from the model's output, where that is large in proportion."""


class NotAttributableError(LinealError):
    """A model, or its output, that one way of attribution cannot take apart; the sampled way takes any."""


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Contributions to the outputs of some rows.

    Attributes:
        values: shape (rows, features or columns, outputs); there is an output a class, and one of a regression.
        base: the expected outputs, shape (outputs,).
        output: what the model gives for each row, shape (rows, outputs), from its own methods.
        unit: of all of these.
        errors: standard errors of `values`, where they were sampled.
        samples: how many orders of the columns were drawn for each row, where they were sampled.
    """

    values: Floats
    base: Floats
    output: Floats
    unit: str
    errors: Floats | None = None
    samples: int | None = None

    @property
    def residual(self) -> float:
        """How far base and contributions are from the output, at most, relative to an output above 1."""
        gap = np.abs(self.base + self.values.sum(axis=1) - self.output) / np.maximum(1.0, np.abs(self.output))
        return float(gap.max(initial=0.0))

    def held(self, what: str) -> Values:
        """The same, if it adds up.

        Raises:
            NotAttributableError: base and contributions are not the model's output.
        """
        # NaN is no sum either.
        if not self.residual <= TOLERANCE:
            raise NotAttributableError(f"{what} do not add up to what the model gives (off by {self.residual:.2g})")
        return self


def by_class(values: Floats) -> Floats:
    """Two classes have one output, that of the second: give both, the last axis."""
    return np.stack([-values, values], axis=-1)


def dense(features: Any) -> Floats:
    """Features as an array, however the preprocessing gives them."""
    return np.asarray(features.toarray() if hasattr(features, "toarray") else features, dtype=np.float64)
