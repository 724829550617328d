"""What a pipeline file says of groups, and what it is told where that cannot be."""

import pytest

from lineal.errors import PipelineFileError
from lineal.pipeline import load

LEAST = """name = "credit"
[source]
uri = "people.csv"
target = "repaid"
id = "person"
drop = ["sex"]
[model]
estimator = "sklearn.tree.DecisionTreeClassifier"
[evaluate]
"""


@pytest.fixture
def read(tmp_path):
    def call(more, *overrides):
        file = tmp_path / "credit.toml"
        file.write_text(LEAST + more)
        return load(file, overrides=overrides)

    return call


def test_groups_and_gates_on_gaps(read):
    pipeline = read(
        'groups = ["sex", "age"]\n[evaluate.grouping]\nmin_rows = 30\nedges = { age = [30, 50] }\n'
        '[[evaluate.gates]]\nmetric = "recall"\nmax_gap = 0.1\n'
        '[[evaluate.gates]]\nmetric = "selection_rate"\nmax_gap = 0.2\nby = ["sex", "age"]\nleave_out = ["missing"]\n'
    )
    evaluate = pipeline.evaluate
    assert (evaluate.groups, evaluate.grouping.min_rows, evaluate.grouping.edges) == (
        ("sex", "age"), 30, {"age": (30.0, 50.0)},
    )  # fmt: skip
    assert [(gate.max_gap, gate.by, gate.leave_out) for gate in evaluate.gates] == [
        (0.1, None, ()),
        (0.2, ("sex", "age"), ("missing",)),
    ]
    assert pipeline.parameters()["evaluate.groups"] == "['sex', 'age']"
    assert pipeline.parameters()["evaluate.gates.1.by"] == "['sex', 'age']"


def test_a_file_that_says_nothing_of_groups_has_the_digest_it_had(read):
    pipeline = read('[[evaluate.gates]]\nmetric = "recall"\nmin = 0.5\n')
    assert "groups" not in pipeline.model_dump_json()
    assert "max_gap" not in pipeline.model_dump_json()
    assert read('groups = ["sex"]\n').digest != read('groups = ["age"]\n').digest


GATE = '[[evaluate.gates]]\nmetric = "recall"\n'


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('group = ["sex"]', ":10: [evaluate] group is no key here; did you mean groups?"),
        ('groups = "sex"', ':10: evaluate.groups = "sex": should be a list'),
        ('groups = ["person"]', ":10: evaluate.groups names 'person', which is the id: each row would be a group of "
         "its own; name other columns"),
        ('groups = ["repaid"]', ":10: evaluate.groups names 'repaid', which is the target: its values are what is "
         "predicted; name other columns"),
        ('groups = ["sex", "sex"]', ":9: [evaluate] groups names 'sex' twice"),
        ('groups = ["a", "b", "c", "d", "e", "f"]', ":9: [evaluate] groups names 6 columns, and 5 is the most"),
        ('groups = ["sex"]\n[evaluate.grouping]\nmin_row = 3', ":12: [evaluate.grouping] min_row is no key here; did "
         "you mean min_rows?"),
        ('groups = ["sex"]\n[evaluate.grouping]\nmin_rows = 0', ":12: evaluate.grouping.min_rows = 0: should be at "
         "least 1"),
        ('groups = ["sex"]\n[evaluate.grouping]\nedges = { age = [3] }', ":9: [evaluate] grouping.edges names 'age', "
         "which is not among groups; add it there"),
        ('groups = ["age"]\n[evaluate.grouping]\nedges = { age = [5, 3] }', ":11: [evaluate.grouping] edges.age should "
         "rise from one edge to the next"),
        ('groups = ["age"]\n[evaluate.grouping]\nedges = { age = [] }', ":11: [evaluate.grouping] edges.age names no "
         "edge"),
        ('groups = ["age"]\n[evaluate.grouping]\nedges = { age = [1, 2020-01-01] }', ":11: [evaluate.grouping] "
         "edges.age mixes numbers, dates and times"),
        ('groups = ["age"]\n[evaluate.grouping]\nmax_groups = 2\nedges = { age = [1, 2] }', ":11: [evaluate.grouping] "
         "edges.age makes 3 groups, more than max_groups"),
        (GATE + "max_gap = 0.1", ":9: [evaluate] gates.0 asks for max_gap, and there are no groups; name their columns "
         "in groups"),
        (f'groups = ["sex"]\n{GATE}max_gap = -0.1', ":13: evaluate.gates.0.max_gap = -0.1: should be at least 0"),
        (f'groups = ["sex"]\n{GATE}max_gap = 0.1\nby = ["age"]', ":9: [evaluate] gates.0.by names 'age', which is not "
         "among groups; add it there"),
        (f'groups = ["sex"]\n{GATE}max_gap = 0.1\nby = ["sex", "sex"]', ":9: [evaluate] gates.0.by names a column "
         "twice"),
        (f'groups = ["sex"]\n{GATE}max_gap = 0.1\nby = "sex"', ':14: evaluate.gates.0.by = "sex": should be a list'),
        (f'groups = ["sex"]\n{GATE}max_gap = 0.1\nby = []', ":14: evaluate.gates.0.by = []: should not be empty"),
        (f'groups = ["sex"]\n{GATE}min = 0.1\nby = ["sex"]', ":11: [evaluate.gates.0] by is for a gate with `max_gap`"),
        (f'groups = ["sex"]\n{GATE}min = 0.1\nleave_out = ["x"]', ":11: [evaluate.gates.0] leave_out is for a gate "
         "with `max_gap`"),
        ('groups = ["sex"]\n[[evaluate.gates]]\nmetric = "selection_rate"\nmin = 0.1', ":11: [evaluate.gates.0] "
         "selection_rate is told of groups only; give it `max_gap` instead of `min` or `max`"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(read, more, said):
    with pytest.raises(PipelineFileError) as refused:
        read(more)
    assert str(refused.value).partition(".toml")[2] == said
