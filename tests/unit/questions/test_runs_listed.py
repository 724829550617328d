"""Runs are listed that have none above them on record."""

from uuid import uuid4

from lineal import traced
from lineal.questions.listing import runs


@traced
def inner():
    """Do nothing."""


@traced
def outer():
    inner()


def listed(lineage):
    return [run.job for run in runs(lineage.store)]


def test_what_lies_within_another_run_is_not_listed(lineage):
    outer()
    assert listed(lineage) == ["outer"]


def test_what_a_scheduler_began_that_is_not_on_record_is_listed(lineage, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", f"airflow/dag.task/{uuid4()}")
    outer()
    assert listed(lineage) == ["outer"]
