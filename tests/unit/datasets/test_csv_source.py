from __future__ import annotations

import gzip
from typing import Any

import pytest

from lineal.datasets.sources import locate
from lineal.errors import DataError, SourceError


def test_types_need_no_configuration(put: Any, snap: Any, rows: Any, types: Any) -> None:
    put("d.csv", "i,f,b,d,t,s,gap,none\n1,1.5,true,2026-01-31,2026-01-31 10:00:00,x,,\n-2,NaN,false,,,NA,7,\n")
    snapshot = snap("d.csv")
    assert types(snapshot) == {
        "i": "int64",
        "f": "double",
        "b": "bool",
        "d": "date32[day]",
        "t": "timestamp[us]",
        "s": "string",
        "gap": "int64",
        "none": "double",
    }
    second = rows(snapshot)[1]
    assert (second["i"], second["f"], second["d"], second["s"], second["gap"]) == (-2, None, None, None, 7)


FAR = 60_000  # rows, well beyond the first block


@pytest.mark.parametrize(
    ("first", "last", "kind", "value"),
    [
        ("100000001", "1.5", "double", 1.5),
        ("100000001", "x", "string", "x"),
        ("1.2345678", "x", "string", "x"),
        ("", "12", "int64", 12),
        ("", "long text", "string", "long text"),
        ("1", "12345678901234567891", "uint64", 12345678901234567891),
        ("12345678901234567891", "12345678901234567890", "uint64", 12345678901234567890),
        ("12345678901234567891", "-1", "double", -1.0),
        ("true", "maybe", "string", "maybe"),
        ("true", "17", "string", "17"),
        ("1", "true", "bool", True),
        ("2026-01-31", "2026-01-31 10:00:00.5", "timestamp[ns]", None),
        ("2026-01-31", "soon", "string", "soon"),
        ("10:30", "x", "string", "x"),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00.25+02:00", "timestamp[ns, tz=UTC]", None),
    ],
)
def test_a_type_that_changes_late_is_found(
    put: Any, snap: Any, rows: Any, types: Any, first: str, last: str, kind: str, value: Any
) -> None:
    lines = [f"{number},{first},{'pad' * 8}" for number in range(FAR)]
    put("d.csv", "\n".join(["n,v,pad", *lines, f"{FAR},{last},z"]) + "\n")
    snapshot = snap("d.csv")
    assert types(snapshot)["v"] == kind
    assert snapshot.dataset.rows == FAR + 1
    if value is not None:
        assert rows(snapshot)[-1]["v"] == value
    if kind == "string" and first:
        assert rows(snapshot)[0]["v"] == first


@pytest.mark.parametrize("after", ["", "x,x,x,x,x\n"])
def test_what_was_learnt_as_text_is_text_as_it_stands(put: Any, snap: Any, rows: Any, after: str) -> None:
    put("d.csv", "a,b,c,d,e\n02139,1.10,true,2026-01-31,NA\n" + after)
    found = rows(snap("d.csv", learnt=dict.fromkeys("abcde", "string")))
    assert found[0] == {"a": "02139", "b": "1.10", "c": "true", "d": "2026-01-31", "e": None}


def test_a_column_without_a_value_is_what_was_learnt(put: Any, snap: Any, rows: Any, types: Any) -> None:
    learnt = {"t": "string", "i": "int64", "d": "date32[day]", "m": "timestamp[us, tz=UTC]", "y": "binary"}
    put("d.csv", "t,i,d,m,y,new\n,NA,,,,\n,,,,,\n")
    snapshot = snap("d.csv", learnt=learnt)
    assert types(snapshot) == {**learnt, "y": "double", "new": "double"}
    assert set(rows(snapshot)[0].values()) == {None}


def test_tabs_semicolons_compression_and_byte_order_marks(put: Any, snap: Any, rows: Any) -> None:
    expected = [{"a": 1, "b": 2}]
    put("a.tsv", "a\tb\n1\t2\n")
    put("b.csv", "a;b\n1;2\n")
    put("c.csv.gz", gzip.compress(b"a,b\n1,2\n"))
    put("d.csv", b"\xef\xbb\xbfa,b\r\n1,2\r\n")
    for name in ("a.tsv", "b.csv", "c.csv.gz", "d.csv"):
        assert rows(snap(name)) == expected, name


def test_a_compressed_source_is_known_by_the_bytes_on_disk(put: Any, snap: Any) -> None:
    from lineal.datasets.hashing import fingerprint

    file = put("c.csv.gz", gzip.compress(b"a,b\n1,2\n"))
    source = snap("c.csv.gz").sources[0]
    known = fingerprint(file)
    assert (source.location, source.version, source.sha256, source.size, source.rows) == (
        str(file),
        known.md5,
        known.sha256,
        known.size,
        1,
    )


def test_a_record_longer_than_a_block_is_read(put: Any, snap: Any, rows: Any) -> None:
    put("d.csv", "a,b\n" + "x" * 3_000_000 + ",1\n")
    assert len(rows(snap("d.csv"))[0]["a"]) == 3_000_000


def test_line_breaks_within_quotes_may_fall_anywhere(put: Any, snap: Any, rows: Any) -> None:
    cell = "one\ntwo\n\nthree, and more\n" * 20
    put("d.csv", "a,b\n" + f'"{cell}",1\n' * 6000)
    snapshot = snap("d.csv")
    assert snapshot.dataset.rows == 6000
    assert {row["a"] for row in rows(snapshot)} == {cell}


def test_columns_in_another_order_are_the_same_columns(put: Any, snap: Any, rows: Any) -> None:
    put("in/1.csv", "a,b\n1,x\n")
    put("in/2.csv", "b,a\ny,2.5\n")
    snapshot = snap("in")
    assert rows(snapshot) == [{"a": 1.0, "b": "x"}, {"a": 2.5, "b": "y"}]
    assert locate(snapshot.sources, 1)[1] == 1


def test_a_file_without_rows_among_others_gives_none(put: Any, snap: Any, rows: Any) -> None:
    put("in/1.csv", "a,b\n")
    put("in/2.csv", "a,b\n1,x\n")
    snapshot = snap("in")
    assert [source.rows for source in snapshot.sources] == [0, 1]
    assert rows(snapshot) == [{"a": 1, "b": "x"}]


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        ("", None, "d.csv is empty; it needs a header and rows"),
        ("a,b\n", None, "d.csv has a header but no rows"),
        ("a,b", None, "d.csv has a header but no rows"),
        ("a,b\n1,2\n3\n", 3, "line 3 has 1 field where the header has 2"),
        ('a,b\n"two\nlines",2\n\n1,2,3\n', 5, "line 5 has 3 fields where the header has 2"),
        ("a,b\n" + "1,2\n" * 400_000 + "3\n", 400_002, "line 400002 has 1 field"),
        ("a,b\n1,é\n".encode("latin-1"), 2, "line 2 is not UTF-8 text; save the file as UTF-8"),
        ("é,b\n1,2\n".encode("latin-1"), 1, "line 1 is not UTF-8 text"),
        (b"a,b\n" + b"1,2\n" * 400_000 + b"3,\xe9\n", 400_002, "line 400002 is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), 1, "line 1 is not UTF-8 text"),
        ("a,b,a\n1,2,3\n", None, "two columns are named 'a'; rename one"),
        (",b\n1,2\n", None, r"column 1 has no name; name it \(a CSV that pandas wrote with its index"),
        ('a,b\n"1,2\n', 2, "line 2 has 1 field where the header has 2"),
    ],
)
def test_a_broken_file_is_told_with_its_line(
    put: Any, snap: Any, cache: Any, data: str | bytes, line: int | None, message: str
) -> None:
    put("d.csv", data)
    with pytest.raises(SourceError, match=message) as told:
        snap("d.csv")
    assert told.value.line == line
    assert told.value.uri is not None
    assert told.value.uri.endswith("project/d.csv")
    assert "\n" not in told.value.message
    # Nothing half-written stays.
    assert not (cache.root / "files").exists()
    assert list((cache.root / "tmp").iterdir()) == []


def test_a_cut_off_compressed_file_is_told(put: Any, snap: Any) -> None:
    put("d.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:-20])
    with pytest.raises(SourceError, match=r"d\.csv\.gz is not a whole gzip file; fetch it again"):
        snap("d.csv.gz")


def test_lineals_own_column_name_is_refused(put: Any, snap: Any) -> None:
    put("d.csv", "_lineal_row,b\n1,2\n")
    with pytest.raises(DataError, match="_lineal_row is a name that Lineal keeps for itself; rename that column"):
        snap("d.csv")


def test_files_with_other_columns_are_told_apart(put: Any, snap: Any) -> None:
    put("in/1.csv", "a,b\n1,x\n")
    put("in/2.csv", "a,c\n1,x\n")
    with pytest.raises(
        SourceError, match=r"in/2\.csv has other columns than .*in/1\.csv: it also has 'c' and lacks 'b'"
    ):
        snap("in")


def test_a_file_that_changes_while_it_is_read_is_refused(put: Any, snap: Any) -> None:
    file = put("d.csv", "a,b\n" + "1,2\n" * 1000)
    size = file.stat().st_size

    def meddle(done: int, total: int | None) -> None:
        if file.stat().st_size == size:
            with file.open("a") as more:
                more.write("3,4\n")

    with pytest.raises(SourceError, match=r"d\.csv changed while it was read; run again"):
        snap("d.csv", on_progress=meddle)


def test_progress_ends_at_the_source_s_size(put: Any, snap: Any) -> None:
    file = put("d.csv", "a,b\n" + "1,2\n" * 500_000)
    seen: list[tuple[int, int | None]] = []
    snap("d.csv", on_progress=lambda done, total: seen.append((done, total)))
    size = file.stat().st_size
    assert len(seen) > 1
    assert seen[-1] == (size, size)
