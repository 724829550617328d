"""What came of something, on the terminal: a tree that has no room for all says what it leaves out, by kind."""

import re

from rich.console import Console

from lineal import Dataset, current_run, traced
from lineal.questions.columns import column_impact
from lineal.questions.diff import diff
from lineal.questions.impact import impact
from lineal.questions.trace import trace
from lineal.reports.columns import render_impact
from lineal.reports.impact import render
from lineal.reports.trace import render as render_trace
from lineal.subjects import Subject
from lineal.tracing.statements import Origin
from tests.parts.made_up import evaluate, fit, register, score, step, table


def shown(answer, by=render):
    console = Console(width=200, color_system=None)
    with console.capture() as said:
        console.print(by(answer))
    return said.get()


def trained(count, batches, source="raw"):
    for number in range(1, count + 1):
        (train,) = step(table(source), makes=[(f"train of {number}", str(number), 7)])
        model = fit(train)
        one = register(model, evaluate(model), number)
        for batch in range(batches):
            score(one, table("batch", f"{number}.{batch}"), rows=10)


def numbers(line):
    """How many of each kind a line tells of."""
    kinds = r"(\d+) (models?|prediction batch(?:es)?|dataset versions?)"
    return {what.removesuffix("es").removesuffix("s"): int(number) for number, what in re.findall(kinds, line)}


def test_what_has_no_room_is_told_by_kind(lineage):
    trained(12, batches=4)
    answer = impact(lineage.store, Subject.parse("dataset:raw@1"))
    text = shown(answer)
    (line,) = (line for line in text.splitlines() if line.startswith("… "))
    assert line.endswith("; --json names them all")
    left = numbers(line)
    drawn = {
        "model": len(re.findall(r"models/demo@\w+  version", text)),
        "prediction batch": len(re.findall(r"─ demo.predictions", text)),
        "dataset version": len(re.findall(r"─ s3://lake/(?:train of|evaluation)", text)),
    }
    # What is drawn and what is left out are together what the closing line counts.
    assert {kind: left[kind] + drawn[kind] for kind in left} == {
        "model": answer.counts.models,
        "prediction batch": answer.counts.batches,
        "dataset version": answer.counts.datasets,
    }
    assert line.startswith(f"… {sum(left.values())} more: ")


def test_older_ones_are_told_with_what_lies_below_them(lineage):
    for number in range(9):
        (train,) = step(table("raw"), makes=[("train", str(number), 7)])
        model = fit(train)
        register(model, evaluate(model), number + 1)
    text = shown(impact(lineage.store, Subject.parse("dataset:raw@1")))
    assert "… 3 older of train with 21 rows, and below them 3 models, 3 dataset versions" in text
    assert "more:" not in text


def test_what_is_left_out_is_of_one_kind(lineage):
    for number in range(50):
        step(table("raw"), makes=[(f"table {number:02}", "1")])
    text = shown(impact(lineage.store, Subject.parse("dataset:raw@1")))
    left = 50 - text.count("── ")
    assert left > 0
    assert f"… {left} more dataset versions; --json names them all" in text


def test_batches_are_predictions_and_not_rows(lineage):
    model = fit(table("train"))
    one = register(model, evaluate(model), 1)
    for batch in range(9):
        score(one, table("batch", str(batch)), rows=10)
    text = shown(impact(lineage.store, Subject.parse("model:demo@1")))
    assert "… 3 older of demo.predictions with 30 predictions\n" in text


def test_columns_that_have_no_room_are_told_by_what_they_are_of(lineage):
    raw = table("raw")

    @traced
    def derive(source, number):
        made = table(f"table {number:02}")
        current_run().output(made, columns={"x": [Origin(source, "x")]})
        return made

    for number in range(60):
        derive(raw, number)
    answer = column_impact(lineage.store, Subject.parse("dataset:raw@1"), "x")
    text = shown(answer, render_impact)
    left = 60 - text.count("── ")
    assert left > 0
    assert f"… {left} more columns: {left} of other tables; --json names them all" in text


def test_what_has_no_version_is_asked_about_without_one(lineage):
    def shop(name):
        return Dataset("postgresql://dwh/shop", name=name, namespace="postgres://dwh:5432")

    @traced
    def build(source, makes):
        return shop(makes)

    build(shop("raw"), "orders")
    build(shop("orders"), "report")
    orders, report, raw = (Subject("dataset", name) for name in ("orders", "report", "raw"))
    assert "lineal trace dataset:report\n" in shown(impact(lineage.store, raw))
    assert "lineal trace dataset:orders\n" in shown(trace(lineage.store, report), by=render_trace)
    assert diff(lineage.store, orders, orders).verdict == "both are dataset:orders: the same"
