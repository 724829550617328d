"""History: every version, who made it, and what changed from the one before."""

import re

import pytest

from lineal.errors import LinealError
from lineal.questions.history import KINDS, history
from lineal.reports import terminal
from lineal.reports.history import render
from lineal.subjects import Subject
from tests.parts.made_up import step
from tests.unit.questions.diff.conftest import SNAPSHOT, train  # noqa: F401  # a fixture


@pytest.fixture
def ask(lineage):
    def call(text, limit=20):
        return history(lineage.store, Subject.parse(text, allowed=KINDS), limit)

    return call


def test_a_models_versions_are_told_newest_first_with_what_changed(train, ask):  # noqa: F811
    train()
    train(asked={"model.params.C": "2.0"})
    train(asked={"model.params.C": "2.0"}, snapshot={"id": [1], "a": [1.0], "y": ["n"]})
    train(asked={"model.params.C": "2.0"}, snapshot={"id": [1], "a": [1.0], "y": ["n"]})
    found = ask("model:demo")
    assert [each.version for each in found.versions] == ["4", "3", "2", "1"]
    assert [each.changed for each in found.versions] == [(), ("data (4 → 1 rows)",), ("params (C 1.0 → 2.0)",), ()]
    assert [each.first for each in found.versions] == [False, False, False, True]
    assert [each.holds for each in found.versions] == [("champion",), (), (), ()]
    assert {each.by for each in found.versions} == {"Ada"}
    assert len({each.run_id for each in found.versions}) == 4


def test_no_more_are_read_than_are_shown(train, ask, capsys):  # noqa: F811
    for number in range(4):
        train(asked={"model.params.C": str(number)})
    found = ask("model:demo", limit=2)
    assert (len(found.versions), found.total) == (2, 4)
    assert found.versions[-1].changed == ("params (C 1 → 2)",)
    assert not found.versions[-1].first
    terminal.show(found, render, as_json=False)
    assert "2 older versions; raise --limit" in capsys.readouterr().out


def test_an_aliass_moves_are_told_with_their_reason(train, ask, capsys):  # noqa: F811
    train()
    train(asked={"model.params.C": "2.0"})
    found = ask("model:demo@champion")
    assert [(each.version, each.by, each.reason) for each in found.versions] == [
        ("2", "a rule", "held"),
        ("1", "a rule", "held"),
    ]
    assert found.versions[0].changed == ("params (C 1.0 → 2.0)",)
    terminal.show(found, render, as_json=False)
    assert "lineal diff model:demo@1 model:demo@2" in capsys.readouterr().out


def test_a_datasets_versions_are_told_with_their_rows_and_columns(train, ask):  # noqa: F811
    train()
    train(snapshot={"id": [1], "a": [1.0], "y": ["n"]}, asked={"model.params.C": "2.0"})
    train(snapshot={"id": [1], "a": [2.0], "y": ["n"]})
    train(snapshot={"id": [1], "a": [2.0], "y": ["n"], "b": [1]})
    found = ask("dataset:demo.snapshot")
    assert [each.changed for each in found.versions] == [("3 → 4 columns",), ("values",), ("4 → 1 rows",), ()]
    assert all(re.fullmatch("[0-9a-f]{32}", each.hash) for each in found.versions)


def test_the_same_content_again_is_no_new_version(train, ask):  # noqa: F811
    train()
    train(snapshot=dict(SNAPSHOT))
    assert ask("dataset:demo.snapshot").total == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model:dmo", "did you mean demo"),
        ("dataset:demo.snapsho", r"did you mean demo\.snapshot"),
        ("model:demo@1", "is one version, which has no history; write model:demo"),
        ("model:demo@no", "has no version or alias 'no'"),
        ("dataset:demo.snapshot@abcd", "is one version, which has no history; write dataset:demo.snapshot"),
        ("run:1234", "cannot be asked about here"),
    ],
)
def test_what_is_wrong_to_ask_is_said(text, said, train, ask):  # noqa: F811
    train()
    with pytest.raises(LinealError, match=said) as wrong:
        ask(text)
    assert wrong.value.exit_status == 2


def test_a_name_may_have_an_at_sign_in_it(ask, capsys):
    for version in "12":
        step(makes=[("team@corp/x.csv", version)])
    found = ask("dataset:team@corp/x.csv")
    assert [each.version for each in found.versions] == ["2", "1"]
    terminal.show(found, render, as_json=False)
    assert "lineal diff dataset:team@corp/x.csv@1 dataset:team@corp/x.csv@2" in capsys.readouterr().out
    with pytest.raises(LinealError, match="is one version, which has no history"):
        ask("dataset:team@corp/x.csv@1")
