"""A page in a real browser: it is quiet, lies as it should at every width and in both schemes, and runs nothing."""

import pytest

from lineal.deciding import say
from lineal.people import Person
from lineal.questions.dossier import dossier
from lineal.questions.trace import Node, Trace
from lineal.reports.page import Enclosed, page
from lineal.subjects import Subject
from lineal.tracing.statements import Assertion
from tests.parts.looked_at import DESKTOP, PHONE, seen
from tests.unit.reports.conftest import HOSTILE
from tests.unit.reports.test_page import NOW

NOTHING_WRONG = {"overlaps": [], "outside": [], "faint": [], "wide": []}
WAYS = [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark")]


@pytest.fixture
def written(tmp_path):
    def write(*abouts, **more):
        file = tmp_path / "page.html"
        file.write_text(page(abouts, **more), encoding="utf-8")
        return file

    return write


@pytest.mark.parametrize(("size", "scheme"), WAYS)
def test_hostile_text_runs_nothing_and_breaks_no_layout(model, hostile_plan, lineage, browser, written, size, scheme):
    model(**hostile_plan)
    subject = Subject("model", "demo", "1")
    for note in (HOSTILE, "w" * 5_000, "\u05d0\u05d1\u05d2 \u202e right to left", "word " * 3_000):
        say(lineage.store, subject, "note", note, Person(HOSTILE, None))
    about = dossier(lineage.store, subject)
    file = written(about, files=[Enclosed("javascript:alert(1)", HOSTILE)])
    with seen(browser, file, size, color_scheme=scheme) as found:
        assert found.laid() == NOTHING_WRONG
        assert found.page.title() == "demo, version 1 · Lineal report"
        assert found.page.evaluate("getComputedStyle(document.body).display") == "block"
        links = "[...document.querySelectorAll('a')].map(each => each.href.baseVal ?? each.href)"
        assert {link[:5] for link in found.page.evaluate(links)} <= {"file:", "#step"}
        assert found.quiet(), (found.console, found.requests, found.dialogs)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_wide_pedigree_is_scrolled_in_its_own_box(browser, written, size):
    from lineal.questions.dossier import Account

    node = Node("file", "/data/raw.csv", "0" * 32, "FILE", rows=10)
    for place in range(25):
        side = Node("lineal", f"side {place}", "1" * 32, "TABLE")
        node = Node("lineal", f"table {place}", f"{place:032}", "TABLE", run_id=f"run {place}", inputs=(node, side))
    about = Account("dataset:table", NOW, Trace("dataset:table", node, None, (), None, ()))
    with seen(browser, written(about), size) as found:
        assert found.laid() == NOTHING_WRONG
        shown = found.page.evaluate(
            "[...document.querySelectorAll('svg.pedigree')].filter(e => e.checkVisibility())"
            ".map(e => [e.classList[1], e.getBoundingClientRect().width, e.parentElement.clientWidth])"
        )
        ((way, wide, room),) = shown
        assert way == ("across" if size == DESKTOP else "down")
        assert wide > room if way == "across" else wide > 0


def test_the_boxes_of_the_picture_lead_to_their_lines(model, browser, written):
    with seen(browser, written(model()), DESKTOP) as found:
        found.page.locator("svg.across a", has_text="snapshot").click()
        assert found.page.evaluate("document.querySelector('tr:target th').textContent").startswith("demo.snapshot")
        # The lines are folded away until one is asked for.
        assert found.page.locator("tr:target th").is_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_what_is_long_is_folded_away_behind_a_line_that_counts_it(model, lineage, browser, written, size):
    model()
    about = dossier(lineage.store, Subject("model", "demo", "1"))
    with seen(browser, written(about), size) as found:
        folded = found.page.locator("details:not([open]) > summary").all_inner_texts()
        assert any(line.startswith("7 versions, a line each: 1 file, ") for line in folded)
        assert any(line.endswith("that the record does not show, and what is missing") for line in folded)
        shown = found.page.locator(".controls .verdict").all()
        assert shown
        seen_now = {each.inner_text() for each in shown if each.is_visible()}
        assert seen_now <= {"contradicts", "a person must judge"}
        for _ in folded:
            found.page.locator("details:not([open]) > summary").first.click()
        assert found.laid() == NOTHING_WRONG
        assert found.page.locator(".controls .verdict.open").first.is_visible()


def test_on_a_phone_no_long_name_is_cut_off_at_the_edge(model, browser, written):
    long = "dataset:the_weekly_admissions_of_all_wards.snapshot@76af0b19c937"
    about = model(checks=(Assertion("min", False, long, f"at least 0 in {long}", long),))
    with seen(browser, written(about), PHONE) as found:
        beyond = found.page.evaluate(
            "[...document.querySelectorAll('.stack tbody td, .stack tbody th')].filter(e => e.checkVisibility())"
            ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"
        )
        assert beyond == []
        assert found.page.locator(".stack td", has_text="at least 0").is_visible()


def test_by_keyboard_one_gets_past_the_contents(model, browser, written):
    with seen(browser, written(model()), DESKTOP) as found:
        found.page.keyboard.press("Tab")
        assert found.page.evaluate("document.activeElement.textContent") == "Skip to the content"
        assert found.page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0


def test_on_paper_all_is_shown(model, browser, written):
    with seen(browser, written(model()), (680, 960)) as found:
        found.page.emulate_media(media="print")
        assert found.page.evaluate("document.documentElement.scrollWidth") <= 680
        assert not found.page.locator(".contents").is_visible()
        assert found.page.locator("svg.down").is_visible()
        assert found.page.evaluate("document.querySelector('details table').getBoundingClientRect().height") > 0
        assert found.page.pdf(format="A4").startswith(b"%PDF")


def test_the_policy_of_the_page_holds(model, browser, written):
    """Even if a script or a picture from elsewhere came to stand in it, the browser would take neither."""
    file = written(model())
    text = file.read_text().replace("</main>", "<script>document.title='ran'</script><img src='file:///x.png'></main>")
    file.write_text(text)
    with seen(browser, file, DESKTOP) as found:
        assert found.page.title() == "demo, version 1 · Lineal report"
        assert len([said for said in found.console if "Content Security Policy" in said]) >= 2


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<p style='margin:0;height:2px'>One line of text</p><p style='margin:0'>Another line</p>", "overlaps"),
        ("<p style='color:#999'>Pale</p>", "faint"),
        ("<div style='width:2000px'>Wide</div>", "wide"),
        (
            "<svg width='300' height='40'><g class='mark'><rect width='20' height='20' fill='#fff'/>"
            "<text x='2' y='14'>much too long</text></g></svg>",
            "outside",
        ),
    ],
)
def test_what_is_looked_for_is_found(browser, tmp_path, body, kind):
    """Of the look itself: it can find what it is to find."""
    file = tmp_path / "bad.html"
    file.write_text(f"<!DOCTYPE html><body>{body}")
    with seen(browser, file, DESKTOP) as found:
        wrong = found.laid()
    assert [name for name, each in wrong.items() if each] == [kind]
