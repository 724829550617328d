"""Dossiers of models whose record says much, little, and what is meant to do harm; and their documents."""

import hashlib
import io
import json
from datetime import UTC, datetime

import pytest

from lineal import Column, Dataset, Model, current_run, people, traced
from lineal.packs.formats import card, crate, croissant, cyclonedx, prov
from lineal.questions import decisions
from lineal.questions.dossier import dossier
from lineal.questions.recalls import handle_of
from lineal.store import graph
from lineal.store.importing import import_events
from lineal.subjects import Subject
from lineal.testing import recording
from lineal.tracing.deciding import Statement, record
from lineal.tracing.statements import Assertion
from tests.parts import audited
from tests.parts.audited import MLFLOW, Plan, digest, same

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
EVIL = (
    'a"b\\c`d` *e* _f_ ~~g~~ <script>alert(1)</script> <img src=x onerror=alert(1)> | [x](javascript:alert) '
    "![i](http://evil.example/i.png) https://evil.example www.evil.example &lt; {{7*7}} $(rm) \x1b[31mred\u202e"
    "\n# head\n\n---\n- item: {y: z}\n1. one\n+ plus\n> quote\n```\nfence\n    indented\n===\n日本"
)


@pytest.fixture
def lineage(tmp_path):
    """A store of the test's own; what is asked of it does not depend on its database."""
    with recording(tmp_path) as recorded:
        yield recorded


@pytest.fixture
def gathered(lineage):
    """Gather what is on record of `model:demo@1`."""
    return lambda: dossier(lineage.store, Subject("model", "demo", "1"), now=NOW)


@pytest.fixture
def say(lineage):
    """Note something about `model:demo@1`, or decide on it."""

    def call(text, by="Grace", action="note"):
        what = decisions.about(lineage.store, Subject.parse("model:demo@1"))
        handle = handle_of(lineage.store, graph.versions(lineage.store, [what.version])[what.version])
        about = (what.subject, what.namespace, what.name, text, what.looked_at, what.content, what.model.number)
        record(Statement(action, *about), people.Person(by), None, handle)

    return call


@pytest.fixture
def much(say, gathered):
    """A model whose training is on record as it should be."""
    audited.train(Plan(parameters=STATED))
    say("users: clinicians who read scans")
    say("Out of scope: children")
    say("users: radiologists")
    say("Looked at it closely.")
    say("better than the one before", "Ada", "approve")
    return gathered()


STATED = {
    "name": "demo",
    "description": "Is it malignant?",
    "owner": "Oncology",
    "model.estimator": "sklearn.ensemble.RandomForestClassifier",
    "model.kind": "binary",
    "source.target": "y",
    "declared.intended_purpose": "To help a clinician decide.",
    "declared.groups": "['z']",
    "declared.personal": "['z']",
    "declared.special": "[]",
}


def registered():
    about = {"namespace": MLFLOW, "name": "demo", "number": 1, "digest": "ab" * 32, "reason": "it held"}
    current_run().decisions([about | {"action": "register"}], by="someone")


@traced
def alone():
    registered()
    return Model("models/demo", "ab" * 32, "models:/demo/1", namespace=MLFLOW, number=1)


@pytest.fixture
def little(gathered):
    """A model of which nothing is known but that it was registered."""
    alone()
    return gathered()


@traced
def fit_evil(data, columns):
    run = current_run()
    run.parameters(
        {"description": EVIL, "owner": EVIL, "model.estimator": EVIL, "model.kind": EVIL} | {"model.x": EVIL}
    )
    run.parameters({"declared.intended_purpose": EVIL, "declared.groups": repr([EVIL]), "source.target": EVIL})
    run.input(data, assertions=[Assertion("nulls", True, EVIL)])
    run.metrics({EVIL: 0.5}, of=EVIL)
    registered()
    about = Model("models/demo", "ab" * 32, "models:/demo/1", namespace=MLFLOW, number=1, columns=columns)
    run.output(about, columns=same(data, [each.name for each in columns]))
    return about


@traced
def train_evil(data, columns):
    return fit_evil(data, columns)


@pytest.fixture
def harm(say, gathered, monkeypatch):
    """A model whose every text is meant to do harm."""
    monkeypatch.setenv("LINEAL_USER", EVIL)
    columns = tuple(Column(name, EVIL) for name in (EVIL, "a b", "a/b", "a_b"))
    data = Dataset(
        "s3://u:secret@lake/x?token=hush",
        name=EVIL[:60],
        version=digest("x"),
        rows=3,
        columns=columns,
        description=EVIL,
    )
    train_evil(data, columns)
    for text in (EVIL, f"users: {EVIL}", f"licence: {EVIL}", f"limitations: {EVIL}", f"ethical considerations: {EVIL}"):
        say(text, EVIL)
    return gathered()


def foreign(value):
    """An event without what only Lineal says in it, but who registered what."""
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if key == "lineal_decision" or not key.startswith("lineal_")}
        return {
            key: foreign(each) for key, each in kept.items() if key not in ("executionParameters", "test", "version")
        }
    return [foreign(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def imported(lineage, tmp_path):
    """A model of another house: its log was taken in, and says no more than the specification asks for."""
    audited.train(Plan())
    log = "".join(f"{json.dumps(foreign(event))}\n" for event in lineage.events())
    with recording(url=f"sqlite:///{tmp_path}/other.db") as other:
        import_events(other.store, io.BytesIO(log.encode()), "log.ndjson")
        yield dossier(other.store, Subject("model", "demo", "1"), now=NOW)


@pytest.fixture(params=["much", "little", "imported", "harm"])
def any_dossier(request):
    return request.getfixturevalue(request.param)


def written(known, others=()):
    """All documents of a dossier, by path, as a pack has them."""
    made = [*others]
    for module in (croissant, prov, card):
        made += module.documents(known)
    made += cyclonedx.documents(known, tuple(made))
    made += crate.documents(known, tuple(made))
    return {document.path: document for document in made}


def laid_out(known, folder, others=()):
    """The documents as files in a folder."""
    for path, document in written(known, others).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(document.content)
    return folder


def table_of(file, columns, name="demo.train"):
    """A handle on a file that is there."""
    content = file.read_bytes()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    hashed = hashlib.sha256(content).hexdigest()
    return Dataset(file, name=name, version=md5, sha256=hashed, size=len(content), columns=columns)
