from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lineal.datasets import split as splitting
from lineal.datasets.cache import Cache
from lineal.datasets.read import to_table
from lineal.datasets.snapshot import Snapshot
from lineal.datasets.sources import ingest
from lineal.datasets.split import Split, is_classification, split
from lineal.errors import DataError


@pytest.fixture
def cut(put: Any, pipeline: Any, cache: Cache) -> Any:
    def make(data: str, more: str = "", **options: Any) -> tuple[Snapshot, Split]:
        put("d.csv", data)
        made = pipeline(f"[split]\n{more}")
        snapshot = ingest(made, cache)
        return snapshot, split(made, snapshot.dataset, cache=cache, **options)

    return make


def column(dataset: Any, name: str) -> list[Any]:
    values: list[Any] = to_table(dataset, [name]).column(0).to_pylist()
    return values


def held_out(found: Split) -> list[int]:
    return column(found.test, "_lineal_row")


CLASSES = "a,y\n" + "".join(f"{number},{'pqqq'[number % 4]}\n" for number in range(80))
NUMBERS = "a,y\n" + "".join(f"{number},{number * 1.5}\n" for number in range(80))


def test_each_row_stands_once_in_the_snapshot_s_order_with_its_number(cut: Any) -> None:
    snapshot, found = cut(CLASSES, "seed = 3")
    whole = to_table(snapshot.dataset)
    numbers = []
    for part, name in ((found.train, "t.train"), (found.test, "t.test")):
        rows = column(part, "_lineal_row")
        assert rows == sorted(rows)
        assert to_table(part).equals(whole.take(rows))
        assert part.name == name
        assert part.rows == len(rows)
        assert [c.name for c in part.columns] == ["a", "y", "_lineal_row"]
        assert part.columns[-1].type == "int64"
        numbers += rows
    assert sorted(numbers) == list(range(80))
    assert (found.test.rows, found.seed) == (20, 3)


def test_the_same_split_is_the_same_bytes_and_another_seed_is_not(cut: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, one = cut(CLASSES, "seed = 3")
    monkeypatch.setattr(splitting, "BATCH_ROWS", 7)
    _, again = cut(CLASSES, "seed = 3")
    _, other = cut(CLASSES, "seed = 4")
    assert again == one
    assert other.test.version != one.test.version


def test_a_snapshot_of_many_batches_is_split_as_one(cut: Any) -> None:
    data = "a,y\n" + "".join(f"{number},{number % 2}\n" for number in range(150_000))
    snapshot, found = cut(data)
    assert found.train.rows + found.test.rows == snapshot.dataset.rows == 150_000
    assert column(found.test, "a") == held_out(found)


def test_classes_keep_their_shares_unless_told_otherwise(cut: Any) -> None:
    _, found = cut(CLASSES)
    assert found.method == "stratified"
    assert Counter(column(found.test, "y")) == {"q": 15, "p": 5}
    assert cut(CLASSES, "stratify = false")[1].method == "random"
    assert cut(CLASSES, classification=False)[1].method == "random"
    assert cut(NUMBERS)[1].method == "random"


@pytest.mark.parametrize("more", ["", "stratify = true", 'group = "g"'])
@pytest.mark.parametrize("key", ["", 'id = "id"'])
def test_a_record_keeps_its_side_as_the_data_grows_shrinks_and_is_sorted_anew(
    put: Any, pipeline: Any, cache: Cache, more: str, key: str
) -> None:
    rows = [f"{number},g{number % 90},{number * 7919 % 1000},{'pq'[number % 3 % 2]}" for number in range(1200)]
    head = "id,g,a,y\n"

    def sides(chosen: list[str]) -> tuple[set[int], set[int]]:
        put("d.csv", head + "".join(f"{row}\n" for row in chosen))
        made = pipeline(f"[split]\n{more}", source=f'uri = "d.csv"\ntarget = "y"\n{key}')
        found = split(made, ingest(made, cache).dataset, cache=cache)
        return set(column(found.train, "id")), set(column(found.test, "id"))

    train, test = sides(rows[:1000])
    for chosen in (rows[:1000][::-1], rows, rows[50:1000], ["-3,g5,1,p", *rows[:1000]]):
        then_train, then_test = sides(chosen)
        moved = (train & then_test) | (test & then_train)
        # Of those in both: only such as stand at the boundary, which moves with the number of rows.
        assert len(moved) <= 0.03 * 1000
    assert sides(rows[:1000][::-1]) == (train, test)


def test_a_record_with_an_id_keeps_its_side_whatever_is_corrected_in_it(put: Any, pipeline: Any, cache: Cache) -> None:
    made = pipeline("[split]\nstratify = false", source='uri = "d.csv"\ntarget = "y"\nid = "id"')
    found = []
    for change in (0, 1):
        put("d.csv", "id,a,y\n" + "".join(f"{n},{n + change},{n % 2 + change}\n" for n in range(60)))
        found.append(column(split(made, ingest(made, cache).dataset, cache=cache).test, "id"))
    assert found[0] == found[1]


def test_rows_that_are_alike_stand_on_one_side(cut: Any) -> None:
    _, found = cut("a,y\n" + "".join(f"{number // 2},{number // 2 % 2}\n" for number in range(80)))
    assert not set(column(found.train, "a")) & set(column(found.test, "a"))


@given(
    sizes=st.lists(st.integers(2, 60), min_size=2, max_size=12),
    test_size=st.floats(0.01, 0.99),
)
def test_no_class_is_left_out_of_a_part(sizes: list[int], test_size: float) -> None:
    test = int(np.ceil(test_size * sum(sizes)))
    assume(len(sizes) <= test <= sum(sizes) - len(sizes))
    shares = splitting._shares(np.array(sizes), test)
    assert shares.sum() == test
    assert all(0 < share < size for share, size in zip(shares, sizes, strict=True))
    exact = np.array(sizes) * test / sum(sizes)
    if (exact >= 1).all() and (exact <= np.array(sizes) - 1).all():
        assert (np.abs(shares - exact) < 1).all()


def test_a_group_stays_on_one_side(cut: Any) -> None:
    data = "g,y\n" + "".join(f"g{number % 8},{number}\n" for number in range(80))
    _, found = cut(data, 'group = "g"')
    assert found.method == "group"
    assert not set(column(found.train, "g")) & set(column(found.test, "g"))
    assert len(set(column(found.test, "g"))) == 2


def test_the_newest_are_held_out(cut: Any) -> None:
    days = [f"2026-01-{day:02}" for day in (5, 3, 9, 1, 7, 2, 8, 4, 6, 10)]
    data = "when,y\n" + "".join(f"{day},{number}\n" for number, day in enumerate(days))
    _, found = cut(data, 'time = "when"\ntest_size = 0.3')
    assert (found.method, found.note) == ("time", None)
    assert max(column(found.train, "when")) < min(column(found.test, "when"))
    assert held_out(found) == [2, 6, 9]


@pytest.mark.parametrize(
    ("times", "test_size", "held", "note"),
    [
        ([1, 2, 2, 2, 2, 2, 2, 2, 3, 4], 0.25, [8, 9], None),
        (
            [1, 2, 2, 2, 2, 2, 2, 2, 2, 2],
            0.25,
            list(range(1, 10)),
            "so 9 of 10 rows are held out where split.test_size",
        ),
        ([2, 2, 2, 2, 2, 1, 1, 1, 1, 1], 0.1, list(range(5)), "so 5 of 10 rows are held out"),
        ([1, 2, 3, 4], 0.25, [3], None),
        ([1, 2, 3, 4], 0.01, [3], None),
        ([1, 2, 3, 4], 0.99, [1, 2, 3], None),
    ],
)
def test_rows_of_one_time_stay_together_and_it_is_told(
    cut: Any, times: list[int], test_size: float, held: list[int], note: str | None
) -> None:
    data = "when,y\n" + "".join(f"{time},{number}.5\n" for number, time in enumerate(times))
    _, found = cut(data, f'time = "when"\ntest_size = {test_size}')
    assert held_out(found) == held
    assert note in found.note if note else found.note is None


@pytest.mark.parametrize(
    ("data", "more", "message"),
    [
        (
            "a,y\n1,p\n2,p\n3,q\n4,r\n5,p\n",
            "",
            "the target 'y' cannot be stratified by: 2 of its 3 classes have one row only, .*"
            "add rows or merge classes, or set split.stratify = false",
        ),
        ("a,y\n1,p\n2,p\n3,q\n", "", "1 of its 2 classes has one row only"),
        ("a,y\n" + "1,p\n2,q\n3,r\n" * 2, "test_size = 0.1", "its 3 classes do not all fit into 1 held-out rows"),
        ("a,y\n" + "1,p\n2,q\n3,r\n" * 2, "test_size = 0.9", "its 3 classes do not all fit into 0 training rows"),
        ("a,y\n1,0.5\n2,0.7\n", "test_size = 0.9", "0.9 of 2 rows leaves the training part empty"),
        ("a,y\n1,0.5\n", "", "0.25 of 1 rows leaves the training part empty"),
        ("a,y\n1,0.5\n1,0.7\n", 'group = "a"', "split.group: column 'a' has one group only"),
        ("a,y\n1,0.5\n,0.7\n", 'group = "a"', r"split.group: column 'a' has 1 missing values \(the first in row 2\)"),
        ("a,y\n1,0.5\n2,0.7\n", 'group = "a"\ntest_size = 0.9', "0.9 of 2 groups leaves the training part empty"),
        ("a,y\n1,0.5\n,0.7\n", 'time = "a"', r"split.time: column 'a' has 1 missing values \(the first in row 2\)"),
        ("a,y\n1,0.5\n1,0.7\n", 'time = "a"', "split.time: all rows have one time in column 'a'"),
        (
            "a,y\nx,0.5\nz,0.7\n",
            'time = "a"',
            "split.time: column 'a' holds string values, which have no order in time",
        ),
        ("a,y\n1,p\n2,\n3,q\n", "", "the target 'y' has 1 missing values and cannot be stratified by"),
    ],
)
def test_a_split_that_cannot_be_made_is_told(cut: Any, cache: Cache, data: str, more: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        cut(data, more)
    assert list((cache.root / "tmp").iterdir()) == []


@pytest.mark.parametrize("more", ["", "stratify = false"])
def test_a_classifier_of_measured_numbers_is_told_to_be_one(cut: Any, more: str) -> None:
    message = (
        r"the target 'y' is continuous \(80 different numbers in 80 rows\), and .* classes apart; take a regressor"
    )
    with pytest.raises(DataError, match=message):
        cut(NUMBERS, more, classification=True)
    whole = NUMBERS.replace(".5\n", ".0\n")
    assert cut(whole, "stratify = false", classification=True)[1].method == "random"


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["a", "b", "c"], True),
        ([True, False], True),
        ([0, 1], True),
        ([0, 1, 2] * 50, True),
        ([0, 1, None] * 50, True),
        ([0.0, 1.0] * 5, True),
        (list(range(10)), False),
        (list(range(21)) * 50, False),
        (list(range(20)) * 50, True),
        ([0.5, 1.5] * 5, False),
        (pa.array([1, 2] * 9, pa.date32()), False),
        (pa.nulls(4, pa.int64()), False),
    ],
)
def test_what_names_classes(values: Any, classes: bool) -> None:
    array = values if isinstance(values, pa.Array) else pa.array(values)
    assert is_classification(array) is classes
    assert is_classification(pa.chunked_array([array, array[:0]])) is classes
