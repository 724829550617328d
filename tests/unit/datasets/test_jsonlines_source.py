from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from lineal.errors import SourceError


def test_kinds_and_missing_keys(put: Any, snap: Any, rows: Any, types: Any) -> None:
    put(
        "d.jsonl",
        '{"i": 1, "f": 1, "b": true, "d": "2026-01-31", "t": "2026-01-31T10:00:00", "s": "NA", "n": null}\n\n'
        '{"i": 2, "f": 2.5, "d": null, "s": "x"}\n',
    )
    snapshot = snap("d.jsonl")
    assert types(snapshot) == {
        "i": "int64",
        "f": "double",
        "b": "bool",
        "d": "date32[day]",
        "t": "timestamp[us]",
        "s": "string",
        "n": "double",
    }
    first, second = rows(snapshot)
    assert (first["d"], first["t"]) == (date(2026, 1, 31), datetime(2026, 1, 31, 10))  # noqa: DTZ001  # as it stands
    # In JSON a missing value is null; the text NA is a text.
    assert first["s"] == "NA"
    assert second == {"i": 2, "f": 2.5, "b": None, "d": None, "t": None, "s": "x", "n": None}


@pytest.mark.parametrize(
    ("first", "last", "kind", "values"),
    [
        ("1", "1.5", "double", (1.0, 1.5)),
        ("1", '"x"', "string", ("1", "x")),
        ("true", '"x"', "string", ("true", "x")),
        ("true", "1", "string", ("true", "1")),
        ("null", "3", "int64", (None, 3)),
        ('"2026-01-31"', '"soon"', "string", ("2026-01-31", "soon")),
        ('"2026-01-31"', '"NA"', "string", ("2026-01-31", "NA")),
        ('"2026-01-31"', '"2026-02-01T10:00:00"', "timestamp[us]", None),
        ("[1]", '{"k": "v"}', "string", ("[1]", '{"k": "v"}')),
        ("1", "12345678901234567890", "double", (1.0, 12345678901234567890.0)),
    ],
)
@pytest.mark.parametrize("between", [0, 60_000])
def test_kinds_that_mix_near_or_far(
    put: Any, snap: Any, rows: Any, types: Any, first: str, last: str, kind: str, values: Any, between: int
) -> None:
    line = f'{{"v": {first}, "pad": "{"pad" * 8}"}}\n'
    put("d.jsonl", line * (between + 1) + f'{{"v": {last}, "pad": "z"}}\n')
    snapshot = snap("d.jsonl")
    assert types(snapshot) == {"v": kind, "pad": "string"}
    assert snapshot.dataset.rows == between + 2
    if values is not None:
        found = rows(snapshot)
        assert (found[0]["v"], found[-1]["v"]) == values


@pytest.mark.parametrize("other", ["1", '"x"'])
@pytest.mark.parametrize(
    ("written", "kind"),
    [("2026-01-31T10:00:00.5", "timestamp[ns]"), ("2026-01-31T10:00:00.123Z", "timestamp[ns, tz=UTC]")],
)
def test_a_time_is_one_whatever_the_column_beside_it_holds(
    put: Any, snap: Any, types: Any, written: str, kind: str, other: str
) -> None:
    put("d.jsonl", f'{{"t": "{written}", "other": 1}}\n{{"t": "{written}", "other": {other}}}\n')
    assert types(snap("d.jsonl"))["t"] == kind


@pytest.mark.parametrize("between", [0, 60_000])
def test_a_key_that_comes_late_is_a_column(put: Any, snap: Any, rows: Any, types: Any, between: int) -> None:
    put("d.jsonl", '{"v": 1, "pad": "padding padding"}\n' * (between + 1) + '{"late": true, "v": 2}\n')
    snapshot = snap("d.jsonl")
    assert types(snapshot) == {"v": "int64", "pad": "string", "late": "bool"}
    assert rows(snapshot)[-1] == {"v": 2, "pad": None, "late": True}


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        ("", None, "d.jsonl is empty; it needs one JSON object a line"),
        ("\n\n", None, "d.jsonl is empty"),
        ('{"a": 1}\n{"a": \n', 2, r"line 2 is not valid JSON .*each line must be one whole object"),
        ('{"a": 1}\n' * 300_000 + "oops\n", 300_001, "line 300001 is not valid JSON"),
        ("[1, 2]\n", 1, "line 1 is a JSON array; write one object a line"),
        ('[\n{"a": 1}\n]\n', 1, "line 1 begins a JSON array; write one object a line"),
        ("3\n", 1, "line 1 is no JSON object"),
        ('{"a": 1, "a": 2}\n', 1, "line 1 has the key 'a' twice"),
        ('{"a": "é"}\n'.encode("latin-1"), 1, "line 1 is not UTF-8 text; save the file as UTF-8"),
        ('{"a": "\\ud800"}\n', None, "half a surrogate pair"),
    ],
)
def test_a_broken_line_is_told_with_its_number(
    put: Any, snap: Any, cache: Any, data: str | bytes, line: int | None, message: str
) -> None:
    put("d.jsonl", data)
    with pytest.raises(SourceError, match=message) as told:
        snap("d.jsonl")
    assert told.value.line == line
    assert not (cache.root / "files").exists()


def test_what_was_learnt_is_asked_only_of_times_and_of_columns_without_a_value(
    put: Any, snap: Any, rows: Any, types: Any
) -> None:
    learnt = {"t": "string", "n": "string", "d": "date32[day]"}
    put("d.jsonl", '{"t": "2026-01-31T10:00:00", "n": 7, "d": null}\n')
    snapshot = snap("d.jsonl", learnt=learnt)
    assert types(snapshot) == {**learnt, "n": "int64"}
    assert rows(snapshot) == [{"t": "2026-01-31T10:00:00", "n": 7, "d": None}]


def test_files_of_other_keys_are_told_apart(put: Any, snap: Any) -> None:
    put("in/1.jsonl", '{"a": 1}\n')
    put("in/2.jsonl", '{"b": 1}\n')
    with pytest.raises(SourceError, match=r"in/2\.jsonl has other columns than .* it also has 'b' and lacks 'a'"):
        snap("in")
