"""What the formats say alike of a dataset version: its hashes, and the name of its file."""

from dataclasses import replace

import pytest

from lineal import Dataset, Model, traced
from lineal.packs.formats import card, croissant
from lineal.packs.formats.said import data_path, digests, file_stem, said
from tests.parts.audited import MLFLOW
from tests.unit.packs.formats.conftest import registered

# DVC points to the folder that the file lies in, or still to what was in the file before.
POINTERS = [{"md5": "a" * 32 + ".dir", "size": 7}, {"md5": "a" * 32, "size": 7}]


@pytest.mark.parametrize("pointer", POINTERS)
def test_a_sources_hash_is_its_own_wherever_dvc_points(much, pointer):
    source = next(table for table in much.tables if table.kind == "FILE")
    tracked = replace(source, facets={**source.facets, "lineal_dvc": pointer})
    assert digests(tracked) == {"md5": "5" * 32}
    (file,) = croissant.croissant(tracked, None, much, said(much))["distribution"]
    assert (file["md5"], file.get("contentSize")) == ("5" * 32, None)


def test_the_card_says_what_kind_of_hash_each_is(much):
    assert f"`{'5' * 32}` (MD5)" in card.card(much)


@traced
def fit_to_alike(tables: list[Dataset]):
    registered()
    return Model("models/demo", "ab" * 32, "models:/demo/1", namespace=MLFLOW, number=1)


def test_versions_whose_names_are_alike_have_files_of_their_own(lineage, gathered):
    names = ("gr\N{LATIN SMALL LETTER O WITH DIAERESIS}\N{LATIN SMALL LETTER SHARP S}e", "a/b", "a_b", "A_b", "a b")
    fit_to_alike([Dataset("s3://lake/x", name=name, version="1" * 32, rows=1) for name in names])
    tables = gathered().tables
    assert {table.name for table in tables} == set(names)
    assert len({data_path(table).casefold() for table in tables}) == len(names)
    assert any(file_stem(table).startswith(f"{names[0]}@111111111111-") for table in tables)
    paths = [document.path.casefold() for document in croissant.documents(gathered())]
    assert len(set(paths)) == len(names)


def test_a_very_long_name_gives_a_file_that_can_be_unpacked(much):
    table = replace(much.tables[1], name="\N{CJK UNIFIED IDEOGRAPH-65E5}" * 500)
    assert len(f"{file_stem(table)}.parquet".encode()) < 255
