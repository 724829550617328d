"""What is drawn of a pedigree, and what stands in the table beside it."""

import re

import pytest

from lineal.questions.trace import Node, Trace, trace
from lineal.reports.page import drawing
from lineal.reports.page.layered import Box, layered
from lineal.reports.page.pedigree import MOST_STEPS, pedigree
from lineal.store.recalls import Recall
from lineal.subjects import Subject
from tests.parts import audited

MD5 = "0123456789abcdef" * 2


def node(name, *inputs, run="r", kind="TABLE", **more):
    return Node("lineal", name, more.pop("version", name.encode().hex()), kind, run_id=run, inputs=inputs, **more)


def source(name):
    return node(name, run=None, kind="FILE")


def traced(top, **more):
    return Trace(f"dataset:{top.name}", top, None, (), None, (), **more)


def drawn(top, **more):
    return pedigree(traced(top, **more), lambda each: each.name)


def labels(found, kind):
    return [mark.label for mark in found.marks if mark.kind == kind]


def test_a_training_is_drawn_from_source_to_model(lineage):
    audited.train(audited.Plan())
    found = pedigree(trace(lineage.store, Subject("model", "demo", "1")), lambda each: each.name)
    assert labels(found, "run") == ["ingest", "split", "fit", "evaluate", "register"]
    assert labels(found, "file") == ["source.csv"]
    assert sorted(labels(found, "table")) == ["evaluation", "snapshot", "test", "train"]
    assert labels(found, "model") == ["model", "demo"]
    (subject,) = (mark for mark in found.marks if mark.subject)
    assert (subject.label, subject.details[:2]) == ("demo", ("version 1", "@champion"))
    last = found.steps[-1]
    assert (last.name, last.job) == ("models/demo", "train.register")
    assert {found.steps[number - 1].name for number in last.made_from} == {"demo.model", "demo.evaluation"}
    place = layered([Box(mark.id, 10, 10) for mark in found.marks], found.edges)
    assert place.boxes[subject.id].layer == place.layers - 1
    assert found.left_out == ()


def test_what_is_used_twice_is_drawn_once():
    shared = node("shared", source("a.csv"), run="one")
    found = drawn(node("top", node("left", shared, run="two"), node("right", shared, run="three"), run="four"))
    assert labels(found, "table").count("shared") == 1
    assert len(found.steps) == 5
    assert len(found.edges) == 9


def test_a_folder_of_files_is_drawn_as_a_few_and_the_rest_in_one():
    files = [source(f"part-{place:03}.csv") for place in range(300)]
    found = drawn(node("top", *files))
    assert labels(found, "file") == [f"part-00{place}.csv" for place in range(5)]
    assert labels(found, "more") == ["295 more files"]
    assert len(found.steps) == MOST_STEPS
    assert found.left_out == ("The table has the 200 nearest of 301 versions; lineal trace --json has all.",)
    assert "part-005.csv" in next(mark.title for mark in found.marks if mark.kind == "more")


def test_of_a_very_long_descent_the_nearest_is_drawn():
    top = source("0")
    for place in range(1, 5000):
        top = node(str(place), top, run=f"run {place}")
    found = drawn(top)
    assert len(found.marks) == 60
    assert "4999" in labels(found, "table")
    assert found.left_out[0] == "Drawn are the 30 versions nearest to dataset:4999; 4970 further back are not."
    assert drawing.across(found, "s-")


def test_a_circle_is_drawn_as_a_way():
    """Two tables that were made of each other in turn, as traces end them."""
    again = node("a", run="one")
    top = node("a", node("b", again, run="two"), run="one")
    found = drawn(top)
    assert sorted(labels(found, "table")) == ["a", "a", "b"]
    assert drawing.down(found, "s-")


def test_what_was_recalled_is_marked_under_any_name():
    top = node("top", node("bad", run=None, version=MD5), node("good", run=None))
    recall = Recall("file:x", "another key", MD5, "wrong labels", "2026-01-01T00:00:00+00:00", "Ada", "r")
    found = drawn(top, recalls=(recall,))
    assert [mark.label for mark in found.marks if mark.recalled] == ["bad"]
    assert [step.name for step in found.steps if step.recalled] == ["bad"]
    assert "(recalled)</title>" in drawing.across(found, "s-")


def test_a_run_that_wrote_nothing_shows_what_it_read():
    found = drawn(node("check", source("a.csv"), run="r", kind="RUN"))
    assert (labels(found, "run"), labels(found, "file")) == (["check"], ["a.csv"])
    assert [step.name for step in found.steps] == ["a.csv"]


def test_a_long_name_is_cut_in_the_picture_and_whole_in_its_title():
    name = "a_table_whose_name_goes_on_and_on_and_on_until_no_box_can_hold_it"
    picture = drawing.across(drawn(node(name, source("<script>alert(1)</script>.csv"))), "s-")
    shown = re.findall(r'<text class="name"[^>]*>([^<]*)</text>', picture)
    assert any(text.endswith("…") and name.startswith(text[:-1]) for text in shown)
    assert f"table {name}" in picture
    assert "<script" not in picture


@pytest.mark.parametrize("way", [drawing.across, drawing.down])
def test_the_same_pedigree_gives_the_same_picture(way):
    top = node("top", node("left", source("a"), run="one"), node("right", source("a"), run="two"), run="three")
    assert way(drawn(top), "s-") == way(drawn(top), "s-")


@pytest.fixture
def challengers(lineage):
    """Three versions, each judged beside the one before, which held the alias."""
    champion = None
    for number in (1, 2, 3):
        champion = audited.train(audited.Plan(number=number, salt=str(number), champion=champion))
    return trace(lineage.store, Subject("model", "demo", "3"))


def test_what_a_model_was_compared_with_is_named_and_not_followed(challengers):
    found = pedigree(challengers, lambda each: each.name)
    (compared,) = (step for step in found.steps if step.compared)
    assert (compared.name, compared.made_from, compared.run) == ("models/demo", (), None)
    assert [mark.details[0] for mark in found.marks if mark.step == compared.number] == ["compared with"]
    assert not any(compared.number in step.made_from for step in found.steps)
    assert sorted(labels(found, "run")) == sorted(["ingest", "split", "fit", "evaluate", "register"])
    assert found.sentence == (
        "It goes back to 1 source, by way of 5 versions in between, made by 5 runs. "
        "What it was compared with, 1 model, is not followed."
    )


def test_what_came_out_like_its_champion_is_told_apart_from_it():
    """The same data and code gave the same model again, and another number."""

    def version(number, champion=()):
        model = node("model", source("train"), run=f"fit {number}", kind="MODEL", version=MD5)
        judged = node("evaluation", model, *champion, run=f"evaluate {number}")
        return node("models/demo", judged, model, run=f"register {number}", kind="MODEL", version=MD5)

    found = drawn(version(3, [version(2, [version(1)])]))
    assert [step.name for step in found.steps if step.compared] == ["models/demo"]
    assert sorted(step.name for step in found.steps) == ["evaluation", "model", "models/demo", "models/demo", "train"]


def test_a_model_that_made_the_data_is_followed():
    """An embedding is no champion: nobody judged it beside the model."""
    embedding = node("embedding", source("corpus"), run="embed", kind="MODEL")
    test = node("test", embedding, source("raw"), run="split")
    model = node("model", node("train", embedding, run="split"), run="fit", kind="MODEL", version=MD5)
    judged = node("evaluation", model, test, run="evaluate")
    found = drawn(node("models/demo", judged, model, run="register", kind="MODEL", version=MD5))
    assert not any(step.compared for step in found.steps)
    assert "corpus" in [step.name for step in found.steps]


def test_the_sentence_counts_what_the_table_has_no_room_for():
    found = drawn(node("top", *(source(f"part-{place:03}.csv") for place in range(300))))
    assert found.sentence == "It goes back to 300 sources, by way of 0 versions in between, made by 1 run."


def test_the_sentence_on_a_run_that_wrote_nothing():
    assert drawn(node("check", source("a.csv"), kind="RUN")).sentence == "It read 1 source."
    assert drawn(node("check", node("a", source("b"), run="one"), kind="RUN")).sentence == (
        "It goes back to 1 source, by way of 1 version in between, made by 1 run."
    )
    assert drawn(source("a.csv")).sentence == "Nothing on record made it: it is a source itself."
