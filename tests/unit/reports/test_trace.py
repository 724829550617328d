"""The descent of a model on the terminal: what it was made of, and what it was only compared with."""

from rich.console import Console

from lineal.questions.trace import trace
from lineal.reports.trace import render
from lineal.subjects import Subject
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
