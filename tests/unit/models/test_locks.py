"""Installed packages held against lock files of each form that is known."""

import json

import pytest

from lineal.models.locks import compare

INSTALLED = {"numpy": "2.4.6", "some-thing": "1.0+cpu", "extra": "3", "pip": "26"}
PACKAGES = '[[package]]\nname = "numpy"\nversion = "2.4.6"\n[[package]]\nname = "Some_Thing"\nversion = "1.0"\n'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", f"version = 1\n{PACKAGES}"),
        ("poetry.lock", PACKAGES),
        ("pdm.lock", PACKAGES),
        (
            "requirements.txt",
            "# a comment\nnumpy==2.4.6 \\\n  --hash=sha256:00\nsome.thing[x]==1.0 ; python_version > '3'\n",
        ),
        (
            "Pipfile.lock",
            json.dumps({"default": {"numpy": {"version": "==2.4.6"}, "some-thing": {"version": "==1.0"}}}),
        ),
    ],
)
def test_what_a_lock_file_does_not_name_is_unpinned(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert compare(tmp_path / name, INSTALLED) == {
        "lock": name,
        "compared": 3,
        "count": 1,
        "unpinned": ["extra 3, which it does not name"],
    }


def test_another_version_is_unpinned_and_of_forks_any_will_do(tmp_path):
    lock = tmp_path / "uv.lock"
    lock.write_text(PACKAGES + '[[package]]\nname = "numpy"\nversion = "2.5"\n[[package]]\nname = "extra"\n')
    assert compare(lock, INSTALLED)["unpinned"] == []
    assert compare(lock, {"numpy": "2.3"})["unpinned"] == ["numpy 2.3, not 2.4.6 or 2.5"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("pixi.lock", "version: 6"), ("uv.lock", "= nonsense"), ("Pipfile.lock", "[]"), ("uv.lock", "package = 3")],
)
def test_of_a_form_that_is_not_known_nothing_is_said(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert compare(tmp_path / name, INSTALLED) is None


def test_only_the_first_are_named(tmp_path):
    (tmp_path / "requirements.txt").write_text("")
    found = compare(tmp_path / "requirements.txt", {f"p{n}": "1" for n in range(80)})
    assert (found["count"], len(found["unpinned"])) == (80, 50)
