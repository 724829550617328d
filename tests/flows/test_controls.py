"""Each shipped check brought to pass, fail and open by real runs of pipelines; and what others' tools make of it."""

import json

import pytest

from lineal.questions.audit.asking import _ask
from lineal.questions.audit.checks import find, ours
from lineal.questions.audit.gather import gather
from lineal.questions.audit.policy import Control
from lineal.questions.lookup import find_model
from lineal.store.log import Store
from lineal.subjects import Subject
from tests.parts import controls
from tests.parts.control_cases import CASES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]


@pytest.fixture(scope="module")
def places(tmp_path_factory, prefect_api):
    return controls.build(tmp_path_factory.mktemp("controls"), prefect_api)


@pytest.fixture(scope="module")
def known():
    """Facts that were gathered: they are the same for each check of a model."""
    return {}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_check_comes_to_its_verdict(places, known, case, monkeypatch):
    places[case.place].enter(monkeypatch)
    asked = (case.place, case.model, case.later)
    if asked not in known:
        row = find_model(store := Store(), Subject("model", *case.model.split("@")))
        wants = {want for each in ours().values() for want in each.wants}
        known[asked] = gather(store, row, wants=wants, now=controls.now(case.later))
    made = find(case.check, None)
    control = Control(id="c", title="c", statement="c", check=case.check, parameters=case.parameters)
    found = _ask(made, control, known[asked])
    assert (found.verdict, case.said in found.sentence) == (case.verdict, True), found.sentence
    # What is said names what it rests on, and how that is seen.
    assert case.verdict == "open" or found.runs or found.datasets or found.numbers
    assert not found.runs or found.command.startswith("lineal ")


def test_all_that_was_recorded_holds_to_the_specification(places, monkeypatch, check_events):
    for name in ("swept", "attic"):
        places[name].enter(monkeypatch)
        controls.lineal("sweep")
        events = list(Store().events())
        assert len(events) > 5
        check_events("".join(f"{json.dumps(json.loads(event))}\n" for event in events))
