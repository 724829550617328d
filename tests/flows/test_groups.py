"""Groups through the whole pipeline: by the command, in MLflow, in the log, in diffs, and in audits."""

import json

import pytest

from lineal.models import tracking
from lineal.questions.groups import groups
from lineal.store.log import Store
from lineal.subjects import Subject
from tests.parts.people import GROUPS, people, write

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]

GATE = '[[evaluate.gates]]\nmetric = "recall"\nmax_gap = 0.1\nby = ["sex"]\n'
DECLARED = """
[declared]
role = "provider"
risk_class = "high"
groups = ["sex", "age"]
"""


def verdicts(lineal, version):
    status, out, err = lineal("audit", f"model:credit@{version}", "--policy", "eu-ai-act", "--json")
    assert status in (0, 1), err
    (model,) = json.loads(out)["models"]
    wanted = ("representativeness", "groups", "groups-answered", "gates-first")
    return {
        each["control"]: (each["verdict"], each["sentence"]) for each in model["results"] if each["control"] in wanted
    }


def test_groups_are_told_of_everywhere(lineal, project, check_events):
    frame = people(missing=40)
    status, out, err = lineal("run", write(project, frame, GROUPS + GATE + 'leave_out = ["missing"]\n', DECLARED))
    assert status == 0, err
    lines = [line.split(maxsplit=1) for line in out.splitlines() if line.startswith("  groups ")]
    assert [line[1].partition(":")[0] for line in lines] == ["by sex", "by age", "by sex & age"]
    assert "missing: too few rows (" in lines[0][1]
    assert "recall by sex without missing differs by " in out

    trace = lineal("trace", "model:credit@champion")[1]
    assert lines[0][1].strip() in trace
    assert "gap of recall by sex without missing <= 0.1" in trace
    # It was dropped from what the model learns from.
    told = groups(Store(), Subject.parse("model:credit@champion"))
    assert [column.name for column in told.columns] == ["sex", "age"]
    assert [column.kind for column in told.columns] == ["values", "edges"]
    sex = told.by("sex")
    held_out = sum(group.rows for group in sex.groups)
    assert held_out == told.rows == 1200
    assert sum(group.train_rows for group in sex.groups) == told.train_rows == 1800
    assert told.columns[0].missing + told.columns[0].train_missing == 40
    assert told.columns[0].missing == sex.group("missing").rows

    run = tracking.connect().get_run(tracking.holder("credit", "champion").run_id)
    assert run.data.metrics["groups/sex/recall/female"] == sex.group("female").figure("recall").value
    assert run.data.metrics["groups/age/count/30 to under 50"] == told.by("age").group("30 to under 50").rows
    assert run.data.metrics["gaps/sex/recall"] == sex.gap("recall").value
    assert b"sex & age,male & 50 and over," in tracking.artifact(run.info.run_id, "groups/groups.csv")
    assert tracking.artifact(run.info.run_id, "plots/groups.png").startswith(b"\x89PNG")

    events = lineal("events")[1]
    check_events(events)
    # Of the rows' values the log has the groups' labels and no other: no id, no age.
    facets = [event["run"]["facets"].get("lineal_groups") for event in map(json.loads, events.splitlines())]
    assert [facet is not None for facet in facets].count(True) == 1
    assert "p17" not in json.dumps([facet for facet in facets if facet])
    # What only the groups of training know is no input of the evaluation.
    (ended,) = [
        event for event in map(json.loads, events.splitlines())
        if event["job"]["name"] == "train.evaluate" and event["eventType"] == "COMPLETE"
    ]  # fmt: skip
    assert {each["name"] for each in ended["inputs"]} == {"credit.model", "credit.test"}


def test_a_gap_that_is_too_large_or_cannot_be_told_registers_nothing(lineal, project, check_events):
    status, out, _ = lineal("run", write(project, people(unfair=True), GROUPS + GATE))
    assert status == 1
    assert "credit: a gate failed, so the model is not registered" in out
    assert "but may by at most 0.1: FAILED" in out

    status, out, _ = lineal("run", write(project, people(others=24), GROUPS + GATE))
    assert status == 1
    assert "how far recall by sex differs cannot be told (other: too few rows (" in out
    assert "; the others differ by 0.0" in out
    assert ", and may by at most 0.1: FAILED" in out
    assert tracking.holder("credit", "champion") is None
    check_events(lineal("events")[1])


@pytest.mark.parametrize(
    ("evaluate", "said"),
    [
        ('groups = ["sexe"]', "evaluate.groups names 'sexe', which is no column of the source; did you mean sex?"),
        ('groups = ["same"]', "evaluate.groups: column 'same' has one value only in all 200 rows"),
        ('groups = ["name"]', "evaluate.groups: column 'name' has more than 12 different values, too many for groups"),
        (
            'groups = ["person"]',
            "evaluate.groups names 'person', which is the id: each row would be a group of its own",
        ),
        ('groups = ["sex"]\n[evaluate.grouping]\nedges = { sex = [3] }', "column 'sex' holds text or truth values"),
        ('grops = ["sex"]', "[evaluate] grops is no key here; did you mean groups?"),
    ],
)
def test_columns_that_cannot_group_rows_are_told_in_a_sentence(lineal, project, check_events, evaluate, said):
    frame = people(200).assign(same="x", name=lambda each: "Ann " + each["person"])
    status, out, err = lineal("run", write(project, frame, evaluate))
    assert (status, out) == (2, "")
    (line,) = [line for line in err.splitlines() if line.startswith("lineal: ")]
    assert said in line
    assert "Ann p" not in err
    assert "Ann p" not in lineal("events")[1]


def test_a_continuous_column_is_cut_and_a_dropped_one_still_groups(lineal, project):
    assert (
        lineal("run", write(project, people(), 'groups = ["age", "income"]\n[evaluate.grouping]\nbins = 3\n'))[0] == 0
    )
    told = groups(Store(), Subject.parse("model:credit@1"))
    assert [column.kind for column in told.columns] == ["quantiles", "quantiles"]
    for column in told.columns:
        assert len(column.edges) == 2
        assert [group.train_rows for group in told.by(column.name).groups] == pytest.approx([600] * 3, abs=40)


def test_numbers_to_predict_and_missing_values(lineal, project, check_events):
    status, out, err = lineal("run", "pipelines/penguins.toml", "--set", 'evaluate.groups=["Sex","Island"]')
    assert status == 0, err
    assert "by Sex: r2 FEMALE 0." in out
    assert "missing: too few rows (" in out
    told = groups(Store(), Subject.parse("model:penguins@champion"))
    assert told.metrics == ("r2", "neg_mean_absolute_error", "neg_root_mean_squared_error")
    check_events(lineal("events")[1])


def test_more_than_two_classes(lineal, project):
    assert lineal("run", "pipelines/wine.toml", "--set", 'evaluate.groups=["alcohol"]')[0] == 0
    told = groups(Store(), Subject.parse("model:wine@champion"))
    assert "selection_rate" not in told.metrics
    assert {len(told.by("alcohol").groups), len(told.columns[0].edges) + 1} == {4}


def test_audits_of_groups_by_what_runs_did(lineal, project, monkeypatch, check_events):
    run = {"evaluate": GROUPS + GATE, "more": DECLARED}
    assert lineal("run", write(project, people(), **run))[0] == 0
    found = verdicts(lineal, 1)
    assert {control: verdict for control, (verdict, _) in found.items()} == {
        "representativeness": "pass", "groups": "pass", "groups-answered": "n/a", "gates-first": "pass",
    }  # fmt: skip
    assert found["gates-first"][1].startswith("gap of recall by sex <= 0.1: set before the evaluation began")
    assert "recall by sex 0.0" in found["groups"][1]

    # The gate is dropped, and the data is worse for some.
    assert lineal("run", write(project, people(unfair=True), GROUPS, DECLARED))[0] == 0
    found = verdicts(lineal, 2)
    assert found["groups"][0] == "fail"
    assert "by sex: " in found["groups"][1]
    assert "their intervals do not overlap" in found["groups"][1]
    assert found["groups-answered"][0] == "fail"
    monkeypatch.setenv("LINEAL_USER", "Grace")
    assert lineal("note", "model:credit@2", "The gap by sex is known; new data is on its way.")[0] == 0
    found = verdicts(lineal, 2)
    assert found["groups"][0] == "fail"
    assert found["groups-answered"][0] == "pass"
    assert "Grace said (note" in found["groups-answered"][1]
    moved = lineal("diff", "model:credit@1", "model:credit@2")[1]
    assert "Metrics of groups" in moved
    assert "\n  female  accuracy" in moved
    assert "\n  male  accuracy" not in moved
    assert "gap by sex  accuracy" in moved

    # Few of one group: neither judged nor represented.
    assert lineal("run", write(project, people(others=24), GROUPS, DECLARED))[0] == 0
    found = verdicts(lineal, 3)
    assert found["groups"][0] == "open"
    assert "by sex: other has " in found["groups"][1]
    assert found["groups-answered"][0] == "open"
    assert found["representativeness"][0] == "fail"
    assert "sex other is " in found["representativeness"][1]

    # A declared column that nothing is told of.
    assert lineal("run", write(project, people(), 'groups = ["sex"]\n', DECLARED))[0] == 0
    found = verdicts(lineal, 4)
    assert (found["groups"][0], found["representativeness"][0]) == ("open", "open")
    assert found["groups"][1] == "age is to be watched, and no metric of its groups is on record"
    check_events(lineal("events")[1])
