"""Dataset names by the OpenLineage naming specification."""

import pytest

from lineal import Dataset, Model
from lineal.tracing.naming import name_of, physical_name


@pytest.mark.parametrize(
    ("uri", "namespace", "name"),
    [
        ("/data/a.csv", "file", "/data/a.csv"),
        ("file:///data/a%20b.csv", "file", "/data/a b.csv"),
        ("s3://bucket/some/key.parquet", "s3://bucket", "some/key.parquet"),
        ("s3a://bucket/key", "s3://bucket", "key"),
        ("gcs://bucket/key", "gs://bucket", "key"),
        ("s3://key:secret@bucket/key", "s3://bucket", "key"),
        ("s3://lake/run#1/part.csv", "s3://lake", "run#1/part.csv"),
        ("gs://lake/a?b/part%20one.csv", "gs://lake", "a?b/part%20one.csv"),
        ("abfss://bronze@acct.dfs.core.windows.net/x.csv", "abfss://bronze@acct.dfs.core.windows.net", "x.csv"),
        ("abfs://silver@acct.dfs.core.windows.net/x#1", "abfss://silver@acct.dfs.core.windows.net", "x#1"),
        ("wasb://raw@acct.blob.core.windows.net/x", "wasbs://raw@acct.blob.core.windows.net", "x"),
        ("abfss://me:pw@acct.dfs.core.windows.net/x", "abfss://acct.dfs.core.windows.net", "x"),
        ("postgresql+psycopg://me:pw@db.example/sales", "postgres://db.example:5432", "sales"),
        ("postgresql://db.example:6000/sales", "postgres://db.example:6000", "sales"),
        ("mysql+pymysql://u:p@h/d", "mysql://h:3306", "d"),
        ("sqlite:////data/x.db", "sqlite", "/data/x.db"),
        ("https://me:pw@host:8443/x/y.csv?token=abc", "https://host:8443", "x/y.csv"),
    ],
)
def test_physical_names(uri, namespace, name):
    assert physical_name(uri) == (namespace, name)


def test_a_relative_path_is_named_from_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert physical_name("x/a.csv") == ("file", f"{tmp_path}/x/a.csv")


def test_a_file_has_one_name_whichever_way_leads_to_it(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    for uri in ("../data/a.csv", f"{tmp_path}/notebooks/../data/a.csv", f"file://{tmp_path}/notebooks/../data/a.csv"):
        assert physical_name(uri) == ("file", f"{tmp_path}/data/a.csv")
    assert physical_name("sqlite:///../x.db") == ("sqlite", f"{tmp_path}/x.db")


def test_a_logical_name_is_in_the_job_namespace(monkeypatch):
    assert name_of(Dataset("/x", name="demo.train")) == ("lineal", "demo.train")
    assert name_of(Model("demo.model", "d", "models:/m-1")) == ("lineal", "demo.model")
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "team")
    assert name_of(Dataset("/x", name="demo.train")) == ("team", "demo.train")
    assert name_of(Dataset("/x", name="demo.train", namespace="other")) == ("other", "demo.train")
