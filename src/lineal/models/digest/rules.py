"""What of a fitted model is no part of what it is: found by fitting every scikit-learn estimator twice."""

from __future__ import annotations

import random
import re
from typing import Any

import numpy as np

# How the work is spread, told or cached; no estimator fits other numbers for it but those that its documentation
# names (LatentDirichletAllocation, MDS and Nystroem draw by job).
_EFFORT = frozenset({"n_jobs", "verbose", "pre_dispatch"})
# The same of scikit-learn's own classes; another package may mean something else by these names.
_EFFORT_OF_SKLEARN = _EFFORT | {"memory", "cache_size", "n_threads"}
_LEFT_BEHIND = frozenset(
    {
        "_sklearn_version",  # recorded beside the digest
        "refit_time_",
        "_stop_words_id",  # a memory address
        "_n_threads",
        "_cached_dict",  # made by the first use of a MultiLabelBinarizer
    }
)
_TIMES = re.compile(r"(mean|std)_(fit|score)_time")
# n_trims, n_leaves, n_splits and n_calls in a neighbour tree's state: counters that each query moves on.
_COUNTERS = slice(7, 11)


def left_out(kind: type) -> frozenset[str]:
    """Return the attributes of a class that are no part of the digest."""
    effort = _EFFORT_OF_SKLEARN if kind.__module__.startswith("sklearn.") else _EFFORT
    return _LEFT_BEHIND | effort if hasattr(kind, "get_params") else _LEFT_BEHIND


def without_times(results: dict[Any, Any]) -> dict[Any, Any]:
    """Return a search's `cv_results_` without how long its fits took."""
    return {key: value for key, value in results.items() if not (isinstance(key, str) and _TIMES.fullmatch(key))}


def without_counters(kind: type, state: Any) -> Any:
    """Return an object's state without the counters of queries, where it is a neighbour tree."""
    if kind.__module__ in {"sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree"} and isinstance(state, tuple):
        return state[: _COUNTERS.start] + state[_COUNTERS.stop :]
    return state


def is_generator(value: object) -> bool:
    """Whether `value` draws random numbers."""
    return isinstance(
        value,
        (np.random.RandomState, np.random.Generator, np.random.BitGenerator, np.random.SeedSequence, random.Random),
    )


def is_bunch(kind: type) -> bool:
    """Whether the class is scikit-learn's `Bunch`: a mapping whose own attributes change on a save and load."""
    return _comes_from(kind, "sklearn.utils._bunch", "Bunch")


def is_frozen_distribution(kind: type) -> bool:
    """Whether the class is SciPy's frozen distribution, which may hold the process's global random generator."""
    return _comes_from(kind, "scipy.stats._distn_infrastructure", "rv_frozen")


def _comes_from(kind: type, module: str, name: str) -> bool:
    return any(base.__module__ == module and base.__name__ == name for base in kind.__mro__)
