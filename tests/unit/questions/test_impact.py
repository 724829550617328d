"""Impact: all that came of something, and nothing that did not; the other way round than trace."""

import io
import random

import pytest

from lineal import Dataset, Model, current_run, traced
from lineal.questions.impact import Counts, impact
from lineal.questions.trace import trace
from lineal.store.importing import import_events
from lineal.subjects import Subject
from tests.parts.made_up import digest, evaluate, fit, register, score, step, table
from tests.parts.producers import dbt, ndjson, run_id, spark, within

HOUR = [f"2020-01-01T{hour:02}:00:00Z" for hour in range(24)]
LATER = ["2099-01-01T00:00:00Z", "2099-01-01T00:30:00Z", "2099-01-01T01:00:00Z", "2099-01-01T02:00:00Z"]


def ask(lineage, text, depth=None):
    return impact(lineage.store, Subject.parse(text), depth)


def below(answer):
    return {version.name + version.version for version in answer.versions if version.steps}


def tree(answer):
    def of(place):
        version = answer.versions[place]
        children = [number for number, each in enumerate(answer.versions) if each.above == place]
        return {version.name + version.version: [of(child) for child in children]}

    return [of(place) for place, version in enumerate(answer.versions) if version.above is None]


@pytest.fixture
def take(lineage):
    def call(*logs):
        events = [event for log in logs for event in log]
        return import_events(lineage.store, io.BytesIO(ndjson(*events).encode()), "log")

    return call


def test_a_way_forward_goes_across_runs_that_are_no_kin(lineage):
    step(table("raw"), makes=[("clean", "1")])
    step(table("clean"), makes=[("features", "1")])
    assert tree(ask(lineage, "dataset:raw@1")) == [{"raw1": [{"clean1": [{"features1": []}]}]}]


def test_versions_of_one_dataset_are_kept_apart(lineage):
    step(table("raw", "1"), makes=[("clean", "1")])
    step(table("raw", "2"), makes=[("clean", "2")])
    assert below(ask(lineage, "dataset:raw@1")) == {"clean1"}


def test_of_two_that_made_the_same_a_reader_has_it_from_the_one_before_it(lineage):
    step(table("first"), makes=[("clean", "1")])
    step(table("clean"), makes=[("report", "1")])
    step(table("later"), makes=[("clean", "1")])
    assert below(ask(lineage, "dataset:first@1")) == {"clean1", "report1"}
    assert below(ask(lineage, "dataset:later@1")) == {"clean1"}
    # The table itself was in it, whoever made it.
    assert below(ask(lineage, "dataset:clean@1")) == {"report1"}


def test_of_two_that_made_the_same_a_reader_has_it_from_its_own_kin(lineage):
    @traced
    def flow(source):
        step(table(source), makes=[("clean", "1")])
        step(table("clean"), makes=[(f"report-{source}", "1")])

    flow("a")
    flow("b")
    for source in "ab":
        assert below(ask(lineage, f"dataset:{source}@1")) == {"clean1", f"report-{source}1"}


def test_a_flow_that_repeats_what_its_tasks_read_and_write_makes_no_edges_of_its_own(lineage):
    @traced
    def flow(left, right):
        return [step(left, makes=[("of-left", "1")]), step(right, makes=[("of-right", "1")])]

    flow(table("left"), table("right"))
    assert tree(ask(lineage, "dataset:left@1")) == [{"left1": [{"of-left1": []}]}]
    (made,) = [version for version in ask(lineage, "dataset:right@1").versions if version.steps]
    assert (made.name, made.job) == ("of-right", "flow.step")


def test_what_a_flow_makes_itself_came_of_what_it_read(lineage):
    @traced
    def flow(left):
        step(left, makes=[("within", "1")])
        return table("own")

    flow(table("left"))
    assert below(ask(lineage, "dataset:left@1")) == {"within1", "own1"}


def test_a_failed_run_made_nothing(lineage):
    @traced
    def broken(source):
        current_run().output(table("half"))
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken(table("raw"))
    assert below(ask(lineage, "dataset:raw@1")) == set()


def test_what_is_made_of_itself_leads_round_only_once(lineage):
    step(table("a"), makes=[("b", "1")])
    step(table("b"), makes=[("a", "1")])
    step(table("a"), makes=[("c", "1")])
    assert below(ask(lineage, "dataset:b@1")) == {"a1", "c1"}


def test_the_way_stops_where_it_was_told_to(lineage):
    for number in range(5):
        step(table(f"t{number}"), makes=[(f"t{number + 1}", "1")])
    answer = ask(lineage, "dataset:t0@1", depth=2)
    assert [(version.name, version.cut) for version in answer.versions] == [("t0", False), ("t1", False), ("t2", True)]
    assert not any(version.cut for version in ask(lineage, "dataset:t0@1", depth=5).versions)
    assert [version.cut for version in ask(lineage, "dataset:t0@1", depth=0).versions] == [True]


def test_a_run_is_asked_about_by_what_it_and_its_tasks_made(lineage):
    @traced
    def flow(source):
        step(table(source), makes=[("clean", "1")])
        step(table("clean"), makes=[("report", source)])

    flow("a")
    flow("b")
    step(table("report", "a"), makes=[("site", "1")])
    run = lineage.events("flow", "COMPLETE")[0]["run"]["runId"]
    assert tree(ask(lineage, f"run:{run}")) == [{"clean1": [{"reporta": [{"site1": []}]}]}]


def test_runs_of_other_producers_need_not_name_their_root(lineage, take):
    jobs = ("dag", "task", "job")
    take(*within(*(spark(job, HOUR[1], HOUR[2], reads=("raw",), writes=f"of-{job}") for job in jobs)))
    for place, job in enumerate(jobs):
        found = ask(lineage, f"run:{run_id(job, HOUR[1])}")
        assert {version.name for version in found.versions} == {f"of-{each}" for each in jobs[place:]}


def test_models_aliases_and_batches(lineage):
    first = fit(table("train", "1"))
    one = register(first, evaluate(first), 1)
    score(one, table("batch", "1"), rows=400)
    score(one, table("batch", "2"), rows=600)
    second = fit(table("train", "2"))
    two = register(second, evaluate(second, one), 2, previous=1)
    score(two, table("batch", "1"), rows=50)

    answer = ask(lineage, "dataset:train@1")
    (model,) = answer.models
    assert (model.number, model.holds) == (1, ())
    (held,) = model.aliases
    assert (held.alias, held.moved_by) == ("champion", "a rule")
    assert held.since < held.until
    # Two tables of evaluation: the champion was scored for the second one as well.
    assert answer.counts == Counts(datasets=2, models=1, batches=2, predictions=1000)
    # The second was compared with the first, and is not made of it.
    assert [(model.name, model.number) for model in answer.judged] == [("demo", 2)]
    (newest,) = ask(lineage, "dataset:train@2").models
    assert newest.holds == ("champion",)
    of_model = ask(lineage, "model:demo@1")
    assert (of_model.subject, of_model.counts.models, of_model.counts.predictions) == ("model:demo@1", 0, 1000)


def test_the_same_model_made_again_of_something_else_is_below_that(lineage):
    def made_of(source, number):
        model = step_model(table(source))
        return register(model, evaluate(model), number)

    @traced
    def step_model(data):
        return Model("demo.model", digest("same"), "models:/m-1")

    made_of("a", 1)
    made_of("b", 2)
    assert [model.number for model in ask(lineage, "dataset:a@1").models] == [1]
    assert [model.number for model in ask(lineage, "dataset:b@1").models] == [2]


def test_numbered_versions_of_other_producers_are_no_content(lineage):
    """Version 1 of a table that is made of version 1 of another is no copy of it."""
    step(table("left", "1"), table("right", "2"), makes=[("both", "1")])
    assert below(ask(lineage, "dataset:right@2")) == {"both1"}


def test_a_file_is_found_by_its_content_under_every_name_it_had(lineage, tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "b.csv").write_text("x\n1\n")
    step(Dataset(tmp_path / "a.csv"), makes=[("of-a", "1")])
    step(Dataset(tmp_path / "b.csv"), makes=[("of-b", "1")])
    (tmp_path / "a.csv").rename(tmp_path / "moved.csv")
    assert below(ask(lineage, f"file:{tmp_path}/moved.csv")) == {"of-a1", "of-b1"}
    assert below(ask(lineage, f"file:{tmp_path}/a.csv")) == {"of-a1", "of-b1"}


def test_a_file_is_found_from_every_folder(lineage, tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "a.csv").write_text("x\n1\n")
    monkeypatch.chdir(tmp_path / "notebooks")
    step(Dataset("../a.csv"), makes=[("of-a", "1")])
    (tmp_path / "a.csv").unlink()
    for text in ("file:../a.csv", f"file:{tmp_path}/a.csv", "dataset:../a.csv", f"dataset:{tmp_path}/a.csv"):
        assert below(ask(lineage, text)) == {"of-a1"}, text


def test_through_systems_that_give_no_versions(lineage, take):
    take(
        spark("clean", HOUR[1], HOUR[2], reads=("raw",), writes="events"),
        spark("junk", HOUR[3], HOUR[4], reads=("other",), writes="events"),
        spark("reader", HOUR[5], HOUR[6], reads=("events",), writes="late"),
        dbt("orders", HOUR[3], HOUR[4], reads=("raw_orders",)),
    )
    step(
        Dataset("postgresql://dwh/shop", name="shop.public.orders", namespace="postgres://dwh:5432"),
        makes=[("report", "r1")],
    )
    assert below(ask(lineage, "dataset:raw")) == {"events"}
    assert below(ask(lineage, "dataset:other")) == {"events", "late"}
    assert below(ask(lineage, "dataset:shop.public.raw_orders")) == {"shop.public.orders", "reportr1"}


def test_what_one_side_gives_no_version_of(lineage, take):
    take(
        spark("old", HOUR[0], HOUR[1], reads=("junk",), writes="events", version="snap-0"),
        spark("daily", HOUR[2], HOUR[3], reads=("raw",), writes="events", version="snap-1"),
    )
    step(Dataset("s3://lake/events"), makes=[("report", "r1")])
    assert below(ask(lineage, "dataset:raw")) == {"eventssnap-1", "reportr1"}
    assert below(ask(lineage, "dataset:junk")) == {"eventssnap-0"}
    assert below(ask(lineage, "dataset:events@snap-1")) == {"reportr1"}


@pytest.mark.parametrize("seed", range(6))
def test_what_came_of_a_thing_is_what_names_it_where_it_came_from(lineage, seed):
    """The law of both questions, on flows that mix tasks, re-runs and versions made twice."""
    draw = random.Random(seed)  # noqa: S311 - no secret

    @traced
    def flow(*sources):
        made = []
        for _ in range(draw.randint(1, 3)):
            pool = [*sources, *made]
            reads = draw.sample(pool, min(len(pool), draw.randint(1, 2)))
            writes = [(f"t{draw.randint(0, 6)}", str(draw.randint(0, 2)))]
            made += step(*reads, makes=writes)
        return made[-1]

    for _ in range(8):
        flow(*[table(f"t{draw.randint(0, 6)}", str(draw.randint(0, 2))) for _ in range(2)])
    everything = {
        (row["name"], row["facets"]["version"]["datasetVersion"])
        for event in lineage.events()
        for row in event["outputs"]
    }

    def ancestors(node):
        return {(child.name, child.version) for child in node.inputs} | {
            each for child in node.inputs for each in ancestors(child)
        }

    # A direct step: what the newest run that made a thing read.
    for name, version in sorted(everything):
        node = trace(lineage.store, Subject.parse(f"dataset:{name}@{version}")).node
        for source, of in {(child.name, child.version) for child in node.inputs} - {(name, version)}:
            assert name + version in below(ask(lineage, f"dataset:{source}@{of}")), (source, of, name, version)
