"""Columns: where one came from and what uses it, over our own events and those of others."""

import io
import json
from datetime import UTC, datetime

import pytest

from lineal import Column, Dataset, Model, current_run, traced
from lineal.errors import SubjectError
from lineal.questions.columns import column_impact, trace_column
from lineal.reports import terminal
from lineal.reports.columns import render_impact, render_trace
from lineal.store import past
from lineal.store.importing import import_events
from lineal.subjects import Subject
from lineal.tracing.statements import Origin
from tests.parts.made_up import MLFLOW, digest
from tests.parts.producers import dbt, ndjson, spark

HOUR = [f"2020-01-01T{hour:02}:00:00Z" for hour in range(24)]


def table(name, *columns, version="1"):
    return Dataset(f"s3://lake/{name}", version=version, columns=tuple(Column(each, "int64") for each in columns))


def make(*sources, makes, of=None):
    """One step; `of` gives for each column made its origins as (source, column, how)."""

    @traced
    def derive(*sources):
        if of is not None:
            columns = {name: [Origin(*each) for each in origins] for name, origins in of.items()}
            current_run().output(makes, columns=columns)
        return makes

    return derive(*sources)


@traced
def register(model, number, alias="champion"):
    about = {"namespace": MLFLOW, "name": "demo", "number": number, "digest": model.digest, "reason": "it held"}
    moved = about | {"action": "move-alias", "alias": alias, "previous": None}
    current_run().decisions([about | {"action": "register"}, moved], by="a rule")
    made = Model("models/demo", model.digest, f"models:/demo/{number}", namespace=MLFLOW, number=number)
    current_run().output(made, columns={name: [Origin(model, name)] for name in ("age", "y")})
    return made


def back(lineage, subject, column, depth=None):
    return trace_column(lineage.store, Subject.parse(subject), column, depth)


def forward(lineage, subject, column, depth=None):
    return column_impact(lineage.store, Subject.parse(subject), column, depth)


def named(found):
    return f"{found.name}.{found.column}"


def edges(answer):
    """Each edge as (made, how, of)."""
    return {
        (
            named(answer.columns[edge.target]),
            ", ".join(each.subtype or each.type for each in edge.transformations),
            named(answer.columns[edge.source]),
        )
        for edge in answer.edges
    }


def below(answer):
    return {named(each) for each in answer.columns if each.steps}


def shown(answer, render):
    console = terminal.console()
    with console.capture() as captured:
        console.print(render(answer))
    return captured.get()


def refused(call, *words):
    with pytest.raises(SubjectError) as caught:
        call(*words)
    assert caught.value.exit_status == 2
    return caught.value.message


@pytest.fixture
def chain(lineage):
    """Renamed at first, then made with another into one, beside a column that nothing uses."""
    raw = table("raw", "Height", "weight", "comment")
    clean = table("clean", "height", "weight", "comment", "row")
    features = table("features", "bmi", "heavy")
    made = {"height": [(raw, "Height")], "weight": [(raw, "weight")], "comment": [(raw, "comment")]}
    make(raw, makes=clean, of=made)
    bmi = [(clean, "height", "TRANSFORMATION"), (clean, "weight", "TRANSFORMATION")]
    make(clean, makes=features, of={"bmi": bmi, "heavy": [(clean, "weight", "AGGREGATION")]})
    return lineage


def test_a_column_leads_back_over_renames_to_all_that_it_was_made_of(chain):
    answer = back(chain, "dataset:features@1", "bmi")
    assert edges(answer) == {
        ("features.bmi", "TRANSFORMATION", "clean.height"),
        ("features.bmi", "TRANSFORMATION", "clean.weight"),
        ("clean.height", "IDENTITY", "raw.Height"),
        ("clean.weight", "IDENTITY", "raw.weight"),
    }
    assert [named(each) for each in answer.sources] == ["raw.Height", "raw.weight"]
    assert answer.subject == "dataset:features@1"
    text = shown(answer, render_trace)
    assert "rests on 2 columns of s3://lake/raw: Height, weight" in text
    assert "comment" not in text


def test_a_column_leads_forward_to_what_uses_it_and_to_nothing_else(chain):
    answer = forward(chain, "dataset:raw@1", "weight")
    assert below(answer) == {"clean.weight", "features.bmi", "features.heavy"}
    assert ("features.heavy", "AGGREGATION", "clean.weight") in edges(answer)
    assert below(forward(chain, "dataset:raw@1", "Height")) == {"clean.height", "features.bmi"}
    assert below(forward(chain, "dataset:raw@1", "comment")) == {"clean.comment"}
    assert "used by 3 columns of datasets, no model, no prediction column" in shown(answer, render_impact)
    assert "nothing on record uses it" in shown(forward(chain, "dataset:features@1", "bmi"), render_impact)


def test_both_ways_tell_the_same_edges(chain):
    for column in ("bmi", "heavy"):
        for source in back(chain, "dataset:features@1", column).sources:
            assert f"features.{column}" in below(forward(chain, "dataset:raw@1", source.column))


def test_a_depth_cuts_the_way_and_says_so(chain):
    answer = back(chain, "dataset:features@1", "heavy", 1)
    assert [(named(each), each.cut) for each in answer.columns] == [("features.heavy", False), ("clean.weight", True)]
    assert "raise --depth" in shown(answer, render_trace)
    answer = forward(chain, "dataset:raw@1", "weight", 1)
    assert [(named(each), each.cut) for each in answer.columns] == [("raw.weight", False), ("clean.weight", True)]
    assert not any(each.cut for each in forward(chain, "dataset:raw@1", "comment", 1).columns)


def test_a_diamond_is_drawn_once(lineage):
    raw, left, right = table("raw", "x"), table("left", "x"), table("right", "x")
    make(raw, makes=left, of={"x": [(raw, "x")]})
    make(raw, makes=right, of={"x": [(raw, "x", "TRANSFORMATION")]})
    both = table("both", "x")
    make(left, right, makes=both, of={"x": [(left, "x"), (right, "x")]})
    end = table("end", "x")
    make(both, makes=end, of={"x": [(both, "x")]})
    answer = back(lineage, "dataset:end@1", "x")
    assert sorted(map(named, answer.columns)) == ["both.x", "end.x", "left.x", "raw.x", "right.x"]
    assert len(answer.edges) == 5
    answer = forward(lineage, "dataset:raw@1", "x")
    assert below(answer) == {"left.x", "right.x", "both.x", "end.x"}
    assert len(answer.edges) == 5
    assert shown(answer, render_impact).count("as above") == 1


def test_versions_are_kept_apart(lineage):
    for version in ("1", "2"):
        raw, clean = table("raw", "x", version=version), table("clean", "x", version=version)
        make(raw, makes=clean, of={"x": [(raw, "x")]})
    assert [each.version for each in back(lineage, "dataset:clean@1", "x").columns] == ["1", "1"]
    assert [each.version for each in forward(lineage, "dataset:raw@2", "x").columns] == ["2", "2"]


def test_who_reads_something_of_it_and_another_version_makes_no_column_of_it(lineage):
    # As the evaluation of a challenger does: it reads the champion, and held-out rows of its own.
    first, second = (table("test", "age", version=version) for version in "12")
    champion = Model("demo.model", digest("m"), "models:/m-1", columns=(Column("age", "int64"),))
    snapshot = table("snapshot", "age")
    make(snapshot, makes=first, of={"age": [(snapshot, "age")]})
    make(snapshot, makes=champion, of={"age": [(snapshot, "age")]})
    make(champion, second, makes=table("judged", "prediction"), of={"prediction": [(second, "age")]})
    found = forward(lineage, "dataset:snapshot@1", "age")
    assert {named(each) for each in found.columns} >= {"test.age"}
    assert not [each for each in found.columns if each.column == "prediction"]


def test_what_a_run_makes_of_no_column_ends_the_way(chain):
    (found,) = back(chain, "dataset:clean@1", "row").columns
    assert found.end == "made"
    assert "rests on no source column" in shown(back(chain, "dataset:clean@1", "row"), render_trace)


def test_a_source_is_its_own_origin(chain):
    (found,) = back(chain, "dataset:raw@1", "weight").columns
    assert (found.end, found.run_id) == ("source", None)
    assert "nothing on record wrote it" in shown(back(chain, "dataset:raw@1", "weight"), render_trace)


def test_models_and_predictions_that_use_a_column(lineage):
    train = table("train", "age", "note", "y")
    model = Model("demo.model", digest("m"), "models:/m-1", columns=(Column("age", "int64"), Column("y", "binary")))
    learnt = [(train, "age", "AGGREGATION"), (train, "y", "AGGREGATION")]
    make(train, makes=model, of={"age": [(train, "age", "TRANSFORMATION")], "y": learnt})
    registered = register(model, 1)
    batch = table("batch", "age")
    scores = Dataset("s3://out/p", name="demo.predictions", version="p1", columns=(Column("prediction", "int64"),))
    rests = [(batch, "age", "TRANSFORMATION"), (registered, "y", "TRANSFORMATION")]
    make(registered, batch, makes=scores, of={"prediction": rests})

    answer = forward(lineage, "dataset:train@1", "age")
    assert [(each.name, each.number, each.holds) for each in answer.models] == [("demo", 1, ("champion",))]
    assert "demo.predictions.prediction" in below(answer)
    text = shown(answer, render_impact)
    assert "1 model, 1 prediction column of 1 batch" in text
    assert "model:demo@1 @champion" in text
    assert forward(lineage, "dataset:train@1", "note").models == ()

    answer = back(lineage, "model:demo@champion", "age")
    assert answer.subject == "model:demo@1"
    assert [named(each) for each in answer.sources] == ["train.age"]
    assert {named(each) for each in back(lineage, "dataset:demo.predictions", "prediction").sources} == {
        "batch.age",
        "train.age",
        "train.y",
    }
    assert below(forward(lineage, "model:demo@1", "y")) == {"demo.predictions.prediction"}


def test_a_prediction_uses_all_columns_that_its_model_takes(lineage):
    train = table("train", "age", "y")
    columns = tuple(Column(each, "int64") for each in ("age", "y"))
    model = Model("demo.model", digest("m"), "models:/m-1", columns=columns)
    make(train, makes=model, of={each.name: [(train, each.name, "AGGREGATION")] for each in columns})
    registered = register(model, 1)
    scores = Dataset("s3://out/p", name="demo.predictions", version="p1", columns=(Column("prediction", "int64"),))
    make(registered, makes=scores, of={"prediction": [(registered, "y", "TRANSFORMATION")]})

    # The run that predicts names the target alone: it is what the model answers.
    answer = forward(lineage, "model:demo@1", "age")
    assert below(answer) == {"demo.predictions.prediction"}
    assert "1 prediction column of 1 batch" in shown(answer, render_impact)
    # From a model to a model a column stays itself.
    assert "models/demo.y" not in below(forward(lineage, "dataset:train@1", "age"))


def test_a_file_is_known_by_its_content(lineage, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("x,y\n1,2\n")
    clean = table("clean", "x")
    raw = Dataset(file, columns=(Column("x", "int64"), Column("y", "int64")))
    make(raw, makes=clean, of={"x": [(raw, "x")]})
    moved = file.rename(tmp_path / "moved.csv")
    assert below(forward(lineage, f"file:{moved}", "x")) == {"clean.x"}
    assert back(lineage, "dataset:clean@1", "x").sources[0].name == file.as_posix()


def test_the_past_has_what_was_recorded_then(chain):
    when = datetime.now(UTC).isoformat()
    features, report = table("features", "bmi"), table("report", "mean")
    make(features, makes=report, of={"mean": [(features, "bmi", "AGGREGATION")]})
    assert "report.mean" in below(forward(chain, "dataset:raw@1", "weight"))
    with past.as_of(chain.store, past.moment(chain.store, when)) as then:
        assert below(column_impact(then, Subject.parse("dataset:raw@1"), "weight")) == {
            "clean.weight",
            "features.bmi",
            "features.heavy",
        }


def test_what_tells_no_columns_is_said_not_guessed(chain):
    make(table("features", "bmi"), makes=table("untold", "z"))
    answer = forward(chain, "dataset:raw@1", "weight")
    assert answer.untold == ("untold@1",)
    assert "not told: which columns these were made of: untold@1" in shown(answer, render_impact)
    after = table("after", "z")
    untold = table("untold", "z")
    make(untold, makes=after, of={"z": [(untold, "z")]})
    assert back(chain, "dataset:after@1", "z").columns[-1].end == "untold"
    message = refused(back, chain, "dataset:untold@1", "z")
    assert "no column lineage is on record, for the run that wrote it (derive) told none" in message
    message = refused(forward, chain, "dataset:features@1", "bmi")
    assert "no column lineage is on record of what was made of it" in message


def test_what_an_event_had_no_room_for_is_said(lineage):
    names = [f"c{number}" for number in range(1500)]
    raw, made = table("raw", *names), table("wide", *names[:10])
    make(raw, makes=made, of={name: [(raw, each) for each in names] for name in names[:10]})
    answer = back(lineage, "dataset:wide@1", "c1")
    assert len(answer.sources) < 1500
    assert answer.short == ("wide@1",)
    assert "not all told, for an event has no room for it: the columns of wide@1" in shown(answer, render_trace)
    assert forward(lineage, "dataset:raw@1", "c1").short == ("wide@1",)


def test_an_unknown_column_is_answered_with_the_nearest(chain):
    assert "no column 'heigth'; did you mean 'Height'?" in refused(forward, chain, "dataset:raw@1", "heigth")
    assert "did you mean 'bmi'?" in refused(back, chain, "dataset:features@1", "BMI")
    assert "there are bmi, heavy" in refused(back, chain, "dataset:features@1", "zzz")


@pytest.mark.parametrize("subject", ["run:abc", "prediction:p1", "record:demo/1"])
def test_what_has_no_columns_is_refused(chain, subject):
    for ask in (back, forward):
        kind = subject.partition(":")[0]
        assert f"a {kind} has no columns of its own; --column goes with dataset:" in refused(ask, chain, subject, "x")


def test_a_table_without_columns_on_record(lineage):
    make(table("bare"), makes=table("made"))
    assert "no columns are on record for it" in refused(forward, lineage, "dataset:bare@1", "x")


def lineage_of(events, fields, *, kinds=("COMPLETE",), dataset=()):
    """The same events with a columnLineage facet, as other producers write it, at some of them."""
    facet = {"_producer": "urn:other", "_schemaURL": "urn:schema", "fields": fields}
    if dataset:
        facet["dataset"] = list(dataset)
    for event in events:
        for output in event["outputs"] if event["eventType"] in kinds else ():
            output.setdefault("facets", {})["columnLineage"] = facet
    return events


def field(namespace, name, column, *how):
    found = {"namespace": namespace, "name": name, "field": column}
    return found | ({"transformations": list(how)} if how else {})


def test_the_way_goes_on_through_dbt_and_spark(lineage):
    warehouse = "postgres://dwh:5432"
    of_dbt = {
        "total": {
            "inputFields": [field(warehouse, "shop.public.raw", "amount"), field(warehouse, "shop.public.raw", "tax")],
            "transformationType": "AGGREGATION",
            "transformationDescription": "sum",
        },
        "email": {"inputFields": [field(warehouse, "shop.public.raw", "mail")], "transformationType": "MASKED"},
    }
    how = {"type": "DIRECT", "subtype": "TRANSFORMATION", "description": "", "masking": False}
    joined = field(warehouse, "shop.public.orders", "email", {"type": "INDIRECT", "subtype": "JOIN"})
    of_spark = {"score": {"inputFields": [field(warehouse, "shop.public.orders", "total", how)]}}
    orders = lineage_of(dbt("orders", HOUR[1], HOUR[2], reads=("raw",)), of_dbt)
    job = spark("score", HOUR[3], HOUR[4], reads=(), writes="scores", version="3")
    for event in job:
        event["inputs"] = [{"namespace": warehouse, "name": "shop.public.orders", "facets": {}}]
    # Spark tells it while it runs, and not again at the end.
    lineage_of(job, of_spark, kinds=("RUNNING",), dataset=[joined])
    import_events(lineage.store, io.BytesIO(ndjson(*orders, *job).encode()), "log")
    features = table("features", "s")
    scores = Dataset("s3://lake/scores", version="3")
    make(scores, makes=features, of={"s": [(scores, "score")]})

    answer = back(lineage, "dataset:features@1", "s")
    assert edges(answer) == {
        ("features.s", "IDENTITY", "scores.score"),
        ("scores.score", "TRANSFORMATION", "shop.public.orders.total"),
        ("scores.score", "JOIN", "shop.public.orders.email"),
        ("shop.public.orders.total", "AGGREGATION", "shop.public.raw.amount"),
        ("shop.public.orders.total", "AGGREGATION", "shop.public.raw.tax"),
        ("shop.public.orders.email", "DIRECT", "shop.public.raw.mail"),
    }
    text = shown(answer, render_trace)
    assert "INDIRECT JOIN" in text
    assert "DIRECT (masked)" in text
    answer = forward(lineage, "dataset:shop.public.raw", "amount")
    assert below(answer) == {"shop.public.orders.total", "scores.score", "features.s"}
    assert json.loads(terminal.to_json(answer))["edges"][0]["transformations"][0]["description"] == "sum"
