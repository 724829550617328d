"""What is shown of the way from a prediction's model back to its sources."""

from types import SimpleNamespace

from rich.console import Console

from lineal.models.attribution import Attribution, Contribution
from lineal.models.units import SOFTMAX
from lineal.questions.trace import Node
from lineal.reports.prediction_trace import _bars, _descent


def shown(*sources, register=lambda model: model):
    files = tuple(Node("file", f"/data/{name}", "c" * 32, "FILE", rows=10) for name in sources)
    snapshot = Node("lineal", "it.snapshot", "a" * 32, "TABLE", rows=10 * len(files), inputs=files)
    model = Node("lineal", "it.model", "b" * 32, "MODEL", inputs=(snapshot,))
    model = register(model)
    console = Console(width=120, color_system=None)
    with console.capture() as said:
        console.print(_descent(SimpleNamespace(descent=SimpleNamespace(node=model, model=None))))
    return said.get()


def test_each_file_that_a_snapshot_was_read_from_is_named():
    found = shown("march.csv", "april.csv")
    assert found.index("it.model") < found.index("it.snapshot") < found.index("march.csv") < found.index("april.csv")


def test_of_many_files_the_rest_is_counted():
    found = shown(*(f"{number}.csv" for number in range(9)))
    assert "5.csv" in found
    assert "6.csv" not in found
    assert "and 3 more" in found


def test_a_champion_that_registering_looked_at_is_not_on_the_way():
    champion = Node("mlflow", "models/it", "d" * 32, "MODEL")
    evaluation = Node("lineal", "it.evaluation", "e" * 32, "TABLE")
    found = shown(
        "march.csv",
        register=lambda model: Node("mlflow", "models/it", "b" * 32, "MODEL", inputs=(champion, evaluation, model)),
    )
    assert "it.snapshot" in found
    assert "evaluation" not in found
    assert "dddd" not in found


def test_the_unit_of_the_reasons_is_told_in_a_sentence():
    found = Attribution("tree", SOFTMAX, 0, -1.655, 3.673, (Contribution("age", 5.328),), 0.0)
    console = Console(width=200, color_system=None)
    with console.capture() as said:
        console.print(_bars(SimpleNamespace(input={"age": 40}), SimpleNamespace(attribution=found)))
    assert said.get().startswith("why: score of class 0: 3.673; an average row: -1.655  SHAP values (exact, tree)\n")
    assert "A score is the logarithm of a class's probability, but for" in said.get()
