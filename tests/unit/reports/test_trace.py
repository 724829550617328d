"""The descent of a model on the terminal: what it was made of, and what it was only compared with."""

import json
import re

from rich.console import Console

from lineal.questions.dossier import dossier
from lineal.questions.trace import Node, Trace, trace
from lineal.reports import terminal
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


def version(name, *inputs, kind="TABLE", **more):
    return Node("lineal", name, more.get("version", ""), kind, run_id=f"run of {name}", inputs=inputs)


def written(node):
    return terminal.to_json(Trace("", node, None, (), None, ()))


def test_a_descent_is_written_and_drawn_however_deep_it_is():
    node = version("day 0")
    for day in range(1, 2000):
        node = version(f"day {day}", node)
    assert written(node).count('"name": "day ') == 2000
    console = Console(width=160, color_system=None)
    with console.capture() as said:
        console.print(render(Trace("", node, None, (), None, ())))
    assert re.findall(r"─ (day \d+)", said.get()) == [f"day {day}" for day in range(1998, 1974, -1)]
    assert "… further back; --json names it all" in said.get()


def test_what_many_were_made_of_is_written_with_its_inputs_once():
    both = version("a 0"), version("b 0")
    for day in range(1, 20):
        both = version(f"a {day}", *both), version(f"b {day}", *both)
    waiting, whole = [json.loads(written(both[0]))["node"]], []
    while waiting:
        node = waiting.pop()
        waiting += node["inputs"]
        whole += [node["name"]] if node["inputs"] else []
        assert not (node["above"] and node["inputs"])
    assert sorted(whole) == sorted(["a 19", *(f"{name} {day}" for name in "ab" for day in range(1, 19))])


def test_what_a_model_was_made_of_is_written_there_and_not_below_what_judged_it():
    fitted = version("demo.model", version("demo.train"), kind="MODEL", version="d" * 32)
    judged = version("demo.evaluation", fitted)
    node = json.loads(written(version("models/demo", judged, fitted, kind="MODEL", version="d" * 32)))["node"]
    evaluation, model = node["inputs"]
    assert [each["name"] for each in model["inputs"]] == ["demo.train"]
    assert (model["above"], evaluation["inputs"][0]["above"], evaluation["inputs"][0]["inputs"]) == (False, True, [])
