from __future__ import annotations

import copy
import io
import pickle
import random
import threading
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from lineal.errors import EstimatorError
from lineal.models import storage
from lineal.models.digest import Leaf, digest, leaves, of_leaves

Point = namedtuple("Point", "x y")


def frame() -> pd.DataFrame:
    source = np.random.default_rng(3)
    rows = pd.DataFrame(
        {
            "age": np.round(source.normal(40, 12, 80), 2),
            "weight": np.round(source.normal(70, 9, 80), 2),
            "town": source.choice(["Bonn", "Köln", "Trier"], 80),
            "member": source.integers(0, 2, 80) == 1,
        }
    )
    rows.loc[5, "age"] = np.nan
    rows.loc[7, "town"] = None
    return rows


def labels() -> np.ndarray[Any, Any]:
    return np.where(frame()["weight"] > 70, "yes", "no")


def pipeline(step: Any) -> Pipeline:
    numbers = Pipeline([("impute", SimpleImputer()), ("scale", StandardScaler())])
    encode = ColumnTransformer(
        [
            ("numbers", numbers, ["age", "weight"]),
            ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["town", "member"]),
        ]
    )
    return Pipeline([("encode", encode), ("model", step)])


STEPS: dict[str, Any] = {
    "linear": LogisticRegression(),
    "forest": RandomForestClassifier(4, max_depth=3, random_state=1),
    "boosted": GradientBoostingClassifier(n_estimators=3, random_state=1),
    "histograms": HistGradientBoostingClassifier(max_iter=3, random_state=1),
    "neighbours": KNeighborsClassifier(),
    "vectors": SVC(probability=False, random_state=1),
    "network": MLPClassifier((4,), max_iter=4, random_state=1),
    "vote": VotingClassifier([("a", LogisticRegression()), ("b", KNeighborsClassifier())]),
    "grid": GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=KFold(3, shuffle=True, random_state=0)),
    "drawn": RandomizedSearchCV(LogisticRegression(), {"C": stats.uniform(0.1, 2)}, n_iter=2, cv=3, random_state=0),
}


def fitted(step: Any) -> Pipeline:
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        return pipeline(clone(step)).fit(frame(), labels())


@pytest.fixture(scope="module")
def models() -> dict[str, Pipeline]:
    return {name: fitted(step) for name, step in STEPS.items()}


every_step = pytest.mark.parametrize("name", STEPS)


@every_step
def test_fitting_again_gives_the_same_digest(models: dict[str, Pipeline], name: str) -> None:
    assert digest(fitted(STEPS[name])) == digest(models[name])


@every_step
def test_a_copy_through_pickle_joblib_and_skops_has_the_same_digest(
    models: dict[str, Pipeline], name: str, tmp_path: Path
) -> None:
    model = models[name]
    known = digest(model)
    assert digest(pickle.loads(pickle.dumps(model))) == known  # noqa: S301 - our own
    joblib.dump(model, tmp_path / "model.joblib")
    assert digest(joblib.load(tmp_path / "model.joblib", mmap_mode="r")) == known
    trusted = ["scipy.stats._distn_infrastructure.rv_continuous_frozen", "scipy.stats._continuous_distns.uniform_gen"]
    storage.save(model, tmp_path / "model.skops", trusted=trusted)
    assert digest(storage.load(tmp_path / "model.skops", trusted=trusted)) == known


@every_step
def test_predicting_leaves_the_digest_as_it_was(models: dict[str, Pipeline], name: str) -> None:
    known = digest(models[name])
    models[name].predict(frame())
    assert digest(models[name]) == known


@pytest.mark.parametrize("name", ["forest", "neighbours", "vote"])
def test_jobs_change_neither_the_fit_nor_the_digest(models: dict[str, Pipeline], name: str) -> None:
    with joblib.parallel_config(backend="threading"):
        spread = fitted(clone(STEPS[name]).set_params(n_jobs=2))
    assert digest(spread) == digest(models[name])


def test_another_row_another_seed_and_another_class_change_it(models: dict[str, Pipeline]) -> None:
    rows = frame()
    rows.loc[0, "age"] += 0.01
    with threadpool_limits(1):
        touched = pipeline(RandomForestClassifier(4, max_depth=3, random_state=1)).fit(rows, labels())
    reseeded = fitted(RandomForestClassifier(4, max_depth=3, random_state=2))
    assert len({digest(model) for model in (models["forest"], touched, reseeded, models["linear"])}) == 4


# --- any one change is seen -------------------------------------------------------------------------------------


class Collector(pickle.Pickler):
    """Finds what a model holds by a way of its own: pickle's."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), protocol=5)
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.estimators: list[BaseEstimator] = []

    def reducer_override(self, found: Any) -> Any:
        if isinstance(found, (np.random.RandomState, np.random.Generator)):
            # What a fit leaves of it is not part of the model.
            return object, ()
        if isinstance(found, np.ndarray) and found.size and not isinstance(found, np.ma.MaskedArray):
            self.arrays.append(found)
        if isinstance(found, BaseEstimator):
            self.estimators.append(found)
        return NotImplemented


def collected(model: Any) -> Collector:
    found, again = Collector(), Collector()
    found.dump(model)
    again.dump(model)
    # An array that lies elsewhere each time is a copy, made for pickle; changing it changes no model.
    lying = {array.ctypes.data for array in again.arrays}
    found.arrays = [array for array in found.arrays if array.ctypes.data in lying and array.flags.writeable]
    return found


def changed(value: Any) -> Any:
    """A value of the same type that is just not the same."""
    if isinstance(value, (bool, np.bool_)):
        return not value
    if isinstance(value, (int, np.integer)):
        return value + 1 if value < 100 else value - 1
    if isinstance(value, (float, np.floating)):
        return 0.5 if np.isnan(value) else np.nextafter(value, np.inf if value < 1e300 else 0)
    if isinstance(value, str):
        return value[:-1] + ("y" if value.endswith("x") else "x")
    return "other"


def fields(array: np.ndarray[Any, Any]) -> Iterator[np.ndarray[Any, Any]]:
    if array.dtype.names is None:
        yield array
    else:
        yield from (array[name] for name in array.dtype.names)


@every_step
def test_a_change_of_any_fitted_array_changes_the_digest(models: dict[str, Pipeline], name: str) -> None:
    model = copy.deepcopy(models[name])
    search = model.named_steps["model"]
    times = [value for key, value in getattr(search, "cv_results_", {}).items() if key.endswith("_time")]
    known, tried, picked = digest(model), 0, random.Random(11)  # noqa: S311 - any place will do
    for array in collected(model).arrays:
        if any(array is time for time in times):
            continue
        for part in fields(array):
            index = tuple(picked.randrange(length) for length in part.shape)
            before = part[index]
            part[index] = changed(before)
            try:
                assert digest(model) != known, (array.dtype, before)
            finally:
                part[index] = before
            tried += 1
    assert digest(model) == known
    assert tried >= 10


@every_step
def test_a_change_of_any_parameter_or_fitted_attribute_changes_the_digest(
    models: dict[str, Pipeline], name: str
) -> None:
    model = copy.deepcopy(models[name])
    left_out = {"n_jobs", "verbose", "pre_dispatch", "memory", "cache_size", "refit_time_", "n_threads"}
    known, tried = digest(model), 0
    for estimator in collected(model).estimators:
        for attribute, before in list(vars(estimator).items()):
            if before is not None and not isinstance(before, (bool, int, float, str, np.generic)):
                continue
            setattr(estimator, attribute, changed(before))
            try:
                assert (digest(model) == known) == (attribute in left_out), (type(estimator), attribute, before)
            finally:
                setattr(estimator, attribute, before)
            tried += 1
    assert digest(model) == known
    assert tried > 20


def test_a_feature_name_and_a_category_are_part_of_it(models: dict[str, Pipeline]) -> None:
    renamed, recoded = copy.deepcopy(models["forest"]), copy.deepcopy(models["forest"])
    renamed.named_steps["encode"].feature_names_in_[0] = "years"
    recoded.named_steps["encode"].named_transformers_["words"].categories_[0][0] = "bonn"
    assert len({digest(model) for model in (models["forest"], renamed, recoded)}) == 3


def test_the_table_names_what_differs(models: dict[str, Pipeline]) -> None:
    other = copy.deepcopy(models["linear"])
    other.named_steps["model"].coef_[0, 0] += 1e-9
    other.named_steps["model"].C = 2.0
    before, after = ({leaf.path: leaf for leaf in leaves(model)} for model in (models["linear"], other))
    assert [path for path in before if before[path] != after[path]] == ["steps[1][1].C", "steps[1][1].coef_"]
    assert before["steps[1][1].coef_"].shape == (1, 8)
    assert before["steps[1][1].coef_"].dtype == "float64"
    assert before["steps[1][1]"] == Leaf(
        "steps[1][1]", "object", "sklearn.linear_model._logistic.LogisticRegression", (), before[""].sha256
    )
    assert of_leaves(leaves(other)) == digest(other)


# --- what is the same, and what is not ----------------------------------------------------------------------------

Rows = np.ndarray[Any, Any]
ROWS: Rows = np.arange(12.0).reshape(3, 4)


def nan(bits: int) -> Rows:
    return np.array([bits], dtype="uint64").view("float64")


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left: int, right: int) -> None:
        self.left, self.right = left, right


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(ROWS, np.asfortranarray(ROWS), id="order of memory"),
        pytest.param(ROWS, ROWS.astype(">f8"), id="endianness"),
        pytest.param(ROWS, np.arange(24.0).reshape(3, 8)[:, ::2] / 2, id="strides"),
        pytest.param(nan(0x7FF8000000000000), nan(0xFFF8000000000001), id="payload of a NaN"),
        pytest.param(float("nan"), -float("nan"), id="sign of a NaN"),
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, id="order of a mapping"),
        pytest.param({"ab", "cd", 3, None}, {None, "cd", 3, "ab"}, id="order of a set"),
        pytest.param(
            sparse.csr_matrix((np.ones(1), np.array([0], "int32"), np.array([0, 1], "int32"))),
            sparse.csr_matrix((np.ones(1), np.array([0], "int64"), np.array([0, 1], "int64"))),
            id="width of sparse indices",
        ),
        pytest.param(
            np.ma.MaskedArray([1.0, 2.0], [False, True]),
            np.ma.MaskedArray([1.0, 9.0], [False, True]),
            id="under a mask",
        ),
        pytest.param(stats.uniform(0, 1), stats.uniform(0, 1), id="frozen distributions"),
        pytest.param(np.longdouble("0.1"), np.longdouble("0.1"), id="long doubles"),
    ],
)
def test_these_are_the_same(one: Any, other: Any) -> None:
    assert digest(one) == digest(other)


def test_these_all_differ() -> None:
    several: list[Any] = [
        *(0, 0.0, -0.0, False, None, "", b"", (), [], {}, set(), np.float64(0), np.float32(0), np.int64(0), 0j, ...),
        *(1, 1.0, True, "1", b"1", [1], (1,), {1}, {1: 1}, {"1": 1}, {1: "1"}, [[1]], [1, 1], np.array(1), "lineal"),
        *(np.zeros(4), np.zeros((2, 2)), np.zeros((4, 1)), np.zeros(4, "f4"), np.zeros(4, "i8"), np.zeros((0, 4))),
        *(np.array(["a"]), np.array(["a"], object), np.array([["a"]], object), ["a"], np.array([None]), np.array([[]])),
        *(np.array([1 + 2j]), np.array([2 + 1j]), np.array(["2024-01-01"], "M8[D]"), np.array(["2024-01-01"], "M8[s]")),
        *(np.array([(1, 2.0)], [("a", "i8"), ("b", "f8")]), np.array([(1, 2.0)], [("a", "i8"), ("c", "f8")])),
        *(sparse.csr_matrix(np.eye(2)), sparse.csc_matrix(np.eye(2)), sparse.csr_array(np.eye(2))),
        *(sparse.coo_array(np.eye(2)), sparse.dok_array(np.eye(2)), sparse.lil_array(np.eye(2)), np.eye(2)),
        *(sparse.dia_array(np.eye(2)), sparse.csr_matrix(np.eye(2) * 2), sparse.csr_matrix((2, 3))),
        *(np.dtype("f8"), np.dtype("f4"), np.float64, float, np.log1p, np.expm1, len, pickle.dumps, np),
        *(Point(1, 2), Point(2, 1), (1, 2), OrderedDict(a=1), {"a": 1}, Slotted(1, 2), Slotted(2, 1), partial(max, 1)),
        *(partial(max, 2), partial(min, 1), LogisticRegression(C=1), LogisticRegression(C=1.0), Path("a"), slice(1)),
        *(stats.uniform(0, 1), stats.uniform(0, 2), stats.norm(0, 1), "abc".join, "abd".join, nan(0x7FF8000000000000)),
        *(np.ma.MaskedArray([1.0, 2.0], [False, True]), np.ma.MaskedArray([1.0, 2.0], [True, False])),
        *([1, "2"], ["1", 2], [1, [2]], [[1], 2], {"a": {"b": 1}}, {"a": {"b": 2}}, {("a", 1): 0}, {("a", 2): 0}),
    ]
    found: dict[str, Any] = {}
    for value in several:
        name = digest(value)
        assert name not in found, (value, found[name])
        found[name] = value


def typed(value: Any) -> Any:
    """What tells two plain values apart as the digest does."""
    if isinstance(value, dict):
        return dict, frozenset((key, typed(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return list, tuple(map(typed, value))
    return type(value), "nan" if value != value else repr(value)


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
tree = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(tree, tree)
def test_two_values_have_one_digest_exactly_when_they_are_alike(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) == (typed(one) == typed(other))
    assert digest(copy.deepcopy(one)) == digest(one)


@settings(deadline=None)
@given(st.lists(plain, max_size=5), st.lists(plain, max_size=5))
def test_object_arrays_and_lists_do_not_run_their_elements_together(one: list[Any], other: list[Any]) -> None:
    arrays = [np.array([None, *values], dtype=object) for values in (one, other)]
    alike = typed(one) == typed(other)
    assert (digest(one) == digest(other)) == alike
    assert (digest(arrays[0]) == digest(arrays[1])) == alike


def test_a_wide_vocabulary_is_one_leaf_that_sees_each_word() -> None:
    words = {f"word{number}": number for number in range(5000)}
    model = CountVectorizer()
    model.vocabulary_ = dict(words)
    known = digest(model)
    assert len(leaves(model)) < 50
    model.vocabulary_["word77"] = 76
    assert digest(model) != known
    model.vocabulary_ = dict(reversed(words.items()))
    assert digest(model) == known


def test_a_value_that_holds_itself_is_taken_apart_once() -> None:
    ring: list[Any] = [1]
    ring.append(ring)
    deeper: list[Any] = [1]
    deeper.append([1, deeper])
    assert digest(ring) == digest(copy.deepcopy(ring))
    assert digest(ring) != digest(deeper)


def test_what_tells_how_the_work_was_done_is_no_part_of_it() -> None:
    quiet, loud = KMeans(2, n_init=1), KMeans(2, n_init=1, verbose=3)
    assert digest(quiet) == digest(loud)
    assert digest(SVC(cache_size=10)) == digest(SVC(cache_size=400))
    assert digest(Pipeline([("a", SVC())], memory="/tmp/x")) == digest(Pipeline([("a", SVC())]))  # noqa: S108


class Remembering(BaseEstimator):
    """Somebody's own estimator, whose `memory` is no cache."""

    def __init__(self, memory: int = 3, n_jobs: int | None = None) -> None:
        self.memory = memory
        self.n_jobs = n_jobs


def test_another_packages_memory_is_a_parameter_as_any_other() -> None:
    assert digest(Remembering(memory=3)) != digest(Remembering(memory=4))
    assert digest(Remembering(n_jobs=1)) == digest(Remembering(n_jobs=2))


def test_a_fit_without_a_seed_that_drew_nothing_is_the_same_fit() -> None:
    np.random.seed(1)
    one = GaussianProcessRegressor(random_state=None).fit(ROWS, [1.0, 2.0, 3.0])
    np.random.seed(2)
    other = GaussianProcessRegressor(random_state=None).fit(ROWS, [1.0, 2.0, 3.0])
    assert digest(one) == digest(other)


# --- what has no identity -----------------------------------------------------------------------------------------


def local() -> Callable[[Any], Any]:
    def inner(rows: Any) -> Any:
        return rows

    return inner


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (RandomForestClassifier(random_state=np.random.RandomState(1)), ["random_state", "integer seed"]),
        (pipeline(SVC(random_state=np.random.default_rng(1))), ["steps[1][1].random_state", "integer seed"]),
        (GridSearchCV(SVC(), {}, cv=KFold(shuffle=True, random_state=random.Random(1))), ["cv.random_state"]),  # noqa: S311
        (FunctionTransformer(lambda rows: rows), ["func", "<lambda>", "top level of a module"]),
        (pipeline(FunctionTransformer(local())), ["steps[1][1].func", "<locals>", "top level of a module"]),
        (FunctionTransformer(kw_args={"lock": threading.Lock()}), ["kw_args['lock']", "lock", "cannot be taken apart"]),
    ],
)
def test_what_no_other_process_could_make_again_is_refused(model: Any, words: list[str]) -> None:
    with pytest.raises(EstimatorError) as caught:
        digest(model)
    assert all(word in caught.value.message for word in words), caught.value.message


def test_a_generator_that_a_fit_keeps_is_not_refused(models: dict[str, Pipeline]) -> None:
    # Gradient boosting hands its trees one generator as their parameter.
    tree_of = models["boosted"].named_steps["model"].estimators_[0, 0]
    assert isinstance(tree_of.random_state, np.random.RandomState)
    assert len(digest(models["boosted"])) == 64
