"""What the formats say alike of a dataset version: its hashes."""

from dataclasses import replace

import pytest

from lineal.packs.formats import card, croissant
from lineal.packs.formats.said import digests, said

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
