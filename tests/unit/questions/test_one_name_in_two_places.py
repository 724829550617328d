"""One name in two places: a model on two tracking servers, a table in two databases."""

import shlex
from dataclasses import replace

import pytest

from lineal import Dataset, current_run, traced
from lineal.cli.app import main
from lineal.datasets.prediction_ids import batch_prefix
from lineal.deciding import say
from lineal.errors import SubjectError
from lineal.people import Person
from lineal.questions import decisions, recalls
from lineal.questions.diff import diff
from lineal.questions.history import history
from lineal.questions.impact import impact
from lineal.questions.prediction import prediction
from lineal.questions.stale import stale
from lineal.questions.trace import trace
from lineal.subjects import Subject
from lineal.testing import recording
from tests.parts.made_up import MLFLOW, digest, fit, register, score, table

ELSEWHERE = "mlflow://team:5000"
LOCAL, TEAM = digest("localdemo"), digest("teamdemo")


@pytest.fixture
def store(lineage):
    """The first version of a model on one server, then another model of that name and number on another."""
    register(fit(table("train", "local")), None, 1)
    register(fit(table("train", "team")), None, 1, server=ELSEWHERE)
    return lineage.store


def subject(text):
    return Subject.parse(text)


@pytest.fixture
def away(monkeypatch):
    """The tracking server that is set has neither."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://third:5000")


@pytest.mark.parametrize("name", ["@1", "@champion", ""])
def test_the_model_of_the_server_that_is_set_is_meant(store, monkeypatch, name):
    assert trace(store, subject(f"model:demo{name}")).model.digest == LOCAL
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://team:5000")
    assert trace(store, subject(f"model:demo{name}")).model.digest == TEAM


def test_a_model_is_named_with_its_server_and_answered_so(store, away):
    for server, content in ((MLFLOW, LOCAL), (ELSEWHERE, TEAM)):
        named = f"model:{server}/demo@1"
        for text in (named, f"model:{server}/demo@champion", f"model:{server}/demo", f"model:demo@{content[:8]}"):
            found = trace(store, subject(text))
            assert (found.subject, found.model.digest) == (named, content)
        assert impact(store, subject(named)).subject == named
    answer = diff(store, *(subject(f"model:{server}/demo@1") for server in (MLFLOW, ELSEWHERE)))
    assert not answer.same


def test_where_no_server_is_meant_the_error_says_how_to_name_one(store, away):
    with pytest.raises(SubjectError) as wrong:
        trace(store, subject("model:demo@1"))
    for server, content in ((MLFLOW, LOCAL), (ELSEWHERE, TEAM)):
        assert f"{server}/demo@1 ({content[:12]}) @champion" in str(wrong.value)


def test_a_history_is_of_one_server(store, monkeypatch):
    for server, content in ((MLFLOW, LOCAL), (ELSEWHERE, TEAM)):
        for text in (f"model:{server}/demo", f"model:{server}/demo@champion"):
            answer = history(store, subject(text))
            assert (answer.subject, [version.hash for version in answer.versions]) == (text, [content])
    for uri, content in (("", LOCAL), ("http://team:5000", TEAM)):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        for text in ("model:demo", "model:demo@champion"):
            answer = history(store, subject(text))
            assert ([version.hash for version in answer.versions], answer.total) == ([content], 1)


def test_decisions_stay_with_the_model_that_they_were_taken_on(lineage):
    register(fit(table("train", "local")), None, 1)
    say(lineage.store, subject("model:demo@1"), "reject", "of no use", Person("Grace"))
    register(fit(table("train", "team")), None, 1, server=ELSEWHERE)

    def rejected(server):
        about = decisions.about(lineage.store, subject(f"model:{server}/demo@1"))
        return [each.standing for each in decisions.decided(lineage.store, about)]

    assert (rejected(MLFLOW), rejected(ELSEWHERE)) == (["stands"], [])
    assert [each.standing for each in decisions.listed(lineage.store)] == ["stands"]
    say(lineage.store, subject(f"model:{ELSEWHERE}/demo@1"), "reject", "of no use either", Person("Grace"))
    assert (rejected(MLFLOW), rejected(ELSEWHERE)) == (["stands"], ["stands"])


def test_decisions_of_two_stores_that_wrote_no_server_are_listed_apart(lineage, tmp_path):
    def decide(store, data, server):
        register(fit(table("train", data)), None, 1, server=server)
        say(store, subject("model:demo@1"), "reject", data, Person("Grace"))

    decide(lineage.store, "local", MLFLOW)
    with recording(tmp_path / "other") as other:
        decide(other.store, "team", ELSEWHERE)
        theirs = other.events()
    for event in theirs:
        lineage.store.append(event)
    found = decisions.listed(lineage.store)
    assert [(each.decision.reason, each.standing) for each in found] == [("team", "stands"), ("local", "stands")]


def test_a_recall_is_of_one_server(store, away):
    moves = recalls.plan(store, subject(f"model:{MLFLOW}/demo@1")).moves
    assert [(move.namespace, move.holder) for move in moves] == [(MLFLOW, 1)]


@pytest.mark.parametrize("address", [MLFLOW, "mlflow://127.0.0.1:5000"])
def test_a_prediction_is_led_to_the_model_that_made_it(lineage, away, tmp_path, address):
    @traced
    def score(model, batch):
        said = {"model": "demo", "version": 1, "digest": model.digest, "askedBy": None, "aliases": []}
        current_run().prediction(said | {"rows": 1, "idPrefix": batch_prefix(current_run().ref.id)})
        return Dataset(tmp_path / "gone.parquet", name="demo.predictions", version=digest("p"), rows=1)

    batch = Dataset(tmp_path / "batch.parquet", name="demo.batch", version=digest("b"), rows=1)
    made = register(fit(table("train", "local")), None, 1)
    register(fit(table("train", "team")), None, 1, server=ELSEWHERE)
    score(replace(made, namespace=address), batch)
    said = lineage.event("score")["run"]["facets"]["lineal_prediction"]
    found = prediction(lineage.store, Subject("prediction", f"{said['idPrefix']}1"))
    assert found.descent.model.digest == LOCAL


def test_a_table_is_answered_by_a_subject_that_finds_it_again(lineage):
    @traced
    def copy(source):
        return Dataset("postgres://b:5432/shop.public.t", version="1")

    copy(Dataset("postgres://a:5432/shop.public.t", version="1"))
    for named in (f"dataset:postgres://{host}:5432/shop.public.t@1" for host in "ab"):
        found = trace(lineage.store, subject(named))
        assert found.subject == impact(lineage.store, subject(named)).subject == named
        assert decisions.added(lineage.store, found, whole=False).decisions == ()
    with pytest.raises(SubjectError, match=r"there are postgres://.:5432/shop.public.t@1, postgres://.:5432/shop"):
        trace(lineage.store, subject("dataset:shop.public.t@1"))


@traced
def prepare(source):
    return Dataset("s3://lake/train.parquet", name="demo.train", version=digest("train"), rows=1)


@pytest.fixture
def twice(lineage, away, monkeypatch):
    """What was made in one namespace, made alike in another, on a tracking server of its own."""
    for namespace, server in (("lineal", MLFLOW), ("prod", ELSEWHERE)):
        monkeypatch.setenv("OPENLINEAGE_NAMESPACE", namespace)
        score(register(fit(prepare(table("raw"))), None, 1, server=server), table("batch"))
    return lineage.store


@pytest.mark.parametrize(
    "words",
    [
        ["trace", f"model:{MLFLOW}/demo@1"],
        ["trace", f"model:{ELSEWHERE}/demo@1"],
        ["impact", f"dataset:lineal/demo.train@{digest('train')}"],
        ["impact", f"model:{ELSEWHERE}/demo@1"],
        ["list", "models"],
    ],
)
def test_the_command_that_an_answer_ends_with_finds_what_it_names(twice, capsys, words):
    def told(*words):
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        out, err = capsys.readouterr()
        assert (ended.value.code, err) == (0, "")
        return out

    hint = next(line for line in told(*words).splitlines() if line.startswith("lineal trace "))
    assert told(*shlex.split(hint)[1:])


def test_what_is_listed_is_told_apart(twice, capsys):
    for what, name in (("models", "demo"), ("datasets", "demo.train")):
        with pytest.raises(SystemExit):
            main(["list", what])
        places = (MLFLOW, ELSEWHERE) if what == "models" else ("lineal", "prod")
        out = capsys.readouterr().out.split()
        assert {word for word in out if word.endswith(f"/{name}")} == {f"{place}/{name}" for place in places}


def test_a_table_of_two_namespaces_is_named_with_its_own(twice):
    names = [f"{namespace}/demo.train" for namespace in ("lineal", "prod")]
    assert [history(twice, Subject("dataset", name)).subject for name in names] == [f"dataset:{name}" for name in names]
    answer = diff(twice, *(Subject("dataset", name) for name in names))
    sides = [answer.left.subject, answer.right.subject]
    assert sides == [f"dataset:{name}@{digest('train')[:12]}" for name in names]
    answer = stale(twice)
    found = {subject.partition("@")[0] for subject in (*answer.fresh, *(item.subject for item in answer.items))}
    assert found >= {"dataset:lineal/demo.predictions", "dataset:prod/demo.predictions"}
