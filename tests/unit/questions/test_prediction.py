"""A prediction's id leads to its row and to the row's source, in a store of either kind, without MLflow."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lineal import Dataset, Model, current_run, traced
from lineal.cli.app import main
from lineal.datasets import read as reading
from lineal.datasets.cache import Cache
from lineal.datasets.read import to_frame
from lineal.datasets.table import write_table
from lineal.errors import EstimatorError, PipelineFileError, SubjectError, VersionError
from lineal.models import loaded
from lineal.models.digest import digest
from lineal.models.fitting import fit
from lineal.models.scoring import score
from lineal.pipeline import parse
from lineal.questions import explanation
from lineal.questions.dossier import account
from lineal.questions.prediction import prediction
from lineal.subjects import Subject

TEXT = """
name = "it"
[source]
uri = "rows.csv"
target = "target"
id = "key"
[model]
estimator = "sklearn.tree.DecisionTreeClassifier"
"""
# The batch was read from three files, the second of them empty.
SOURCES = (("s3://lake/a.csv", 30), ("s3://lake/none.csv", 0), ("s3://lake/b.csv", 70))


def rows(count, seed):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=count).round(3)
    keys = [f"k{number}" for number in range(count)]
    return pa.table({"key": keys, "x": x, "target": np.where(x > 0, "up", "down")})


@traced
def train(text, table):
    run = current_run()
    run.source(text, "TOML")
    run.parameters(
        {"source.id": "key", "source.target": "target", "model.estimator": "a tree", "pipeline.file": "it.toml"}
    )
    return register(fitted(parse(TEXT, table.path.parent / "it.toml"), table))


@traced
def fitted(plan, table):
    estimator = fit(plan, to_frame(table)).estimator
    name = digest(estimator)
    loaded.remember(name, estimator)
    return Model("it.model", name, "models:/m-0")


@traced
def register(model):
    run = current_run()
    made = {"action": "register", "namespace": "mlflow://local", "name": "it", "number": 1, "digest": model.digest}
    run.decisions([made | {"reason": "it is good"}], by="a rule")
    return Model("models/it", model.digest, "models:/it/1", "mlflow://local", number=1)


@traced
def predict(model, sources):
    return scored(model, read(sources))


@traced
def read(sources):
    for uri, count in sources:
        current_run().input(Dataset(uri, version=f"md5 of {uri}", rows=count))
    return write_table(rows(sum(count for _, count in sources), 1), "it.batch")


@traced
def scored(model, batch):
    run = current_run()
    found = score(loaded._held[model.digest], batch, "it.predictions", run_id=run.ref.id, version=1, id_column="key")
    run.prediction(
        {"model": "it", "version": 1, "digest": model.digest, "askedBy": "champion", "aliases": ["champion"]}
        | {"rows": batch.rows, "idPrefix": found.prefix}
    )
    return found.predictions


@pytest.fixture
def made(lineage):
    """A model, and a batch that it predicted; gives the predictions."""
    return predict(train(TEXT, write_table(rows(50, 0), "it.train")), SOURCES)


def ask(lineage, number):
    prefix = to_prefix(lineage)
    return prediction(lineage.store, Subject("prediction", f"{prefix}{number}"))


def to_prefix(lineage):
    return lineage.event("predict.scored")["run"]["facets"]["lineal_prediction"]["idPrefix"]


@pytest.mark.parametrize(
    ("number", "uri", "row"), [(1, "a.csv", 1), (30, "a.csv", 30), (31, "b.csv", 1), (100, "b.csv", 70)]
)
def test_a_row_is_led_to_its_place_in_its_own_file(lineage, made, number, uri, row):
    found = ask(lineage, number)
    table = to_frame(made)
    assert found.value == table["prediction"][number - 1]
    assert found.answers == {name: table[name][number - 1] for name in ("probability_down", "probability_up")}
    assert (found.source.uri, found.source.row, found.source.id) == (f"s3://lake/{uri}", row, f"k{number - 1}")
    assert found.source.version == f"md5 of s3://lake/{uri}"
    assert found.input["key"] == f"k{number - 1}"
    assert found.model.asked_by == "champion"
    assert found.run.job == "predict"
    assert found.missing == ()
    assert found.descent.node.inputs[0].name == "it.model"
    why = explanation.explain(found)
    assert why.same
    assert why.missing == ()
    assert why.attribution.method == "tree"
    assert len(why.training_rows) == 5
    learnt = rows(50, 0).to_pylist()
    assert all(near.label == learnt[near.row - 1]["target"] for near in why.training_rows)


def test_a_report_of_a_prediction_has_the_notes_on_it(lineage, made, monkeypatch):
    monkeypatch.setenv("LINEAL_USER", "Grace")
    with pytest.raises(SystemExit):
        main(["note", f"prediction:{to_prefix(lineage)}31", "the customer asked why"])
    told = {row: account(lineage.store, Subject("prediction", f"{to_prefix(lineage)}{row}")) for row in (30, 31)}
    assert [each.decision.reason for each in told[31].trace.decisions] == ["the customer asked why"]
    assert told[30].trace.decisions == ()


def test_other_runs_are_not_mistaken_for_it(lineage, made):
    before = ask(lineage, 31)
    predict(Model("models/it", before.model.digest, "models:/it/1", "mlflow://local"), SOURCES[:1])
    prefixes = [
        event["run"]["facets"]["lineal_prediction"]["idPrefix"]
        for event in lineage.events("predict.scored", "COMPLETE")
    ]
    assert len(set(prefixes)) == 2
    found = prediction(lineage.store, Subject("prediction", f"{prefixes[0]}31"))
    assert (found.run_id, found.rows) == (before.run_id, 100)
    with pytest.raises(SubjectError, match="the batch has 30 predictions"):
        prediction(lineage.store, Subject("prediction", f"{prefixes[1]}31"))
    with pytest.raises(SubjectError, match=f"{prefixes[1]}3, {prefixes[0]}3"):
        prediction(lineage.store, Subject("prediction", "p0_3"))


def test_without_the_rows_of_each_source_no_file_is_named(lineage):
    model = train(TEXT, write_table(rows(50, 0), "it.train"))

    @traced
    def predict(model):
        return scored(model, read(model))

    @traced
    def read(model):
        for uri in ("s3://lake/a.csv", "s3://lake/b.csv"):
            current_run().input(Dataset(uri, version="1"))
        return write_table(rows(20, 1), "it.batch")

    predict(model)
    found = ask(lineage, 15)
    assert found.source is None
    assert found.missing == ("where row 15 of the batch was read is not on record",)


def test_a_file_of_other_predictions_in_its_place_is_not_believed(lineage, made, monkeypatch):
    path = Cache().path(made.version)
    path.chmod(0o600)
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    found = ask(lineage, 7)
    assert (found.value, found.answers) == (None, {})
    assert f"version {made.version[:12]}" in found.missing[0]
    assert found.input["key"] == "k6"
    # Where nobody can tell by its bytes, as in a folder that others write to, the id itself does.
    monkeypatch.setattr(reading, "_whole", lambda dataset, path: path)
    with pytest.raises(VersionError, match="is not the recorded one"):
        ask(lineage, 7)
    assert "has 99 rows, and no row 100" in ask(lineage, 100).missing[0]


def test_what_is_recalled_is_said(lineage, made):
    from lineal.cli.app import main

    with pytest.raises(SystemExit):
        main(["recall", "dataset:it.batch", "--reason", "the sensor was broken", "--yes"])
    (recall,) = ask(lineage, 3).recalls
    assert recall.reason == "the sensor was broken"


def test_a_model_that_is_not_the_one_on_record_is_refused(lineage, made, monkeypatch):
    found = ask(lineage, 7)
    other = loaded._held.pop(found.model.digest)
    other[-1].tree_.threshold[0] += 0.5
    monkeypatch.setattr(loaded.tracking.logged, "_brought", lambda uri, trusted: other)
    with pytest.raises(EstimatorError, match="may have been tampered with"):
        explanation.explain(found)


def test_a_model_whose_pipeline_is_not_on_record_says_so(lineage):
    @traced
    def train(table):
        return register(fitted(parse(TEXT, table.path.parent / "it.toml"), table))

    predict(train(write_table(rows(50, 0), "it.train")), SOURCES)
    with pytest.raises(PipelineFileError, match="is not on record, so its columns are not known"):
        explanation.explain(ask(lineage, 7))


def test_the_answer_is_clean_json(lineage, made):
    from lineal.reports.terminal import to_json

    found = ask(lineage, 3)
    answer = json.loads(to_json(explanation.Explained(found, explanation.explain(found))))
    assert answer["prediction"]["source"]["row"] == 3
    assert answer["explanation"]["attribution"]["contributions"][0]["column"] == "x"
