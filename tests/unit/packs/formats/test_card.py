"""The model card: what it says, from where, and that nothing in it acts."""

import html
import re
from dataclasses import replace
from pathlib import Path

import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lineal.packs.formats import card
from lineal.packs.formats.markdown import inline, quoted, table
from lineal.packs.formats.prose import FIELDS, field_of
from lineal.tracing.statements import Outcome
from tests.parts import audited
from tests.unit.packs.formats.test_cyclonedx import grouped

SECTIONS = [
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
]
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def parts(text):
    """A card's metadata and its text."""
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), body


def tokens(text):
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def shown(text):
    """What a reader sees of Markdown, on one line."""
    made = re.sub("</?(em|strong|code|a)[^>]*>", "", READER.render(text))
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", made)).split())


def test_it_has_mitchells_nine_sections(any_dossier):
    body = parts(card.card(any_dossier))[1]
    assert re.findall("^## (.*)$", body, re.MULTILINE) == SECTIONS


def test_prose_is_what_people_stated_by_whom_and_the_newest_counts(much):
    seen = shown(parts(card.card(much))[1])
    assert "Intended purpose, as the pipeline file states: To help a clinician decide." in seen
    assert re.search(r"Intended users, as Grace stated on 20[\d: -]+ UTC: radiologists", seen)
    assert re.search(r"Out of scope, as Grace stated on 20[\d: -]+ UTC: children", seen)
    assert "Limitations: not stated (Annex IV 3)" in seen
    assert "Licence: not stated (Annex IV 1(a))" in seen
    assert re.search(r"Ada, 20[\d: -]+ UTC, approve: better than the one before", seen)


def test_what_the_record_knows_is_filled_in(much):
    seen = shown(parts(card.card(much))[1])
    assert "for binary classification" in seen
    assert "Owner Oncology" in seen
    assert "accuracy >= 0.9 0.95 held" in seen
    assert "accuracy 0.9000 ± 0.0100 0.9500" in seen
    assert "rows in both parts 0 held" in seen
    assert "train.split demo.snapshot demo.train, demo.test" in seen
    assert "Groups to watch, as declared: z" in seen
    assert "Columns with personal data z" in seen
    assert "(GDPR Art. 9) none, as declared" in seen
    assert "Approval by a responsible person (eu-ai-act) Ada approved what Ada trained" in seen


def test_of_what_is_not_known_nothing_is_said(little):
    front, body = parts(card.card(little))
    assert front == {"model_name": "demo 1"}
    assert body.count("not stated (Annex IV") > 14
    assert "No figure is on record." in body


def test_a_figure_has_its_interval_where_one_is_known(much):
    known = replace(much, metrics=tuple(replace(each, low=0.9, high=0.99) for each in much.metrics))
    assert "0.9500 (0.9000 to 0.9900)" in card.card(known)
    assert "the interval of 95 %" in card.card(known)
    assert "the interval of 95 %" not in card.card(much)


def test_groups_are_shown_and_one_without_a_figure_does_not_look_fair(much):
    seen = shown(parts(card.card(grouped(much)))[1])
    assert "z = 1 & age = 30 to 40 20 accuracy 0.7500 0.5000 to 1" in seen
    assert "z = 2 & age = 30 to 40 3 accuracy not known: 3 rows are few -" in seen


def test_hugging_face_reads_the_recorded_metrics(much):
    front = parts(card.card(much))[0]
    assert front["library_name"] == "sklearn"
    assert front["pipeline_tag"] == "tabular-classification"
    (index,) = front["model-index"]
    assert index["name"] == "demo"
    told = {
        (result["dataset"]["type"], result["dataset"]["split"], metric["type"]): metric["value"]
        for result in index["results"]
        for metric in result["metrics"]
    }
    assert told == {("demo.train", "cross-validation", "accuracy"): 0.9, ("demo.test", "test", "accuracy"): 0.95}
    assert {result["task"]["type"] for result in index["results"]} == {"tabular-classification"}


def test_a_licence_is_taken_from_a_note(say, much, gathered):
    say("license: Apache-2.0")
    known = gathered()
    assert parts(card.card(known))[0]["license"] == "apache-2.0"
    say("licence: ask the legal department first")
    known = gathered()
    assert "license" not in parts(card.card(known))[0]
    assert "ask the legal department first" in card.card(known)


def test_nothing_that_people_wrote_is_markup(harm):
    text = card.card(harm)
    front, body = parts(text)
    assert isinstance(front, dict)
    found = list(tokens(body))
    assert not {token.type for token in found} & {
        "html_block",
        "html_inline",
        "image",
        "fence",
        "code_block",
        "s_open",
        "hr",
    }
    assert {token.attrGet("href") for token in found if token.type == "link_open"} == {"audit/audit.json"}
    assert [token.tag for token in found if token.type == "heading_open"].count("h1") == 1
    assert "<script>alert(1)</script> <img src=x onerror=alert(1)>" in html.unescape(READER.render(body))


def test_a_very_long_note_is_cut_and_says_so():
    made = quoted("a" * 1_000_000)
    assert len(made) < 25_000
    assert made.endswith("… and 980,000 characters more")


def test_pictures_are_shown_where_the_pack_has_them(much):
    known = replace(much, files={"plots/roc_curve.png": b"x", "plots/other.png": b"x"})
    assert re.findall(r"!\[.*\]\((.*)\)", card.card(known)) == ["pictures/roc_curve.png"]


def test_a_note_states_a_field_by_its_name():
    assert field_of("Out-of-scope:  children ") == ("out of scope", "children")
    assert field_of("human  oversight: a nurse: always") == ("human oversight", "a nurse: always")
    for note in ("users are many", "see https://example.org", "users:", ": x", "weather: fine"):
        assert field_of(note) == (None, note)


@example("<a>&lt;<!-- x -->")
@example("[a](b)\n===")
@given(st.text(alphabet=st.one_of(st.sampled_from("\\`*_[]<>|~$#-+=.)(:/!& \n1a@"), st.characters(codec="utf-8"))))
def test_any_text_is_shown_as_it_is(text):
    plain = " ".join(card.line(text).split())
    for made in (inline(text), quoted(text), table(("x",), [(inline(text),)])):
        found = list(tokens(made))
        allowed = {"paragraph", "blockquote", "inline", "text", "text_special", "softbreak", "hardbreak"}
        allowed |= {"table", "thead", "tbody", "tr", "th", "td"}
        assert {re.sub("_(open|close)$", "", token.type) for token in found} <= allowed
    assert shown(inline(text)) == plain


def test_the_how_to_names_every_field_and_what_asks_for_it():
    page = (Path(__file__).parents[4] / "docs" / "how-to" / "write-a-model-card.md").read_text()
    told = re.findall(r"^\| `([^`]+)` \| ([^;|]+?)(?:;[^|]*)? \| ([^|]+) \|$", page, re.MULTILINE)
    assert told == [(field.name, field.title, field.asks) for field in FIELDS]


def test_a_gate_without_a_figure_says_why(gathered):
    why = "accuracy is not defined for the held-out rows, and must be at least 0.9"
    audited.train(audited.Plan(held_to=(Outcome("accuracy", False, "gate", "accuracy >= 0.9", "nan", why),)))
    text = shown(parts(card.card(gathered()))[1])
    assert why in text
    assert "accuracy >= 0.9 nan" not in text
