"""W3C PROV: who did what to what, as the package `prov` reads it."""

import pytest
from prov.model import (
    ProvActivity,
    ProvAssociation,
    ProvDerivation,
    ProvDocument,
    ProvEntity,
    ProvGeneration,
    ProvUsage,
)

from lineal.packs.formats import prov
from tests.parts import judges


@pytest.fixture
def read(much):
    """The document, read from its JSON, and the names of what is in it."""
    document, text = prov.documents(much)
    found = ProvDocument.deserialize(content=document.content.decode())
    labels = {str(each.identifier): each.label for each in found.get_records() if each.identifier}
    assert sorted(text.content.decode().splitlines()) == sorted(found.get_provn().splitlines())
    return found, lambda name: labels[str(name)]


def pairs(read, kind):
    found, label = read
    formal = [[value for _, value in record.formal_attributes] for record in found.get_records(kind)]
    return {(label(first), label(second)) for first, second, *_ in formal if first and second}


def test_runs_use_and_make_versions(read):
    assert {each.label for each in read[0].get_records(ProvActivity)} >= {
        "train",
        "train.split",
        "train.fit",
        "approve",
    }
    assert ("train.split", "demo.snapshot") in pairs(read, ProvUsage)
    made = pairs(read, ProvGeneration)
    assert {("demo.train", "train.split"), ("demo.test", "train.split"), ("models/demo", "train.register")} <= made
    # What a task made, its flow has not made as well.
    assert len({what for what, _ in made}) == len(made)


def test_versions_come_of_what_they_were_made_of_and_nothing_else(read):
    derived = pairs(read, ProvDerivation)
    assert ("demo.model", "demo.train") in derived
    assert ("models/demo", "demo.model") in derived
    assert ("demo.test", "demo.snapshot") in derived
    assert ("demo.model", "demo.test") not in derived
    assert ("models/demo", "demo.evaluation") not in derived


def test_people_and_software_are_behind_it(read):
    behind = pairs(read, ProvAssociation)
    assert {("train", "Ada"), ("note", "Grace"), ("approve", "Ada")} <= behind
    # Of which of the two, says whether Prefect was loaded in this process before.
    assert any(who.startswith(("Python 3.", "Prefect 3.")) for what, who in behind if what == "train.fit")


def test_a_version_says_its_hash_and_its_place_where_others_can_have_it(read):
    found, _ = read
    (source,) = [each for each in found.get_records(ProvEntity) if each.label == "source.csv"]
    told = {str(name): value for name, value in source.attributes}
    assert told["lineal:md5"] == "5" * 32
    assert told["prov:location"] == "s3://lake/source.csv"


def test_what_is_lost_is_seen(tmp_path):
    (tmp_path / "empty.json").write_text("{}")
    assert "not the same" in judges.prov(tmp_path / "empty.json")
