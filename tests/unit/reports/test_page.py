"""A page about a model: what a reader finds on it, in what form, and that it says the same for the same record."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from lineal.deciding import say
from lineal.people import Person
from lineal.questions.audit import chosen
from lineal.questions.dossier import account, dossier
from lineal.reports.page import Enclosed, Section, page, words
from lineal.subjects import Subject
from lineal.tracing.statements import Outcome
from tests.parts import audited
from tests.unit.reports.conftest import HOSTILE

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Read(HTMLParser):
    """A page as a parser sees it: elements with their attributes, texts, and tags that are not closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [attrs for name, attrs, _ in self.elements if name == tag]


def test_a_stakeholder_finds_what_it_is_how_good_and_who_decided(model, lineage):
    model()
    say(lineage.store, Subject("model", "demo", "1"), "approve", "as good as the pilot", Person("Grace", None))
    about = dossier(lineage.store, Subject("model", "demo", "1"))
    found = Read(page([about]))
    for said in (
        "demo version 1",
        "Will a customer leave?",
        "In use @champion since",
        "0.9500 accuracy",
        "1 of 1 held",
        "Approved by Grace",
        "as good as the pilot",
        "predicts left",
        "RandomForestClassifier",
        "accuracy at least 0.9 0.9500 held",
        "It goes back to 1 source, by way of 5 versions in between, made by 5 runs.",
        "lineal reproduce model:demo@1",
        "EU AI Act, high-risk systems",
    ):
        assert said in found.text, said
    controls = len(about.audit.models[0].results)
    held = rf"Of {controls} controls, the record … supports \d+ contradicts \d+ does not show \d+"
    assert re.search(held, found.text)


def test_a_figure_says_what_it_means(model):
    text = Read(page([model(metrics={"accuracy": 0.95, "neg_mean_absolute_error": -0.2, "our_own": 3.0})])).text
    assert text.count("share of rows answered right; 1 is all") == 2
    assert "mean error without its sign, in units of left; 0 is perfect" in text


@pytest.mark.parametrize(
    ("asked", "actual", "said"),
    [
        ("accuracy >= 0.9", "0.950123", "accuracy at least 0.9 0.9501"),
        ("neg_mean_absolute_error >= -350", "-214.883", "mean absolute error at most 350 214.9"),
        ("neg_log_loss >= -0.5 and <= -0.1", "-0.2", "log loss at most 0.5 and at least 0.1 0.2000"),
        ("accuracy >= 0.9", "nan", "accuracy at least 0.9 it is not defined"),
        ("gap of accuracy by Sex <= 0.1", "0.05", "gap of accuracy by Sex <= 0.1 0.05"),
    ],
)
def test_a_gate_is_told_in_words_and_an_error_without_a_minus(model, asked, actual, said):
    gate = Outcome("gate", actual != "nan", "gate", asked, actual, "it is not defined")
    held = "held" if actual != "nan" else "did not hold"
    assert f"{said} {held}" in Read(page([model(held_to=(gate,))])).text


def test_long_lists_are_counted_where_they_are_folded_away(model, lineage):
    model()
    about = dossier(lineage.store, Subject("model", "demo", "1"))
    found = Read(page([about]))
    results = about.audit.models[0].results
    missing = [each for each in results if each.verdict == "open"]
    counted = re.findall(r"(\d+) controls? that the record does not show, and what is missing", found.text)
    assert sum(map(int, counted)) == len(missing) > 0
    assert "versions, a line each: 1 file, " in found.text
    # Folded away is not left out.
    for each in missing:
        assert each.title in found.text


def test_what_was_decided_on_the_same_model_under_another_number_is_not_told_of_this_one(model, lineage):
    # Their digests are the same: it is taken over the number and the salt together.
    model(1, salt="1", alias="champion")
    model(11, alias="rival")
    text = Read(page([dossier(lineage.store, Subject("model", "demo", "1"), ())])).text
    assert "given an alias @champion" in text
    assert "given an alias @rival" not in text


def test_nothing_is_claimed_about_a_law(model, lineage):
    model()
    whole = page([dossier(lineage.store, Subject("model", "demo", "1"))]).lower()
    for word in ("complies", "compliant", "in compliance", "certified"):
        assert word not in whole
    assert "it does not say whether a law is met" in whole


def test_it_is_sound_html(model):
    text = page([model(), model(2)], files=[Enclosed("a/b c.json", "Events.", 1200)])
    found = Read(text)
    assert text.startswith("<!DOCTYPE html>\n")
    assert found.all("html") == [{"lang": "en"}]
    ids = [attrs["id"] for _, attrs, _ in found.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert all(each["href"][1:] in ids for each in found.all("a") if each["href"].startswith("#"))
    levels = [int(tag[1]) for tag, _, _ in found.elements if re.fullmatch(r"h[1-6]", tag)]
    in_main = levels[1:]  # the list of contents has one of its own
    assert in_main[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(in_main))
    assert in_main.count(1) == 1
    assert all(each.get("scope") in ("col", "row") for each in found.all("th"))
    assert all(each.get("alt") for each in found.all("img"))
    for each in found.all("svg"):
        assert each.get("aria-label") or each.get("aria-hidden")
    for tag, attrs, above in found.elements:
        if tag == "table":
            assert "div" in above, attrs
    assert all(each.get("aria-label") for each in found.all("div") if each.get("role") == "region")


def test_it_needs_nothing_and_may_fetch_nothing(model):
    text = page([model()])
    found = Read(text)
    assert not found.all("script")
    assert [each["href"] for each in found.all("link")] == ["data:,"]
    assert "@import" not in text
    assert "url(" not in text
    assert not [name for _, attrs, _ in found.elements for name in attrs if name == "style" or name.startswith("on")]
    policy = next(each["content"] for each in found.all("meta") if each.get("http-equiv"))
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_hostile_text_is_text(model, hostile_plan):
    text = page([model(**hostile_plan)], title=HOSTILE, files=[Enclosed("javascript:alert(1)", HOSTILE)])
    found = Read(text)
    assert not found.all("script")
    assert not [name for _, attrs, _ in found.elements for name in attrs if name.startswith("on")]
    assert len(found.all("style")) == 1
    assert found.all("a")[-1]["href"] == "./javascript%3Aalert%281%29"
    assert "{{ 7 * 7 }}" in found.text
    assert "<script>document.title='ran';alert(1)</script>" in found.text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)


def test_a_megabyte_of_note_is_cut_and_says_so(model, lineage):
    subject = Subject("model", "demo", "1")
    model()
    say(lineage.store, subject, "note", "word " * 100_000, Person("Grace", None))
    about = dossier(lineage.store, subject, ())
    assert len(about.decisions[0].decision.reason) > 100_000
    text = page([about])
    assert len(text) < 120_000
    assert re.search(r"\(cut here: the first 2,000 of \d{3},\d{3} characters are shown\)", text)


def test_several_models_are_compared_at_the_top(model):
    one, two = model(), model(2, metrics={"accuracy": 0.97, "neg_log_loss": -0.2}, alias=None)
    found = Read(page([one, two]))
    assert found.text.index("accuracy 0.9500 0.9700") < found.text.index("Will a customer leave?")
    assert "log loss (less is better) \u2013 0.2000" in found.text
    assert "All were judged on the same held-out rows" in found.text
    assert "no alias" in found.text


def test_models_that_were_judged_on_other_rows_are_not_to_be_compared(model):
    found = Read(page([model(), model(2, salt="2")]))
    assert "The held-out rows differ, so that a better figure does not mean a better model." in found.text


GROUPS = {
    "columns": [],
    "metrics": ["accuracy", "neg_log_loss"],
    "minRows": 20,
    "level": 0.95,
    "draws": 200,
    "seed": 7,
    "rows": 86,
    "trainRows": 256,
    "groupings": [
        {
            "by": ["Sex"],
            "groups": [
                {
                    "labels": ["MALE"],
                    "rows": 42,
                    "trainRows": 126,
                    "figures": [
                        {"name": "accuracy", "value": 0.8612, "low": 0.7, "high": 0.9},
                        {"name": "neg_log_loss", "value": -0.25, "low": -0.5, "high": -0.125},
                    ],
                },
                {
                    "labels": [HOSTILE],
                    "rows": 2,
                    "trainRows": 7,
                    "figures": [{"name": "accuracy", "reason": "2 rows, fewer than 20"}, {"name": "neg_log_loss"}],
                },
            ],
            "gaps": [
                {"metric": "accuracy", "untold": ["missing"]},
                {"metric": "neg_log_loss", "value": 0.2, "least": "MALE", "greatest": "FEMALE", "untold": []},
            ],
        },
        {"by": ["Age", "Sex"], "problem": "Age has 80 values", "groups": [], "gaps": []},
    ],
}


def test_groups_are_shown_with_what_cannot_be_told(model):
    about = model()
    *others, last = about.facts.evaluations
    last = replace(last, facets={**last.facets, "lineal_groups": GROUPS})
    found = Read(page([replace(about, facts=replace(about.facts, evaluations=(*others, last)))]))
    for said in (
        "A group with fewer than 20 held-out rows has no figures",
        "MALE 42 126 0.8612 0.7000 to 0.9000 0.2500 0.1250 to 0.5000",
        "2 7 2 rows, fewer than 20",
        "fewer than two groups can be told; of missing it cannot be told, so that the gap may be larger",
        "gap in log loss 0.2000 least for FEMALE, greatest for MALE",
        "By Age and Sex there are no figures: Age has 80 values",
    ):
        assert said in found.text, said
    assert not found.all("script")


def test_what_is_recalled_is_told_first(model, lineage):
    from lineal.cli.app import main

    model()
    with pytest.raises(SystemExit):
        main(["recall", "model:demo@1", "--reason", "wrong labels", "--yes"])
    found = Read(page([dossier(lineage.store, Subject("model", "demo", "1"), ())]))
    assert found.text.index("Recalled.") < found.text.index("In use")
    assert "wrong labels" in found.text


def test_where_nothing_is_on_record_it_says_so(model):
    about = model(metrics={}, spread={}, held_to=(), checks=(), parameters={}, gate={})
    found = Read(page([about]))
    for said in ("No metric of it is on record.", "The record does not show it.", "No person has decided or noted"):
        assert said in found.text
    assert "its record holds no pipeline file" in found.text


def test_the_same_record_gives_the_same_page(model):
    about = replace(model(), gathered_at=NOW)
    assert page([about]) == page([about])
    assert "2026-03-01 12:00 UTC" in page([about])


def test_a_picture_that_the_run_kept_stands_in_the_page(model):
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 10
    kept = {"plots/calibration.png": png, "plots/no_picture.png": b"<svg onload=alert(1)>", "plots/x.html": b"<b>"}
    found = Read(page([replace(model(), files=kept)]))
    (image,) = found.all("img")
    assert image["src"].startswith("data:image/png;base64,iVBORw0KGgo")
    assert image["alt"] == "calibration, as the training run kept it"
    assert "1 picture that the training run kept: calibration" in found.text


def test_a_pack_adds_its_files_and_sections(model):
    more = Section("keys", "Whose key it is", ("Ask the owner.",), (("lineal verify pack.zip", "checks all of it"),))
    files = [Enclosed("events.ndjson", "The events.", 12_345), Enclosed("folder/ä b.json", "Another.")]
    found = Read(page([model()], files=files, sections=[more]))
    hrefs = [each["href"] for each in found.all("a")]
    assert {"./events.ndjson", "./folder/%C3%A4%20b.json", "#keys", "#files"} <= set(hrefs)
    for said in ("Whose key it is", "Ask the owner.", "lineal verify pack.zip", "12.3 kB", "The events."):
        assert said in found.text


def test_files_are_named_from_the_project(model, tmp_path):
    about = model()
    assert "s3://lake/source.csv" in Read(page([about], base=tmp_path)).text


def test_a_dataset_a_run_and_several_kinds_on_one_page(model, lineage):
    one = model()
    table = account(lineage.store, Subject("dataset", "demo.train"))
    run = account(lineage.store, Subject("run", lineage.event("train.split")["run"]["runId"]))
    found = Read(page([table, run, one]))
    for said in ("3 subjects:", "demo.train", "75", "made by train.split", "job train.split", "wrote demo.test"):
        assert said in found.text, said
    assert "Side by side" not in found.text


def test_a_failed_run_tells_its_error_as_text(lineage):
    from lineal import Dataset, traced

    @traced
    def broken(data: Dataset) -> None:
        raise ValueError(HOSTILE)

    with pytest.raises(ValueError, match="script"):
        broken(audited.table("raw", "", ("x",), 3))
    run = lineage.event("broken", "FAIL")["run"]["runId"]
    found = Read(page([account(lineage.store, Subject("run", run))]))
    assert "ended as FAIL" in found.text
    assert "alert(1)" in found.text
    assert not found.all("script")


def test_a_page_about_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one subject"):
        page([])


def test_all_policies_are_shown_where_they_were_asked_for(model, lineage):
    model()
    about = dossier(lineage.store, Subject("model", "demo", "1"), chosen(("house",)))
    found = Read(page([about]))
    assert "Its record was held to 1 policy." in found.text
    assert "House rules for models" in found.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "<bdi>short</bdi>"),
        ("<b>", "<bdi>&lt;b&gt;</bdi>"),
        ("a\x07b\u202ec", "<bdi>a\ufffdb\ufffdc</bdi>"),
        (
            "x" * 11,
            '<bdi>xxxxxxxxxx</bdi>… <span class="cut">(cut here: the first 10 of 11 characters are shown)</span>',
        ),
    ],
)
def test_text_of_others(text, shown):
    assert words.cut(text, 10) == shown
