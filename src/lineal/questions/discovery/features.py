"""Features that never carry weight: the permutation importances of all models side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from lineal.questions.discovery.experiments import Experiment

# Of fewer models nothing is said.
FEWEST_MODELS = 5
# More are not read: the newest say enough.
_MOST_MODELS = 100


@dataclass(frozen=True, slots=True)
class Idle:
    """A column whose shuffling cost no model anything that could be told from chance.

    Attributes:
        highest: the greatest importance it had in any of them.
    """

    column: str
    models: int
    highest: float


@dataclass(frozen=True, slots=True)
class Features:
    """What the importances on record show.

    Attributes:
        models: how many different ones were read.
        more_models: how many more would tell.
        missing: how many have no importances, or none whose bytes are here.
        run: of the newest that was read.
    """

    idle: tuple[Idle, ...]
    carrying: int
    models: int
    more_models: int
    missing: int
    run: str | None


Weights = dict[str, tuple[float, float]]


def idle(models: Sequence[tuple[str, Weights]], missing: int = 0) -> Features:
    """The columns that never carried weight.

    Args:
        models: a run and the mean and standard deviation of its columns' importances, newest first.
        missing: how many models have none.
    """
    seen: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _, weights in models:
        for column, pair in weights.items():
            seen[column].append(pair)
    found = [
        Idle(column, len(pairs), max(mean for mean, _ in pairs))
        for column, pairs in seen.items()
        # Not one model lost more than two standard deviations of the shuffles.
        if len(pairs) >= FEWEST_MODELS and all(mean <= 2 * spread or mean <= 0 for mean, spread in pairs)
    ]
    found.sort(key=lambda each: (-each.models, each.highest, each.column))
    return Features(
        idle=tuple(found),
        carrying=len(seen) - len(found),
        models=len(models),
        more_models=max(0, FEWEST_MODELS - len(models)),
        missing=missing,
        run=models[0][0] if models else None,
    )


def weights_of(experiments: Sequence[Experiment]) -> tuple[list[tuple[str, Weights]], int]:
    """Read the newest importances whose bytes are here, each version once; and count those that are not."""
    newest: dict[str, str] = {}
    for each in reversed(experiments):
        if each.importances and len(newest) < _MOST_MODELS:
            newest.setdefault(each.importances, each.run_id)
    found, missing = [], 0
    for version, run in newest.items():
        weights = _read(version)
        if weights:
            found.append((run, weights))
        else:
            missing += 1
    return found, missing


def _read(version: str) -> Weights:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lineal.datasets.cache import Cache
    from lineal.errors import VersionError

    try:
        table = pq.read_table(Cache().get(version), columns=["kind", "columns", "importance", "std"])
    except (VersionError, pa.ArrowException, OSError):
        return {}
    return {
        row["columns"]: (row["importance"], row["std"] or 0.0)
        for row in table.to_pylist()
        if row["kind"] == "permutation"
    }
