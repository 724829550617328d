"""The descent of a model on the terminal: what it was made of, and what it was only compared with."""

from rich.console import Console

from lineal.questions.dossier import dossier
from lineal.questions.trace import trace
from lineal.reports.page import page
from lineal.reports.trace import render
from lineal.subjects import Subject
from lineal.tracing.statements import Outcome
from tests.parts import audited


def test_what_a_model_was_compared_with_is_one_line(lineage):
    champion = None
    for number in (1, 2, 3):
        champion = audited.train(audited.Plan(number=number, salt=str(number), champion=champion))
    console = Console(width=160, color_system=None)
    with console.capture() as said:
        console.print(render(trace(lineage.store, Subject("model", "demo", "3"))))
    before = audited.digest("model22")[:12]
    (line,) = (line for line in said.get().splitlines() if "models/demo" in line and "──" in line)
    assert f"compared with models/demo@{before}" in line
    assert said.get().count("demo.model@") == 2
    assert said.get().index("demo.model@") < said.get().index("demo.evaluation@")


def test_a_gate_without_a_figure_says_why(lineage):
    why = "how far accuracy by Sex differs cannot be told (other: 3 rows, fewer than 20), and may by at most 0.1"
    gate = Outcome("gap of accuracy", False, "gate", "gap of accuracy by Sex <= 0.1", "nan", why)
    audited.train(audited.Plan(held_to=(gate,)))
    console = Console(width=240, color_system=None)
    with console.capture() as said:
        console.print(render(trace(lineage.store, Subject("model", "demo", "1"))))
    assert f"gap of accuracy by Sex <= 0.1: {why}, FAILED" in said.get()
    assert "nan" not in said.get()
    text = page([dossier(lineage.store, Subject("model", "demo", "1"), ())])
    assert why in text
    assert ">nan<" not in text
