"""A row's hash is decided by its values alone."""

import numpy as np
import pyarrow as pa
import pytest

from lineal.datasets.rowhash import row_hashes
from lineal.datasets.table import write_table


def hashes(values, **options):
    columns = values if isinstance(values, dict) else {"a": values}
    part = write_table(pa.table(columns), "it.part")
    return row_hashes(part, options.pop("columns", list(columns)), **options).tolist()


def test_it_does_not_hang_on_the_place_the_batch_or_the_other_rows(monkeypatch):
    values = {
        "n": [1, None, 3, 4],
        "f": [0.5, None, 2.0, 1e300],
        "t": ["x", None, "ü", ""],
        "b": [True, None, False, True],
    }
    whole = hashes(values)
    assert len(set(whole)) == 4
    assert hashes({name: each[::-1] for name, each in values.items()}) == whole[::-1]
    assert hashes({name: each[2:3] for name, each in values.items()}) == whole[2:3]
    monkeypatch.setattr("lineal.datasets.read.BATCH_ROWS", 1)
    assert hashes(values) == whole


def test_a_whole_number_is_the_same_as_an_integer_and_as_a_fraction():
    assert hashes([1, 2, -7]) == hashes([1.0, 2.0, -7.0])
    assert hashes([1, None]) == hashes([1.0, None]) == hashes([1.0, float("nan")])
    assert hashes([0.0]) == hashes([-0.0])


def test_integers_that_no_fraction_can_hold_are_told_apart():
    large = [2**53 + number for number in range(5)]
    assert len(set(hashes(large))) == 5
    assert hashes([*large, None])[:5] == hashes(large)
    assert hashes([2**53 + 1])[0] == hashes([2**53 + 1, 1])[0]


@pytest.mark.parametrize(
    ("one", "two"), [([1], ["1"]), (["a"], ["b"]), ([True], [False]), ([""], [None]), ([0], [None])]
)
def test_other_values_have_other_hashes(one, two):
    assert hashes(one) != hashes(pa.array(two, pa.array(one).type if two == [None] else None))


def test_each_column_s_place_counts():
    values = {"a": [1, 2], "b": [2, 1]}
    assert len(set(hashes(values))) == 2
    assert hashes(values, columns=["b", "a"]) == hashes(values)[::-1]
    assert hashes({"a": [5], "b": [5]}) != hashes({"a": [6], "b": [6]})


def test_another_seed_gives_another_order():
    orders = [np.argsort(hashes(list(range(50)), seed=seed)).tolist() for seed in range(20)]
    assert len({tuple(order) for order in orders}) == 20
    # The first of each order is not the same one again and again.
    assert len({order[0] for order in orders}) > 10


def test_it_is_the_same_with_every_version_of_what_hashes():
    # On these rests which side of a split each row stands on.
    numbers = [15717619401886626694, 26019734772058168, 14727161542453712457]
    texts = [786278607276532205, 15233871802640685858, 9734176225339276983]
    assert hashes([1, 2.5, None], seed=7) == numbers
    assert hashes(["a", "ü", None], seed=7) == texts
