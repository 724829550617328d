"""What both sides of a split have in common is counted, value by value."""

import pyarrow as pa
import pytest

from lineal.datasets.overlap import Overlap, learned, overlap
from lineal.datasets.split import split
from lineal.datasets.table import write_table

HEAD = "id,a,when,text,ok,y\n"


def compare(put, snap, pipeline, cache, data, more=""):
    put("d.csv", data)
    plan = pipeline(more, source='uri = "d.csv"\ntarget = "y"\nid = "id"')
    parts = split(plan, snap("d.csv").dataset, classification=False, cache=cache)
    return overlap(plan, parts.train, parts.test), parts


def test_a_split_has_no_row_on_both_sides(put, snap, pipeline, cache):
    rows = "".join(f"{n},{n}.5,2026-01-{n % 28 + 1:02},t{n},true,{n}\n" for n in range(40))
    found, _ = compare(put, snap, pipeline, cache, HEAD + rows)
    assert found == Overlap(rows=0, ids=0, repeats=0, held_out=10)


def test_held_out_rows_that_repeat_a_training_row_are_counted(put, snap, pipeline, cache):
    # Each stands twice but for its id, missing values among them.
    rows = "".join(f"{n},{n // 2}.5,,t{n // 2},,{n // 2}\n" for n in range(40))
    found, parts = compare(put, snap, pipeline, cache, HEAD + rows)
    from lineal.datasets.read import to_table

    train, test = (to_table(part, ["y"]).column(0).to_pylist() for part in (parts.train, parts.test))
    assert found.repeats == sum(value in train for value in test) > 0
    assert (found.rows, found.ids) == (0, 0)


def test_rows_and_ids_on_both_sides_are_counted(put, snap, pipeline, cache):
    rows = "".join(f"{n},{n}.5,,t,,{n}\n" for n in range(40))
    _, parts = compare(put, snap, pipeline, cache, HEAD + rows)
    plan = pipeline(source='uri = "d.csv"\ntarget = "y"\nid = "id"')
    assert overlap(plan, parts.test, parts.test) == Overlap(rows=10, ids=10, repeats=10, held_out=10)
    plan = pipeline()
    assert overlap(plan, parts.test, parts.test).ids is None


def test_a_value_is_the_same_in_every_batch(put, snap, pipeline, cache, monkeypatch):
    rows = "".join(f"{n},{n // 2},{'' if n == 3 else '2026-01-01'},t{n // 2},,{n // 2}\n" for n in range(40))
    whole, parts = compare(put, snap, pipeline, cache, HEAD + rows)
    monkeypatch.setattr("lineal.datasets.read.BATCH_ROWS", 3)
    plan = pipeline(source='uri = "d.csv"\ntarget = "y"\nid = "id"')
    assert overlap(plan, parts.train, parts.test) == whole


def told(pipeline, train, test, **source):
    keys = "".join(f'{name} = "{value}"\n' for name, value in source.items())
    plan = pipeline(source=f'uri = "d.csv"\ntarget = "y"\n{keys}')
    parts = (write_table(pa.table(part), f"it.{name}") for name, part in (("train", train), ("test", test)))
    return learned(plan, *parts).tolist()


def test_a_record_that_was_learned_is_known_by_its_id_whatever_was_corrected_in_it(pipeline, cache):
    train = {"id": [1, 2, 3], "a": [1.0, 2.0, 3.0], "y": [0, 1, 0]}
    test = {"id": [3, 4, 1], "a": [3.0, 1.0, 1.0], "y": [1, 0, 0]}
    assert told(pipeline, train, test, id="id") == [True, False, True]


def test_without_an_id_it_is_known_by_its_values(pipeline, cache):
    train = {"a": [1.0, 2.0, None], "t": ["x", "y", None], "y": [0, 1, 0]}
    test = {"a": [2.0, 2.0, None], "t": ["y", "x", None], "y": [1, 1, 0]}
    assert told(pipeline, train, test) == [True, False, True]
    # The other table knew no such id.
    assert told(pipeline, train, test | {"id": [1, 2, 3]}, id="id") == [True, False, True]


@pytest.mark.parametrize(("before", "now"), [([1, 2, 3], [3.0, None, 1.5]), (["1", "2", "3"], [3, 4, 5])])
def test_a_column_that_is_of_another_type_by_now_is_compared_all_the_same(pipeline, cache, before, now):
    assert told(pipeline, {"a": before, "y": [0, 0, 0]}, {"a": now, "y": [0, 0, 0]}) == [True, False, False]


def test_tables_with_nothing_in_common_have_no_row_in_common(pipeline, cache):
    assert told(pipeline, {"b": [1], "z": [1]}, {"a": [1], "y": [1]}) == [False]
