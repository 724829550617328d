"""Estimators by their import path: found, built with their parameters, checked, and seeded.

A pipeline file names an estimator as text. It is imported like any class and nothing more: modules of Python itself are
refused unread (none holds an estimator), and what is found must be a scikit-learn classifier or regressor class before
it is called.

A parameter's value may be an estimator too, written as a table::

    [model]
    estimator = "sklearn.ensemble.BaggingClassifier"
    params = { estimator = { estimator = "sklearn.tree.DecisionTreeClassifier", params = { max_depth = 3 } } }

and the text "None" stands for Python's None, which TOML has no word for.
"""

from __future__ import annotations

import importlib
import inspect
import math
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import takewhile
from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone, is_classifier, is_regressor

from lineal.errors import EstimatorError
from lineal.models import metrics
from lineal.pipeline import RATES, Pipeline

# They compute other numbers on another number of processes.
_BY_JOBS = {"LatentDirichletAllocation", "MDS", "Nystroem"}
# The start of its iteration is random, and it has no seed.
_UNSEEDED = {"Isomap"}


def estimator_class(path: str) -> type[BaseEstimator]:
    """Import the class of a classifier or regressor.

    Args:
        path: the import path, such as `sklearn.ensemble.RandomForestClassifier`.

    Raises:
        EstimatorError: when there is nothing of that name, or no classifier or regressor.
    """
    found = _component_class(path)
    if not callable(getattr(found, "predict", None)) or not _may_predict_targets(found):
        raise EstimatorError(
            f"{path} predicts no target; name a scikit-learn classifier or regressor, "
            "such as sklearn.ensemble.RandomForestClassifier"
        )
    return found


def build(pipeline: Pipeline) -> BaseEstimator:
    """Build the pipeline's estimator, unfitted, with its parameters and a seed wherever it takes one.

    Raises:
        EstimatorError: naming file, key, parameter and what to do.
    """
    model = pipeline.model
    with at(pipeline, "model.estimator"):
        kind = estimator_class(model.estimator)
    with at(pipeline, "model.params"):
        estimator = _construct(kind, model.params)
        _check_params(estimator)
    _seed(estimator, pipeline.split.seed)
    if not is_classifier(estimator) and not is_regressor(estimator):
        with at(pipeline, "model.estimator"):
            raise EstimatorError(f"{model.estimator} is neither a classifier nor a regressor as it is set up here")
    return estimator


def named_classes(pipeline: Pipeline) -> tuple[str, ...]:
    """The classes that the pipeline file names, sorted, as a saved model calls them.

    Whoever wrote the file means them to be loaded; what else a model holds must be on Lineal's own list.
    """
    estimator = build(pipeline)
    kinds = {type(part) for part in (estimator, *_nested(estimator))}
    return tuple(sorted(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds))


def validate(pipeline: Pipeline) -> None:
    """See before any row is read that the estimator, its parameters, the search and the metrics can be used.

    Raises:
        EstimatorError: naming file, key and what to do.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `fit` tells them
        estimator = build(pipeline)
        search_space(pipeline, estimator)
    evaluate = pipeline.evaluate
    named = [("evaluate.metrics", name) for name in evaluate.metrics]
    for gate in evaluate.gates:
        if gate.metric not in RATES:
            named.append(("evaluate.gates", gate.metric))
        elif not is_classifier(estimator):
            with at(pipeline, "evaluate.gates"):
                raise EstimatorError(f"{gate.metric} is told of two classes, but the estimator is a regressor")
    named += [("evaluate.champion", evaluate.champion.metric)] if evaluate.champion else []
    for key, name in named:
        with at(pipeline, key):
            metrics.check(name, classifier=is_classifier(estimator))
            # What a meta-estimator can answer shows once it is fitted; what a search finds, once it is through.
            settled = not _delegates(type(estimator)) and not any(_nested(estimator))
            if settled and pipeline.model.search is None:
                metrics.methods_of([name], estimator)


def search_space(pipeline: Pipeline, estimator: BaseEstimator) -> dict[str, list[Any]]:
    """Read the values that a search tries, each seen to be a value that the estimator takes.

    Raises:
        EstimatorError: naming the parameter, and the nearest known name or what scikit-learn says of the value.
    """
    search = pipeline.model.search
    known = estimator.get_params(deep=True)
    space: dict[str, list[Any]] = {}
    for name, values in (search.space if search else {}).items():
        with at(pipeline, f"model.search.space.{name}"):
            if name not in known:
                raise EstimatorError(_unknown(type(estimator), name, known))
            space[name] = [_value(value) for value in values]
            for value in space[name]:
                trial = clone(estimator).set_params(**{name: value})
                _check_params(trial)
                if isinstance(value, BaseEstimator):
                    _seed(value, pipeline.split.seed)
    return space


@contextmanager
def at(pipeline: Pipeline, key: str) -> Iterator[None]:
    """Say of an `EstimatorError` raised inside where in the pipeline file its cause stands."""
    try:
        yield
    except EstimatorError as problem:
        raise EstimatorError(f"{pipeline.path}: [{key}] {problem.message}") from problem.__cause__


def seeds(estimator: BaseEstimator) -> dict[str, int]:
    """Name every seed of an estimator, at each nesting level, by parameter."""
    return {
        name: int(value)
        for name, value in sorted(estimator.get_params(deep=True).items())
        if name.rpartition("__")[2] == "random_state" and isinstance(value, int)
    }


def nondeterminism(estimator: BaseEstimator) -> list[str]:
    """Say why the estimator cannot be fitted twice to the same numbers; empty where nothing is known against it."""
    reasons: list[str] = []
    for part in (estimator, *_nested(estimator)):
        name = type(part).__name__
        if name in _UNSEEDED:
            reasons.append(f"{name} starts from random numbers that no seed reaches")
        if name in _BY_JOBS and getattr(part, "n_jobs", None) not in (None, 1):
            reasons.append(f"{name} computes other numbers with another n_jobs (now {part.n_jobs}) or number of cores")
    return list(dict.fromkeys(reasons))


def effective_params(estimator: BaseEstimator) -> dict[str, Any]:
    """List every parameter of an estimator, defaults among them, as clean JSON values."""
    return {name: plain(value) for name, value in sorted(estimator.get_params(deep=True).items())}


def plain(value: Any) -> Any:
    """Turn a parameter's value into clean JSON: no NaN, no NumPy scalar; an estimator or function by its name."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}.{value.__qualname__}"
    return type(value).__name__ if isinstance(value, BaseEstimator) else str(value)


def _component_class(path: str) -> type[BaseEstimator]:
    """Import an estimator class of any kind, the parts of a meta-estimator among them."""
    module_name, _, name = path.rpartition(".")
    module = _module(module_name, path)
    try:
        found = getattr(module, name)
    except AttributeError:
        raise EstimatorError(f"{path}: {module_name} has no {name}{_nearest(path)}") from None
    if not isinstance(found, type) or not issubclass(found, BaseEstimator) or inspect.isabstract(found):
        raise EstimatorError(f"{path} is no scikit-learn estimator class{_nearest(path)}")
    return found


def _module(name: str, path: str) -> Any:
    if not name:
        raise EstimatorError(f"{path} names no module{_nearest(path)}")
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or "__main__" in name.split("."):
        raise EstimatorError(
            f"{path} is part of Python itself and no estimator; name a scikit-learn classifier or regressor"
        )
    if name not in sys.modules and not _findable(name):
        raise EstimatorError(f"{path}: there is no module {name} on the import path{_nearest(path)}")
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as problem:  # whatever the module's top level raises
        raise EstimatorError(
            f"{path}: importing {name} failed with {type(problem).__name__}: {metrics.first_sentence(problem)}; "
            "see that the package is installed whole"
        ) from problem


def _findable(name: str) -> bool:
    """Look for a module along the import path without running a line of it or of its packages."""
    parts = name.split(".")
    places: Any = None
    for depth in range(1, len(parts) + 1):
        full = ".".join(parts[:depth])
        specs = (finder.find_spec(full, places) for finder in sys.meta_path if hasattr(finder, "find_spec"))
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is None:
            return False
        places = spec.submodule_search_locations
        if places is None and depth < len(parts):
            return False
    return True


def _nearest(path: str) -> str:
    """`; did you mean …?` with the nearest classifier or regressor of scikit-learn, or nothing."""
    from sklearn.utils import all_estimators

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = dict(all_estimators(type_filter=["classifier", "regressor"]))
    near = get_close_matches(path.rpartition(".")[2], known, n=1, cutoff=0.7)
    if not near:
        return "; see that the path is spelt as in Python's import"
    public = takewhile(lambda part: not part.startswith("_"), known[near[0]].__module__.split("."))
    return f"; did you mean {'.'.join([*public, near[0]])}?"


def _delegates(kind: type) -> bool:
    """Tell whether what a class predicts is decided by an estimator inside it."""
    return bool({"estimator", "estimators", "steps", "final_estimator"} & inspect.signature(kind).parameters.keys())


def _may_predict_targets(kind: type) -> bool:
    return issubclass(kind, (ClassifierMixin, RegressorMixin)) or _delegates(kind)


def _construct(kind: type[BaseEstimator], params: Mapping[str, Any]) -> BaseEstimator:
    accepted = inspect.signature(kind).parameters.values()
    known = [each.name for each in accepted if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    anything = any(each.kind is each.VAR_KEYWORD for each in accepted)
    for name in params:
        if name not in known and not anything:
            raise EstimatorError(_unknown(kind, name, known))
    for each in accepted:
        if each.name in known and each.default is each.empty and each.name not in params:
            raise EstimatorError(f"{kind.__name__} needs the parameter {each.name}; give it in model.params")
    try:
        return kind(**{name: _value(value) for name, value in params.items()})
    except (TypeError, ValueError) as problem:
        raise EstimatorError(f"{kind.__name__} rejects its parameters: {metrics.first_sentence(problem)}") from problem


def _value(value: Any) -> Any:
    """A parameter's value as the file says it, tables that name an estimator built."""
    if value == "None":
        return None
    if isinstance(value, Mapping):
        if isinstance(value.get("estimator"), str) and value.keys() <= {"estimator", "params"}:
            return _construct(_component_class(value["estimator"]), value.get("params", {}))
        return {key: _value(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        inner = [_value(each) for each in value]
        # What scikit-learn calls a step or a named estimator is a pair.
        named = len(inner) == 2 and isinstance(inner[0], str) and isinstance(inner[1], BaseEstimator)
        return tuple(inner) if named else inner
    return value


def _nested(estimator: BaseEstimator) -> Iterator[BaseEstimator]:
    for value in estimator.get_params(deep=True).values():
        if isinstance(value, BaseEstimator):
            yield value


def _check_params(estimator: BaseEstimator) -> None:
    """Let scikit-learn judge the parameters' values, at each nesting level, as it would in `fit`."""
    for part in (estimator, *_nested(estimator)):
        check = getattr(part, "_validate_params", None)
        try:
            if check is not None:
                check()
        except (TypeError, ValueError) as problem:
            raise EstimatorError(str(problem).rstrip(".")) from problem


def _seed(estimator: BaseEstimator, seed: int) -> None:
    unset = {
        name: seed
        for name, value in estimator.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    estimator.set_params(**unset)


def _unknown(kind: type, name: str, known: Any) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(known)) or 'none'}"
    return f"{kind.__name__} has no parameter {name}; {hint}"
