"""Which ensembles are asked, and which are fitted, in one thread so that their last bits stay."""

import joblib
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_wine
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from lineal.models.inorder import fitted_in_order, in_order, is_forest, threads_asked


class Derived(RandomForestClassifier):
    """A forest of somebody's own."""


@pytest.mark.parametrize(
    ("estimator", "threads"),
    [
        (RandomForestClassifier(n_jobs=4), 4),
        (RandomForestClassifier(n_jobs=1), 1),
        (RandomForestClassifier(), 1),
        (Derived(n_jobs=3), 3),
        (ExtraTreesRegressor(n_jobs=3), 3),
        (BaggingClassifier(n_jobs=4), 4),
        (make_pipeline(StandardScaler(), RandomForestClassifier(n_jobs=4)), 4),
        (VotingClassifier([("one", LogisticRegression()), ("two", RandomForestClassifier(n_jobs=4))]), 4),
        (CalibratedClassifierCV(make_pipeline(StandardScaler(), RandomForestClassifier(n_jobs=4))), 4),
        # Each of these gives every row by itself, in whatever thread.
        (KNeighborsClassifier(n_jobs=4), 1),
        (VotingClassifier([("one", LogisticRegression())], n_jobs=4), 1),
    ],
)
def test_ensembles_that_add_up_are_asked_in_order(estimator, threads):
    assert threads_asked(estimator) == threads
    before = type(joblib.parallel.get_active_backend()[0])
    with in_order(estimator):
        backend, _ = joblib.parallel.get_active_backend()
    assert (type(backend).__name__ == "SequentialBackend") == (threads > 1)
    assert type(joblib.parallel.get_active_backend()[0]) is before


def test_a_search_predicts_by_the_best_that_it_found():
    rows, truth = load_wine(return_X_y=True)
    search = GridSearchCV(RandomForestClassifier(5, random_state=0), {"n_jobs": [2]}, cv=2).fit(rows, truth)
    assert threads_asked(search) == threads_asked(make_pipeline(search)) == 2


def test_only_a_forest_gives_a_row_the_same_bits_among_whichever_others():
    assert [is_forest(each) for each in (Derived(), ExtraTreesRegressor(), RandomForestClassifier(5))] == [True] * 3
    assert not is_forest(BaggingClassifier(LogisticRegression()))
    assert not is_forest(VotingClassifier([("one", RandomForestClassifier())]))


def test_all_cores_are_several_threads():
    # On a machine with one core as well: what is asked for elsewhere is asked for here.
    assert threads_asked(RandomForestClassifier(n_jobs=-1)) >= 2


@pytest.mark.parametrize(
    ("estimator", "asked"),
    [
        (RandomForestClassifier(n_jobs=4), False),
        (make_pipeline(StandardScaler(), RandomForestClassifier(n_jobs=4)), False),
        (VotingClassifier([("one", RandomForestClassifier(n_jobs=4))]), False),
        (BaggingClassifier(RandomForestClassifier(n_jobs=4)), False),
        (StackingClassifier([("one", RandomForestClassifier(n_jobs=1))]), False),
        (StackingClassifier([("one", DecisionTreeClassifier())], n_jobs=4), False),
        (StackingClassifier([("one", RandomForestClassifier(n_jobs=-1))]), True),
        (make_pipeline(StandardScaler(), StackingClassifier([("one", RandomForestClassifier(n_jobs=4))])), True),
    ],
)
def test_what_nothing_asks_while_it_is_fitted_keeps_its_threads(estimator, asked):
    with fitted_in_order(estimator):
        backend, _ = joblib.parallel.get_active_backend()
    assert (type(backend).__name__ == "SequentialBackend") == asked
