"""Subjects: what a question is about, read and written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.errors import SubjectError
from lineal.subjects import KINDS, Subject

words = st.text(st.characters(categories=["L", "N"], include_characters="._- "), min_size=1)
anything = st.text(min_size=1)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("model:breast-cancer@champion", Subject("model", "breast-cancer", "champion")),
        ("model:breast-cancer", Subject("model", "breast-cancer")),
        ("model:models/wine@3", Subject("model", "models/wine", "3")),
        ("dataset:wine.snapshot@9f2c", Subject("dataset", "wine.snapshot", "9f2c")),
        ("dataset:s3://ada@bucket/wine.csv@9f2c", Subject("dataset", "s3://ada@bucket/wine.csv", "9f2c")),
        ("prediction:01J", Subject("prediction", "01J")),
        ("run:0199-aa", Subject("run", "0199-aa")),
        ("file:data/a@b:c.csv", Subject("file", "data/a@b:c.csv")),
        ("record:wine/17", Subject("record", "wine", "17")),
        ("record:wine/a/b@c", Subject("record", "wine", "a/b@c")),
    ],
)
def test_each_form_is_read_and_written_back(text, subject):
    assert Subject.parse(text) == subject
    assert str(subject) == text


@given(kind=st.sampled_from(["model", "dataset"]), name=anything, version=st.none() | words)
def test_a_versioned_subject_survives_writing(kind, name, version):
    if version is None:
        # Without a version, the name's own last @ would read as the mark of one.
        name = name.replace("@", "") or "x"
    subject = Subject(kind, name, version)

    assert Subject.parse(str(subject)) == subject


@given(kind=st.sampled_from(["prediction", "run", "file"]), name=anything)
def test_a_subject_without_versions_keeps_every_character(kind, name):
    assert Subject.parse(f"{kind}:{name}") == Subject(kind, name)


@given(pipeline=words, record=anything)
def test_a_record_survives_writing(pipeline, record):
    subject = Subject("record", pipeline, record)

    assert Subject.parse(str(subject)) == subject


@given(text=st.text())
def test_any_text_is_a_subject_or_one_sentence(text):
    try:
        subject = Subject.parse(text)
    except SubjectError as refused:
        error = refused
    else:
        assert subject.kind in KINDS
        assert subject.name
        return
    assert error.subject == text
    assert "; " in error.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models:/wine/3", "'models:/wine/3' is no subject; did you mean model:wine@3?"),
        ("models:/wine@champion", "'models:/wine@champion' is no subject; did you mean model:wine@champion?"),
        ("datset:x", "'datset:x' is no subject; did you mean dataset:x?"),
        ("Model:wine@3", "'Model:wine@3' is no subject; did you mean model:wine@3?"),
        ("wine@champion", "'wine@champion' is no subject; did you mean model:wine@champion?"),
        ("wine", "'wine' is no subject; did you mean model:wine?"),
        ("runner", "'runner' is no subject; did you mean model:runner?"),
        ("wine.snapshot@9f2c", "'wine.snapshot@9f2c' is no subject; did you mean dataset:wine.snapshot@9f2c?"),
        ("data/wine.csv", "'data/wine.csv' is no subject; did you mean file:data/wine.csv?"),
        ("s3://lake/wine.csv", "'s3://lake/wine.csv' is no subject; did you mean dataset:s3://lake/wine.csv?"),
        ("wine/17", "'wine/17' is no subject; did you mean record:wine/17?"),
        ("p01k2m9c3q8x4_17", "'p01k2m9c3q8x4_17' is no subject; did you mean prediction:p01k2m9c3q8x4_17?"),
        ("0199aabb-1122", "'0199aabb-1122' is no subject; did you mean run:0199aabb-1122?"),
        (
            "the wine model",
            "'the wine model' is no subject; write one of model:NAME@VERSION_OR_ALIAS, dataset:NAME@VERSION, "
            "prediction:ID, run:ID, file:PATH, record:PIPELINE/ID",
        ),
        ("modle", "'modle' is no subject; did you mean model:NAME@VERSION_OR_ALIAS?"),
        ("mdoel:", "'mdoel:' is no subject; did you mean model:NAME@VERSION_OR_ALIAS?"),
        ("model:", "'model:' is incomplete; write model:NAME@VERSION_OR_ALIAS"),
        ("model:@3", "'model:@3' is incomplete; write model:NAME@VERSION_OR_ALIAS"),
        ("dataset:wine@", "'dataset:wine@' is incomplete; write dataset:NAME@VERSION"),
        ("record:wine", "'record:wine' is incomplete; write record:PIPELINE/ID"),
        ("record:wine/", "'record:wine/' is incomplete; write record:PIPELINE/ID"),
        ("run:", "'run:' is incomplete; write run:ID"),
    ],
)
def test_what_is_no_subject_is_told_with_the_form_to_write(text, said):
    with pytest.raises(SubjectError) as error:
        Subject.parse(text)

    assert error.value.message == said


def test_a_question_takes_only_what_it_can_answer():
    with pytest.raises(SubjectError) as error:
        Subject.parse("file:a.csv", allowed=("model", "run"))
    assert error.value.message == (
        "'file:a.csv' cannot be asked about here; write one of model:NAME@VERSION_OR_ALIAS, run:ID"
    )

    with pytest.raises(SubjectError) as error:
        Subject.parse("files:a.csv", allowed=("model", "run"))
    assert error.value.message == "'files:a.csv' is no subject; write one of model:NAME@VERSION_OR_ALIAS, run:ID"


@pytest.mark.parametrize(
    ("text", "allowed", "said"),
    [
        ("wine", ("model",), "did you mean model:wine?"),
        ("wine.snapshot", ("model",), "did you mean model:wine.snapshot?"),
        ("wine", ("dataset", "file"), "did you mean dataset:wine?"),
        # What cannot be asked about here is never named.
        ("data/wine.csv", ("model", "dataset"), "write one of model:NAME@VERSION_OR_ALIAS, dataset:NAME@VERSION"),
        ("pipelines/wine.toml", ("model",), "write one of model:NAME@VERSION_OR_ALIAS"),
        ("p01k2m9c3q8x4_17", ("model", "run"), "write one of model:NAME@VERSION_OR_ALIAS, run:ID"),
        ("0199aabb-1122", ("model",), "did you mean model:0199aabb-1122?"),
        ("wine/17", ("model",), "write one of model:NAME@VERSION_OR_ALIAS"),
    ],
)
def test_what_is_meant_is_named_among_what_a_question_can_answer(text, allowed, said):
    with pytest.raises(SubjectError) as error:
        Subject.parse(text, allowed=allowed)
    assert error.value.message == f"{text!r} is no subject; {said}"


def test_a_file_that_is_there_is_meant_whatever_it_is_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "LICENSE").touch()
    with pytest.raises(SubjectError, match=re.escape("did you mean file:LICENSE?")):
        Subject.parse("LICENSE")


@given(text=st.text(min_size=1, max_size=300), allowed=st.sets(st.sampled_from(KINDS), min_size=1).map(tuple))
def test_what_is_proposed_can_be_written(text, allowed):
    try:
        Subject.parse(text, allowed=allowed)
    except SubjectError as error:
        proposed = re.search(r"; did you mean (.*)\?$", error.message, re.DOTALL)
        if proposed is not None:
            assert Subject.parse(proposed[1], allowed=allowed).kind in allowed
