"""Each shipped check brought to pass, fail and open by real runs of pipelines; and what others' tools make of it."""

import contextlib
import io
import json
from pathlib import Path

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
from tests.parts.validators import run_validator

PARTS = Path(controls.__file__).parent
JUDGES, SARIF = PARTS / "oscal_judges.py", PARTS / "schemas" / "sarif-2.1.0-rtm.5.json"
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


@pytest.fixture(scope="module")
def audited(places, tmp_path_factory):
    """Give the file of an audit of every model in use, by all policies, in a format."""
    from lineal.cli.app import main

    folder, made = tmp_path_factory.mktemp("audited"), {}

    def call(form, *words):
        if (form, words) not in made:
            file = folder / f"{form}{len(made)}.json"
            out = io.StringIO()
            with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
                places["shop"].enter(patch)
                with pytest.raises(SystemExit) as ended:
                    main(["audit", "--format", form, *words])
            assert ended.value.code == 1
            file.write_text(out.getvalue())
            made[form, words] = file
        return made[form, words]

    return call


def test_oscal_is_accepted_by_two_readers_that_are_not_ours(audited):
    file = audited("oscal")
    told = json.loads(file.read_text())["assessment-results"]["results"]
    counted = [len(told), *(sum(len(each[key]) for each in told) for key in ("observations", "findings"))]
    read = run_validator("python", JUDGES, "trestle", file)
    assert read.stdout == " ".join(map(str, counted)), read.stderr
    judged = run_validator("python", JUDGES, "oscal", file)
    assert judged.stdout == "True", judged.stderr
    # What is not on record, or is for a person, has no finding.
    verdicts = [prop["value"] for each in told for one in each["observations"] for prop in one["props"]]
    assert counted[2] == verdicts.count("pass") + verdicts.count("fail") < counted[1]


@pytest.mark.parametrize(("reader", "answer", "said"), [("trestle", "", "begin"), ("oscal", "False", "")])
def test_the_readers_refuse_what_is_no_oscal(audited, tmp_path, reader, answer, said):
    text = audited("oscal").read_text()
    file = tmp_path / "wrong.json"
    file.write_text(text.replace('"start":', '"begin":'))
    done = run_validator("python", JUDGES, reader, file)
    assert (done.stdout, said in done.stderr) == (answer, True)


@pytest.mark.parametrize("words", [(), ("--strict",)])
def test_sarif_holds_to_its_schema(audited, words):
    file = audited("sarif", *words)
    done = run_validator("jsonschema", "-i", file, SARIF)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    kinds = {each["kind"] for run in json.loads(file.read_text())["runs"] for each in run["results"]}
    assert kinds == {"pass", "fail", "notApplicable", *(() if words else ("open",))}


def test_the_schema_refuses_what_is_no_sarif(audited, tmp_path):
    file = tmp_path / "wrong.sarif"
    file.write_text(audited("sarif").read_text().replace('"kind": "open"', '"kind": "not seen"'))
    assert run_validator("jsonschema", "-i", file, SARIF).returncode == 1
