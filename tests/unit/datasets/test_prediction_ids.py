"""Prediction ids: short, and each leads to its run and row."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.datasets.prediction_ids import batch_prefix, prediction_ids, prediction_place
from lineal.errors import SubjectError
from lineal.tracing.ids import run_id

RUN = UUID("01a210e4-32ad-74cb-b29a-0a0b84309b6f")


def test_an_id_is_short_and_leads_to_run_and_row():
    assert prediction_ids(batch_prefix(RUN), 17, 2).to_pylist() == ["p06h11s1jnn6b_17", "p06h11s1jnn6b_18"]
    place = prediction_place("p06h11s1jnn6b_17")
    assert str(RUN).startswith(place.run_prefix)
    assert (len(place.run_prefix), place.row) == (18, 17)


@given(st.uuids(version=4), st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)), st.integers(1, 10**8))  # noqa: DTZ001
def test_each_id_leads_back_to_its_own_run_and_row(prefect, made, row):
    run = run_id("lineal", prefect, 1, made.replace(tzinfo=UTC))
    (text,) = prediction_ids(batch_prefix(run), row, 1).to_pylist()
    place = prediction_place(text)
    assert str(run).startswith(place.run_prefix)
    assert place.row == row


def test_what_is_easily_misread_is_read_as_meant():
    assert prediction_place(" P06HIIS1JNN6B_17 ") == prediction_place("p06h11s1jnn6b_17")
    assert prediction_place("po6h11s1jnn6b_17") == prediction_place("p06h11s1jnn6b_17")


@pytest.mark.parametrize("text", ["", "p06h11s1jnn6b", "p06h11s1jnn6b_0", "p06h11s1jnn6b_01", "06h11s1jnn6b_1", "p_1"])
def test_what_is_no_id_is_told(text):
    with pytest.raises(SubjectError, match=r"is no prediction id; they look like p01k2m9c3q8x4_17"):
        prediction_place(text)


def test_the_example_in_the_error_is_one():
    assert prediction_place("p01k2m9c3q8x4_17").row == 17


def test_a_run_id_of_another_version_is_refused():
    with pytest.raises(ValueError, match="takes a run id of version 7"):
        batch_prefix(uuid4())
