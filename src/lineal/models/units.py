"""What a model's output is measured in, for a person: a word, and a sentence where the word alone says too little."""

from __future__ import annotations

# Of a softmax; what is the same for all classes of a row falls out of it.
SOFTMAX = "log-probability but for a constant"

_SENTENCES = {
    SOFTMAX: "A score is the logarithm of a class's probability, but for an amount that is the same for all classes of "
    "the row: the greatest is predicted, and 1 more makes a class 2.7 times as likely beside the others.",
    "log-odds": "Log-odds are the logarithm of p / (1 - p): 0 is a probability of 0.5, and 1 more makes the odds 2.7 "
    "times as great.",
    "decision value": "A decision value is the estimator's own measure and no probability: the class with the greatest "
    "is predicted.",
}


def word(unit: str) -> str:
    """What a unit is called where there is little room."""
    return "score" if unit == SOFTMAX else unit


def sentence(unit: str) -> str:
    """What a unit is; empty where its name says it."""
    return _SENTENCES.get(unit, "")
