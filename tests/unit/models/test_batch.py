"""A batch held to its model: what is wrong with it is told in one sentence, with the place."""

import pyarrow as pa
import pytest

from lineal.datasets.checks import require
from lineal.datasets.read import to_frame
from lineal.datasets.snapshot import Snapshot
from lineal.datasets.sources import read
from lineal.datasets.table import write_table
from lineal.errors import CheckError, DataError
from lineal.models import loaded
from lineal.models.batch import hold, learnt_types, signature
from lineal.models.fitting import fit
from lineal.models.model import Model

CHECKS = """
[[checks]]
rows_min = 20
[[checks]]
column = "target"
allowed = ["yes", "no"]
nulls = false
[[checks]]
column = "size"
min = 0
nulls = false
[[checks]]
column = "spare"
nulls = false
"""
HEADER = "key,size,colour,code,when,flag,spare,target"


def line(number, size="", colour="red", code="7", when="2026-01-02", flag="true"):
    return f"{number},{size or number * 0.5},{colour},{code},{when},{flag},x,{'yes' if number % 3 else 'no'}"


@pytest.fixture
def model(make_pipeline, tmp_path):
    pipeline = make_pipeline(more=CHECKS, id='"key"', drop='["spare"]')
    table = [line(n, colour="red" if n % 2 else "blue", code="a7" if n % 5 == 0 else "7") for n in range(40)]
    table = [each.replace("2026-01-02", f"2026-01-{number % 28 + 1:02d}") for number, each in enumerate(table)]
    table = [each.replace("true", "false") if number % 4 else each for number, each in enumerate(table)]
    (tmp_path / "train.csv").write_text("\n".join([HEADER, *table]))
    frame = to_frame(read(str(tmp_path / "train.csv"), "it.train").dataset)
    return pipeline, fit(pipeline, frame).estimator


@pytest.fixture
def held(model, tmp_path):
    def call(*lines, header=HEADER):
        (tmp_path / "new.csv").write_text("\n".join([header, *lines]) + "\n")
        pipeline, estimator = model
        return hold(estimator, pipeline, read(str(tmp_path / "new.csv"), "it.batch"))

    return call


def test_a_signature_is_what_was_learnt(model):
    found = {taken.name: taken for taken in signature(model[1])}
    assert {name: taken.kind for name, taken in found.items()} == {
        "size": "number",
        "colour": "text",
        "code": "text",
        "when": "date",
        "flag": "boolean",
    }
    assert found["colour"].values == {"red", "blue"}


def test_a_good_batch_holds_and_what_is_ignored_is_said(held):
    found = held(f"{line(1)},9", header=f"{HEADER},extra")
    assert found.id == "key"
    # Not those of the rows' number and of the target; that of a column that is no feature is, where it is there.
    assert [(check.column, check.success) for check in found.checks] == [
        ("size", True),
        ("size", True),
        ("spare", True),
    ]
    assert found.notes == (
        "the target 'target' is in the batch; it is not looked at",
        "1 column that the model does not take is ignored: 'extra'",
    )


def test_target_id_and_dropped_columns_need_not_be_there(held):
    found = held("1.5,red,7,2026-01-02,true", header="size,colour,code,when,flag")
    assert found.id is None
    assert found.notes == ("the batch has no id column 'key'; its rows go by their number",)
    assert {check.column for check in found.checks} == {"size"}


@pytest.mark.parametrize(
    ("lines", "header", "message"),
    [
        (
            ["1,red,1"],
            "siez,colour,key",
            r"new\.csv lacks columns that the model takes: 'size', 'code', 'when', 'flag';",
        ),
        ([line(1), line(1)], HEADER, r"the id 'key' is not unique: 1 row repeats an earlier .* \(new\.csv record 2\)"),
        (
            [line(1), line(2, "big")],
            HEADER,
            r"column 'size' holds text where .* numbers, in 1 of 2 rows \(new\.csv reco",
        ),
        ([line(1), line(2, "inf")], HEADER, r"column 'size' is infinite in 1 of 2 rows \(new\.csv record 2\)"),
        ([line(1, when="soon")], HEADER, r"column 'when' holds text where the model learnt dates, in 1 of 1 rows"),
        ([line(1, when="17")], HEADER, r"column 'when' holds numbers where the model learnt dates"),
        ([line(1, flag="2")], HEADER, r"column 'flag' holds numbers where the model learnt true and false"),
        (
            [line(1, colour="5")],
            HEADER,
            r"column 'colour' holds numbers where .* text, and none of them is a value that",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(held, lines, header, message):
    with pytest.raises(DataError, match=message):
        held(*lines, header=header)


def test_what_reads_the_same_is_taken(held):
    held(line(1, code="7", flag="1"))  # numbers that are among the texts that were learnt; 1 for true
    held("1,,,,,,x,")  # missing values are of every kind


def test_a_check_that_does_not_hold_is_told(held):
    found = held(line(1), line(2, size="-1"))
    message = r"check min = 0 does not hold for column 'size': 1 row offends \(new\.csv record 2\)"
    with pytest.raises(CheckError, match=message):
        require(found.checks)


def test_a_missing_value_where_the_pipeline_allows_none(held):
    found = held(line(1), line(2).replace("2,1.0,", "2,,"))
    with pytest.raises(CheckError, match=r"check not_null does not hold for column 'size'"):
        require(found.checks)


def test_a_row_is_read_as_in_training_whatever_rows_are_beside_it(model, tmp_path):
    pipeline, estimator = model
    loaded.remember("d1", estimator)
    columns = read(str(tmp_path / "train.csv"), "it.train").dataset.columns
    for handle in (Model("m", "d1", "models:/m"), Model("m", "d1", "models:/m", columns=columns)):
        told = []
        for more in ([line(2, code="a7")], []):
            (tmp_path / "new.csv").write_text("\n".join([HEADER, line(1, code="07"), *more]) + "\n")
            batch = read(str(tmp_path / "new.csv"), "it.batch", learnt=learnt_types(handle))
            hold(estimator, pipeline, batch)
            frame = to_frame(batch.dataset)
            assert frame["code"][0] == "07"
            told.append(estimator.predict_proba(frame)[0].tolist())
        assert told[0] == told[1]


def test_a_check_may_speak_of_a_column_that_has_no_value_in_the_batch(make_pipeline, tmp_path):
    asked = ['"when"\nmin = 2000-01-01', '"when"\ntype = "date"', '"colour"\nallowed = ["red", "blue"]']
    pipeline = make_pipeline(more="".join(f"[[checks]]\ncolumn = {check}\n" for check in asked))
    table = [f"{when},{colour},{n}" for n, (when, colour) in enumerate([("2026-01-02", "red"), ("", "blue")] * 10)]
    (tmp_path / "train.csv").write_text("\n".join(["when,colour,target", *table]))
    train = read(str(tmp_path / "train.csv"), "it.train").dataset
    (tmp_path / "new.csv").write_text("when,colour\n,\n")
    learnt = learnt_types(Model("m", "d1", "models:/m", columns=train.columns))
    batch = read(str(tmp_path / "new.csv"), "it.batch", learnt=learnt)
    require(hold(fit(pipeline, to_frame(train)).estimator, pipeline, batch).checks)


def test_dates_may_come_as_text(model):
    pipeline, estimator = model
    table = pa.table(
        {"key": [1], "size": [1.0], "colour": ["red"], "code": ["7"], "when": ["2026-03-04T05:06:07Z"], "flag": [True]}
    )
    hold(estimator, pipeline, Snapshot(write_table(table, "it.batch"), ()))
