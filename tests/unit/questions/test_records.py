"""One record: found by its id in the bytes of snapshots, splits and predictions, and nowhere else."""

import json
from datetime import date

import pyarrow as pa
import pytest
import sqlalchemy as sa

from lineal import Dataset, Model, current_run, traced
from lineal.datasets.cache import Cache
from lineal.datasets.table import write_table
from lineal.datasets.types import ROW
from lineal.errors import SubjectError
from lineal.questions.records import record_impact
from lineal.subjects import Subject
from tests.parts.made_up import digest, evaluate, register


def snapshot_of(ids, **columns):
    return pa.table({"id": ids, "x": [float(number) for number in range(len(ids))], **columns})


@traced
def ingest(table, sources):
    for name, rows in sources:
        current_run().input(Dataset(f"s3://lake/{name}", version=digest(name)[:32], rows=rows))
    return write_table(table, "demo.snapshot")


@traced
def split(snapshot: Dataset, table, held):
    numbered = table.append_column(ROW, pa.array(range(table.num_rows), pa.int64()))
    mask = pa.array([number in held for number in range(table.num_rows)])
    return write_table(numbered.filter(pa.compute.invert(mask)), "demo.train"), write_table(
        numbered.filter(mask), "demo.test"
    )


@traced
def fit(train: Dataset):
    return Model("demo.model", digest(train.version)[:40], "models:/m-1")


@traced
def judge(model: Model, test: Dataset):
    return evaluate(model, test)


@traced
def score(model: Model, table):
    return write_table(table, "demo.predictions")


@traced
def pipeline(table, number, held=(0,), column="id", sources=(("data.csv", None),)):
    if column:
        current_run().parameters({"source.id": column})
    sources = [(name, table.num_rows if rows is None else rows) for name, rows in sources]
    snapshot = ingest(table, sources)
    train, test = split(snapshot, table, held)
    model = fit(train)
    return register(model, judge(model, test), number)


def predict(model, ids, number=1):
    count = len(ids)
    rows = {
        "id": ids,
        "prediction_id": [f"p{number}_{row}" for row in range(1, count + 1)],
        "prediction": ["a"] * count,
        "probability_a": [0.75] * count,
        "model_version": [number] * count,
    }
    return score(model, pa.table(rows))


def ask(lineage, text):
    return record_impact(lineage.store, Subject.parse(text))


def test_a_record_is_led_to_its_source_its_split_its_models_and_its_predictions(lineage):
    ids = [f"case-{number}" for number in range(10)]
    first = pipeline(snapshot_of(ids), 1, held=(0, 3), sources=[("a.csv", 4), ("b.csv", 6)])
    pipeline(snapshot_of(ids[:9]), 2, held=(5,))
    predict(first, ["case-9", "case-5"])
    answer = ask(lineage, "record:demo/case-5")
    assert answer.column == "id"
    assert [(each.row, each.source, each.source_row, each.part) for each in answer.snapshots] == [
        (6, "b.csv", 2, "training"),
        (6, "data.csv", 6, "held out"),
    ]
    assert [model.number for model in answer.learned] == [1]
    assert [model.number for model in answer.judged] == [2]
    (made,) = answer.predictions
    assert (made.prediction_id, made.prediction, made.probabilities, made.model_version, made.row) == (
        "p1_2",
        "a",
        {"a": 0.75},
        1,
        2,
    )
    assert answer.missing == ()
    # It is in the second snapshot no more.
    assert [each.row for each in ask(lineage, "record:demo/case-9").snapshots] == [10]


@pytest.mark.parametrize(
    ("ids", "asked"),
    [
        ([10, 20, 30], "20"),
        ([-1, 2**60, 7], str(2**60)),
        (["a/b", "x#1@2", "ü"], "x#1@2"),
        ([date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)], "2026-01-02"),
        ([1.5, 2.5, None], "2.5"),
    ],
)
def test_ids_of_any_type(lineage, ids, asked):
    pipeline(snapshot_of(ids), 1)
    assert [each.row for each in ask(lineage, f"record:demo/{asked}").snapshots] == [2]


def test_an_id_of_another_type_is_an_id_that_is_not_there(lineage):
    pipeline(snapshot_of([10, 20, 30]), 1)
    for asked in ("abc", "10.5", "40", "9" * 30):
        with pytest.raises(SubjectError, match=rf"the one snapshot of demo has no record with id = {asked}"):
            ask(lineage, f"record:demo/{asked}")


def test_an_id_that_stands_twice_is_found_twice(lineage):
    pipeline(snapshot_of(["a", "b", "a"]), 1, held=(2,))
    answer = ask(lineage, "record:demo/a")
    assert [(each.row, each.part) for each in answer.snapshots] == [(1, "training"), (3, "held out")]
    assert [model.number for model in answer.learned] == [model.number for model in answer.judged] == [1]


def test_each_split_of_one_snapshot_is_told_of(lineage):
    table = snapshot_of([10, 11, 12, 13])
    for number, held in enumerate(((0,), (1, 2), (0, 3)), 1):
        pipeline(table, number, held=held)
    found = ask(lineage, "record:demo/10")
    assert [each.part for each in found.snapshots] == ["held out", "training", "held out"]
    assert len({each.version for each in found.snapshots}) == 1
    assert [each.number for each in found.learned] == [2]
    assert sorted(each.number for each in found.judged) == [1, 3]
    assert [each.number for each in ask(lineage, "record:demo/11").learned] == [1, 3]


def test_a_part_that_two_snapshots_gave_is_of_both(lineage):
    pipeline(snapshot_of(["a", "b", "c"]), 1, held=(2,))
    pipeline(snapshot_of(["a", "b", "d"]), 2, held=(2,))
    first, second = ask(lineage, "record:demo/a").snapshots
    assert first.version != second.version
    assert (first.part, first.part_version) == (second.part, second.part_version)
    assert first.part == "training"


def test_more_snapshots_are_no_more_queries(lineage):
    queries = []
    sa.event.listen(lineage.store.engine, "before_cursor_execute", lambda *query: queries.append(query[2]))

    def count():
        queries.clear()
        ask(lineage, "record:demo/a")
        return len(queries)

    for number in range(1, 5):
        pipeline(snapshot_of(["a", "b", f"c{number}"]), number)
        if number == 2:
            few = count()
    assert count() == few


def test_without_an_id_column_a_record_is_known_by_file_and_row(lineage):
    pipeline(snapshot_of([1, 2, 3, 4]), 1, column=None, sources=[("one.csv", 3), ("folder/two.csv", 1)])
    answer = ask(lineage, "record:demo/two.csv#1")
    assert [(each.row, each.source, each.source_row) for each in answer.snapshots] == [(4, "folder/two.csv", 1)]
    assert [model.number for model in answer.learned] == [1]
    with pytest.raises(SubjectError, match=r"names no id column, so a record of it is known by file and row; write"):
        ask(lineage, "record:demo/4")
    with pytest.raises(SubjectError, match=r"the one snapshot of demo has no record of row 5 of one\.csv"):
        ask(lineage, "record:demo/one.csv#5")


def test_with_an_id_column_file_and_row_are_understood_as_well(lineage):
    """A batch may lack the column; and who holds a file in hand may have nothing but a row of it."""
    first = pipeline(snapshot_of(["a", "b", "c"]), 1, held=(), sources=[("one.csv", 2), ("two.csv", 1)])

    @traced
    def read(sources):
        for name, rows in sources:
            current_run().input(Dataset(f"s3://lake/{name}", version=digest(name)[:32], rows=rows))
        return write_table(pa.table({"x": [0.5, 1.5]}), "demo.batch")

    @traced
    def score_batch(model: Model, batch: Dataset, rows):
        return write_table(pa.table(rows), "demo.predictions")

    made = {"prediction_id": ["p_1", "p_2"], "prediction": ["n", "y"], "model_version": [1, 1]}
    score_batch(first, read([("new.csv", 2)]), {"row": [1, 2], **made})
    (predicted,) = ask(lineage, "record:demo/new.csv#2").predictions
    assert (predicted.prediction_id, predicted.prediction, predicted.row) == ("p_2", "y", 2)

    answer = ask(lineage, "record:demo/two.csv#1")
    assert (answer.column, answer.ids) == (None, ("c",))
    assert [(each.row, each.source, each.source_row, each.part) for each in answer.snapshots] == [
        (3, "two.csv", 1, "training")
    ]
    assert [model.number for model in answer.learned] == [1]
    with pytest.raises(
        SubjectError, match=r"no record with id = two\.csv#2, and none is row 2 of a file two\.csv; see"
    ):
        ask(lineage, "record:demo/two.csv#2")
    # An id that looks like a place is an id.
    pipeline(snapshot_of(["two.csv#1"]), 2)
    assert ask(lineage, "record:demo/two.csv#1").column == "id"


def test_what_is_gone_is_named(lineage):
    first = pipeline(snapshot_of(["a", "b"]), 1)
    pipeline(snapshot_of(["a", "b", "c"]), 2)
    predictions = predict(first, ["a"])
    whole = ask(lineage, "record:demo/a")
    assert len(whole.predictions) == 1
    for version in (whole.snapshots[0].version, predictions.version):
        Cache().path(version).unlink()
    answer = ask(lineage, "record:demo/a")
    assert [each.version for each in answer.snapshots] == [whole.snapshots[1].version]
    assert answer.predictions == ()
    assert len(answer.missing) == 2
    assert f"the bytes of demo.snapshot@{whole.snapshots[0].version[:12]} are not in the cache" in answer.missing[0]
    path = Cache().path(whole.snapshots[1].version)
    path.chmod(0o644)
    path.write_bytes(b"no parquet")
    with pytest.raises(SubjectError, match=r"none of the 2 snapshots .* as far as can be told: .* more; see"):
        ask(lineage, "record:demo/a")


def test_what_was_altered_is_not_asked(lineage):
    pipeline(snapshot_of(["a", "b"]), 1, held=())
    pipeline(snapshot_of(["a", "b", "c"]), 2, held=())
    first = ask(lineage, "record:demo/a").snapshots[0].version
    other = write_table(snapshot_of(["z", "b"]), "demo.other")
    path = Cache().path(first)
    path.chmod(0o644)
    path.write_bytes(Cache().path(other.version).read_bytes())
    answer = ask(lineage, "record:demo/a")
    assert [model.number for model in answer.learned] == [2]
    assert answer.missing == (f"demo.snapshot@{first[:12]} is not what was recorded: {path} was altered",)


def test_an_unknown_pipeline_is_guessed_at(lineage):
    pipeline(snapshot_of(["a"] * 2), 1)
    with pytest.raises(SubjectError, match=r"no snapshot of a pipeline 'dem' is on record; did you mean record:demo/a"):
        ask(lineage, "record:dem/a")


def test_no_value_of_a_row_gets_into_an_event(lineage):
    model = pipeline(snapshot_of(["secret-1", "secret-2"]), 1)
    predict(model, ["secret-1"])
    ask(lineage, "record:demo/secret-1")
    assert "secret-1" not in lineage.ndjson()
    assert json.loads(lineage.ndjson().splitlines()[0])


def test_predictions_are_found_by_each_name_that_the_id_column_had(lineage):
    for number, (column, ids) in enumerate((("sample", [1, 2]), ("sid", [1, 3]), ("row", [1])), 1):
        model = pipeline(
            snapshot_of(ids).rename_columns([column, "x"]), number, column=None if column == "row" else column
        )
        score(model, pa.table({column: ids, "prediction_id": [f"p{number}_{place}" for place in range(len(ids))]}))
    answer = ask(lineage, "record:demo/1")
    assert [each.prediction_id for each in answer.predictions] == ["p1_0", "p2_0"]
    (missing,) = answer.missing
    assert answer.column == "sid"
    assert missing.startswith("demo.predictions@")
    assert missing.endswith(" has no column sid or sample")
