"""Sentences that would mislead, or lead nowhere, if they were said as usual."""

import dataclasses

import pytest
from rich.console import Console

from lineal.models.drift import ColumnDrift, Drift
from lineal.questions.stale import Stale
from lineal.reports import stale
from lineal.reports.prediction import _drift
from lineal.reports.terminal import moment


def shown(renderable):
    console = Console(width=200, color_system=None)
    with console.capture() as said:
        console.print(renderable)
    return said.get()


@pytest.mark.parametrize(("rows", "says"), [(49, "no more is judged"), (50, "a differs most, PSI 0.5518")])
def test_figures_of_few_rows_alarm_nobody(rows, says):
    fields = {field.name: None for field in dataclasses.fields(ColumnDrift)}
    column = ColumnDrift(**{**fields, "column": "a", "psi": 0.5518, "over": ()})
    assert says in _drift(Drift(rows, 400, (column,)))


def test_where_nothing_is_stale_the_answer_still_leads_on():
    fields = {field.name: () for field in dataclasses.fields(Stale)}
    said = shown(stale.render(Stale(**{**fields, "fresh": ("model:demo@2", "model:demo@3")})))
    assert said == "2 rest on the newest: model:demo@2, model:demo@3\nlineal trace model:demo@2\n"


def test_a_time_of_another_zone_is_told_in_utc():
    assert moment("2026-01-05T10:00:00+05:00") == "2026-01-05 05:00:00 UTC"
    assert moment("2026-01-05T10:00:00") == "2026-01-05 10:00:00 UTC"
