"""Facet values as clean JSON, and events under their size."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.tracing.clean import clean, fit
from lineal.tracing.ids import job_name

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=20,
)


@given(VALUES)
def test_whatever_goes_in_is_strict_json_that_says_the_same_again(value):
    cleaned = clean(value)
    text = json.dumps(cleaned, allow_nan=False)
    text.encode()
    assert "\\u0000" not in text
    assert clean(json.loads(text)) == cleaned


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (np.float64("nan"), None),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([1.5, np.nan]), [1.5]),
        ({"a": None, "b": {"c": float("nan")}}, {"b": {}}),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (Path("/a/b"), "/a/b"),
        ("a\x00b\ud800", "a\ufffdb?"),
        ({"b", "a"}, ["a", "b"]),
        ("postgresql://me:pw@host/db?sslpassword=x", "postgresql://host/db?sslpassword=***"),
    ],
)
def test_what_json_has_no_word_for(value, expected):
    assert clean(value) == expected


def test_an_event_within_its_size_is_left_alone():
    event = {"a": list(range(100)), "b": "x" * 1000}
    text, cuts = fit(event)
    assert json.loads(text) == event
    assert cuts == []


def test_a_large_event_is_cut_and_says_where():
    event = {
        "run": {"runId": "r"},
        "inputs": [
            {"name": f"in{i}", "facets": {"schema": {"fields": [{"name": f"column {c}"} for c in range(3000)]}}}
            for i in range(30)
        ],
        "message": "x" * 500_000,
    }
    text, cuts = fit(event, 200_000)
    assert len(text.encode()) <= 200_000
    assert json.loads(text)["run"] == {"runId": "r"}
    by_path = {cut["path"]: cut for cut in cuts}
    assert by_path["message"]["length"] == 500_000
    fields = by_path["inputs.0.facets.schema.fields"]
    assert fields["length"] == 3000
    assert fields["kept"] == len(json.loads(text)["inputs"][0]["facets"]["schema"]["fields"])


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("train", "ingest"), "train.ingest"),
        (("My flow: 1#2",), "My-flow-1-2"),
        (("2x", "t"), "_2x.t"),
        (("", "t"), "t"),
    ],
)
def test_job_names_avoid_what_consumers_choke_on(parts, expected):
    assert job_name(*parts) == expected
