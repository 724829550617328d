"""What holds for the documents of every format, whatever is on record."""

import json
import re

import pytest

from tests.parts import judges
from tests.unit.packs.formats.conftest import laid_out, written


def test_the_same_dossier_gives_the_same_bytes(any_dossier):
    first = written(any_dossier)
    assert written(any_dossier) == first
    assert first.keys() >= {"bom.cdx.json", "ro-crate-metadata.json", "model-card.md", "provenance/prov.json"}


def test_the_same_record_and_time_give_the_same_bytes(much, gathered):
    assert written(gathered()) == written(much)


def test_nothing_in_them_acts_on_a_terminal_and_no_secret_is_told(any_dossier):
    for path, document in written(any_dossier).items():
        text = document.content.decode()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text), path
        assert "hush" not in text
        assert "u:secret" not in text
        assert re.fullmatch(r"[\w./@-]+", path)
        assert document.says
        assert not document.says.endswith(".")
        if path.endswith(".json"):
            # What JSON has no word for, such as NaN, is no JSON.
            json.loads(text, parse_constant=pytest.fail)


@pytest.mark.slow
def test_tools_that_are_not_ours_accept_them(any_dossier, tmp_path):
    assert judges.formats(laid_out(any_dossier, tmp_path / "pack")) == {}
