"""Ask an ensemble for the same bits each time, whatever its `n_jobs` and the machine's cores.

A forest with `n_jobs` adds its trees up as its threads finish, and bagging adds sums of as many parts as there are
cores: sums of floating-point numbers differ by their order in the last bits, and so do ties.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import joblib

# By name, with what is derived from them: nobody pays for importing what they do not have.
_FORESTS = {"ForestClassifier", "ForestRegressor"}
_ADDS_UP = _FORESTS | {"BaseBagging"}
# These fit what is inside them and ask it nothing, so that it may be fitted in many threads.
_ONLY_FIT = {"Pipeline", "VotingClassifier", "VotingRegressor"}


@contextmanager
def in_order(estimator: Any) -> Iterator[None]:
    """Have an ensemble add up its parts one after the other, in this thread."""
    if threads_asked(estimator) == 1:
        yield
    else:
        with joblib.parallel_config(backend="sequential"):
            yield


def threads_asked(estimator: Any) -> int:
    """How many threads an ensemble that adds up its parts asks for by `n_jobs`; 1 where there is no such ensemble.

    At least 2 where `n_jobs` asks for more than one: on a machine with a single core a thread may be all that there is.
    """
    asked = [part.n_jobs for part in _parts(estimator) if _adds_up(part) and part.n_jobs not in (None, 1)]
    return max((max(2, joblib.effective_n_jobs(jobs)) for jobs in asked), default=1)


@contextmanager
def fitted_in_order(estimator: Any) -> Iterator[None]:
    """Fit in one thread what is fitted to the answers of an ensemble inside it, such as stacking a forest.

    What is fitted to other bits is another model. An ensemble that nothing asks while it is fitted keeps its threads.
    """
    within = (part for part in _parts(estimator) if not _adds_up(part) and type(part).__name__ not in _ONLY_FIT)
    with in_order(next((part for part in within if threads_asked(part) > 1), None)):
        yield


def is_forest(model: Any) -> bool:
    """Tell whether a model is a forest, which looks at each row by itself."""
    return not _FORESTS.isdisjoint(each.__name__ for each in type(model).__mro__)


def _adds_up(part: Any) -> bool:
    return not _ADDS_UP.isdisjoint(each.__name__ for each in type(part).__mro__)


def _parts(estimator: Any) -> Iterator[Any]:
    """An estimator and all inside it; of a search also the best that it found, which is what predicts."""
    yield estimator
    known = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    for part in known.values():
        yield part
        yield from _best(part)
    yield from _best(estimator)


def _best(part: Any) -> Iterator[Any]:
    if hasattr(part, "best_estimator_"):
        yield from _parts(part.best_estimator_)
