from __future__ import annotations

from typing import Any

import pytest

from lineal.datasets.contract import validate
from lineal.datasets.sources import ingest
from lineal.errors import DataError


def hold(put: Any, pipeline: Any, cache: Any, data: str, more: str = "", **source: str) -> None:
    put("d.csv", data)
    made = pipeline(more, **source)
    validate(made, ingest(made, cache))


def test_data_that_fits_its_pipeline_passes(put: Any, pipeline: Any, cache: Any) -> None:
    hold(put, pipeline, cache, "id,a,y\n1,1,p\n2,,q\n", source='uri = "d.csv"\ntarget = "y"\nid = "id"')


@pytest.mark.parametrize(
    ("source", "more", "message"),
    [
        ('target = "diagnosys"', "", "source.target names 'diagnosys', .*; did you mean diagnosis?"),
        ('target = "zz"', "", "source.target names 'zz', which is no column of the source; it has a, b, diagnosis"),
        ('target = "a"\nid = "B"', "", "source.id names 'B'"),
        ('target = "a"\ndrop = ["bb"]', "", "source.drop names 'bb', .*; did you mean b?"),
        ('target = "a"', '[[checks]]\ncolumn = "c"\nmin = 1', "checks names 'c'"),
        ('target = "a"', '[split]\ngroup = "c"', "split.group names 'c'"),
        ('target = "a"', '[split]\ntime = "c"', "split.time names 'c'"),
        ('target = "a"\nid = "b"\ndrop = ["diagnosis"]', "", "no column is left to learn from"),
    ],
)
def test_a_column_that_is_not_there_is_told(
    put: Any, pipeline: Any, cache: Any, source: str, more: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        hold(put, pipeline, cache, "a,b,diagnosis\n1,2,x\n2,3,y\n", more, source=f'uri = "d.csv"\n{source}')


def test_a_target_with_missing_values_is_told_with_how_many_and_where(put: Any, pipeline: Any, cache: Any) -> None:
    values = ["p", "", "q", *[""] * 6]
    data = "a,y\n" + "".join(f"1,{value}\n" for value in values)
    with pytest.raises(DataError) as told:
        hold(put, pipeline, cache, data)
    assert told.value.message == (
        "the target 'y' has 7 missing values (d.csv record 2, d.csv record 4, d.csv record 5, d.csv record 6, "
        "d.csv record 7, …); fill them in, or leave those rows out of the source"
    )


def test_missing_values_beyond_the_first_batch_are_counted_and_placed(put: Any, pipeline: Any, cache: Any) -> None:
    data = "a,y\n" + "1,p\n" * 70_000 + "1,\n" + "1,q\n"
    with pytest.raises(DataError, match=r"has 1 missing value \(d\.csv record 70001\)"):
        hold(put, pipeline, cache, data)


@pytest.mark.parametrize("value", ["p", "1", "0.5", "true"])
def test_a_target_of_one_value_is_told(put: Any, pipeline: Any, cache: Any, value: str) -> None:
    with pytest.raises(DataError, match="the target 'y' has only one distinct value in all 3 rows") as told:
        hold(put, pipeline, cache, "a,y\n" + f"1,{value}\n" * 3)
    assert told.value.column == "y"


ID = 'uri = "in"\ntarget = "y"\nid = "key"'


def test_ids_that_repeat_are_told_by_record_and_not_by_value(put: Any, pipeline: Any, cache: Any) -> None:
    put("in/1.csv", "key,a,y\nann,1,p\nbob,1,q\n")
    put("in/2.csv", "key,a,y\ncid,1,p\nann,1,q\nann,2,p\n")
    with pytest.raises(DataError) as told:
        hold(put, pipeline, cache, "", source=ID)
    assert told.value.message == (
        "the id 'key' is not unique: 2 rows repeat an earlier one's (2.csv record 2, 2.csv record 3); "
        "remove the duplicates, or name another id"
    )
    assert "ann" not in told.value.message


def test_ids_that_repeat_far_apart_are_found(put: Any, pipeline: Any, cache: Any) -> None:
    data = "key,a,y\n" + "".join(f"{number},1,{number % 2}\n" for number in range(70_000)) + "3,1,1\n"
    put("in/1.csv", data)
    with pytest.raises(DataError, match=r"1 row repeats an earlier one's \(1\.csv record 70001\)"):
        hold(put, pipeline, cache, "", source=ID)


@pytest.mark.parametrize("form", ["{}", "k{}", "{}.5", "2026-01-01T00:00:{:02d}"])
def test_ids_are_looked_through_in_parts_where_there_are_very_many(
    put: Any, pipeline: Any, cache: Any, monkeypatch: Any, form: str
) -> None:
    monkeypatch.setattr("lineal.datasets.contract._AT_ONCE", 10)
    rows = [f"{form.format(i % 59)},1,{i % 2}" for i in range(61)]
    source = 'uri = "d.csv"\ntarget = "y"\nid = "id"'
    message = r"the id 'id' is not unique: 2 rows repeat an earlier one's \(d.csv record 60, d.csv record 61\)"
    with pytest.raises(DataError, match=message):
        hold(put, pipeline, cache, "\n".join(["id,a,y", *rows]), source=source)
    hold(put, pipeline, cache, "\n".join(["id,a,y", *rows[:59]]), source=source)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("1.csv", "key,a,y\n1,1,p\n123456789012345678901,1,q\n123456789012345678902,1,q\n"),
        ("1.jsonl", "".join(f'{{"key": {key}, "a": 1, "y": {key % 2}}}\n' for key in (1, 2**63 + 1, 2**63 + 2))),
    ],
)
def test_ids_that_were_rounded_are_told(put: Any, pipeline: Any, cache: Any, name: str, data: str) -> None:
    put(f"in/{name}", data)
    with pytest.raises(DataError) as told:
        hold(put, pipeline, cache, "", source=ID)
    assert told.value.message == (
        "the id 'key' was read as floating-point numbers, which do not hold the last digits of 2 values beyond 2^53 "
        f"({name} record 2, {name} record 3); give the ids as text in the source, "
        "such as with a letter before the digits"
    )


def test_ids_that_are_large_are_ids(put: Any, pipeline: Any, cache: Any) -> None:
    put("in/1.csv", f"key,a,y\n{2**64 - 2},1,p\n{2**64 - 1},1,q\n")
    hold(put, pipeline, cache, "", source=ID)


def test_ids_that_are_missing_are_told(put: Any, pipeline: Any, cache: Any) -> None:
    put("in/1.csv", "key,a,y\n1,1,p\n,1,q\n,1,q\n")
    with pytest.raises(DataError, match=r"the id 'key' has 2 missing values \(1\.csv record 2, 1\.csv record 3\)"):
        hold(put, pipeline, cache, "", source=ID)
