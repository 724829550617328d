"""The recorded pipeline file, made to read the recorded data."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineal.errors import ReproductionError
from lineal.pipeline import load
from lineal.reproduction.pipeline_file import pointing_at, reading, without_query
from lineal.reproduction.varying import vary
from lineal.store.log import Store
from lineal.subjects import Subject

QUERY = '''# What we sell.
name = "sales"

[source]
uri = "postgresql://host/db"  # the warehouse
query = """
select *
from sales  -- all
"""
target = "sold"

[model]  # a forest
estimator = "sklearn.ensemble.RandomForestClassifier"
params = { max_depth = 3, random_state = 0 }
'''


def test_the_query_goes_and_the_rest_stays_as_it_was() -> None:
    text = without_query(QUERY)
    assert "select" not in text
    assert text.startswith("# What we sell.")
    assert 'uri = "postgresql://host/db"  # the warehouse' in text
    assert without_query(text) == text


def test_a_file_without_a_query_is_left_as_it_is() -> None:
    text = '[source]\nuri="a.csv"   # odd   spacing\n'
    assert without_query(text) == text


def test_it_reads_the_data_and_does_what_was_set_over_it(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    overrides = ("model.params.max_depth=5", "split.seed=9", "model.params.criterion=gini", "split.seed=11")
    file.write_text(pointing_at(QUERY, "data/snapshot.parquet", overrides))
    again = load(file)
    # The same pipeline as the file with its arguments, but for where it reads.
    (tmp_path / "q.toml").write_text(without_query(QUERY))
    asked = load(tmp_path / "q.toml", data=str(tmp_path / "data" / "snapshot.parquet"), overrides=overrides)
    assert again.model == asked.model
    assert again.split == asked.split
    assert (again.source.uri, again.source.query) == ("data/snapshot.parquet", None)
    assert "# a forest" in file.read_text()


ELSEWHERE = ("source.uri=postgresql://host/other", "source.query=select 1", "source.id=k")
WHOLE = ('source = { uri = "postgresql://host/other", query = "select 1", target = "gone", id = "k" }',)


@pytest.mark.parametrize(("overrides", "target"), [(ELSEWHERE, "sold"), (WHOLE, "gone")])
def test_it_reads_the_data_also_where_another_source_was_set_over_it(
    overrides: tuple[str, ...], target: str, tmp_path: Path
) -> None:
    data, (restored, recorded) = tmp_path / "snapshot.parquet", (tmp_path / "p.toml", tmp_path / "q.toml")
    restored.write_text(pointing_at(QUERY, str(data), overrides))
    recorded.write_text(without_query(QUERY))
    for source in (
        load(restored).source,
        load(recorded, data=str(data), overrides=reading(str(data), overrides)).source,
    ):
        assert (source.uri, source.query, source.target, source.id) == (str(data), None, target, "k")


@pytest.mark.parametrize("changed", [*ELSEWHERE[:2], *WHOLE])
def test_a_variation_is_made_on_no_other_data(changed: str, tmp_path: Path) -> None:
    with pytest.raises(ReproductionError, match=r"--set source.*: a variation is made on the recorded data; train on"):
        vary(Store(f"sqlite:///{tmp_path}/s.db"), Subject("model", "sales", "1"), ["model.threads=2", changed])
