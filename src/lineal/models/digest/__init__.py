"""The model digest: what a fitted model is, whatever file, process or folder it lies in.

`leaves` takes a model apart into a table of what it is made of: the estimators' classes, their parameters and their
fitted state, each with a hash; `digest` is the SHA-256 of that table, so that where two digests differ the two tables
say in what. Nothing of a pickle or an archive goes in: those bytes differ from one save to the next.

Not part of it, as two fits that predict the same differ in them:

- parameters of effort: `n_jobs`, `verbose`, `pre_dispatch`, and scikit-learn's own `memory`, `cache_size`, `n_threads`;
- times (`refit_time_`, those in `cv_results_`), caches, query counters of neighbour trees, the scikit-learn version;
- the state of random generators that a fit leaves behind, what lies under a mask, the payload of a NaN;
- the order of memory (C or Fortran, little or big endian), the order of a mapping's keys, the width of a sparse
  matrix's indices.

Everything else is, by type as well: `C=1` and `C=1.0` give two digests, as an estimator may treat them differently.
Functions and classes are known by name; their code is not part of the digest.
"""

from __future__ import annotations

from lineal.models.digest.table import Leaf, from_csv, of_leaves, to_csv
from lineal.models.digest.walk import leaves

__all__ = ["Leaf", "digest", "from_csv", "leaves", "of_leaves", "to_csv"]


def digest(model: object) -> str:
    """Return the SHA-256 of what `model` is, as lower-case hex.

    Raises:
        EstimatorError: the model holds what has no lasting identity (a lambda, a random generator as a parameter).
    """
    return of_leaves(leaves(model))
