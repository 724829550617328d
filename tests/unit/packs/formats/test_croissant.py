"""Croissants: what mlcroissant reads of them, and of the rows beside them."""

import json

import pytest

from lineal import Column, Dataset, Model, traced
from lineal.packs.formats import croissant
from lineal.packs.formats.said import data_path
from tests.parts import judges
from tests.parts.audited import MLFLOW
from tests.unit.packs.formats.conftest import EVIL, registered, table_of


@traced
def fit(data: Dataset):
    registered()
    return Model("models/demo", "ab" * 32, "models:/demo/1", namespace=MLFLOW, number=1)


def texts(known):
    return {each.path: json.loads(each.content) for each in croissant.documents(known)}


def test_each_version_of_data_has_one(much):
    found = texts(much)
    assert [each["name"] for each in found.values()] == ["source.csv", "demo.snapshot", "demo.train", "demo.test"]
    source, _, train, _ = found.values()
    assert next(iter(found)).startswith("croissant/source.csv@555555555555-")
    assert source["distribution"][0]["md5"] == "5" * 32
    assert source["distribution"][0]["contentUrl"] == "s3://lake/source.csv"
    assert "no run on record wrote it" in source["description"]
    assert train["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert train["creator"]["name"] == "Oncology"
    assert "Written by train.split" in train["description"]
    assert [(each["name"], each["dataType"]) for each in train["recordSet"][0]["field"]] == [
        (name, "sc:Integer") for name in ("x", "z", "y")
    ]
    assert train["rai:personalSensitiveInformation"] == "Declared as personal data: z"


def test_what_has_no_version_has_none(little):
    assert texts(little) == {}


def test_data_that_is_known_by_no_hash_is_described_without_its_file(lineage, gathered, tmp_path):
    fit(Dataset("s3://lake/delta", name="orders", version="17", rows=3, columns=(Column("x", "int64"),)))
    (made,) = texts(gathered()).values()
    assert "distribution" not in made
    assert made["version"] == "1.0.0+17"
    (tmp_path / "one.json").write_text(json.dumps(made))
    assert judges.croissant(tmp_path / "one.json") == ""


@pytest.mark.slow
def test_the_rows_beside_it_are_read(lineage, gathered, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = ("mean radius", "mean_radius", 'we"ird/<b>', "Ж", EVIL.replace("\x1b", "").replace("\u202e", ""))
    table = pa.table({name: pa.array([1, 2]) if place else pa.array(["a", "b"]) for place, name in enumerate(names)})
    pq.write_table(table, tmp_path / "train.parquet")
    columns = tuple(Column(name, "int64" if place else "string") for place, name in enumerate(names))
    fit(table_of(tmp_path / "train.parquet", columns).but(namespace="lineal"))
    known = gathered()
    (document,) = croissant.documents(known)
    file = tmp_path / "pack" / document.path
    file.parent.mkdir(parents=True)
    file.write_bytes(document.content)
    assert judges.croissant(file) == ""
    rows = tmp_path / "pack" / data_path(known.tables[0])
    rows.parent.mkdir()
    (tmp_path / "train.parquet").rename(rows)
    assert judges.rows(file) == table.to_pylist()
    # Bytes that are not those on record are no data of this version.
    rows.write_bytes(rows.read_bytes() + b"x")
    with pytest.raises(AssertionError, match="hash"):
        judges.rows(file)
