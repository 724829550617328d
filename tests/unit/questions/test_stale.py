"""Stale: what rests on a source, a snapshot, code or a model that is no longer the newest."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from lineal import Column, Dataset, Model, current_run, traced
from lineal.datasets.table import write_table
from lineal.questions.stale import stale
from lineal.reports import terminal
from lineal.reports.stale import render

FILE = """
owner = "Ada"
[source]
uri = "data/*.csv"
[model]
params = { C = 1.0 }
"""


@traced
def ingest(files):
    run = current_run()
    for file in files:
        run.input(Dataset(file))
    rows = [line for file in files for line in file.read_text().splitlines()[1:]]
    return write_table(pa.table({"a": rows}), "demo.snapshot")


@traced
def register(number, digest, *more):
    model = Model("models/demo", digest, "models:/demo/1", namespace="mlflow://local", number=number)
    about = {"namespace": "mlflow://local", "name": "demo", "number": number, "digest": digest, "reason": "held"}
    moved = [about | {"action": "move-alias", "alias": alias} for alias in ("champion", *more)]
    current_run().decisions([about | {"action": "register"}, *moved], by="a rule")
    return model


@traced
def score(model: Model):
    return write_table(pa.table({"prediction": [model.digest]}), "demo.predictions")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with two source files and a pipeline file."""
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "prefect.yaml").write_text("")
    (folder / "demo.toml").write_text(FILE)
    for name in "ab":
        (folder / "data" / f"{name}.csv").write_text(f"a\n{name}\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def train(lineage, project):
    numbers = iter(range(1, 10))

    @traced
    def flow(overrides, environment):
        run = current_run()
        asked = {"name": "demo", "source.uri": "data/*.csv", "pipeline.digest": "d"}
        run.parameters(asked | {"pipeline.file": project / "demo.toml"} | overrides)
        run.source((project / "demo.toml").read_text(), "TOML")
        if environment:
            run.environment(environment)
        ingest(sorted((project / "data").glob("*.csv")))
        number = next(numbers)
        return register(number, f"{number:x}" * 64)

    def call(overrides=None, environment=None):
        return flow(overrides or {}, environment)

    return call


@pytest.fixture
def ask(lineage):
    def call(**options):
        return stale(lineage.store, **options)

    return call


def sentences(answer, subject="model:demo@1"):
    (item,) = (item for item in answer.items if item.subject == subject)
    return [(finding.about, finding.sentence) for finding in item.findings]


def test_nothing_is_stale_where_nothing_changed(train, ask):
    train()
    answer = ask()
    assert (answer.items, answer.fresh) == ((), ("model:demo@1",))
    assert answer.unknown == ("the run was outside git, so nothing is known of its code",)


def test_a_changed_source_is_found_even_where_its_size_and_time_are_the_same(train, ask, project):
    import os

    train()
    file = project / "data" / "a.csv"
    before = file.stat()
    file.write_text("a\nX\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert sentences(ask()) == [("data", "data/a.csv has changed")]


def test_a_source_that_is_gone_and_one_that_is_new_are_named(train, ask, project):
    train()
    (project / "data" / "a.csv").rename(project / "data" / "c.csv")
    assert sentences(ask()) == [("data", "data/a.csv is gone"), ("data", "data/c.csv is new in the source")]


def test_a_newer_snapshot_makes_the_older_model_stale_and_its_return_does_not(train, ask, project):
    train()
    file = project / "data" / "a.csv"
    file.write_text("a\nX\n")
    train()
    assert ("data", "demo.snapshot has a newer version") in [
        (about, sentence.rpartition(",")[0]) for about, sentence in sentences(ask(everything=True))
    ]
    file.write_text("a\na\n")
    train()
    assert [item.subject for item in ask(everything=True).items] == ["model:demo@2"]


def test_only_models_with_an_alias_are_looked_at_unless_all_are_asked_for(train, ask, project):
    train()
    train()
    (project / "data" / "a.csv").write_text("a\nX\n")
    assert [item.subject for item in ask().items] == ["model:demo@2"]
    assert [item.subject for item in ask(everything=True).items] == ["model:demo@2", "model:demo@1"]


@pytest.mark.parametrize(
    ("before", "after", "said", "again"),
    [
        ("C = 1.0", "C = 2.0", "model.params.C 1.0 → 2.0", True),
        ('"Ada"', '"Bo"', "owner Ada → Bo, which changes no result", False),
        ("[source]", "[source", "is no valid TOML any more", True),
    ],
)
def test_a_changed_pipeline_file_is_told_key_by_key(before, after, said, again, train, ask, project):
    train()
    (project / "demo.toml").write_text(FILE.replace(before, after))
    (item,) = ask().items
    assert said in item.findings[0].sentence
    assert item.again is again


def test_comments_and_keys_that_the_run_set_itself_make_nothing_stale(train, ask, project):
    train({"pipeline.set": "model.params.C=5"})
    (project / "demo.toml").write_text("# more\n" + FILE.replace("C = 1.0", "C = 2.0"))
    assert ask().items == ()


def test_a_pipeline_file_that_is_gone_is_told(train, ask, project):
    train()
    (project / "demo.toml").unlink()
    assert ("pipeline file", "demo.toml is gone") in sentences(ask())


def test_code_that_changed_is_told_and_documents_are_not(train, ask, project):
    def git(*words):
        made = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *words]
        return subprocess.run(made, cwd=project, capture_output=True, text=True, check=True).stdout.strip()

    (project / "flow.py").write_text("one\n")
    (project / "README.md").write_text("one\n")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    commit = git("rev-parse", "HEAD")
    train(environment={"gitCommit": commit, "gitDirty": False})
    (project / "README.md").write_text("two\n")
    assert ask().items == ()
    (project / "flow.py").write_text("two\n")
    assert sentences(ask()) == [("code", f"flow.py changed since {commit[:12]}")]
    train(environment={"gitCommit": "f" * 40, "gitDirty": False})
    train(environment={"gitCommit": commit, "gitDirty": True})
    assert "uncommitted changes" in ask().unknown[0]
    by_subject = {item.subject: item for item in ask(everything=True).items}
    assert set(by_subject) == {"model:demo@1"}
    assert any("is not in the repository here" in sentence for sentence in ask(everything=True).unknown)


def test_predictions_of_a_model_that_lost_its_alias_are_stale(train, ask):
    first = train()
    score(first)
    assert ask().items == ()
    train()
    (item,) = ask().items
    assert item.subject.startswith("dataset:demo.predictions@")
    assert item.findings[0].sentence == "demo@champion was version 1, and is version 2 now"


@traced
def predict(model: Model, asked_by):
    said = {"model": "demo", "version": model.number, "digest": model.digest, "askedBy": asked_by, "aliases": []}
    current_run().prediction(said | {"rows": 1, "idPrefix": "p0_"})
    return write_table(pa.table({"prediction": [model.digest]}), "demo.predictions")


def test_predictions_go_by_the_alias_that_their_model_was_asked_for_by(lineage, ask):
    first = register(1, "1" * 64, "audited")
    predict(first, "champion")
    assert ask().items == ()
    register(2, "2" * 64)
    (item,) = ask().items
    assert item.findings[0].sentence == "demo@champion was version 1, and is version 2 now"
    # The same server by another address.
    predict(replace(first, namespace="mlflow://127.0.0.1:5000"), "champion")
    assert ask().items[0].findings == item.findings
    for asked_by in ("audited", None):
        predict(first, asked_by)
        assert ask().items == ()


@pytest.mark.parametrize("alias", ["champion", ""])
def test_predictions_of_the_same_model_made_again_are_not_stale(lineage, ask, alias):
    register(1, "1" * 64)
    register(2, "2" * 64)
    third = register(3, "1" * 64)
    predict(third, alias) if alias else score(third)
    assert ask().items == ()


def test_predictions_of_a_model_that_keeps_another_alias_are_stale_too(lineage, ask):
    score(register(1, "1" * 64, "audited"))
    register(2, "2" * 64)
    (item,) = ask().items
    assert item.findings[0].sentence == "demo@champion was version 1, and is version 2 now"


def test_an_evaluation_is_not_stale_for_the_champion_that_its_model_beat(train, ask):
    @traced
    def evaluate(champion: Model):
        return write_table(pa.table({"prediction": [1]}), "demo.evaluation")

    first = train()
    evaluate(first)
    train()
    assert ask().items == ()


def test_sources_that_lie_elsewhere_are_not_guessed_about(lineage, ask, project):
    @traced
    def flow(source: Dataset):
        return register(1, "1" * 64)

    flow(Dataset("s3://lake/raw.csv", version="1", columns=(Column("a", "int64"),)))
    answer = ask()
    assert answer.items == ()
    assert "raw.csv lies elsewhere, and was not asked whether it changed" in answer.unknown


def test_the_command_tells_by_its_status(train, project, capsys):
    from lineal.cli.app import main

    def status(*words):
        with pytest.raises(SystemExit) as ended:
            main(["stale", *words])
        return ended.value.code, capsys.readouterr().out

    train()
    assert status()[0] == 0
    Path("data/a.csv").write_text("a\nX\n")
    code, out = status()
    assert code == 1
    assert "running again could change it" in out
    assert "lineal trace model:demo@1" in out


def test_an_empty_store_says_what_to_do(lineage, ask, capsys):
    terminal.show(ask(), render, as_json=False)
    assert "no model holds an alias and nothing was predicted" in capsys.readouterr().out
