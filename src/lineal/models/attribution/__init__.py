"""Why this value: a model's output, attributed to the raw columns that it was made from, as Shapley values.

===========  =========================================================================================================
tree         exact for the trees' own expectations (path-dependent), in the raw output: probability or log-odds
linear       exact where features are taken as independent, in the output before any link
sampled      any model, its prediction as it is given, with a standard error for each column
===========  =========================================================================================================

Contributions of the features of one column are summed, so that base value and columns still add up to the output. That
they do is checked here, whatever made them; where they do not, they are sampled instead and the answer says so.
"""

from __future__ import annotations

from lineal.models.attribution.attribute import Attribution, Contribution, MeanAbsolute, attribute, mean_absolute
from lineal.models.attribution.base import Method, NotAttributableError, Values

__all__ = [
    "Attribution",
    "Contribution",
    "MeanAbsolute",
    "Method",
    "NotAttributableError",
    "Values",
    "attribute",
    "mean_absolute",
]
