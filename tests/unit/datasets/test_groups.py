"""Columns that rows cannot be grouped by are told before anything is trained, without a value of a row."""

from __future__ import annotations

from typing import Any

import pytest

from lineal.datasets.contract import validate
from lineal.datasets.sources import ingest
from lineal.errors import DataError


@pytest.fixture
def held(put: Any, pipeline: Any, cache: Any) -> Any:
    def hold(values: list[str], grouping: str = "", column: str = "g") -> None:
        put("d.csv", "x,g,y\n" + "".join(f"{i},{value},{'pq'[i % 2]}\n" for i, value in enumerate(values)))
        made = pipeline(f'[evaluate]\ngroups = ["{column}"]\n[evaluate.grouping]\n{grouping}')
        validate(made, ingest(made, cache))

    return hold


def refused(held: Any, *given: Any, **more: Any) -> str:
    with pytest.raises(DataError) as told:
        held(*given, **more)
    return told.value.message


def test_columns_that_groups_can_be_made_of(held: Any) -> None:
    held(["f", "m"] * 3)
    held(["f", ""] * 3)  # what is missing is a group
    held([str(n) for n in range(40)])  # numbers are cut
    held([f"2020-01-{n + 1:02}" for n in range(30)])
    held(["true", "false"])
    held([str(n) for n in range(40)], "edges = { g = [10, 20] }")


def test_a_column_that_is_not_there(held: Any) -> None:
    assert refused(held, ["f", "m"], column="sexe") == (
        "evaluate.groups names 'sexe', which is no column of the source; it has x, g, y"
    )


@pytest.mark.parametrize("value", ["f", "7", "2020-01-01", "true"])
def test_a_column_of_one_value(held: Any, value: str) -> None:
    assert refused(held, [value] * 4) == (
        "evaluate.groups: column 'g' has one value only in all 4 rows, so that there are no groups to compare; name "
        "another column"
    )


def test_a_column_of_no_value(held: Any) -> None:
    assert refused(held, [""] * 4).startswith("evaluate.groups: column 'g' has no value in all 4 rows")


def test_text_with_too_many_values(held: Any) -> None:
    said = refused(held, [f"town {n}" for n in range(50)] * 4)
    assert said == (
        "evaluate.groups: column 'g' has more than 12 different values, too many for groups; gather them into fewer in "
        "the source (ages into bands, places into regions), or raise evaluate.grouping.max_groups"
    )
    held([f"town {n}" for n in range(20)] * 4, "max_groups = 20")
    assert "more than 3 different values" in refused(held, ["a", "b", "c", "d"] * 4, "max_groups = 3")


def test_text_that_names_single_rows(held: Any) -> None:
    said = refused(held, ["Ann Lee", "Bo Diaz", "Cy Wong", "Di Roy"])
    assert said == (
        "evaluate.groups: column 'g' has 4 different values in 4 rows: it names single rows rather than groups, and "
        "their names would be on record; name another column"
    )


def test_prose_is_no_name_of_a_group(held: Any) -> None:
    assert "has values of up to 200 characters, which are no names of groups (60 is the most)" in refused(
        held, ["a", "b" * 200] * 4
    )


@pytest.mark.parametrize(
    ("values", "edges", "said"),
    [
        (["f", "m"] * 4, "[1]", "holds text or truth values, which cannot be cut at numbers; leave its edges out"),
        (["1", "2"] * 4, "[2020-01-01]", "holds numbers, which cannot be cut at dates; give edges that are numbers"),
        (["2020-01-01", "2021-01-01"] * 4, "[3]", "holds dates, which cannot be cut at numbers; give edges that are"),
    ],
)
def test_edges_that_do_not_fit(held: Any, values: list[str], edges: str, said: str) -> None:
    told = refused(held, values, f"edges = {{ g = {edges} }}")
    assert told.startswith("evaluate.grouping.edges: column 'g' ")
    assert said in told
