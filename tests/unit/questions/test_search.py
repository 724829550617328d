"""Search finds what was recorded by its words, on either database, and takes any text for plain words."""

import pytest
import sqlalchemy as sa

from lineal import Dataset, Model, current_run, traced
from lineal.errors import SubjectError
from lineal.questions.search import search, snippet
from lineal.store import fulltext, tables


@traced
def fit(**given):
    """Grow a forest on the wards' admissions."""
    current_run().parameters(given)


@traced
def decided(reason, **more):
    current_run().decisions([{"action": "note", "subject": "model:m@1", "reason": reason, **more}], by="Ada")


@traced
def broken():
    raise ValueError("column 'age' has 3 negative ages: postgres://ada:hush@db/wards")


def kinds(lineage, text, **more):
    return [(hit.kind, hit.subject.partition(":")[0]) for hit in search(lineage.store, text, **more).hits]


def test_what_can_be_found(lineage):
    fit(max_depth=7, **{"model.params.learning_rate": 0.3})
    decided("looks too good to be true")
    with pytest.raises(ValueError, match="negative"):
        broken()
    described = Dataset("s3://lake/wards", version="1", description="Beds of all wards, a row a day")

    @traced
    def made():
        return described

    made()
    assert kinds(lineage, "max_depth") == [("run", "run")]
    assert kinds(lineage, "learning rate") == [("run", "run")]
    assert kinds(lineage, "Forest") == [("job", "run")]
    assert kinds(lineage, "too good") == [("note", "model")]
    assert kinds(lineage, "negative ages") == [("run", "run")]
    assert kinds(lineage, "beds") == [("description", "dataset")]
    assert kinds(lineage, "negat") == [("run", "run")]
    assert kinds(lineage, "max_depth negative") == []


def test_what_a_job_does_is_found_once_and_leads_to_its_newest_run(lineage):
    for depth in (3, 5, 7):
        fit(max_depth=depth)
    newest = lineage.events()[-1]["run"]["runId"]
    (hit,) = search(lineage.store, "forest").hits
    assert (hit.kind, hit.subject, hit.command) == ("job", f"run:{newest}", f"lineal trace run:{newest}")


def test_a_run_within_another_is_found_where_it_says_something_of_its_own(lineage):
    @traced
    def loading():
        return None

    @traced
    def nightly():
        loading()
        fit(max_depth=7)

    nightly()
    above = f"run:{lineage.events()[-1]['run']['runId']}"
    assert above in [hit.subject for hit in search(lineage.store, "nightly").hits]
    assert kinds(lineage, "loading") == []
    assert kinds(lineage, "max_depth") == [("run", "run")]


@pytest.mark.parametrize(
    "text", ['"good', "good OR", "good AND NOT (true", "good* -:^", "too'; drop table x", "good & !", "NEAR(good"]
)
def test_quotes_and_operators_are_plain_text(lineage, text):
    decided("good")
    search(lineage.store, text)


def test_a_word_finds_the_shorter_text_first_and_the_limit_says_that_there_is_more(lineage):
    decided("rain " + "and much else that was said about other things " * 20)
    decided("rain rain")
    found = search(lineage.store, "rain", limit=1)
    assert found.more
    assert "rain rain" in found.hits[0].snippet


@pytest.mark.parametrize("text", ["", "  ", '"', "--- !"])
def test_no_word_at_all(lineage, text):
    fit(a=1)
    with pytest.raises(SubjectError, match="has no word to search for"):
        search(lineage.store, text)


def test_no_secret_can_be_found(lineage):
    fit(api_key="hush", db_password="hush", plain="seen")
    with pytest.raises(ValueError, match="negative"):
        broken()
    assert search(lineage.store, "hush").hits == ()
    assert search(lineage.store, "seen").hits
    for table in (tables.facts.c.body, tables.texts.c.text):
        assert not [row for row in lineage.store.read(sa.select(table)) if "hush" in row[0]]


def test_a_note_of_a_megabyte_and_of_control_characters(lineage):
    decided("\x00\x1b[31m<b>storm</b> " + "x" * 1_000_000)
    (hit,) = search(lineage.store, "storm").hits
    assert "<b>storm</b>" in hit.snippet
    assert len(hit.snippet) < 300


def test_a_rebuild_gives_the_same_and_search_goes_on(lineage):
    fit(max_depth=7)
    decided("too good")
    fit(max_depth=7)
    before = search(lineage.store, "max_depth").hits
    assert set(lineage.store.rebuild().values()) == {0}
    assert search(lineage.store, "max_depth").hits == before
    assert len(before) == 2
    assert len(search(lineage.store, "forest").hits) == 1
    lineage.store.write(lambda connection: connection.execute(sa.delete(tables.texts)))
    assert search(lineage.store, "good").hits == ()
    assert lineage.store.rebuild()["lineal_texts"] > 0
    assert search(lineage.store, "good").hits
    if lineage.store.engine.dialect.name == "sqlite":
        # Raises where the full-text index and the texts are not the same.
        check = sa.text(f"INSERT INTO {fulltext.NAME}({fulltext.NAME}, rank) VALUES ('integrity-check', 1)")
        lineage.store.write(lambda connection: connection.execute(check))


def test_a_decision_leads_to_its_model(lineage):
    @traced
    def register() -> Model:
        about = {"namespace": "mlflow://local", "name": "demo", "number": 3, "digest": "d", "action": "register"}
        current_run().decisions([{**about, "reason": "beats all"}], by="a rule")
        return Model("models/demo", "d", "models:/demo/3", namespace="mlflow://local", number=3)

    register()
    (hit,) = search(lineage.store, "beats").hits
    assert (hit.kind, hit.subject, hit.command) == ("decision", "model:demo@3", "lineal trace model:demo@3")


def test_the_command_can_be_copied_into_a_shell(lineage):
    @traced
    def noted():
        note = {"action": "note", "subject": "file:my data/march.csv", "reason": "a wrong label"}
        current_run().decisions([note], by="Ada")

    noted()
    (hit,) = search(lineage.store, "wrong label").hits
    assert hit.command == "lineal trace 'file:my data/march.csv'"


def test_a_run_and_a_job_of_one_id_are_told_apart(lineage):
    """Of a job its newest run is asked about; of a run itself."""
    for depth in (3, 5):
        fit(max_depth=depth, forest="large")
    runs = [hit.subject for hit in search(lineage.store, "forest").hits if hit.kind == "run"]
    assert len(set(runs)) == 2


def matches(lineage, text):
    return [[(match.what, match.excerpt) for match in hit.matches] for hit in search(lineage.store, text).hits]


def test_a_hit_says_what_has_the_words(lineage):
    fit(max_depth=7, depth_of_roots=3, note="none")
    current = lineage.event("fit")["run"]["runId"]
    (hit,) = search(lineage.store, "max_depth").hits
    assert (hit.subject, hit.called, hit.state) == (f"run:{current}", ("fit",), "COMPLETE")
    # Not the other that has but one of the words.
    assert matches(lineage, "max_depth") == [[("parameter", "max_depth=7")]]
    assert matches(lineage, "roots max") == [[("parameter", "max_depth=7"), ("parameter", "depth_of_roots=3")]]
    with pytest.raises(ValueError, match="negative"):
        broken()
    ((found,),) = matches(lineage, "negative ages")
    assert found[0] == "error"
    assert "3 negative ages" in found[1]
    (hit,) = search(lineage.store, "negative ages").hits
    assert (hit.called, hit.state) == (("broken",), "FAIL")
    assert "hush" not in str(hit)


def test_a_metric_is_found_as_one(lineage):
    @traced
    def scored():
        current_run().metrics({"accuracy": 0.75}, of="held-out")

    scored()
    assert matches(lineage, "accuracy") == [[("metric", "accuracy=0.75")]]


def test_a_run_that_only_its_name_finds_is_called_by_it(lineage):
    @traced
    def nightly():
        return None

    nightly()
    (hit,) = search(lineage.store, "nightly").hits
    assert (hit.called, hit.matches) == (("nightly",), ())


def test_of_a_decision_the_reason_is_shown_whatever_was_found_in_it(lineage):
    decided("looks too good to be true", name="demo", control="robust")
    (hit,) = search(lineage.store, "robust").hits
    assert (hit.kind, hit.by, hit.action) == ("note", "Ada", ("note", "robust"))
    assert [(match.what, match.excerpt) for match in hit.matches] == [("reason", "looks too good to be true")]


def test_a_snippet_is_found_with_and_without_accents():
    text = "and much was said " * 30 + "the Übergabe was late " + "and much was said " * 30
    assert "the Übergabe was late" in snippet(text, ("ubergabe",))
    assert "the Übergabe was late" in snippet(text, ("ÜBER",))


def test_a_snippet_is_where_the_word_is():
    text = "a " * 300 + "needle" + " b" * 300
    assert "needle" in snippet(text, ("needle",))
    assert snippet(text, ("needle",)).startswith("…")
    assert snippet("short", ("none",)) == "short"


@pytest.mark.parametrize("word", ["needle", "need", "haystack"])
def test_a_snippet_is_cut_between_words_only(word):
    words = [f"straw{number}" for number in range(200)]
    words[103:103] = ["the", "needle", "haystack"]
    made = snippet(" ".join(words), (word,))
    assert "the needle haystack" in made
    assert set(made.strip("… ").split()) <= set(words)
    assert len(made) <= 210


def test_a_snippet_has_the_most_of_the_words():
    text = "wind " + "calm " * 100 + "rain and wind " + "calm " * 100
    assert "rain and wind" in snippet(text, ("wind", "rain"))


def test_a_snippet_of_one_endless_word():
    made = snippet("storm" + "x" * 5_000, ("storm",))
    assert made.startswith("storm")
    assert len(made) < 210


def test_a_word_that_is_everywhere_costs_no_more_than_the_text_is_long():
    assert len(snippet("a b " * 5_000, ("b", "a"))) < 210
